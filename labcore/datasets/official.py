"""UrbanSound8K and ESC-50, as they are published: from their lists, or the names of their files, to a clip table."""

from __future__ import annotations

import math
import re
from pathlib import Path

from labcore.datasets.assemble import ESC50_NAME, URBANSOUND_NAME, DatasetDraft, assembled
from labcore.datasets.cliplist import ClipList, left_out
from labcore.datasets.parts import FOLD_FOLDER, tidy_fold
from labcore.datasets.scan import find_audio, is_dir, is_file
from labcore.datasets.table import MISSING, DataProblem, Dataset
from labcore.texts import whole_number

URBANSOUND_LABELS = (
    "air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling",
    "engine_idling", "gun_shot", "jackhammer", "siren", "street_music",
)  # fmt: skip
"""UrbanSound8K's classes by their number. Salamon, Jacoby, Bello: A Dataset and Taxonomy for Urban Sound Research, 2014."""


def urbansound_name(name: str) -> re.Match[str] | None:
    """Source and class number in a name ``fsID-classID-occurrence-slice.wav``."""
    return URBANSOUND_NAME.match(Path(name).stem)


def read_urbansound8k(root: Path, clips: ClipList | None, name: str) -> Dataset:
    """UrbanSound8K: by its list, or by the names of its files where the list is missing. Groups are the Freesound recordings."""
    base = root / "audio" if is_dir(root / "audio") else root
    reading = DatasetDraft(name, root, "urbansound8k", official=True)
    if clips is not None:
        order: dict[int, str] = {}
        for row, line in zip(clips.lowered, clips.lines, strict=True):
            file, fold = row.get("slice_file_name", ""), tidy_fold(row.get("fold", ""))
            known = urbansound_name(file)
            number = whole_number(row.get("classid", ""))
            label = row.get("class") or ("" if number is None else _urbansound_label(number))
            if not label or not fold:
                reading.problems.append(left_out(clips.path, line, file, "has no class or fold"))
            elif (path := _located(base / f"fold{fold}" / file, clips)) is None:
                reading.problems.append(left_out(clips.path, line, str(base / f"fold{fold}" / file), MISSING))
            else:
                order.setdefault(len(order) + 1000 if number is None else number, label)
                source = row.get("fsid") or (known["source"] if known else Path(file).stem)
                reading.rows.append((str(path), label, fold, source, 0.0, math.nan))
        reading.label_order = tuple(label for _, label in sorted(order.items()))
    else:
        found = find_audio(base)
        reading.problems, reading.passed_over = found.problems, found.passed_over
        reading.label_order = URBANSOUND_LABELS
        for parts in found.files:
            place, known, folder = str(base.joinpath(*parts)), urbansound_name(parts[-1]), FOLD_FOLDER.match(parts[0])
            if known is None or folder is None:
                reading.problems.append(DataProblem(place, "is not named as UrbanSound8K names its clips"))
                continue
            label = _urbansound_label(int(known["target"]))
            reading.rows.append((place, label, str(int(folder[1])), known["source"], 0.0, math.nan))
    return assembled(reading)


def _located(path: Path, clips: ClipList) -> Path | None:
    """A file where it belongs, or, spelled in another way, where its name is found."""
    if is_file(path):
        return path
    try:
        found = clips.finder.find(path.name)
    except ValueError:
        return None
    return found[0] if found else None


def _urbansound_label(number: int) -> str:
    return URBANSOUND_LABELS[number] if number < len(URBANSOUND_LABELS) else f"class {number}"


def read_esc50(root: Path, clips: ClipList, name: str) -> Dataset:
    """ESC-50, or a part of it such as ESC-10, by its list. Groups are the Freesound recordings."""
    base = root / "audio" if is_dir(root / "audio") else root
    reading = DatasetDraft(name, root, "esc50", official=True)
    order: dict[int, str] = {}
    for row, line in zip(clips.lowered, clips.lines, strict=True):
        file, label, fold = row.get("filename", ""), row.get("category", ""), tidy_fold(row.get("fold", ""))
        if not file or not label or not fold:
            reading.problems.append(left_out(clips.path, line, file, "has no file name, no category or no fold"))
        elif (path := _located(base / file, clips)) is None:
            reading.problems.append(left_out(clips.path, line, str(base / file), MISSING))
        else:
            known = ESC50_NAME.match(Path(file).stem)
            source = row.get("src_file") or (known["source"] if known else Path(file).stem)
            target = whole_number(row.get("target", ""))
            order.setdefault(len(order) + 1000 if target is None else target, label)
            reading.rows.append((str(path), label, fold, source, 0.0, math.nan))
    reading.label_order = tuple(label for _, label in sorted(order.items()))
    return assembled(reading)
