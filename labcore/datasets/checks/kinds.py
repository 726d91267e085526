"""The kinds of findings for whoever lists them: what each is called, how much it weighs, and why it matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labcore.datasets.by_time import KIND as BY_TIME
from labcore.datasets.table import Finding

STRADDLING = "straddling"
FIGURES, SOUND, OUTLIERS, CLASSES, HARMLESS, READING = "figures", "sound", "outliers", "classes", "harmless", "reading"
GROUPS = {
    FIGURES: "Figures would be wrong",
    SOUND: "Faults in the sound",
    OUTLIERS: "Clips that stand out",
    CLASSES: "Classes and labels",
    HARMLESS: "Good to know",
    READING: "How the data set was read",
}
"""What a finding spoils → its heading; what spoils the accuracy that is reported comes first."""


@dataclass(frozen=True)
class KindOfFinding:
    """``title`` is what is looked for, as in a list of it; ``why`` is what it does to a training or its figures, in full sentences."""

    group: str
    title: str
    why: str


KINDS: Mapping[str, KindOfFinding] = {
    "duplicates": KindOfFinding(
        FIGURES,
        "equal files in several folds",
        "The same clip is on both sides when one of the folds is tested on. On what it was trained on, a network looks better than it is.",
    ),
    "near duplicates": KindOfFinding(
        FIGURES,
        "copies in several folds",
        "The same sound is in training and test, as another file. The accuracy is too high.",
    ),
    "mislabelled": KindOfFinding(
        FIGURES,
        "one sound under several labels",
        "One of the labels is wrong, so a correct answer counts as a mistake. Listen, and choose the right label.",
    ),
    STRADDLING: KindOfFinding(
        FIGURES,
        "one recording in several folds",
        "Clips of one recording are alike: a network that knows one side recognises the other. "
        "So that the accuracy stays honest, a training leaves out its clips of a recording that is tested on.",
    ),
    "unreadable": KindOfFinding(
        SOUND, "unreadable files", "A training leaves them out, so it has fewer clips than are listed."
    ),
    "silent": KindOfFinding(
        SOUND, "silent clips", "There is nothing to learn from: the network learns that silence is this class."
    ),
    "clipped": KindOfFinding(
        SOUND,
        "clipped clips",
        "Clipping adds harmonics. Where one class is clipped more than others, the network learns the clipping.",
    ),
    "offset": KindOfFinding(
        SOUND,
        "a DC offset",
        "It tells of a faulty recorder. The lowest bands hold it, and a network may tell recorders apart by it.",
    ),
    "opposite phase": KindOfFinding(
        SOUND,
        "channels of opposite phase",
        "A network is given the mean of the channels, in which these nearly cancel. "
        "Where it is 20 dB lower, the lab takes one of them by itself: choose which.",
    ),
    "odd rate": KindOfFinding(
        OUTLIERS,
        "sample rates that stand out",
        "Where rates go with classes, a network may learn the rate in place of the sound.",
    ),
    "odd length": KindOfFinding(
        OUTLIERS,
        "lengths that stand out",
        "A short clip may lack the sound of its label; a long one may hold others too.",
    ),
    "unheard": KindOfFinding(
        OUTLIERS,
        "energy above what a training hears",
        "At the sample rate of the training most of the sound is cut away.",
    ),
    "few clips": KindOfFinding(
        CLASSES,
        "classes of few clips",
        "A network hardly learns a class from so few, and its figures rest on a handful of test clips.",
    ),
    "missing": KindOfFinding(
        CLASSES, "classes that a fold lacks", "Where such a fold is tested on, the class has no figures."
    ),
    "imbalance": KindOfFinding(
        CLASSES,
        "imbalance",
        "A network that always guesses the large class is often right. Look at the figures of each class.",
    ),
    "alike": KindOfFinding(
        CLASSES,
        "labels that differ in spelling",
        "Spelled in two ways, one class becomes two that the network cannot tell apart.",
    ),
    "copies": KindOfFinding(HARMLESS, "equal files in one fold", "Nothing leaks, but these clips count twice."),
    "near copies": KindOfFinding(HARMLESS, "copies in one fold", "Nothing leaks, but these clips count twice."),
}
"""Kind of a finding → what is to be said of it, the weightiest first; what is not here was found when the list was read."""
_OTHER = KindOfFinding(READING, "", "")


def kind_of(finding: Finding) -> KindOfFinding:
    """What is to be said of a finding of its kind."""
    return KINDS.get(finding.kind, _OTHER)


def by_weight(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Group → its findings, both the weightiest first; groups without any are not there."""
    order = {kind: number for number, kind in enumerate(KINDS)}
    sorted_ones = sorted(findings, key=lambda each: (order.get(each.kind, len(order)), each.level != "warning"))
    found = {group: [each for each in sorted_ones if kind_of(each).group == group] for group in GROUPS}
    return {group: each for group, each in found.items() if each}


def not_found(findings: Iterable[Finding]) -> list[str]:
    """What was looked for and not found, by its titles. A recording that was parted by time is in several folds."""
    there = {STRADDLING if each.kind == BY_TIME else each.kind for each in findings}
    return [about.title for kind, about in KINDS.items() if kind not in there]
