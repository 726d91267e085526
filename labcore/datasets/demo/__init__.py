"""The built-in demo set: city sounds made on the spot, so that the lab can be tried without a download."""

from labcore.datasets.demo.build import SOUNDS, example_clip, make_demo, sources_of
from labcore.datasets.demo.parts import RATE

__all__ = ["CLASSES", "RATE", "example_clip", "make_demo", "sources_of"]

CLASSES = tuple(SOUNDS)
"""The ten classes of UrbanSound8K in the order of their ids."""
