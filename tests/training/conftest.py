from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.config import RunConfig
from labcore.workspace import Workspace
from tests.small import ON_CPU, SMALL

RATE = 8000


@dataclass(frozen=True)
class Tiny:
    """A small data set in three folds, a workspace for it, and a configuration that trains on it in about a second."""

    path: Path
    workspace: Workspace
    config: RunConfig


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    generator = np.random.default_rng(0)
    for fold in (1, 2, 3):
        for label in ("tone", "noise", "clicks"):
            for number in range(4):
                seconds = 0.5 if number else 0.8
                time = np.arange(int(seconds * RATE)) / RATE
                sound = {
                    "tone": np.sin(2 * np.pi * generator.uniform(300, 2000) * time),
                    "noise": generator.normal(0, 0.5, len(time)),
                    "clicks": (np.arange(len(time)) % generator.integers(300, 900) < 5).astype(float),
                }[label]
                file = folder / f"fold{fold}" / label / f"{label}-{fold}-{number}.wav"
                file.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(file, 0.3 * sound * generator.uniform(0.3, 1.0), RATE)
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    config = RunConfig().replace(
        {
            "data.dataset": str(folder),
            "data.fold": "1",
            **SMALL,
            **ON_CPU,
            "audio.clip_seconds": 0.5,
            "augment.time_shift_seconds": 0.1,
            "optim.epochs": 4,
            "optim.batch_size": 8,
        }
    )
    return Tiny(folder, workspace, config)
