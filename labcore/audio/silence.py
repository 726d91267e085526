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
    return [_energy(samples[begin:end]) for begin, end in bounds]


def weights_of_energies(energies: list[int]) -> np.ndarray:
    """How much what is said of a clip's windows counts: 1 where they hold sound, 0 where they are silent.

    Args:
        energies: of its windows, as :func:`energies_of` gives them.

    Returns:
        (windows,) float32; ones where there is one window or none, and where the whole clip is digital silence.
    """
    if len(energies) < 2:
        return np.ones(len(energies), dtype=np.float32)
    of_windows = np.array(energies, dtype=np.float64)
    return (of_windows >= SILENT * of_windows.max()).astype(np.float32)


def _energy(samples: np.ndarray) -> int:
    whole = samples.astype(np.int64)
    return int(whole @ whole)
