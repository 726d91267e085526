"""Classifiers small enough to answer in a millisecond, in runs as training leaves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from labcore.classifier import Classifier
from labcore.config import RunConfig
from labcore.runs import Run
from labcore.workspace import Workspace

RATE = 8000


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The engine takes torch's threads for itself; the tests after these want them back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_classifier() -> Callable[..., Classifier]:
    """make_classifier(seed=0, labels=("cat", "dog", "Ärger"), golden=2) → a classifier of half-second clips."""

    def make(seed: int = 0, labels: tuple[str, ...] = ("cat", "dog", "Ärger"), golden: int = 2) -> Classifier:
        torch.manual_seed(seed)
        config = RunConfig().changed({"audio.sample_rate": RATE, "audio.clip_seconds": 0.5, "model.width": 0.25})
        made = Classifier(config, list(labels))
        made.log_mel.mean.normal_(-40, 5)
        with torch.no_grad():
            made.network[-1].weight.mul_(2)
        made.remember(np.random.default_rng(seed).normal(0, 0.1, (golden, RATE // 2)).astype(np.float32))
        return made.eval()

    return make


@pytest.fixture
def make_run(workspace: Workspace, make_classifier: Callable[..., Classifier]) -> Callable[..., Run]:
    """make_run(seed=0, …) → a run that has weights."""

    def make(seed: int = 0, **options: object) -> Run:
        classifier = make_classifier(seed, **options)
        run = Run.create(workspace, classifier.config)
        classifier.save(run.weights)
        return run

    return make


@pytest.fixture
def find() -> Callable[[str], Path]:
    return Path
