from __future__ import annotations

import pytest

from labcore.cli.expected import expected_of
from labcore.config import RunConfig
from labcore.config.budget import EpochPlan
from labcore.runs.times import RunTime
from labcore.training.run_time import Planned


@pytest.mark.parametrize(
    ("time", "runs", "told"),
    [
        (RunTime(100.0, source="runs"), 3, "takes about 5:00 for 3 runs, one after the other, by earlier runs here"),
        (
            RunTime(100.0, source="runs", busy=True),
            1,
            "takes about 1:40, by earlier runs here, which had other work beside",
        ),
        (RunTime(100.0, source="runs", busy=True), 1, "on an idle machine less"),
        (
            RunTime(100.0, source="runs", busy=True, idle=30.0),
            2,
            "takes about 3:20 for 2 runs, one after the other, by earlier runs here, which had other work beside them: on an idle "
            "machine about 1:00, as usual for a processor like this",
        ),
        (RunTime(100.0, source="steps"), 1, "takes about 1:40, by a few steps of the default network here;"),
        (RunTime(100.0, source="usual"), 1, "takes about 1:40, as usual for a processor like this"),
        (None, 2, "unknown until this network has trained here"),
    ],
)
def test_the_line_before_a_run(workspace, monkeypatch, time, runs, told):
    monkeypatch.setattr("labcore.training.run_time.time_of", lambda *_: time)
    plans = [Planned(RunConfig(), EpochPlan(1, 1, 1), 1)] * runs
    assert told in expected_of(workspace, RunConfig(), plans)
