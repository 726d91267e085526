"""Seeing and hearing a clip: views of it, what the settings lead to, and what each augmentation does to it."""

from labcore.explore.bench import STEPS, Draw, Step, answers, draw
from labcore.explore.geometry import Consequences, consequences, unchecked
from labcore.explore.view import Envelope, View
from labcore.explore.views import band_centres, levels_view

__all__ = [
    "STEPS",
    "Consequences",
    "Draw",
    "Envelope",
    "Step",
    "View",
    "answers",
    "band_centres",
    "consequences",
    "draw",
    "levels_view",
    "unchecked",
]
