"""Windows of clips, how much each counts, and the mean over them: the one way from predictions for windows to those for clips.

Training's validation, evaluation, accuracy in noise, the pages, the command line, the service and the extraction all take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from labcore.audio.windowed import energies_of, weights_of_energies

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier
    from labcore.inference.resident_clips import ResidentClips


def aggregate(rows: np.ndarray, weights: np.ndarray, owners: np.ndarray, clips: int) -> np.ndarray:
    """The mean over each clip's windows, by their weights.

    Args:
        rows: (windows, columns) float32, probabilities as a rule.
        weights: (windows,) float32, not all of a clip zero.
        owners: (windows,) which clip each belongs to, 0 … clips - 1.

    Returns:
        (clips, columns) float32.
    """
    total = np.zeros((clips, rows.shape[1]), dtype=np.float32)
    np.add.at(total, owners, rows * weights[:, None])
    return total / np.bincount(owners, weights, clips)[:, None].astype(np.float32)


def centred(samples: np.ndarray, length: int) -> np.ndarray:
    """A clip in the middle of ``length`` samples of silence; only its middle where it is longer. (samples,) → (length,)."""
    if len(samples) == length:
        return samples
    start = centred_start(len(samples), length)
    padded = np.zeros(length, dtype=samples.dtype)
    begin, end = max(0, start), min(len(samples), start + length)
    padded[begin - start : end - start] = samples[begin:end]
    return padded


def centred_start(samples: int, length: int) -> int:
    """Where a window of ``length`` begins that has a clip of ``samples`` in its middle; negative where the clip is shorter."""
    return -((length - samples) // 2) if samples < length else (samples - length) // 2


class ClipWindows:
    """The windows of some resident clips, one clip after the other.

    Attributes:
        bounds: (windows, 2) first sample and end of each within its clip.
        owners: (windows,) which of the clips each belongs to.
        weights: (windows,) float32, how much it counts.
        clips: how many clips there are.
    """

    def __init__(self, classifier: Classifier, waves: ResidentClips, rows: np.ndarray) -> None:
        self._waves, self._length, self.clips = waves, classifier.config.clip_samples, len(rows)
        silent_windows = classifier.config.audio.silent_windows
        bounds, owners, weights = [], [], [np.zeros(0, dtype=np.float32)]
        for owner, row in enumerate(rows.tolist()):
            of_clip = classifier.windows_of(int(waves.offsets[row + 1] - waves.offsets[row]))
            energies = [0] * len(of_clip)
            if len(of_clip) > 1 and silent_windows == "skip":
                samples = waves.values[int(waves.offsets[row]) : int(waves.offsets[row + 1])]
                energies = energies_of(samples.cpu().numpy(), of_clip)
            weights.append(weights_of_energies(energies, silent_windows))
            bounds += of_clip
            owners += [owner] * len(of_clip)
        self.bounds = np.array(bounds, dtype=np.int64).reshape(-1, 2)
        self.owners = np.array(owners, dtype=np.int64)
        self.weights = np.concatenate(weights)
        self._rows = torch.from_numpy(np.asarray(rows, dtype=np.int64)[self.owners])
        starts = [begin + centred_start(end - begin, self._length) for begin, end in bounds]
        self._starts = torch.tensor(starts, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.owners)

    def batch(self, part: slice) -> Tensor:
        """Some windows as the network is given them: (windows, clip samples) float32, on the clips' device."""
        return self._waves.windows(self._rows[part], self._starts[part], self._length)

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """(windows, columns) for all of them → (clips, columns) float32."""
        return aggregate(rows, self.weights, self.owners, self.clips)
