"""Seeing and hearing a clip: views of it, what the settings lead to, and what each augmentation does to it."""

from labcore.explore.bench import STEPS, Draw, Step, answers, draw, only
from labcore.explore.geometry import Consequences, consequences, unchecked
from labcore.explore.picture import COLOURS, png
from labcore.explore.snippet import snippet
from labcore.explore.sonify import sound_of
from labcore.explore.view import Envelope, Spectrum, View
from labcore.explore.views import band_centres

__all__ = [
    "COLOURS",
    "STEPS",
    "Consequences",
    "Draw",
    "Envelope",
    "Spectrum",
    "Step",
    "View",
    "answers",
    "band_centres",
    "consequences",
    "draw",
    "only",
    "png",
    "snippet",
    "sound_of",
    "unchecked",
]
