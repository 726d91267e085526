"""A data set of three folds, and a training that only pretends: accuracy and confusion follow from fold and split."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.config import RunConfig
from labcore.errors import DatasetError
from labcore.events import Event, TrainingStarted
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.runs import Run
from labcore.training.job import working
from labcore.workspace import Workspace
from tests.made_events import made_epoch, made_result

HITS = {
    ("1", "official"): 2,
    ("2", "official"): 3,
    ("3", "official"): 4,
    ("1", "random"): 4,
    ("2", "random"): 4,
    ("3", "random"): 4,
}
"""Of four held-out clips."""


def pretend(config: RunConfig, run: Run, workspace: Workspace, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Epochs of 10 ms. The network's name may be the fold that fails."""
    done = int(run.checkpoint.read_text()) if run.checkpoint.exists() else 0
    fold, split = str(config.data.fold), config.data.split
    yield TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=4, fold=fold, device="cpu", device_reason="", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=1, epochs=config.optim.epochs, first_epoch=done + 1,
        leaks=split == "random",
    )  # fmt: skip
    if config.model.name == fold and not done:
        raise DatasetError("the clips are gone", "Bring them back")
    for number in range(done + 1, config.optim.epochs + 1):
        time.sleep(0.01)
        if should_stop():
            return
        run.checkpoint.write_text(str(number))
        yield made_epoch(number, epochs=config.optim.epochs, val_accuracy=0.25)
    hits = HITS[fold, split]
    yield made_result(
        hits / 4, accuracy_low=0.0, accuracy_high=1.0, clips=4, fold=fold,
        confusion={"a": {"a": 2}, "b": {"a": 4 - hits, "b": hits - 2}}, leaks=split == "random",
        corrected=int(fold == "2"),
    )  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three folds of two classes with two recordings of two clips each, as a list of clips."""
    folder = tmp_path_factory.mktemp("clips")
    random, rows = np.random.default_rng(0), ["path,label,fold,group"]
    for fold in "123":
        for label in "ab":
            for number in range(4):
                file = folder / f"{fold}{label}{number}.wav"
                file.write_bytes(encode_wav(random.normal(0, 0.1, 2000).astype(np.float32), 8000))
                rows.append(f"{file},{label},{fold},{fold}{label}{number // 2}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return str(folder / "clips.csv")


@pytest.fixture
def config(clips: str) -> RunConfig:
    return RunConfig().replace({"data.dataset": clips, "optim.epochs": 3, "runtime.device": "cpu"})


@pytest.fixture
def manager(workspace: Workspace) -> Iterator[JobManager]:
    manager = JobManager(workspace, partial(ThreadChild, doing=working(pretend)), 0.02)
    yield manager
    manager.close()
