"""The kinds of findings: what weighs most comes first, and what was looked for in vain is known."""

from __future__ import annotations

from labcore.datasets.checks.kinds import CLASSES, FIGURES, GROUPS, KINDS, READING, SOUND, by_weight, not_found
from labcore.datasets.table import Finding


def test_findings_by_weight() -> None:
    kinds = ("columns", "few clips", "clipped", "silent", "straddling", "near duplicates")
    found = [Finding(kind, "", level="note" if kind == "columns" else "warning") for kind in kinds]
    found.append(Finding("unlisted", ""))
    assert [(group, [each.kind for each in there]) for group, there in by_weight(found).items()] == [
        (FIGURES, ["near duplicates", "straddling"]),
        (SOUND, ["silent", "clipped"]),
        (CLASSES, ["few clips"]),
        (READING, ["unlisted", "columns"]),
    ]


def test_what_was_not_found() -> None:
    absent = not_found([Finding("silent", ""), Finding("columns", "")])
    assert len(absent) == len(KINDS) - 1
    assert "silent clips" not in absent
    assert absent[0] == "equal files in several folds"
    assert "one recording in several folds" in absent
    assert "one recording in several folds" not in not_found([Finding("by time", "")])


def test_each_kind_says_why_it_matters() -> None:
    assert all(about.why.endswith(".") and about.group in GROUPS for about in KINDS.values())
