"""AudioSet, and lists like its own: segments of videos with several labels each. Gemmeke and others, 2017."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from labcore.audio import probe
from labcore.datasets import several
from labcore.datasets.assemble import DatasetDraft, assembled, without_single_fold
from labcore.datasets.cliplist import read_list
from labcore.datasets.csvtext import read_rows
from labcore.datasets.parts import part_named
from labcore.datasets.published.glimpse import Glimpse, Layout, Reader, columns_in, head_of
from labcore.datasets.scan import is_file
from labcore.datasets.table import MISSING, DataProblem, Dataset, Finding
from labcore.errors import AudioError, DatasetError
from labcore.reading import DamagedError, read_json
from labcore.texts import counted

COLUMNS = {"ytid", "start_seconds", "end_seconds", "positive_labels"}
ID = re.compile(r"[\w-]{11}")
CUT = re.compile(r"[_.-]\d+(?:\.\d+)?(?:[_-]\d+(?:\.\d+)?)?$")
"""Behind the id in the name of a file: the times of the segment in it."""
NAMES = ("class_labels_indices.csv", "ontology.json")
ORDER = "They stand in the order of the list"
SLACK_SECONDS = 1.0
MOST_NAMED = 1000
PROBED = 20


@dataclass(frozen=True)
class Segment:
    """A line of a list: a part of a video, and what is heard in it."""

    line: int
    video: str
    start_s: float
    end_s: float
    labels: tuple[str, ...]


def recognise(glimpse: Glimpse) -> Reader | None:
    """The reader, where a list has AudioSet's columns."""
    lists = [path for path in glimpse.sheets(".csv", ".tsv", ".txt") if _owns(path)]
    return (lambda name: _read(glimpse, lists, name)) if lists and glimpse.first else None


def _owns(path: Path) -> bool:
    return any(line >= COLUMNS for line in columns_in(head_of(path)))


def _read(glimpse: Glimpse, lists: list[Path], name: str) -> Dataset:
    reading = DatasetDraft(name, glimpse.folder, "audioset", official=True, several_labels=True)
    reading.problems, reading.passed_over = list(glimpse.found.problems), glimpse.found.passed_over
    names, files = _class_names(glimpse), _files(glimpse)
    found: list[tuple[Segment, str, str]] = []
    for path in lists:
        named, missing = part_named(path.stem), list[Segment]()
        for segment in _segments(reading, path):
            there = files.get(segment.video, [])
            file = next((file for file in there if _is_of(file, segment)), there[0] if len(there) == 1 else None)
            if file is None:
                missing.append(segment)
            else:
                found.append((segment, file, named.part if named else ""))
        reading.problems += _missing(path, missing)
    spans = _spans(found)
    taken: dict[str, set[float]] = defaultdict(set)
    for (segment, file, part), span in zip(found, spans, strict=True):
        if span[0] not in taken[file]:  # else two lists have it
            label = several.joined(names.get(label, label) for label in segment.labels)
            reading.rows.append((file, label, part, segment.video, *span))
        taken[file].add(span[0])
    others = [file for there in files.values() for file in there if file not in taken]
    if others:
        what = f"{counted(len(others), 'audio file')} of no listed segment skipped"
        reading.findings.append(Finding("unlisted", what, tuple(others)))
    codes = {
        label for row in reading.rows for label in several.labels_of(row[1]) if label.startswith(("/m/", "/t/", "/g/"))
    }
    if codes:
        what = f"{counted(len(codes), 'class', 'classes')} called by code, as {min(codes)}"
        reading.findings.append(Finding("codes", what, remedy=f"Put {NAMES[0]} beside the list", level="note"))
    reading.findings += several.told(reading.rows, ORDER)
    reading.rows = without_single_fold(reading.rows)
    return assembled(reading)


def _missing(path: Path, segments: list[Segment]) -> Iterator[DataProblem]:
    """Segments of a list whose files are not there: the first ones by name, since of all of AudioSet nobody has more than a part."""
    for segment in segments[:MOST_NAMED]:
        yield DataProblem(segment.video, f"{MISSING} ({path.name}, line {segment.line})")
    if (rest := len(segments) - MOST_NAMED) > 0:
        yield DataProblem(str(path), f"names {rest:,} more segments that are missing", rest)


def _segments(reading: DatasetDraft, path: Path) -> list[Segment]:
    """The lines of a list that can be used; the others are told."""
    found: list[Segment] = []
    header: list[str] = []
    for line, cells in read_rows(path):
        cells = [cell.strip().strip('"') for cell in cells]
        cells[0] = cells[0].lstrip("# ") if not header else cells[0]
        if {cell.casefold() for cell in cells} >= COLUMNS:
            header = [cell.casefold() for cell in cells]
        elif header:
            row = dict(zip(header, cells, strict=False))
            # labels without quotes around them have become cells of their own
            labels = ",".join(cells[header.index("positive_labels") :])
            try:
                start_s, end_s = float(row["start_seconds"]), float(row["end_seconds"])
            except (KeyError, ValueError):
                reading.problems.append(
                    DataProblem(row["ytid"] or path.name, f"has no times ({path.name}, line {line})")
                )
                continue
            split = tuple(label.strip().strip('"') for label in re.split(r"[,;]", labels) if label.strip().strip('"'))
            if not split or not 0 <= start_s < end_s:
                what = "has no label" if not split else f"ends at {end_s:g} s, but begins at {start_s:g} s"
                reading.problems.append(DataProblem(row["ytid"], f"{what} ({path.name}, line {line})"))
                continue
            found.append(Segment(line, row["ytid"], start_s, end_s, split))
    return found


def _files(glimpse: Glimpse) -> dict[str, list[str]]:
    """Video → its audio files: named by its id, with or without a Y before it (an id may begin with one) and times behind it."""
    files: dict[str, list[str]] = defaultdict(list)
    for parts in glimpse.found.files:
        stem, path = PurePath(parts[-1]).stem.strip(), str(glimpse.folder.joinpath(*parts))
        bare = CUT.sub("", stem)
        ids = [stem] if len(stem) == 11 else [stem[1:]] if len(stem) == 12 and stem[0] == "Y" else []
        ids = ids or [each for each in (bare, bare.removeprefix("Y"), stem[:11]) if ID.fullmatch(each)][:1] or [stem]
        files[ids[0]].append(path)
    return files


def _is_of(file: str, segment: Segment) -> bool:
    """Whether the times in the name of a file are those of a segment, in seconds or milliseconds."""
    times = [float(text) for text in re.findall(r"[_-](\d+(?:\.\d+)?)(?=[_-]|$)", PurePath(file).stem[11:])]
    return bool(times) and any(abs(times[0] / unit - segment.start_s) < 0.01 for unit in (1, 1000))


def _spans(found: list[tuple[Segment, str, str]]) -> list[tuple[float, float]]:
    """Where each segment begins and ends in its file, in seconds: all of it, where files are the segments themselves, as they mostly are.

    A few files tell whether they hold whole videos; only then the length of each is looked up.
    """
    bare = [(segment, file) for segment, file, _ in found if not CUT.search(PurePath(file).stem[11:])]
    any_whole = any(_is_whole(segment, file) for segment, file in bare[:: max(1, len(bare) // PROBED)])
    whole = {file for segment, file in bare if _is_whole(segment, file)} if any_whole else set()
    return [(segment.start_s, segment.end_s) if file in whole else (0.0, math.nan) for segment, file, _ in found]


def _is_whole(segment: Segment, file: str) -> bool:
    """Whether a file is longer than a segment, and long enough to hold it."""
    try:
        seconds = probe(file).seconds
    except AudioError:  # reading its clips tells of it
        return False
    return seconds > segment.end_s - segment.start_s + SLACK_SECONDS and seconds >= segment.end_s - SLACK_SECONDS


def _class_names(glimpse: Glimpse) -> dict[str, str]:
    """Code of a class → its name; empty where no list of them is there."""
    for file in (name for wanted in NAMES for name in glimpse.files if Path(name).name == wanted):
        path = glimpse.folder / file
        if not is_file(path):
            continue
        try:
            if path.suffix == ".json":
                return {each["id"]: each["name"] for each in read_json(path)}
            clips = read_list(path)
            return {
                row["mid"]: row["display_name"] for row in clips.lowered if row.get("mid") and row.get("display_name")
            }
        except (OSError, DamagedError, DatasetError, KeyError, TypeError):
            continue
    return {}


LAYOUT = Layout(
    "audioset",
    "AudioSet",
    "balanced_train_segments.csv (YTID, start_seconds, end_seconds, positive_labels), audio/",
    recognise,
    _owns,
)
