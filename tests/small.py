"""Settings of trainings that take no second: quarters of a second at 8 kHz, a small network, and the same way on every machine."""

from __future__ import annotations

FRONT_END = {
    "audio.sample_rate": 8000,
    "audio.clip_seconds": 0.25,
    "features.n_fft": 256,
    "features.win_length": 256,
    "features.hop_length": 128,
    "features.n_mels": 16,
}
SMALL = FRONT_END | {"model.width": 0.25}
ON_CPU = {
    "runtime.device": "cpu",
    "runtime.precision": "fp32",
    "runtime.memory_format": "contiguous",
    "runtime.threads": 1,
}
