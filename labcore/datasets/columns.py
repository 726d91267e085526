"""Columns of a list of clips: which one is meant by path, label, fold and group, whatever it is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KINDS = ("path", "label", "fold", "group", "start", "end")
"""In the order of a list without a header."""


def words(text: str) -> tuple[str, ...]:
    """Words as a tuple of them."""
    return tuple(text.split())


SYNONYMS: dict[str, tuple[str, ...]] = {
    kind: words(names)
    for kind, names in {
        "path": "path file filename filepath slicefilename fname audio audiopath audiofile audiofilename audiofilepath clip clipname "
            "clippath clipfile wav wavfile wavpath wavname wavfilename soundfile soundpath sound soundfilename filenames filepaths files "
            "paths fullpath relpath relativepath audiorelativepath localpath trackpath beginpath beginfile mp3 flac fn",
        "label": "label class category classname labelname target tag species event labels classlabel classes primarylabel scenelabel "
            "eventlabel soundlabel soundclass soundevent scene genre genretop emotion emotionlabel scientificname commonname speciescode "
            "ebirdcode speciesname annotation groundtruth instrument command keyword word digit tags categories targetname classid "
            "labelid y condition fault faulttype",
        "fold": "fold split subset part partition set datasetsplit datasplit splitname foldid usage",
        "group": "group groupid source srcfile sourcefile sourceid recording recordingid fsid session sessionid speaker speakerid spk "
            "spkid subject subjectid actor actorid participant participantid patient patientid person personid singer singerid "
            "talker talkerid performer individual individualid clientid userid originalfile "
            "parentfile videoid youtubeid ytid trackid artist artistid machine machineid machinename",
    }.items()
}  # fmt: skip
"""Names without blanks and marks, in lower case, by which a column is known; the first one that is there is taken."""

WEAK_PATHS = words(
    "id fileid audioid clipid sampleid trackid soundid recordingid uttid utteranceid uttname itemid name track"
)
"""Names of columns that may hold files' names: taken where there is no other, and the files are there."""


def canonical(name: str) -> str:
    """A column's name without blanks, marks and case: ``File Name``, ``file_name`` and ``FileName`` are one."""
    return re.sub(r"[\W_]+", "", name).casefold()


def told_apart(header: Iterable[str]) -> list[str]:
    """A header with each name once, as pandas has it: the second ``label`` becomes ``label.1``. Empty names stay."""
    seen: Counter[str] = Counter()
    found = []
    for name in header:
        found.append(f"{name}.{seen[name]}" if name and seen[name] else name)
        seen[name] += 1
    return found


def column_for(kind: str, header: Sequence[str]) -> str:
    """The column that is meant by path, label, fold or group; "" where there is none."""
    by_name: dict[str, str] = {}
    for column in header:
        by_name.setdefault(canonical(column), column)
    return next((by_name[name] for name in SYNONYMS[kind] if name in by_name), "")


def weak_paths(header: Sequence[str]) -> list[str]:
    """Columns that may hold the files' names though nothing says so."""
    return [name for name in header if canonical(name) in WEAK_PATHS]


@dataclass(frozen=True)
class Taken:
    """Which column was read as what; "" for what no column gives."""

    path: str = ""
    label: str = ""
    fold: str = ""
    group: str = ""

    def told(self, header: Iterable[str], times: dict[str, str]) -> str:
        """A sentence without the final stop: what each column was read as, and which ones were not used.

        Args:
            times: start, end or duration → the column that gives it.
        """
        roles = {kind: getattr(self, kind) for kind in ("path", "label", "fold", "group")} | times
        used = [f"{column} → {kind}" for kind, column in roles.items() if column]
        rest = [name for name in header if name and name not in roles.values()]
        return f"columns taken: {', '.join(used)}" + (f"; not used: {', '.join(rest)}" if rest else "")
