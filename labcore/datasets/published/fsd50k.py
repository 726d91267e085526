"""FSD50K: clips of Freesound with several labels each. Fonseca and others, 2022."""

from __future__ import annotations

import math
from pathlib import Path

from labcore.datasets import several
from labcore.datasets.assemble import DatasetDraft, assembled, without_single_fold
from labcore.datasets.cliplist import LIST_NOT_TAKEN, ClipList, left_out, read_list
from labcore.datasets.parts import tidy_fold
from labcore.datasets.published.glimpse import Glimpse, Layout, Reader, columns_in, head_of
from labcore.datasets.published.located import Located
from labcore.datasets.scan import is_dir, is_file
from labcore.datasets.table import MISSING, Dataset, Finding
from labcore.reading import DamagedError, read_object

LISTS = ("FSD50K.ground_truth", "ground_truth", "labels", ".")
AUDIO = {
    "dev": ("FSD50K.dev_audio", "dev_audio", "clips/dev", "audio/dev", "dev"),
    "eval": ("FSD50K.eval_audio", "eval_audio", "clips/eval", "audio/eval", "eval"),
}
ORDER = "The most specific label comes first"


def recognise(glimpse: Glimpse) -> Reader | None:
    """The reader, where there are the lists of the development and the evaluation set, or one of them."""
    lists = [(part, path) for part in AUDIO if (path := _list_of(glimpse.folder, part)) is not None]
    if not lists or not any(_folders_of(glimpse.folder, part) for part, _ in lists):
        return None
    return lambda name: _read(glimpse.folder, lists, name)


def _list_of(root: Path, part: str) -> Path | None:
    places = (root / place / f"{part}.csv" for place in LISTS)
    return next((path for path in places if is_file(path) and _owns(path)), None)


def _owns(path: Path) -> bool:
    return path.stem in AUDIO and any(line >= {"fname", "labels", "mids"} for line in columns_in(head_of(path)))


def _folders_of(root: Path, part: str) -> list[Path]:
    return [root / place for place in AUDIO[part] if is_dir(root / place)]


def _read(root: Path, lists: list[tuple[str, Path]], name: str) -> Dataset:
    reading = DatasetDraft(name, root, "fsd50k", official=True, several_labels=True)
    for part, path in lists:
        folders = [Located(folder) for folder in _folders_of(root, part)]
        if not folders:
            what = f"the list {path.name} was not used: {AUDIO[part][0]} is not there"
            reading.findings.append(Finding(LIST_NOT_TAKEN, what, (str(path),), level="note"))
            continue
        clips, uploaders = read_list(path), _uploaders(root, part)
        for row, line in zip(clips.lowered, clips.lines, strict=True):
            _take(reading, clips, part, row, line, folders, uploaders)
    reading.findings += several.told(reading.rows, ORDER)
    reading.rows = without_single_fold(reading.rows)
    return assembled(reading)


def _take(
    reading: DatasetDraft,
    clips: ClipList,
    part: str,
    row: dict[str, str],
    line: int,
    folders: list[Located],
    uploaders: dict[str, str],
) -> None:
    file = row.get("fname", "").removesuffix(".wav")
    label = several.joined(row.get("labels", "").split(","))
    if not file or not label:
        reading.problems.append(left_out(clips.path, line, file, "has no file name or no label"))
        return
    path = next((found for folder in folders if (found := folder.find(file))), None)
    if path is None:
        reading.problems.append(left_out(clips.path, line, f"{file}.wav", MISSING))
        return
    fold = "test" if part == "eval" else tidy_fold(row.get("split", "")) or "train"
    reading.rows.append((path, label, fold, uploaders.get(file, file), 0.0, math.nan))


def _uploaders(root: Path, part: str) -> dict[str, str]:
    """File → who uploaded it to Freesound, whose clips stay together; empty where that is not told."""
    found = (root / place / f"{part}_clips_info_FSD50K.json" for place in ("FSD50K.metadata", "metadata", "."))
    for path in found:
        if is_file(path):
            try:
                told = read_object(path)
            except (OSError, DamagedError):
                continue
            return {
                file: f"uploader {facts['uploader']}"
                for file, facts in told.items()
                if isinstance(facts, dict) and facts.get("uploader")
            }
    return {}


LAYOUT = Layout(
    "fsd50k",
    "FSD50K",
    "FSD50K.dev_audio/, FSD50K.eval_audio/, FSD50K.ground_truth/dev.csv and eval.csv",
    recognise,
    _owns,
    (LISTS[0], *(places[0] for places in AUDIO.values())),
)
