"""Findings on sounds that are there more than once: across folds, under several labels, in one fold; and on recordings in several folds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial

from labcore.datasets.checks.evidence import Evidence
from labcore.datasets.remedies import Remedy, exclude
from labcore.datasets.table import Finding, natural_order, some
from labcore.texts import counted

EXACT, NEAR = ("duplicates", "copies"), ("near duplicates", "near copies")
"""Kinds of findings: across folds, and in one fold; of equal files, and of others of the same sound."""
_many = partial(counted, unit="sound", figure=str)


def of_repeats(evidence: Evidence) -> Iterator[Finding]:
    """Findings on sounds that are there more than once."""
    for sets, kinds in ((evidence.equal, EXACT), (evidence.near, NEAR)):
        folds, labels = ([len({of[row] for row in same}) for same in sets] for of in (evidence.folds, evidence.labels))
        across = [same for same, count in zip(sets, folds, strict=True) if count > 1]
        within = [same for same, *counts in zip(sets, folds, labels, strict=True) if counts == [1, 1]]
        near = "" if kinds == EXACT else ", as other files (another format, level or offset)"
        if across:
            what = f"{_many(len(across))} found several times, in several folds{near}"
            yield _repeated(evidence, kinds[0], across, what, "warning")
        if within:
            what = f"{_many(len(within))} found several times in one fold{near}; it leaks nothing"
            yield _repeated(evidence, kinds[1], within, what, "note")
    yield from _mislabelled(evidence)
    yield from _straddling(evidence)


def _repeated(evidence: Evidence, kind: str, sets: list[list[int]], what: str, level: str) -> Finding:
    rows = [row for same in sets for row in same]
    first = set(evidence.at(same[0] for same in sets))  # rows of one clip cannot be excluded one by one
    others = tuple(clip for clip in evidence.at(row for same in sets for row in same[1:]) if clip not in first)
    return Finding(
        kind,
        what,
        evidence.files(rows),
        "Keep one of each",
        level,
        evidence.at(rows),
        exclude(others, "Keep the first of each, exclude the others"),
        sets=tuple(map(evidence.at, sets)),
    )


def _mislabelled(evidence: Evidence) -> Iterator[Finding]:
    """A finding for all sounds that have the same several labels."""
    by_labels: dict[tuple[str, ...], list[list[int]]] = defaultdict(list)
    near = _numbered(evidence.near)
    for same in [*evidence.near, *(each for each in evidence.equal if not _in_one(near, each))]:
        labels = tuple(natural_order({evidence.labels[row] for row in same}))
        if len(labels) > 1:
            by_labels[labels].append(same)
    for labels, sets in by_labels.items():
        rows = [row for same in sets for row in same]
        relabel = [
            Remedy(
                "relabel",
                f"Label all of them {label}",
                evidence.at(row for row in rows if evidence.labels[row] != label),
                label,
            )
            for label in labels
        ]
        yield Finding(
            "mislabelled",
            f"{_many(len(sets))} found under different labels: {some(labels)}",
            evidence.files(rows),
            "Keep the right one of each",
            clips=evidence.at(rows),
            remedies=(*exclude(evidence.at(rows), "Exclude all of them"), *relabel),
            about="\0".join(labels),
            sets=tuple(map(evidence.at, sets)),
        )


def _straddling(evidence: Evidence) -> Iterator[Finding]:
    equal = _numbered(evidence.equal)  # these are told as duplicates, and silence as such
    sounding = [bool(each.fingerprint.any()) for each in evidence.found]
    groups = {
        group: rows
        for group, every in evidence.by(evidence.groups).items()
        for rows in [[row for row in every if sounding[row]]]
        if len({evidence.folds[row] for row in rows}) > 1 and not _in_one(equal, rows)
    }
    if not groups:
        return
    rows = [row for group in sorted(groups) for row in groups[group]]
    fewer = []
    for group in sorted(groups):
        folds = Counter(evidence.folds[row] for row in groups[group])
        main = natural_order([fold for fold, count in folds.items() if count == max(folds.values())])[0]
        fewer += [row for row in groups[group] if evidence.folds[row] != main]
    told = f"{counted(len(groups), 'source recording', figure=str)} with clips in several folds; those clips will be left out of "
    yield Finding(
        "straddling",
        f"{told}training when one of the folds is held out",
        (),
        "Put all clips of a recording into one fold",
        clips=evidence.at(rows),
        remedies=exclude(
            evidence.at(fewer), "Keep each recording in the fold with most of its clips, exclude its others"
        ),
        sets=tuple(evidence.at(groups[group]) for group in sorted(groups)),
    )


def _numbered(sets: list[list[int]]) -> dict[int, int]:
    """Clip → which of some sets it is in; no clip is in two of them."""
    return {row: number for number, same in enumerate(sets) for row in same}


def _in_one(numbers: dict[int, int], rows: list[int]) -> bool:
    """Whether one of the sets holds all of these clips."""
    found = {numbers.get(row) for row in rows}
    return len(found) == 1 and None not in found
