"""Loudness by ITU-R BS.1770-4, of a recording of any length: the K-weighting block by block, and the gate.

numpy has no recursive filter, and one that walks sample by sample costs more than decoding does. So the filter is taken
in its matrix form: a block of 32 samples and the four numbers that the filter remembers give, by two small matrix products,
the 32 filtered samples and the next four numbers. What is remembered at each block's start follows by the same trick
over groups of blocks, the last of it in double precision. The result is that of the recursion to float32's rounding.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

BLOCK = 32  # samples filtered by one matrix product
GROUP = 32  # blocks in a group
GROUPS = 64  # groups in a chunk
CHUNK = BLOCK * GROUP * GROUPS  # samples a channel that are filtered at once: 1.5 s at 44.1 kHz
ROWS = 8  # groups in one product: small enough for BLAS to take no further threads for it
STEPS = 4  # steps of 100 ms in a gating block of 400 ms, which overlap by three of them
LOWEST_RATE = 4000  # Hz; below, the shelf of the weighting at 1.7 kHz has no place
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU below the mean of what passes the absolute gate
SURROUND = 1.41  # weight of channels at the sides
WEIGHTS = {
    5: (1, 1, 1, SURROUND, SURROUND),
    6: (1, 1, 1, 0, SURROUND, SURROUND),
    8: (1, 1, 1, 0, 1, 1, SURROUND, SURROUND),
}
"""By number of channels, in the order of WAV: 5.0, 5.1 and 7.1 (the low-frequency channel does not count); else all are 1."""

Coefficients = tuple[tuple[float, float, float], tuple[float, float, float]]


def k_weighting(sample_rate: int) -> tuple[Coefficients, Coefficients]:
    """The two second-order sections, (b, a) each with a[0] = 1: a shelf for the head, and a high-pass.

    BS.1770 gives numbers for 48 kHz; these are the analogue prototypes behind them, at any rate from LOWEST_RATE on.
    """
    k, q = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    a = (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)
    shelf = ((high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0), a
    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return shelf, ((1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0))


class KWeighting:
    """The weighting of a stream, chunk by chunk; what the filter remembers goes from one to the next."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._matrices = _matrices(sample_rate)
        self._state = np.zeros((channels, 4))
        # Kept from chunk to chunk: fresh memory for each would take as long as the products do.
        self._inputs = np.empty((channels * GROUPS, GROUP, 4), dtype=np.float32)
        self._states = np.empty((channels * GROUPS // ROWS, ROWS, (GROUP + 1) * 4), dtype=np.float32)
        self._before = np.empty((channels, GROUPS, GROUP * 4), dtype=np.float32)
        self._weighted = np.empty((channels * GROUPS, GROUP, BLOCK), dtype=np.float32)
        self._recalled = np.empty_like(self._weighted)

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        """Filter the next CHUNK samples.

        Args:
            chunk: float32 (channels, CHUNK), contiguous. The last one of a stream is filled up with anything.

        Returns:
            float32 (channels, CHUNK // BLOCK, BLOCK), overwritten by the next call.
        """
        filtering, recall, remember, in_group, in_group_start, over_groups, over_groups_start = self._matrices
        channels = len(chunk)
        # Stacks of small products: BLAS takes one thread for each of these, and several callers do not wait for each other.
        blocks = chunk.reshape(channels * GROUPS, GROUP, BLOCK)
        np.matmul(blocks, remember, out=self._inputs)
        np.matmul(self._inputs.reshape(channels * GROUPS // ROWS, ROWS, GROUP * 4), in_group, out=self._states)
        states = self._states.reshape(channels, GROUPS, GROUP + 1, 4)
        totals = states[:, :, GROUP].astype(np.float64).reshape(channels, GROUPS * 4)
        starts = (totals[:, None] @ over_groups + self._state[:, None] @ over_groups_start).reshape(
            channels, GROUPS + 1, 4
        )
        self._state = starts[:, GROUPS].copy()
        np.matmul(starts[:, :GROUPS].astype(np.float32), in_group_start, out=self._before)
        before = self._before.reshape(channels, GROUPS, GROUP, 4)
        before += states[:, :, :GROUP]
        np.matmul(blocks, filtering, out=self._weighted)
        np.matmul(before.reshape(channels * GROUPS, GROUP, 4), recall, out=self._recalled)
        self._weighted += self._recalled
        return self._weighted.reshape(channels, CHUNK // BLOCK, BLOCK)


@lru_cache(maxsize=8)
def _matrices(sample_rate: int) -> tuple[np.ndarray, ...]:
    """The filter in matrix form; vectors are rows, as the products above take them."""
    (b1, a1), (b2, a2) = k_weighting(sample_rate)
    first, second = _section(b1, a1), _section(b2, a2)
    step = np.zeros((4, 4))  # state → next state, of both sections in a row
    step[:2, :2], step[2:, 2:], step[2:, :2] = first[0], second[0], np.outer(second[1], first[2])
    enter = np.concatenate([first[1], second[1] * first[3]])
    leave = np.concatenate([second[3] * first[2], second[2]])
    step, enter, leave = _balanced(step, enter, leave)
    powers = [np.linalg.matrix_power(step, n) for n in range(BLOCK + 1)]
    response = np.array([first[3] * second[3]] + [leave @ powers[n] @ enter for n in range(BLOCK - 1)])
    lag = np.arange(BLOCK)[None, :] - np.arange(BLOCK)[:, None]
    filtering = np.where(lag >= 0, response[np.maximum(lag, 0)], 0)
    recall = np.stack([leave @ powers[n] for n in range(BLOCK)], axis=1)
    remember = np.stack([powers[BLOCK - 1 - n] @ enter for n in range(BLOCK)])
    group = np.linalg.matrix_power(powers[BLOCK], GROUP)
    in_group, in_group_start = _scan(powers[BLOCK], GROUP)
    over_groups, over_groups_start = _scan(group, GROUPS)
    single = (filtering, recall, remember, in_group, in_group_start[:, : GROUP * 4])
    return (*(matrix.astype(np.float32) for matrix in single), over_groups, over_groups_start)


def _section(b: tuple[float, float, float], a: tuple[float, float, float]) -> tuple:
    """A second-order section as state space, transposed direct form II: (step, enter, leave, through)."""
    step = np.array([[-a[1], 1.0], [-a[2], 0.0]])
    return step, np.array([b[1] - a[1] * b[0], b[2] - a[2] * b[0]]), np.array([1.0, 0.0]), b[0]


def _balanced(step: np.ndarray, enter: np.ndarray, leave: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same filter remembering other numbers: those that are as easily reached as they are heard, so that single
    precision does for them. As they stand, a constant offset makes large ones of opposite sign, and rounding them is heard."""

    def gramian(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
        flat = np.linalg.solve(np.eye(16) - np.kron(matrix, matrix), np.outer(vector, vector).ravel())
        return flat.reshape(4, 4)

    reach = np.linalg.cholesky(gramian(step, enter))
    directions, strengths, _ = np.linalg.svd(reach.T @ gramian(step.T, leave) @ reach)
    change = reach @ directions * strengths**-0.25
    return np.linalg.solve(change, step @ change), np.linalg.solve(change, enter), leave @ change


def _scan(step: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """For state[n + 1] = step @ state[n] + heard[n]: from (heard[0..count-1]) and from (state[0]) to (state[0..count])."""
    powers = [np.linalg.matrix_power(step, n).T for n in range(count + 1)]
    from_inputs = np.zeros((count, 4, count + 1, 4))
    for n in range(count):
        for later in range(n + 1, count + 1):
            from_inputs[n, :, later] = powers[later - 1 - n]
    return from_inputs.reshape(count * 4, (count + 1) * 4), np.concatenate(powers, axis=1)


def step_samples(sample_rate: int) -> int:
    """Samples in a step of 100 ms."""
    return round(sample_rate / 10)


def integrated(energies: np.ndarray, samples: int) -> float | None:
    """The gated loudness of a programme in LUFS; None where all of it is shorter than 400 ms or quieter than -70 LUFS.

    Args:
        energies: float64 (channels, steps), the sum of the squares of the weighted samples in each whole step of 100 ms.
        samples: in a step.
    """
    channels, steps = energies.shape
    if steps < STEPS:
        return None
    weights = np.asarray(WEIGHTS.get(channels, (1,) * channels), dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(weights @ energies)])
    power = np.maximum(sums[STEPS:] - sums[:-STEPS], 0) / (STEPS * samples)
    passed = power[power > 10 ** ((ABSOLUTE_GATE + 0.691) / 10)]
    if not len(passed):
        return None
    passed = passed[passed > passed.mean() * 10 ** (RELATIVE_GATE / 10)]
    return float(-0.691 + 10 * np.log10(passed.mean()))
