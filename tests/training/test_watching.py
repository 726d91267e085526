from __future__ import annotations

import numpy as np
import pytest

from labcore.events import Log
from labcore.runs import Run
from labcore.training import watching
from labcore.training.prepare import prepare
from labcore.training.watching import FEWEST, most_watched, watched_of
from tests.training.outcome import outcome


def test_few_clips_are_all_watched():
    rows = np.arange(50, 450)
    assert watched_of(rows, np.zeros(400, int), most_watched(10, np.full(400, 5.0), 5.0)) is rows


def test_of_many_clips_each_class_keeps_its_share_and_a_rare_one_a_clip():
    strata = np.array([0] * 600 + [1] * 399 + [2])
    kept = watched_of(np.arange(1000, 2000), strata, 100)
    assert np.bincount(strata[kept - 1000]).tolist() == [60, 40, 1]
    assert (np.diff(kept) > 0).all()
    assert watched_of(np.arange(1000, 2000), strata, 100).tolist() == kept.tolist()


def test_long_clips_count_by_their_windows_and_large_sets_for_a_quarter():
    assert most_watched(8000, np.full(9, 5.0), 5.0) == 2000
    assert most_watched(8000, np.full(9, 30.0), 10.0) == pytest.approx(2000 / 3)
    assert most_watched(320, np.full(9, 1.0), 5.0) == FEWEST
    assert most_watched(320, np.zeros(0), 5.0) == FEWEST


def test_a_run_of_many_held_out_clips_watches_some_and_reports_all(tiny, monkeypatch):
    monkeypatch.setattr(watching, "FEWEST", 6)
    run = Run.create(tiny.workspace, tiny.config)
    told, session = outcome(prepare(tiny.config, run, tiny.workspace, lambda: False))
    assert any("evaluated on 6 of the 12 test clips" in event.message for event in told if isinstance(event, Log))
    assert session.watched.windows.clips == len(session.watched_targets) == 6
    assert np.bincount(session.watched_targets).tolist() == [2, 2, 2]
    assert session.held_out.windows.clips == 12
