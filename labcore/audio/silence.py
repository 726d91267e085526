"""Which windows of a clip hold sound: one rule for training crops, held-out clips and classification.

A window is silent where it has less than a thousandth of the energy of the clip's loudest window, 30 dB below it: what is heard there
is the pause between sounds, of which the label says nothing. The rule is relative to the clip, so that a faint recording is none.
"""

from __future__ import annotations

import numpy as np

SILENT = 1e-3
"""Energy below this share of the loudest window's is silence."""


def sound_weights(samples: np.ndarray, bounds: list[tuple[int, int]]) -> np.ndarray:
    """How much the answers of a clip's windows count: 1 where they hold sound, 0 where they are silent.

    Args:
        samples: (samples,) int16, all of the clip.
        bounds: first and last sample of each window.

    Returns:
        (windows,) float32; ones where there is one window or none, and where the whole clip is digital silence.
    """
    if len(bounds) < 2:
        return np.ones(len(bounds), dtype=np.float32)
    energies = np.array([_energy(samples[begin:end]) for begin, end in bounds], dtype=np.float64)
    return (energies >= SILENT * energies.max()).astype(np.float32)


def weighted_mean(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(windows, classes) and (windows,) → (classes,) float32."""
    mean: np.ndarray = (rows * weights[:, None]).sum(0) / weights.sum()
    return mean


def _energy(samples: np.ndarray) -> int:
    """The sum of squares as a whole number, so that it is the same in whatever order it is summed."""
    whole = samples.astype(np.int64)
    return int(whole @ whole)
