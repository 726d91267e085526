from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import labcore as lab

RATE = 8000
TINY = {
    "audio.sample_rate": RATE, "audio.clip_seconds": 0.2, "features.n_fft": 256, "features.win_length": 256, "features.hop_length": 128,
    "features.n_mels": 16, "model": "small_cnn", "batch-size": 8, "lr": 0.01, "precision": "fp32", "memory_format": "contiguous",
    "threads": 1, "device": "cpu",
}  # fmt: skip
"""A training of a fraction of a second, its settings named in all the ways that there are."""


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two folders, low and high tones, ten clips each."""
    root, random = tmp_path_factory.mktemp("data") / "tones", np.random.default_rng(0)
    seconds = np.arange(RATE // 5) / RATE
    for label, hertz in (("low", 300.0), ("high", 1500.0)):
        (root / label).mkdir(parents=True)
        for number in range(10):
            clip = 0.3 * np.sin(2 * np.pi * hertz * random.uniform(0.9, 1.1) * seconds)
            soundfile.write(root / label / f"{number}.wav", clip + 0.01 * random.standard_normal(len(clip)), RATE)
    return root


@pytest.fixture(scope="session")
def trained(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> lab.TrainingRun:
    """A finished run on the tones. Not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABCORE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("LABCORE_WORKER", "thread")
        return lab.train(lab.load_dataset(tones), fold=1, epochs=4, settings=TINY)


@pytest.fixture
def run(trained: lab.TrainingRun, monkeypatch: pytest.MonkeyPatch) -> lab.TrainingRun:
    """The same, with its workspace in force."""
    monkeypatch.setenv("LABCORE_HOME", str(trained.workspace.home))
    monkeypatch.setenv("LABCORE_WORKER", "thread")
    return trained


@pytest.fixture
def data(tones: Path, run: lab.TrainingRun) -> lab.Dataset:
    return lab.load_dataset(tones)
