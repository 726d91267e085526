"""Classes and takes of a recorded set, and the clips that takes become."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from labcore.datasets.takes.ledger import Ledger, Take, class_names
from labcore.datasets.takes.levels import TakeLevels
from labcore.datasets.takes.listing import by_session, clips_of, folds_of, folds_sentence, lacking, list_of, trainable
from labcore.errors import DatasetError


def recorded(*takes: tuple[str, str], seconds: float = 2.0, sound: tuple[float, float] | None = None) -> Ledger:
    """Takes by class and session."""
    levels = TakeLevels(seconds, 16000, -10.0, -20.0, 0, sound or (0.0, seconds))
    ledger = Ledger().with_classes(list(dict.fromkeys(label for label, _ in takes)))
    for number, (label, session) in enumerate(takes, 1):
        ledger = ledger.with_take(Take(number, label, levels, 1000.0 + number, session=session))
    return ledger


def rows(ledger: Ledger) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(list_of(ledger))))


def spans(ledger: Ledger) -> list[tuple[float, float]]:
    return [(start, end) for _, start, end in clips_of(ledger)]


@pytest.mark.parametrize(
    ("name", "why"),
    [(" \u200b", "no name"), ("a;b", "separates"), ("-bark", "dash"), ("NA", "no label"), ("x" * 81, "81 characters"),
     ("clap", "already"), (" clap ", "already"), ("CLAP", "case and spaces"), ("cl\u00adap", "already|case")],
)  # fmt: skip
def test_what_cannot_be_the_name_of_a_class_is_refused_and_none_is_added(name, why):
    ledger = Ledger().with_classes(["clap"])
    with pytest.raises(DatasetError, match=why):
        ledger.with_classes(["new", name])
    assert ledger.classes == ("clap",)


def test_names_in_any_script_come_back_as_they_are():
    names = class_names("clap\n拍手, шум;\n  ضوضاء \nclap\r\n\n")
    assert names == ["clap", "拍手", "шум", "ضوضاء"]
    ledger = recorded(*((name, "") for name in names))
    assert [row["label"] for row in rows(ledger)] == names


def test_takes_follow_a_class_that_is_renamed_also_those_that_are_deleted():
    ledger = recorded(("a", ""), ("a", ""), ("b", "")).deleted([2], 5.0).renamed("a", "c")
    assert ledger.classes == ("c", "b")
    assert [take.label for take in ledger.restored([2]).kept] == ["c", "c", "b"]
    with pytest.raises(DatasetError, match="already"):
        ledger.renamed("b", "c")
    assert ledger.renamed("b", "B").classes == ("c", "B")


def test_a_class_comes_back_with_the_takes_that_went_with_it():
    ledger = recorded(("a", ""), ("b", "")).without_class("b", 5.0)
    assert (ledger.classes, len(ledger.kept)) == (("a",), 1)
    assert ledger.restored([2]).classes == ("a", "b")
    assert ledger.restored([], "b").classes == ("a", "b")


def test_numbers_are_never_used_again():
    ledger = recorded(("a", ""), ("b", "")).deleted([2], 5.0).without_deleted(6.0)
    assert [take.number for take in ledger.takes] == [1]
    assert ledger.last == 2


@pytest.mark.parametrize(("seconds", "rest"), [(3.0, []), (3.4, []), (3.6, [(2.6, 3.6)])])
def test_long_takes_are_cut_and_a_rest_counts_from_half_a_clip_on(seconds, rest):
    ledger = replace(recorded(("a", ""), seconds=seconds), cut_s=1.0)
    assert spans(ledger) == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), *rest]


def test_takes_no_longer_than_a_clip_stay_whole():
    ledger = recorded(("a", ""), seconds=3.3)
    ((start, end),) = spans(replace(ledger, cut_s=5.0))
    assert (start, math.isnan(end)) == (0.0, True)


def test_silence_at_the_ends_is_left_out_before_cutting():
    ledger = replace(recorded(("a", ""), seconds=6.0, sound=(1.5, 3.5)), trim=True)
    assert spans(ledger) == [(1.5, 3.5)]
    assert spans(replace(ledger, cut_s=1.0)) == [(1.5, 2.5), (2.5, 3.5)]


def test_every_fold_has_every_class_and_clips_of_a_take_share_one():
    ledger = replace(recorded(*[("a", "x"), ("b", "x")] * 3, ("a", "x")), cut_s=0.5)
    folds: dict[str, set[str]] = {}
    of_take: dict[str, set[str]] = {}
    for row in rows(ledger):
        folds.setdefault(row["fold"], set()).add(row["label"])
        of_take.setdefault(row["group"], set()).add(row["fold"])
    assert folds == {"1": {"a", "b"}, "2": {"a", "b"}, "3": {"a", "b"}}
    assert all(len(each) == 1 for each in of_take.values())


def test_a_take_that_is_added_later_leaves_the_others_in_their_folds():
    before = recorded(*[("a", ""), ("b", "")] * 5)
    after = before.with_take(replace(before.takes[0], number=11))
    assert folds_of(before).items() <= folds_of(after).items()


@pytest.mark.parametrize(
    ("sessions", "together"),
    [
        (("mon", "tue"), True),
        (("mon", "mon"), False),
        (("mon", ""), False),
        (("mon", "tue", "mon", "mon", "mon"), False),
        (("mon", "tue", "wed", "mon", "mon"), True),
    ],
)  # fmt: skip
def test_clips_of_a_session_stay_together_where_no_session_holds_most_of_a_class(sessions: Sequence[str], together):
    ledger = recorded(*((label, session) for session in sessions for label in "ab"))
    assert by_session(ledger) is together
    groups = {row["group"] for row in rows(ledger)}
    assert groups == set(sessions) if together else len(groups) == 2 * len(sessions)
    assert ("session" in folds_sentence(ledger)) is (together or len({*sessions} - {""}) > 1)


def test_what_is_missing_before_a_training_is_told():
    assert lacking(Ledger()) == ["2 classes"]
    ledger = recorded(("a", ""), ("a", ""), ("b", ""))
    assert (trainable(ledger), lacking(ledger)) == (False, ["1 more clip of b"])
    ready = recorded(*[("a", ""), ("b", "")] * 2).with_classes(["c"])
    assert (trainable(ready), lacking(ready)) == (True, ["2 clips of c"])
