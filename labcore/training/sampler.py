"""Which stretch of a clip training cuts: anywhere, but not where (almost) only silence is heard."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from labcore.audio.windowed import SILENT
from labcore.inference.resident_clips import ResidentClips, random_starts

TRIES = 8
BLOCK = 512
"""Samples over which energies are summed in waveforms; in mel powers it is a frame."""


class CropSampler:
    """Draws starts of crops, anew where one falls on silence.

    A crop is silent by the rule of :mod:`labcore.audio.windowed`: less than a thousandth of the energy of the clip's loudest crop. Up to
    :data:`TRIES` starts are drawn for a clip, and the loudest of them is taken where all are silent. Clips no longer than a crop are
    in it whole wherever it begins; of them nothing is worked out.

    Args:
        resident: that the crops are cut from, around each clip's end.
        rows: (clips,) the clips that will be asked for.
        window: length of a crop in the unit of the resident clips.
        avoid_silence: whether silent crops are drawn again.
    """

    def __init__(self, resident: ResidentClips, rows: Tensor, window: int, avoid_silence: bool = True) -> None:
        self.clips, self.window = resident, window
        self.block = 1 if resident.values.dim() > 1 else BLOCK
        self.length = max(1, round(window / self.block))  # blocks a crop
        clips = len(resident.lengths)
        self.first = np.zeros(clips, dtype=np.int64)  # where a clip's sums begin
        self.blocks = np.zeros(clips, dtype=np.int64)
        self.loudest = np.zeros(clips)
        sums, size = [np.zeros(0)], 0
        long = rows[resident.lengths[rows] > window].unique().tolist() if avoid_silence else []
        for clip in long:
            energies = self._energies(clip)
            summed = np.concatenate([[0.0], np.cumsum(energies)])
            length = min(self.length, len(energies))
            self.first[clip], self.blocks[clip] = size, len(energies)
            self.loudest[clip] = (summed[length:] - summed[:-length]).max()
            sums.append(summed)
            size += len(summed)
        self.sums = np.concatenate(sums)
        """(blocks + 1 of each long clip, one after the other) energies summed up from the clip's beginning."""

    def starts(self, rows: Tensor, shift: int) -> Tensor:
        """(batch,) where the crops of ``rows`` begin, from torch's global CPU generator; the first draw is :func:`random_starts`'s.

        Args:
            rows: (batch,) clips.
            shift: in the unit of the resident clips.
        """
        lengths = self.clips.lengths[rows]
        starts = random_starts(lengths, self.window, shift)
        if not len(self.sums):
            return starts
        clips = rows.numpy()
        shares = self._shares(clips, starts.numpy())
        for _ in range(TRIES - 1):
            silent = np.flatnonzero(shares < SILENT)
            if not len(silent):
                break
            places = torch.from_numpy(silent)
            fresh = random_starts(lengths[places], self.window, shift)
            found = self._shares(clips[silent], fresh.numpy())
            better = found > shares[silent]
            starts[places[torch.from_numpy(better)]] = fresh[torch.from_numpy(better)]
            shares[silent[better]] = found[better]
        return starts

    def _shares(self, clips: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """(batch,) energies of crops as a share of their clips' loudest crops'; 1 for clips no longer than a crop, or without sound."""
        shares = np.ones(len(clips))
        known = self.loudest[clips] > 0
        clips, starts = clips[known], starts[known]
        blocks, origin = self.blocks[clips], self.first[clips]
        first = np.round(starts / self.block).astype(np.int64) % blocks
        last = first + self.length
        energy = self.sums[origin + np.minimum(last, blocks)] - self.sums[origin + first]
        energy += self.sums[origin + np.clip(last - blocks, 0, blocks)]  # what is cut around the end
        shares[known] = energy / self.loudest[clips]
        return shares

    def _energies(self, clip: int) -> np.ndarray:
        """(blocks,) float64."""
        values = self.clips.values[int(self.clips.offsets[clip]) : int(self.clips.offsets[clip + 1])]
        if values.dim() > 1:
            return values.sum(1).double().cpu().numpy()
        squares = values.cpu().numpy().astype(np.float64) ** 2
        return np.add.reduceat(squares, np.arange(0, len(squares), self.block))
