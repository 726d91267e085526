"""Probabilities of many clips at once, exactly as the classifier gives them one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from labcore.classifier import Classifier, centred_start
from labcore.training.bank import Bank
from labcore.training.precision import Precision

KEEP_BYTES = 2**30


class HeldOut:
    """The windows of some clips, ready to be judged by a network again and again.

    Their log-mels are computed once and kept where they are small, else anew each time.

    Args:
        classifier: its front end, with the normalisation fitted, and its rules for windows.
        waves: the bank that the clips lie in.
        rows: (clips,) which of its clips.
    """

    def __init__(self, classifier: Classifier, waves: Bank, rows: np.ndarray, batch_size: int = 64) -> None:
        self.classifier, self.waves, self.rows, self.batch_size = classifier, waves, rows, batch_size
        window, lengths = classifier.config.clip_samples, waves.lengths
        clips, starts, owners = [], [], []
        weights = [np.zeros(0, dtype=np.float32)]
        for owner, row in enumerate(rows.tolist()):
            bounds = classifier.windows_of(int(lengths[row]))
            values = waves.values[int(waves.offsets[row]) : int(waves.offsets[row + 1])]
            weights.append(classifier.weights_of(values.cpu().numpy() if len(bounds) > 1 else None, bounds))
            for begin, end in bounds:
                clips.append(row)
                starts.append(begin + centred_start(end - begin, window))
                owners.append(owner)
        self.clips, self.starts = torch.tensor(clips, dtype=torch.int64), torch.tensor(starts, dtype=torch.int64)
        self.owners = np.array(owners, dtype=np.int64)
        self.weights = np.concatenate(weights)
        size = len(clips) * classifier.log_mel.mean.shape[0] * classifier.log_mel.frames(window) * 4
        self.kept = [self._images(first) for first in self._firsts()] if size < KEEP_BYTES else None

    @torch.inference_mode()
    def probabilities(
        self, precision: Precision | None = None, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> np.ndarray:
        """Mean over each clip's windows that hold sound: (clips, classes) float32.

        Args:
            precision: how the network computes; plain fp32, as in use, where it is not given.
            progress: called with windows done and windows in all.
        """
        self.classifier.eval()
        device, rows = self.classifier.device, []
        for number, first in enumerate(self._firsts()):
            images = self.kept[number] if self.kept is not None else self._images(first)
            if precision is None:
                logits = self.classifier.network(images)
            else:
                with precision.autocast(device):
                    logits = self.classifier.network(images.contiguous(memory_format=precision.format()))
            rows.append(logits.float().softmax(1))
            progress(min(first + self.batch_size, len(self.clips)), len(self.clips))
        if not rows:  # fewer clips than processes
            return np.zeros((0, len(self.classifier.labels)), dtype=np.float32)
        windows = torch.cat(rows).cpu().numpy()
        total = np.zeros((len(self.rows), windows.shape[1]), dtype=np.float32)
        np.add.at(total, self.owners, windows * self.weights[:, None])
        return total / np.bincount(self.owners, self.weights, len(self.rows))[:, None].astype(np.float32)

    def _firsts(self) -> range:
        return range(0, len(self.clips), self.batch_size)

    @torch.inference_mode()
    def _images(self, first: int) -> Tensor:
        """(batch, 1, n_mels, frames) normalised log-mels of the windows from number ``first`` on."""
        part = slice(first, first + self.batch_size)
        waveforms = self.waves.cut(self.clips[part], self.starts[part], self.classifier.config.clip_samples)
        return self.classifier.log_mel(waveforms)[:, None]
