"""Decisions on labels: a line each, taken back by a line, whoever writes and whatever stands in the file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from labcore.backup.restoring import restore
from labcore.backup.writing import back_up
from labcore.datasets import find_dataset, register
from labcore.datasets.agreement import agreements, disputed, verdicts
from labcore.datasets.annotations import (
    Annotations,
    annotate,
    decided,
    file_of,
    follow_name,
    read_annotations,
    take_back,
)
from labcore.datasets.keeping import remove, rename
from labcore.errors import DatasetError
from labcore.owners import NotYoursError
from labcore.workspace import Workspace

KEY = ("dog/1.wav", 0.0, "dog")


def said_by(workspace, who, verdict="other", key=KEY, new="cat", **more):
    facts = {"new": new} if verdict == "other" else {}
    return annotate(workspace, "tones", decided(key, verdict, who=who, size=10, **facts, **more))


def known(workspace, name="tones") -> Annotations:
    return read_annotations(file_of(workspace, name))


def test_a_decision_is_a_line_and_undo_is_one_too(workspace):
    assert known(workspace) == Annotations("tones")
    first = said_by(workspace, "Ann", why="run 7", blind=True, end_s=None)
    second = said_by(workspace, "Ann", "right")
    assert known(workspace).decisions == (first, second)
    before = known(workspace)
    assert take_back(workspace, "tones", "last", "Ann") == second
    after = known(workspace)
    assert (after.decisions, after.revision, after.damaged) == ((first,), 3, 0)
    assert after.digest != before.digest
    assert [line.count('"verdict"') for line in file_of(workspace, "tones").read_text().splitlines()] == [1, 1, 0]


def test_lines_of_many_writers_stay_whole(workspace):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: said_by(workspace, f"p{n % 4}", why="x" * 500), range(80)))
    assert (known(workspace).revision, known(workspace).damaged, len(known(workspace).decisions)) == (80, 0, 80)


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b"[]",
        b'{"id": "a", "time": 1, "clip": "x", "bytes": 1, "old": "dog", "verdict": "maybe"}',
        b'{"id": "a", "time": 1, "clip": "x", "bytes": 1, "old": "dog", "verdict": "right", "new": "cat"}',
        b'{"id": "a", "time": 1, "clip": "x", "bytes": 1, "old": "dog", "verdict": "other", "new": "dog"}',
        b'{"id": "a", "time": 1e300, "undo": "b"}',
        b"\xff\xfe" * 40,
        b"[" * 100_000,
    ],
    ids=lambda line: line[:30].decode("latin-1"),
)
def test_a_damaged_line_counts_for_nothing_and_hides_no_other(workspace, line):
    first = said_by(workspace, "Ann")
    with file_of(workspace, "tones").open("ab") as file:
        file.write(line + b"\n")
    second = said_by(workspace, "Bo")
    assert (known(workspace).decisions, known(workspace).damaged) == ((first, second), 1)


def test_a_line_that_a_killed_writer_left_is_no_line_yet(workspace):
    first = said_by(workspace, "Ann")
    whole = file_of(workspace, "tones").read_bytes()
    file_of(workspace, "tones").write_bytes(whole + whole[:30])
    assert (known(workspace).revision, known(workspace).damaged) == (1, 0)
    second = said_by(workspace, "Ann", "right")
    assert known(workspace).decisions == (first, second)


def test_what_is_no_file_is_told(workspace):
    file_of(workspace, "tones").mkdir()
    with pytest.raises(DatasetError, match="cannot be read"):
        known(workspace)


def test_another_persons_decision_is_taken_back_only_where_that_is_meant(workspace):
    own = said_by(workspace, "Ann")
    with pytest.raises(NotYoursError, match="belongs to Ann"):
        take_back(workspace, "tones", own.id, "Bo")
    with pytest.raises(DatasetError, match="no annotation by Bo"):
        take_back(workspace, "tones", "last", "Bo")
    with pytest.raises(DatasetError, match="no annotation that counts begins"):
        take_back(workspace, "tones", "zz", "Ann")
    assert take_back(workspace, "tones", own.id[:6], "Bo", anyone=True) == own
    assert known(workspace).decisions == ()


def test_they_follow_a_new_name_and_outlive_the_entry(workspace, class_folders):
    register(workspace, class_folders, "tones")
    dataset = find_dataset(workspace, "tones")
    size = (class_folders / "high" / "0.wav").stat().st_size
    annotate(workspace, "tones", decided(("high/0.wav", 0.0, "high"), "other", who="Ann", size=size, new="low tones"))
    rename(workspace, "tones", "sounds")
    assert not file_of(workspace, "tones").exists()
    for name in ("sounds", "tones", str(class_folders)):  # by its present name, its former one, and its path
        assert list(find_dataset(workspace, name).table["label"]).count("low tones") == 7
    remove(workspace, "sounds")
    assert len(known(workspace, "sounds").decisions) == 1
    register(workspace, class_folders, "sounds")
    assert list(find_dataset(workspace, "sounds").table["label"]).count("low tones") == 7
    assert list(dataset.table["label"]).count("low tones") == 6


def test_a_name_that_an_earlier_set_left_keeps_what_both_have(workspace):
    one = said_by(workspace, "Ann")
    other = annotate(workspace, "old", decided(("cat/2.wav", 0.0, "cat"), "right", who="Bo", size=3))
    follow_name(workspace, "tones", "old")
    assert known(workspace, "old").decisions == (one, other)
    assert known(workspace).revision == 0


def test_two_people_are_compared_by_cohens_kappa(workspace):
    ann = ["cat", "cat", "dog", "dog", "cow", ""]
    bo = ["cat", "dog", "dog", "dog", "cow", "cow"]
    for person, labels in (("Ann", ann), ("Bo", bo)):
        for number, label in enumerate(labels):
            verdict = {"": "wrong", "dog": "right"}.get(label, "other")
            said_by(workspace, person, verdict, (f"{number}.wav", 0.0, "dog"), label)
    said_by(workspace, "Ann", "right", ("7.wav", 0.0, "dog"))
    said_by(workspace, "Bo", "unsure", ("7.wav", 0.0, "dog"))  # no opinion
    said_by(workspace, "Cy", "right", ("8.wav", 0.0, "dog"))  # with nobody else
    (pair,) = agreements(known(workspace))
    assert (pair.names, pair.clips, pair.agreed) == (("Ann", "Bo"), 6, 4)
    by_chance = (2 * 1 + 2 * 3 + 1 * 2 + 1 * 0) / 36
    assert pair.kappa == pytest.approx((4 / 6 - by_chance) / (1 - by_chance))
    assert [[each.who for each in clip] for clip in disputed(known(workspace))] == [["Ann", "Bo"], ["Ann", "Bo"]]
    assert verdicts(known(workspace))["Ann"] == {"right": 3, "other": 3, "wrong": 1}


def test_kappa_is_not_defined_where_all_have_one_label(workspace):
    for person in ("Ann", "Bo"):
        said_by(workspace, person, "right")
    assert [(pair.agreed, pair.kappa) for pair in agreements(known(workspace))] == [(1, None)]


def test_a_backup_holds_them(workspace, tmp_path):
    mine = said_by(workspace, "Ann")
    back_up(workspace, tmp_path / "lab.tar")
    there = Workspace(tmp_path / "there")
    restore(tmp_path / "lab.tar", there)
    assert known(there).decisions == (mine,)
