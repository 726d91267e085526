"""Which windows of a clip hold sound: one rule for training crops, held-out clips and classification.

A window is silent where it has less than a thousandth of the energy of the clip's loudest window, 30 dB below it: what is heard there
is the pause between sounds, of which the label says nothing. The rule is relative to the clip, so that a faint recording is none.
"""

from __future__ import annotations

import numpy as np

SILENT = 1e-3
"""Energy below this share of the loudest window's is silence."""


def energies_of(samples: np.ndarray, bounds: list[tuple[int, int]]) -> list[int]:
    """The sum of squares of each window of int16 samples, as whole numbers, so that they are the same in whatever order they are summed."""
    windows = (samples[begin:end].astype(np.int64) for begin, end in bounds)
    return [int(window @ window) for window in windows]


def weights_of_energies(energies: list[int], silent_windows: str = "skip") -> np.ndarray:
    """How much what is said of a clip's windows counts: 1 where they hold sound, 0 where they are silent.

    Args:
        energies: of its windows, as :func:`energies_of` gives them.
        silent_windows: ``audio.silent_windows``: skip, or count, by which all of them do.

    Returns:
        (windows,) float32; ones where there is one window or none, and where the whole clip is digital silence.
    """
    if len(energies) < 2 or silent_windows == "count":
        return np.ones(len(energies), dtype=np.float32)
    of_windows = np.array(energies, dtype=np.float64)
    return (of_windows >= SILENT * of_windows.max()).astype(np.float32)
