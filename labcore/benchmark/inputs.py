"""What the benchmark works on: sounds made in memory, their log-mels, and the networks of the registry with fresh weights."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soundfile
import torch
from torch import Tensor, nn

from labcore.audio import encode_wav
from labcore.benchmark.cases import ARTICLE
from labcore.config import RunConfig
from labcore.features import LogMel
from labcore.models import build_network

CLIP_SECONDS = 5.0
CLASSES = 10
ARTICLE_INPUT = (1, 64, 64)
VARIETY = 12
"""Different clips; a larger batch repeats them."""


def configuration(model: str) -> RunConfig:
    """The lab's default configuration with 5-second clips and a network."""
    name = "small_cnn" if model == ARTICLE else model
    return RunConfig().replace({"audio.clip_seconds": CLIP_SECONDS, "model.name": name})


def fresh_network(model: str) -> nn.Module:
    """A network with the same fresh weights each time, without touching the global generator.

    Raises:
        ConfigError: there is no such network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_network(configuration(model).model, CLASSES)


def image_shape(model: str) -> tuple[int, int, int]:
    """Of one input of a network: (1, n_mels, frames)."""
    if model == ARTICLE:
        return ARTICLE_INPUT
    config = configuration(model)
    return 1, config.features.n_mels, LogMel(config).frames(config.clip_samples)


@lru_cache(maxsize=1)
def _clips() -> tuple[np.ndarray, ...]:
    """Sounds with tones, a decay and some noise, so that codecs have about the work that real clips give them."""
    rate = configuration("compact").sample_rate
    random, time = np.random.default_rng(0), np.arange(round(CLIP_SECONDS * rate)) / rate
    clips = []
    for _ in range(VARIETY):
        pitch, decay = random.uniform(80, 2000), random.uniform(0.2, 2.0)
        tones = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 5)) * np.exp(-decay * time)
        clip = 0.2 * tones + 0.03 * random.standard_normal(len(time))
        clips.append(np.clip(clip, -1, 1).astype(np.float32))
    return tuple(clips)


@lru_cache(maxsize=1)
def _files() -> tuple[bytes, ...]:
    rate = configuration("compact").sample_rate
    files = []
    for number, clip in enumerate(_clips()):
        if number % 3 == 0:
            files.append(encode_wav(clip, rate))
            continue
        buffer = io.BytesIO()
        container, codec = (("FLAC", "PCM_16"), ("OGG", "VORBIS"))[number % 3 - 1]
        soundfile.write(buffer, clip, rate, format=container, subtype=codec)
        files.append(buffer.getvalue())
    return tuple(files)


@dataclass(frozen=True)
class BenchmarkInputs:
    """Inputs of the work on a model: one batch of each kind, made when it is asked for."""

    model: str
    batch_size: int

    @property
    def sample_rate(self) -> int:
        return configuration(self.model).sample_rate

    def files(self) -> list[bytes]:
        """Encoded clips, WAV, FLAC and Ogg Vorbis in turn: (batch,)."""
        files = _files()
        return [files[number % len(files)] for number in range(self.batch_size)]

    def waveforms(self) -> Tensor:
        """float32 (batch, samples)."""
        clips = torch.from_numpy(np.stack(_clips()[: min(self.batch_size, VARIETY)]))
        return clips.repeat(-(-self.batch_size // len(clips)), 1)[: self.batch_size].contiguous()

    def images(self) -> Tensor:
        """Log-mels float32 (batch, 1, n_mels, frames); for the article noise of its own size."""
        if self.model == ARTICLE:
            generator = torch.Generator().manual_seed(0)
            return torch.randn(self.batch_size, *ARTICLE_INPUT, generator=generator)
        log_mel = LogMel(configuration(self.model))
        with torch.inference_mode():
            images = log_mel(torch.from_numpy(np.stack(_clips())))[:, None]
            images = (images - images.mean()) / images.std()
        images = images.clone().repeat(-(-self.batch_size // VARIETY), 1, 1, 1)[: self.batch_size]
        return torch.empty_like(images).copy_(images)  # an inference tensor could not be trained on

    def targets(self) -> Tensor:
        return torch.arange(self.batch_size) % CLASSES
