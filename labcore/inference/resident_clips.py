"""Resident clips: all clips of a run as one long tensor, from which batches of windows are cut.

The waveform cache holds int16 samples as the clip store does; the mel cache holds what the front end makes of them, mel powers,
computed once, for runs in which nothing changes the waveform. Both live on the device where they fit; where they do not, they
stay in memory (the clip store's pages of the disk) and batches are cut there and sent over through pinned memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from labcore.datasets.store import ClipStore
from labcore.features import LogMel

AT_ONCE, WORK_BYTES = 2**24, 128
"""So many values are worked on at once on a GPU, and about so much memory each takes on the way: fewer where less is free."""


@dataclass(frozen=True)
class ResidentClips:
    """Clips laid end to end.

    Attributes:
        values: (total, …): int16 samples, or mel power with a row a frame.
        offsets: (clips + 1,) where each clip begins, int64, on the CPU.
        scales: (clips,) what int16 is multiplied by; None where the values are float already.
        device: where batches go.
    """

    values: Tensor
    offsets: Tensor
    scales: Tensor | None
    device: torch.device

    @property
    def lengths(self) -> Tensor:
        """(clips,) int64, on the CPU."""
        return self.offsets[1:] - self.offsets[:-1]

    def windows(self, clips: Tensor, starts: Tensor, length: int, around: bool = False) -> Tensor:
        """Windows of ``length`` from ``clips`` at ``starts``; what lies outside a clip is zero.

        Args:
            clips, starts: (batch,) int64, on the CPU. A start may be negative.
            length: samples or frames.
            around: what leaves the window at one end comes in at the other, as if the clip, padded to the window, were a ring.

        Returns:
            (batch, length, …) float32 on the device.
        """
        if self.values.device.type == "cuda":
            windows = self._gather(clips, starts, length, around)
        else:
            windows = self._copy(clips, starts, length, around)
            if self.device.type == "cuda":
                windows = windows.pin_memory().to(self.device, non_blocking=True)
        if self.scales is None:
            return windows
        scales = self.scales[clips].to(self.device, non_blocking=True)
        return windows.float() * scales.reshape(-1, *[1] * (windows.dim() - 1))

    def alike(self, clips: Tensor) -> Iterator[Tensor]:
        """Clips that are best worked on at once, one part after the other: on a GPU some of one length, on a CPU each by itself.

        Args:
            clips: (clips,) int64, on the CPU.
        """
        if self.device.type != "cuda":
            yield from clips.split(1)
            return
        lengths, width = self.lengths[clips], self.values.shape[1:].numel()
        most = min(AT_ONCE, free_bytes(self.device) // WORK_BYTES)
        for length in lengths.unique().tolist():
            yield from clips[lengths == length].split(max(1, most // max(1, length * width)))

    def whole(self, clips: Tensor) -> Tensor:
        """Clips of one length as they are: (batch,) → (batch, length, …) float32 on the device."""
        return self.windows(clips, torch.zeros_like(clips), int(self.lengths[clips[0]]))

    def _gather(self, clips: Tensor, starts: Tensor, length: int, around: bool) -> Tensor:
        facts = torch.stack([self.offsets[clips], self.lengths[clips], starts])
        first, size, start = facts.to(self.values.device, non_blocking=True)[:, :, None]
        place = start + torch.arange(length, device=self.values.device)  # (batch, length), in the clip
        if around:
            place = place.remainder(size.clamp(min=length))
        inside = (place >= 0) & (place < size)
        windows = self.values[(first + place).clamp(0, len(self.values) - 1)]
        return windows * inside.reshape(*inside.shape, *[1] * (windows.dim() - 2))

    def _copy(self, clips: Tensor, starts: Tensor, length: int, around: bool) -> Tensor:
        windows = torch.zeros(len(clips), length, *self.values.shape[1:], dtype=self.values.dtype)
        offsets, lengths = self.offsets[clips].tolist(), self.lengths[clips].tolist()
        for row, (offset, size, start) in enumerate(zip(offsets, lengths, starts.tolist(), strict=True)):
            ring = max(size, length)
            for start_in_ring in (start % ring, start % ring - ring) if around else (start,):
                begin, end = max(0, start_in_ring), min(size, start_in_ring + length)
                if begin < end:
                    windows[row, begin - start_in_ring : end - start_in_ring] = self.values[
                        offset + begin : offset + end
                    ]
        return windows


def waveform_cache(store: ClipStore, device: torch.device) -> ResidentClips:
    """The clips of a store as they are: values (total samples,) int16."""
    values = torch.from_numpy(store.samples)
    if device.type == "cuda" and values.numel() * 2 < free_bytes(device) * 0.4:
        values = values.to(device)
    return ResidentClips(values, torch.from_numpy(np.asarray(store.offsets)), torch.from_numpy(store.scales), device)


def mel_cache(
    waves: ResidentClips,
    log_mel: LogMel,
    progress: Callable[[int, int], None] = lambda done, total: None,
    processes: int = 1,
) -> ResidentClips | None:
    """The clips' mel powers: values (total frames, n_mels) float32. None where they would not fit beside the rest.

    Args:
        waves: the waveform cache of the same clips.
        log_mel: the front end, on the device.
        progress: called with clips done and clips in all.
        processes: so many of this machine make one each; on a CPU they share the memory.
    """
    frames = waves.lengths // log_mel.hop_length + 1
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), frames.cumsum(0)])
    n_mels = log_mel.mean.shape[0]
    free = free_bytes(waves.device) / (processes if waves.device.type == "cpu" else 1)
    if int(offsets[-1]) * n_mels * 4 > free * 0.4:
        return None
    values = torch.empty(int(offsets[-1]), n_mels, device=waves.device)
    done = 0
    with torch.inference_mode():
        for clips in waves.alike(torch.arange(len(frames))):
            power = log_mel.power(waves.whole(clips)).transpose(1, 2)  # (alike, frames, n_mels)
            if len(clips) == 1:
                values[offsets[clips[0]] : offsets[clips[0] + 1]] = power[0]
            else:
                place = offsets[clips][:, None] + torch.arange(power.shape[1])
                values[place.to(waves.device)] = power
            if done // 64 != (done + len(clips)) // 64 or done + len(clips) == len(frames):
                progress(done + len(clips), len(frames))
            done += len(clips)
    return ResidentClips(values, offsets, None, waves.device)


def random_starts(lengths: Tensor, window: int, shift: int) -> Tensor:
    """Where training windows begin, drawn from torch's global CPU generator.

    A clip longer than the window is cropped anywhere, a shorter one is placed anywhere inside it; beyond that the window is
    moved by up to ``shift``, which loses nothing where it is cut around the clip (:meth:`ResidentClips.windows`).

    Args:
        lengths: (batch,) lengths of the clips.
        window, shift: in the same unit, samples or frames.

    Returns:
        (batch,) int64.
    """
    spare = lengths - window
    low, high = spare.clamp(max=0) - shift, spare.clamp(min=0) + shift
    return low + (torch.rand(len(lengths)) * (high - low + 1)).long()


def free_bytes(device: torch.device) -> int:
    """Memory of a GPU, or of the machine for the CPU, that is free now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available
