"""Labels as they are written: what stands for none, what is one label in two spellings, and names that are people and no classes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from labcore.datasets.table import Finding, some
from labcore.texts import composed, shown

MISSING_WORDS = ("", "nan", "n/a", "#n/a", "#na", "<na>", "null")
"""Cells that say there is no value, in any case."""
MISSING_EXACTLY = ("None", "NA")
"""Only as programs write them: ``none`` and ``na`` may be classes ("no event", a syllable)."""
ALIKE = "alike"
"""The kind of findings on labels that differ in their spelling alone."""
DOUBTFUL_WORDS = ("none", "na", "unknown", "?", "-")

_PERSON = re.compile(
    r"(actor|actress|speaker|spkr?|subject|subj?|participant|person|patient|user|singer|talker|reader|performer|individual"
    r"|child|id)[\s_.-]*(\d+|(?-i:[A-Z]))|(actor|actress|speaker|spkr?|subject|participant)[\s_-]+[a-z]+",
    re.IGNORECASE,
)
_PERSON_SHORT = re.compile(r"[spfm][\s_-]?\d{1,4}", re.IGNORECASE)  # s01, p225, F03
_AS_FLOAT = re.compile(r"^(\d+)\.0$")  # pandas writes 3 so where other cells of the column are empty
_SEPARATORS = re.compile(r"[\s_.\-/]+")


def is_missing(cell: str) -> bool:
    """Whether a cell of a list stands for no value."""
    cell = cell.strip()
    return cell.casefold() in MISSING_WORDS or cell in MISSING_EXACTLY


def tidy(label: str) -> str:
    """A label without what nobody sees: composed (NFC), blanks of any kind as one space each, nothing invisible around its words."""
    text = composed(shown(label))
    text = "".join(" " if mark.isspace() or unicodedata.category(mark) == "Cc" else mark for mark in text)
    words = (word.strip("".join(_invisible(word))) for word in text.split())
    return " ".join(word for word in words if word)


def unified(labels: Sequence[str]) -> tuple[list[str], list[Finding]]:
    """Labels after those that look the same have become the same, with what there is to tell about their spelling.

    What differs in case, or in space, dash and underscore, stays apart: letters of either case can be classes of their own. It is told.
    """
    written = Counter(labels)
    tidied = {raw: tidy(raw) for raw in written}
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for raw, count in written.items():
        spellings[_visible(tidied[raw])][tidied[raw]] += count
    name = {one: found.most_common(1)[0][0] for found in spellings.values() for one in found}
    meant = {raw: name[tidied[raw]] for raw in written}
    merged: dict[str, set[str]] = defaultdict(set)
    for raw, label in meant.items():
        merged[label].add(composed(shown(raw)))
    findings = []
    if several := sorted(label for label, raw in merged.items() if len(raw) > 1):
        findings.append(
            Finding(
                "spelling",
                f"labels that differ only in spaces or invisible characters were merged: {some(map(repr, several))}",
                remedy="No action needed; spell them alike if you use the list elsewhere",
            )
        )
    return [meant[label] for label in labels], [*findings, *alike(set(meant.values()))]


def alike_sets(labels: Iterable[str]) -> Iterator[list[str]]:
    """Labels that differ only in case, forms of letters, what stands between their words, or as 3 and 3.0 do, a sorted list a set."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        key = _SEPARATORS.sub("", _AS_FLOAT.sub(r"\1", _visible(unicodedata.normalize("NFKC", label)).casefold()))
        by_key[key or label].append(label)
    yield from (same for same in by_key.values() if len(same) > 1)


def alike(labels: Iterable[str]) -> Iterator[Finding]:
    """What is told of labels that differ in nothing but their spelling."""
    sets = [" = ".join(map(repr, same)) for same in alike_sets(labels)]
    if sets:
        yield Finding(
            ALIKE,
            f"labels with similar spelling (case, spaces) are separate classes: {some(sets)}",
            remedy="Spell them alike if they are one class",
        )


def several_in_a_cell(labels: Sequence[str]) -> Iterator[Finding]:
    """Cells that hold several labels, as those of sets for tagging do."""
    for mark in ",;|":
        split = {label: [part.strip() for part in label.split(mark)] for label in set(labels) if mark in label}
        parts = Counter(part for pieces in split.values() for part in pieces)
        if len(split) > 1 and any(count > 1 for part, count in parts.items() if part):
            yield Finding(
                "several labels",
                f"{len(split)} labels hold several ({some(map(repr, sorted(split)))}); each combination is a separate class",
                remedy="Use one label per clip, or separate them by semicolons to learn several labels a clip",
            )
            return


SITE = r"(?:site|station|plot|point|location|loc|aru|recorder|unit|transect|mic)[\s_.-]*[a-z]?\d+[a-z]?"
"""What sites and recorders are called."""
_PLACE = re.compile(rf"{SITE}|(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])", re.IGNORECASE)


def doubtful(labels: Iterable[str]) -> Iterator[Finding]:
    """Labels that may stand for "not known"."""
    found = sorted(label for label in set(labels) if label.casefold() in DOUBTFUL_WORDS)
    if found:
        what = f"{some(map(repr, found))} is read as a class"
        yield Finding("doubtful label", what, remedy="Leave the cell empty if the label is unknown", level="note")


def like_none(folders: Iterable[str]) -> Iterator[Finding]:
    """Folders of classes by whose names a list would say that there is no label, as programs make them of an empty cell."""
    found = sorted(filter(is_missing, set(folders)))
    if found:
        yield Finding(
            "doubtful label",
            f"a folder is called {some(map(repr, found))} and read as a class; in a list, or a file of labels, that stands for no label",
            remedy="Rename it, for example to no_event, if it is a class; move it away if the labels of its sounds are not known",
        )


def speakers(files: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Whether the folders of classes look like people.

    Args:
        files: label and file name of each clip.
    """
    labels = sorted({label for label, _ in files})
    named = sum(_PERSON.fullmatch(label) is not None for label in labels)
    short = sum(_PERSON_SHORT.fullmatch(label) is not None for label in labels)
    if len(labels) >= 2 and named >= 0.9 * len(labels):
        why = f"the folders {some(labels)} look like speakers or other persons"
    elif len(labels) >= 3 and short + named >= 0.9 * len(labels):
        why = f"the folders {some(labels)} look like speakers or other persons by number"
    elif _same_names(files, labels):
        why = f"the folders {some(labels)} hold files of the same names, as folders of speakers do"
    else:
        return
    yield Finding(
        "speakers",
        f"{why}, but each is read as a class",
        remedy="If the folders are speakers, write a CSV file with path, label (the sound) and group (the speaker). A speaker "
        "is then never on both sides of a split",
    )


def places(labels: Iterable[str]) -> Iterator[Finding]:
    """Whether the folders of classes look like sites, recorders or days."""
    labels = sorted(set(labels))
    if len(labels) < 2 or not all(_PLACE.fullmatch(label) for label in labels):
        return
    yield Finding(
        "places",
        f"the folders {some(labels)} look like sites, recorders or days, but each is read as a class",
        remedy="If they hold recordings to be labelled, put labels beside one of a minute or more, as in site1/a.txt beside "
        "site1/a.wav, with start, end and label in a line: then all are recordings. If each is a clip of a sound, write a CSV file with "
        "path, label (the sound) and group (the site)",
    )


def _same_names(files: Sequence[tuple[str, str]], labels: Sequence[str]) -> bool:
    """Whether each folder holds files of the same telling names (angry.wav, happy.wav …); numbers alone tell nothing.

    Of folders that are numbers it is what stands beside the number in the names of their files: 7_01_3.wav in 01.
    """
    if all(len(label) == 1 for label in labels):  # digits and letters are spoken by the same people
        return False
    numbered = all(label.isdecimal() for label in labels)
    words: dict[str, set[str]] = {label: set() for label in labels}
    for label, file in files:
        stem = file.rpartition(".")[0]
        pieces = re.split(r"[\W_]+", stem) if numbered else re.findall(r"[^\W\d_]{3,}", stem.casefold())
        if numbered and label in pieces:
            pieces.remove(label)
        elif numbered or not pieces:  # hashes say nothing
            continue
        words[label].add(" ".join(pieces))
    everywhere, anywhere = set.intersection(*words.values()), set().union(*words.values())
    return len(words) >= 2 and len(everywhere) >= 3 and len(everywhere) >= 0.8 * len(anywhere)


def _visible(label: str) -> str:
    return label.translate(dict.fromkeys(map(ord, _invisible(label))))


def _invisible(text: str) -> list[str]:
    return [character for character in text if unicodedata.category(character) == "Cf"]
