"""What the finished runs of a data set cost."""

from __future__ import annotations

from labcore.comparison.candidates import candidate
from labcore.comparison.costs import costs
from labcore.events import Epoch
from labcore.runs import Run
from tests.judged import drawn, finished_run
from tests.made_events import made_epoch


def epoch(number: int, joules: float | None) -> Epoch:
    return made_epoch(number, epochs=2, joules=joules)


def test_finished_runs_of_the_same_data_set(workspace):
    one, other = finished_run(workspace, drawn(30)), finished_run(workspace, drawn(30))
    finished_run(workspace, drawn(30), {"data.dataset": "elsewhere"})
    fewer = finished_run(workspace, drawn(30), {"data.exclude_classes": ["cow"]})
    Run.create(workspace, one.config, queued=True)
    one.weights.write_bytes(bytes(1000))
    for number, joules in ((1, 400.0), (2, 600.0)):
        one.append(epoch(number, joules))
        other.append(epoch(number, None if number == 1 else joules))
    found = {each.id: each for each in costs(workspace, candidate(workspace, one.id).place)}
    assert set(found) == {one.id, other.id}
    assert (found[one.id].seconds, found[one.id].bytes, found[one.id].joules) == (60.0, 1000, 1000.0)
    assert found[other.id].joules is None
    place = candidate(workspace, fewer.id).place
    assert [each.id for each in costs(workspace, place, ("cow",))] == [fewer.id]
