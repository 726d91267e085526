"""Data sets of speech that say in the name of each file what is spoken and by whom: digits and emotions. Groups are the speakers.

FSDD: Jackson, Free Spoken Digit Dataset. AudioMNIST: Becker and others, 2018. RAVDESS: Livingstone and Russo, 2018. CREMA-D: Cao and
others, 2014. TESS: Pichora-Fuller and Dupuis, 2020.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from labcore.datasets.assemble import DatasetDraft, assembled
from labcore.datasets.published.glimpse import Glimpse, Layout, Parts, Reader
from labcore.datasets.scan import suffix_of
from labcore.datasets.table import DataProblem, Dataset, Finding, some
from labcore.texts import counted
from labcore.workspace import stamp_of

LOSSLESS = (".wav", ".flac", ".aif", ".aiff")
DIGITS = tuple("0123456789")
RAVDESS_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CREMA_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
TESS_EMOTIONS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "pleasant_surprise",
    "sad": "sad",
}
TESS_SPEAKERS = {"OAF": "older woman", "OA": "older woman", "YAF": "younger woman", "YA": "younger woman"}


@dataclass(frozen=True)
class Named:
    """How a data set names its files.

    Attributes:
        stem: of a file's name, with the groups ``label`` and ``speaker``.
        labels: code in the name → class, in the order of the classes.
        speakers: code in the name → speaker; those that are not here are their code.
        placed: whether a file that is named so lies where the data set has it; a name alone may be chance.
        note: what else its users should know.
        speakers_at_least: of fewer the names could be chance.
    """

    layout: str
    title: str
    stem: re.Pattern[str]
    labels: dict[str, str]
    speakers: dict[str, str]
    placed: Callable[[Parts, re.Match[str]], bool] = lambda parts, match: True
    note: str = ""
    speakers_at_least: int = 1

    def match(self, parts: Parts) -> re.Match[str] | None:
        """What a file's name says; None where it is not one of the data set."""
        found = self.stem.fullmatch(PurePath(parts[-1]).stem.strip())
        return found if found and found["label"].upper() in self._known and self.placed(parts, found) else None

    @property
    def _known(self) -> set[str]:
        return {code.upper() for code in self.labels}


def recognise(named: Named, glimpse: Glimpse) -> Reader | None:
    """The reader, where the files of a folder are named so."""
    if not glimpse.all_named(named.match):
        return None
    matches = (named.match(parts) for parts in glimpse.found.files)
    if len({match["speaker"] for match in matches if match}) < named.speakers_at_least:
        return None
    return lambda name: _read(named, glimpse, name)


def _read(named: Named, glimpse: Glimpse, name: str) -> Dataset:
    reading = DatasetDraft(name, glimpse.folder, named.layout, group="speaker")
    reading.problems, reading.passed_over = list(glimpse.found.problems), glimpse.found.passed_over
    reading.label_order = tuple(named.labels.values())
    label_of = {code.upper(): label for code, label in named.labels.items()}
    copies = _copies(glimpse)
    for parts in glimpse.found.files:
        path, match = str(glimpse.folder.joinpath(*parts)), named.match(parts)
        if match is None:
            reading.problems.append(DataProblem(path, f"is not named as {named.title} names its files"))
            continue
        if path not in copies:
            speaker = named.speakers.get(match["speaker"].upper(), match["speaker"])
            reading.rows.append((path, label_of[match["label"].upper()], "", speaker, 0.0, math.nan))
    if copies:
        what = f"{counted(len(copies), 'copy', 'copies')} left out, of the same name in another folder or format"
        reading.findings.append(Finding("copies", what, tuple(copies), level="note"))
    speakers = sorted({row[3] for row in reading.rows})
    what = f"read as {named.title}: the speaker is the group, so that none is on both sides of a split ({some(speakers, 8)}){named.note}"
    reading.findings.append(Finding("speakers", what, level="note"))
    return assembled(reading)


def _copies(glimpse: Glimpse) -> dict[str, None]:
    """Files that are another one again: of the same name in another format, of which a lossless one stays, or of the same name and size."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for parts in glimpse.found.files:
        by_name[PurePath(parts[-1]).stem.strip().casefold()].append(str(glimpse.folder.joinpath(*parts)))
    copies: dict[str, None] = {}
    for paths in by_name.values():
        first, *others = sorted(paths, key=lambda path: suffix_of(path) not in LOSSLESS)
        for path in others:
            if suffix_of(path) != suffix_of(first) or stamp_of(path)[0] == stamp_of(first)[0]:
                copies[path] = None
    return copies


def _of_actor(parts: Parts, match: re.Match[str]) -> bool:
    """RAVDESS: two-digit numbers could be a date; each is within its bounds, and there are 24 actors."""
    modality, channel, intensity, statement, take = (int(match[name]) for name in ("mod", "ch", "int", "st", "take"))
    return (
        modality <= 3
        and channel <= 2
        and intensity <= 2
        and statement <= 2
        and take <= 2
        and int(match["speaker"]) <= 24
    )


def _in_recordings(parts: Parts, match: re.Match[str]) -> bool:
    """FSDD: all files lie in one folder, or by part or by digit; folders of any other names are classes of something else."""
    return len(parts) < 2 or parts[-2].casefold() in (
        "recordings",
        "train",
        "test",
        "training",
        "testing",
        "audio",
        "wav",
        match["label"],
    )


def _in_speaker(parts: Parts, match: re.Match[str]) -> bool:
    """AudioMNIST: each speaker has a folder."""
    return len(parts) > 1 and parts[-2] == match["speaker"]


FSDD = Named(
    "fsdd",
    "FSDD",
    re.compile(r"(?P<label>\d)_(?P<speaker>[A-Za-z][A-Za-z-]*)_(?P<take>\d{1,3})"),
    {digit: digit for digit in DIGITS},
    {},
    _in_recordings,
    ". The published split (takes 0 to 4 as test) has all speakers on both sides and is not used",
    2,
)
AUDIOMNIST = Named(
    "audiomnist",
    "AudioMNIST",
    re.compile(r"(?P<label>\d)_(?P<speaker>\d\d)_(?P<take>\d{1,2})"),
    {digit: digit for digit in DIGITS},
    {},
    _in_speaker,
)
RAVDESS = Named(
    "ravdess",
    "RAVDESS",
    re.compile(r"0(?P<mod>\d)-0(?P<ch>\d)-(?P<label>0[1-8])-0(?P<int>\d)-0(?P<st>\d)-0(?P<take>\d)-(?P<speaker>\d\d)"),
    {f"{number:02}": label for number, label in enumerate(RAVDESS_EMOTIONS, 1)},
    {f"{number:02}": f"Actor_{number:02}" for number in range(1, 25)},
    _of_actor,
)
CREMA_D = Named(
    "crema_d",
    "CREMA-D",
    re.compile(r"(?P<speaker>1\d{3})_[A-Z]{3}_(?P<label>ANG|DIS|FEA|HAP|NEU|SAD)_(?:XX|LO|MD|HI|X)", re.IGNORECASE),
    CREMA_EMOTIONS,
    {},
)
TESS = Named(
    "tess",
    "TESS",
    re.compile(r"(?P<speaker>OAF|YAF|OA|YA)_\w+?_(?P<label>angry|disgust|fear|happy|neutral|ps|sad)", re.IGNORECASE),
    TESS_EMOTIONS,
    TESS_SPEAKERS,
)

LAYOUTS = tuple(
    Layout(named.layout, named.title, tree, partial(recognise, named))
    for named, tree in (
        (FSDD, "recordings/7_jackson_32.wav"),
        (AUDIOMNIST, "data/01/7_01_3.wav"),
        (RAVDESS, "Actor_12/03-01-05-01-02-01-12.wav"),
        (CREMA_D, "AudioWAV/1001_DFA_ANG_XX.wav"),
        (TESS, "OAF_angry/OAF_back_angry.wav"),
    )
)
