from __future__ import annotations

import numpy as np
import pytest
import soundfile

from labcore.config import RunConfig
from labcore.runs import Run
from labcore.training.loop import train
from tests.small import ON_CPU, SMALL

RATE = 8000


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Two classes in two folds, 8 clips."""
    folder, random = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for fold in (1, 2):
        for label, level in (("loud", 0.5), ("soft", 0.05)):
            for number in range(2):
                file = folder / f"fold{fold}" / label / f"{label}-{fold}-{number}.wav"
                file.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(file, level * random.uniform(-1, 1, RATE // 4), RATE)
    return folder


@pytest.fixture(scope="session")
def config(clips):
    return RunConfig().replace(
        {
            "data.dataset": str(clips),
            "data.fold": "1",
            **SMALL,
            **ON_CPU,
            "optim.epochs": 4,
            "optim.batch_size": 4,
        }
    )


@pytest.fixture
def begun(workspace, config):
    """A run that is at work: two epochs are done, its lock is free. Go on with ``next(begun.events)``."""
    run = Run.create(workspace, config)
    events = train(config, run, workspace)
    for event in events:
        run.append(event)
        if event.type == "epoch" and event.epoch == 2:
            break
    return run, events
