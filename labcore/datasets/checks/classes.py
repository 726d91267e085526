"""Findings on the classes: too few clips, many more of one than of another, missing from a fold, one class in two spellings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations

import pandas as pd

from labcore.datasets.labels import ALIKE, alike_sets
from labcore.datasets.remedies import ClipAt, Remedy, exclude
from labcore.datasets.several import exploded
from labcore.datasets.table import Dataset, Finding, natural_order
from labcore.texts import counted

TINY_CLASS = 10
IMBALANCED = 10
"""Classes of which the largest has so many times the clips of the smallest are told."""
RARE = 0.2
"""A spelling that differs by a letter may be a slip where it is at most so often there as the other one."""
LONG_WORD = 8
"""Words of fewer letters differ by one without being slips."""


def of_classes(dataset: Dataset, counts: pd.DataFrame) -> Iterator[Finding]:
    """Findings on the classes of a data set.

    Args:
        counts: clips, one row a label, one column a fold.
    """
    sizes = {str(label): int(size) for label, size in counts.sum(axis=1).items()}
    clips = clips_by_label(dataset)
    tiny = {label: size for label, size in sizes.items() if size < TINY_CLASS}
    if tiny:
        named = ", ".join(f"{label} ({size})" for label, size in tiny.items())
        of_tiny = tuple(clip for label in tiny for clip in clips[label])
        without = exclude(of_tiny, "Leave these classes out") if len(sizes) - len(tiny) > 1 else ()
        if without and len(tiny) > 1:
            without += tuple(Remedy("exclude", f"Leave {label} out", tuple(clips[label]), label) for label in tiny)
        yield Finding(
            "few clips",
            f"Few clips of {named}",
            remedy="Add some, or leave the class out",
            clips=of_tiny,
            remedies=without,
        )
    missing = [str(label) for label, row in counts.iterrows() if (row == 0).any()]
    if missing:
        yield Finding("missing", f"Not in every fold: {', '.join(missing)}", remedy="Add clips, or draw other folds")
    if sizes and max(sizes.values()) >= IMBALANCED * min(sizes.values()):
        small, large = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        yield Finding(
            "imbalance",
            f"the largest class, {large}, has {counted(sizes[large], 'clip', figure=str)}, the smallest, {small}, {sizes[small]}",
            remedy="Add clips of the rare classes; training draws them more often by itself (setting Class imbalance)",
        )
    for finding in _spellings(sizes, clips):  # where a clip has other labels too, it cannot be relabelled as a whole
        yield replace(finding, remedies=()) if dataset.several_labels else finding


def clips_by_label(dataset: Dataset) -> dict[str, list[ClipAt]]:
    """Label → all its clips."""
    found: dict[str, list[ClipAt]] = defaultdict(list)
    table = exploded(dataset.table)
    for path, start_s, label in zip(*(table[name] for name in ("path", "start_s", "label")), strict=True):
        found[str(label)].append(ClipAt(path, float(start_s)))
    return found


def _spellings(sizes: dict[str, int], clips: dict[str, list[ClipAt]]) -> Iterator[Finding]:
    """Labels that differ in case, blanks or signs between words, and those of which one looks like a slip of another."""
    same = list(alike_sets(sizes))
    for labels in same:
        yield _one_class(labels, sizes, clips, "differ only in case, blanks or signs between words")
    known = {frozenset(labels) for labels in same}
    for one, other in _slips(sizes):
        if not any({one, other} <= labels for labels in known):
            yield _one_class([one, other], sizes, clips, "differ by a letter, and one of them is rare")


def _one_class(labels: list[str], sizes: dict[str, int], clips: dict[str, list[ClipAt]], how: str) -> Finding:
    usual = max(natural_order(labels), key=sizes.__getitem__)
    merges = [
        Remedy(
            "merge",
            f"Make them one class, {label}",
            tuple(clip for other in labels if other != label for clip in clips[other]),
            label,
        )
        for label in sorted(labels, key=lambda label: (label != usual, label))
    ]
    rarer = tuple(clip for label in labels if label != usual for clip in clips[label])
    return Finding(
        ALIKE,
        f"the labels {' and '.join(map(repr, labels))} {how}: they are separate classes",
        tuple(dict.fromkeys(clip.path for clip in rarer)),
        "Make them one class if they are one",
        clips=rarer,
        remedies=tuple(merges),
        about="\0".join(labels),
    )


def _slips(sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Labels, one of which is rare, that differ by one letter in a long word. Numbers and codes tell classes apart, and are no slips."""
    by_shape: dict[str, set[str]] = defaultdict(set)
    for label in sizes:
        for shape in _shapes(label):
            by_shape[shape].add(label)
    pairs = {pair for labels in by_shape.values() for pair in combinations(sorted(labels), 2)}
    for one, other in sorted(pairs):
        rare, usual = sorted((one, other), key=sizes.__getitem__)
        if sizes[rare] <= RARE * sizes[usual] and _by_a_letter(rare, usual):
            yield rare, usual


def _shapes(label: str) -> Iterable[str]:
    """The label without each of its letters in turn: labels that differ by one letter share a shape."""
    return {label, *(label[:place] + label[place + 1 :] for place in range(len(label)))}


def _by_a_letter(one: str, other: str) -> bool:
    words, others = (re.split(r"[\W_]+", label.casefold()) for label in (one, other))
    if len(words) != len(others):
        return False
    differing = [(word, second) for word, second in zip(words, others, strict=True) if word != second]
    if len(differing) != 1:
        return False
    ((word, second),) = differing
    return min(len(word), len(second)) >= LONG_WORD and word.isalpha() and second.isalpha()
