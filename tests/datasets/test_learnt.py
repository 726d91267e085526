"""What a network has learnt from: known by files and their parts, through links, and through the runs that it began with."""

import math
import shutil

import numpy as np
import pandas as pd
import pytest

from labcore.config import RunConfig
from labcore.datasets.learnt import BEFORE, keep_records, learnt_by, run_named, shares_recordings
from labcore.datasets.record import Clip, ClipRecord
from labcore.runs import Run
from labcore.runs.origin import ENSEMBLE


def a_run(workspace, folder, parts, **changes):
    """A run with a record: file → part of the split."""
    run = Run.create(workspace, RunConfig().replace({"data.dataset": str(folder), **changes}))
    clips = tuple(Clip(name, 1, "a", 5.0 if part == "train" else 0.0, 10.0, part) for name, part in parts.items())
    ClipRecord(str(folder), str(folder), ("a",), clips).save(run)
    return run


def table_of(*rows):
    return pd.DataFrame(
        [(str(path), start, end, group) for path, start, end, group in rows],
        columns=["path", "start_s", "end_s", "group"],
    )


def test_parts_of_files_through_links_and_former_runs(workspace, tmp_path):
    for name in "abcd":
        (tmp_path / f"{name}.wav").write_bytes(b"x")
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    first = a_run(workspace, tmp_path, {"b.wav": "train", "c.wav": "held out"})
    run = a_run(workspace, tmp_path, {"a.wav": "train", "d.wav": "validation"}, **{"model.pretrained": first.id})
    table = table_of(
        (tmp_path / "link.wav", 9.0, math.nan, "a"),  # overlaps 5 to 10 s
        (tmp_path / "a.wav", 0.0, 5.0, "a"),  # ends where it begins
        (tmp_path / "b.wav", 0.0, math.nan, "b"),
        (tmp_path / "c.wav", 0.0, math.nan, "c"),  # was held out
        (tmp_path / "d.wav", 0.0, 1.0, "d"),  # set aside: settings were chosen by it
        (tmp_path / "none.wav", 0.0, 1.0, "e"),
    )
    learnt = learnt_by(run, workspace).among(table)
    assert learnt.tolist() == [True, False, True, False, True, False]
    assert shares_recordings(table, np.array([1]), learnt)
    assert not shares_recordings(table, np.array([3, 5]), learnt)
    assert not learnt_by(Run(tmp_path), workspace).among(table).any()
    assert (learnt_by(run, workspace).lost, learnt_by(Run(tmp_path), workspace).lost) == (False, True)
    (tmp_path / "b.wav").rename(tmp_path / "renamed.wav")
    assert learnt_by(run, workspace).lost


@pytest.mark.parametrize("named", ["id", "weights"])
def test_what_a_run_began_with_is_known_when_that_run_is_gone(workspace, tmp_path, named):
    for name in "abc":
        (tmp_path / f"{name}.wav").write_bytes(b"x")
    table = table_of(*((tmp_path / f"{name}.wav", 6.0, 7.0, name) for name in "abc"))
    first = a_run(workspace, tmp_path, {"a.wav": "train"})
    line = [first]
    for name in "bc":
        before = line[-1]
        changes = {"model.pretrained": before.id if named == "id" else str(before.weights)}
        before.weights.write_bytes(b"x")
        line.append(a_run(workspace, tmp_path, {f"{name}.wav": "train"}, **changes))
        keep_records(line[-1], before, workspace)
    *gone, last = line
    for run in gone:
        shutil.rmtree(run.path)
    known = learnt_by(last, workspace)
    assert (known.among(table).tolist(), known.lost) == ([True, True, True], False)
    shutil.rmtree(last.path / BEFORE)  # as in a run of before
    known = learnt_by(last, workspace)
    assert (known.among(table).tolist(), known.lost) == ([False, False, True], True)


def test_a_data_set_that_was_moved_or_copied(workspace, tmp_path):
    """Ways and sizes are the same; of a copy the bytes are compared, since clips of another set may be called so and be as long."""
    names = {f"{label}/{n}.wav": "train" if n else "held out" for label in ("dog", "rain") for n in range(3)}
    places = [tmp_path / name for name in ("first", "copy", "other", "few")]
    for place in places:
        for number, name in enumerate(names if place.name != "few" else list(names)[:2]):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(bytes([number + 10 * (place.name == "other")]))
    run = a_run(workspace, tmp_path / "first", names)

    def learnt(place):
        return (
            learnt_by(run, workspace).among(table_of(*((place / name, 0.0, math.nan, "") for name in names))).tolist()
        )

    trained = [part == "train" for part in names.values()]
    first, copy, other, few = places
    assert learnt(first) == learnt(copy) == trained
    assert not any(learnt(other) + learnt(few))
    first.rename(tmp_path / "moved")
    assert learnt(tmp_path / "moved") == trained
    assert learnt_by(run, workspace).among(table_of((tmp_path / "moved" / "dog/1.wav", 0.0, 5.0, ""))).tolist() == [
        False
    ]


def test_members_of_an_ensemble(workspace, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"x")
    member = a_run(workspace, tmp_path, {"a.wav": "train"})
    ensemble = Run.create(workspace, RunConfig())
    ensemble.save(ENSEMBLE, {"members": [{"run": member.id}]})
    assert learnt_by(ensemble, workspace).among(table_of((tmp_path / "a.wav", 6.0, 7.0, "a"))).tolist() == [True]


def test_the_run_that_weights_are_of(workspace, tmp_path):
    run = a_run(workspace, tmp_path, {})
    run.weights.write_bytes(b"x")
    for named in (run.id, str(run.path), str(run.weights)):
        assert run_named(named, workspace) == run
    for named in ("none", "published", str(run.path / "config.json"), str(tmp_path / "w.safetensors")):
        assert run_named(named, workspace) is None
