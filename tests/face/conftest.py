from __future__ import annotations

from pathlib import Path

import pytest

import labcore as lab

TINY = {
    "audio.sample_rate": 8000, "audio.clip_seconds": 0.2, "features.n_fft": 256, "features.win_length": 256, "features.hop_length": 128,
    "features.n_mels": 16, "model": "small_cnn", "batch-size": 8, "lr": 0.01, "precision": "fp32", "memory_format": "contiguous",
    "threads": 1, "device": "cpu",
}  # fmt: skip
"""A training of a fraction of a second, its settings named in all the ways that there are."""


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
