"""The pipeline that tutorials give, for comparison: a Dataset that decodes, resamples and makes the mel a clip at a time, a
DataLoader with two workers, plain fp32 and Adam."""

from __future__ import annotations

from collections.abc import Iterator

import soundfile
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from labcore.config import ModelConfig
from labcore.loading import load_torchaudio
from labcore.models import build_network

torchaudio = load_torchaudio()

SAMPLE_RATE, SECONDS, N_MELS, BATCH = 22050, 5.0, 64, 32


class Clips(Dataset):
    """One clip at a time: decode, resample, mel, decibels, and in training one mask in each direction."""

    def __init__(self, paths: list[str], targets: list[int], training: bool) -> None:
        self.paths, self.targets = paths, targets
        self.resample = torchaudio.transforms.Resample(44100, SAMPLE_RATE)
        self.mel = nn.Sequential(
            torchaudio.transforms.MelSpectrogram(SAMPLE_RATE, n_fft=1024, hop_length=512, n_mels=N_MELS),
            torchaudio.transforms.AmplitudeToDB(),
        )
        masks = [torchaudio.transforms.TimeMasking(22), torchaudio.transforms.FrequencyMasking(7)]
        self.masks = nn.Sequential(*masks) if training else nn.Identity()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        samples, rate = soundfile.read(self.paths[index], dtype="float32", always_2d=True)
        waveform = torch.from_numpy(samples.T.copy()).mean(0, keepdim=True)
        waveform = (
            self.resample(waveform) if rate == 44100 else torchaudio.functional.resample(waveform, rate, SAMPLE_RATE)
        )
        length = int(SAMPLE_RATE * SECONDS)
        waveform = F.pad(waveform[:, :length], (0, max(0, length - waveform.shape[1])))
        image = self.masks(self.mel(waveform))  # (1, n_mels, frames)
        return (image - image.mean()) / (image.std() + 1e-5), self.targets[index]


class Tutorial:
    """ResNet-18 trained the tutorial's way."""

    def __init__(self, train: tuple[list[str], list[int]], held_out: tuple[list[str], list[int]], classes: int) -> None:
        torch.manual_seed(0)
        self.train_loader = DataLoader(Clips(*train, training=True), BATCH, shuffle=True, num_workers=2, drop_last=True)
        self.held_out_loader = DataLoader(Clips(*held_out, training=False), BATCH, num_workers=2)
        self.network = build_network(ModelConfig(name="resnet18", dropout=0.0), classes)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)

    def steps(self) -> Iterator[int]:
        """An epoch, a step at a time; yields the clips of each."""
        self.network.train()
        for images, targets in self.train_loader:
            loss = F.cross_entropy(self.network(images), targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            yield len(images)

    @torch.inference_mode()
    def accuracy(self) -> float:
        """On the held-out clips."""
        self.network.eval()
        hits = clips = 0
        for images, targets in self.held_out_loader:
            hits += int((self.network(images).argmax(1) == targets).sum())
            clips += len(targets)
        return hits / clips
