"""The work of a profile, see :mod:`labcore.explore.clips.profile`."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np

from labcore.datasets.registry import find_dataset
from labcore.evaluation.embedded import embedded
from labcore.events import Event, Log, Preparing
from labcore.explore.clips.facts import measure
from labcore.explore.clips.map import MOST, arrange, keep_map, sample
from labcore.explore.clips.profile import Profile
from labcore.jobs.following import Stopped, follow
from labcore.jobs.process import StopTest
from labcore.runs import Run


def work(job: Profile, should_stop: StopTest) -> Generator[Event, None, None]:
    """Measure what is new or changed; for a map arrange the clips too. One that goes on does what is missing.

    Raises:
        LabError: the data set or the run cannot be read, or there are too few clips for a map.
        Stopped: it was asked to stop.
    """
    plan, workspace = job.plan, job.workspace
    dataset = find_dataset(workspace, plan.dataset)
    if plan.run:
        run = Run.open(workspace, plan.run)
        rows, features = yield from embedded(run, workspace, dataset, sample(len(dataset.table), MOST), should_stop)
        weights: Path | None = run.weights
    else:
        facts, mels = yield from follow(
            "measuring clips", lambda progress: measure(workspace, dataset, progress), should_stop
        )
        if unreadable := int((facts["trouble"] != "").sum()):
            yield Log(level="warning", message=f"{unreadable} of {len(facts)} clips cannot be read")
        rows = sample(len(mels), MOST)
        rows = rows[np.isfinite(mels[rows]).all(1)]
        features, weights = mels[rows], None
    if plan.map:
        yield Preparing(what="arranging the map", done=0, total=1)
        if should_stop():
            raise Stopped
        keep_map(workspace, dataset, plan.run, weights, rows, arrange(features))
