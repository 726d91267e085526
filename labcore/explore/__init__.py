"""Seeing and hearing a clip: views of it, what the settings lead to, and what each augmentation does to it."""

from labcore.explore.bench import STEPS, Draw, Step, answers, draw, only
from labcore.explore.geometry import Consequences, consequences, unchecked
from labcore.explore.picture import COLOURS, png
from labcore.explore.snippet import snippet
from labcore.explore.snr import SnrCurve, accuracy_over_snr
from labcore.explore.sonify import sound_of
from labcore.explore.view import Envelope, Spectrum, View
from labcore.explore.views import band_centres

__all__ = [
    "COLOURS",
    "STEPS",
    "Consequences",
    "Draw",
    "Envelope",
    "SnrCurve",
    "Spectrum",
    "Step",
    "View",
    "accuracy_over_snr",
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
