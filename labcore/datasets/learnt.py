"""Which clips a network has learnt from, by the records that runs keep of theirs; whatever the data set is called that they come from."""

from __future__ import annotations

import contextlib
import math
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from labcore.datasets.contents import equal_files, identity_of
from labcore.datasets.record import HELD_OUT, TRAIN, VALIDATION, ClipRecord
from labcore.errors import RunError
from labcore.runs import Run
from labcore.runs.moved import here
from labcore.runs.origin import ensemble_members
from labcore.workspace import Workspace

TOUCH_S = 1e-3
"""Parts of a file that share less than this, in seconds, follow each other."""
BEFORE, SUFFIX = "learnt_before", ".json.gz"
"""The folder in a run's directory with the records of the runs whose weights it began with, and how their names end."""
COMPARED = 8
"""So many files of a copy are compared with what they may be a copy of."""
Span = tuple[float, float]
Spans = dict[object, list[Span]]


@dataclass(frozen=True)
class Files:
    """The files that a run has learnt from, as they lie in a folder.

    Attributes:
        folder: where they lay.
        sizes: way below the folder → bytes.
        parts: way below the folder → the parts of it, in seconds.
    """

    folder: str
    sizes: Mapping[str, int]
    parts: Mapping[str, list[Span]]

    def copies(self, paths: Iterable[str]) -> dict[str, list[Span]]:
        """Those of some files that are these at another place, with their parts: below one folder as they lay here, and as large.

        A folder counts where half of them lie in it. Of those that still lie here, too, some are compared by their bytes, since different
        recordings may be called alike and be equally long.
        """
        depths = {way.count("/") + 1 for way in self.sizes}
        found = defaultdict[str, dict[str, str]](dict)
        for path in dict.fromkeys(paths):
            pieces = path.split(os.sep)  # noqa: PTH206 (called for every clip, as what follows)
            for depth in depths:
                way, folder = "/".join(pieces[-depth:]), os.sep.join(pieces[:-depth])  # noqa: PTH118
                if folder != self.folder and way in self.sizes and _bytes(path) == self.sizes[way]:
                    found[folder][way] = path
        return {
            path: self.parts[way]
            for there in found.values()
            if 2 * len(there) >= len(self.sizes) and self._same(there)
            for way, path in there.items()
        }

    def _same(self, there: Mapping[str, str]) -> bool:
        pairs = [(os.path.join(self.folder, way), path) for way, path in there.items()]  # noqa: PTH118
        both = [pair for pair in pairs if os.path.lexists(pair[0])]
        some = both[:: max(1, len(both) // COMPARED)][:COMPARED]
        return all(equal_files(pair) for pair in some)


@dataclass(frozen=True)
class Learnt:
    """What a network has learnt from: file → the parts of it, in seconds. A file is known by its device and inode, so by every path.

    ``lost``: some of it is not known, or is not where it lay, and may be among other files by now. ``files``: the same by where it lay, for
    data sets that were moved or copied.
    """

    parts: Mapping[object, list[Span]] = field(default_factory=dict)
    lost: bool = True
    files: tuple[Files, ...] = ()

    def among(self, table: pd.DataFrame) -> np.ndarray:
        """Which clips of a clip table share sound with what was learnt from: (clips,) bool."""
        if not self.parts:
            return np.zeros(len(table), dtype=bool)
        ends = table["end_s"].fillna(math.inf).tolist()
        copies = defaultdict[str, list[Span]](list)
        for files in self.files:
            for path, parts in files.copies(table["path"]).items():
                copies[path] += parts
        spans = zip(table["path"].tolist(), table["start_s"].tolist(), ends, strict=True)
        return np.array(
            [self._holds(path, start, end) or _meets(copies.get(path, ()), start, end) for path, start, end in spans],
            dtype=bool,
        )

    def holds_held_out(self, record: ClipRecord, workspace: Workspace) -> bool:
        """Whether one of the clips that another run held out is among them."""
        return any(self._holds(*span) for span in _spans(record, workspace, (HELD_OUT,)))

    def _holds(self, path: str, start: float, end: float) -> bool:
        return _meets(self.parts.get(identity_of(path), ()), start, end)


def _meets(parts: Iterable[Span], start: float, end: float) -> bool:
    return any(min(end, until) - max(start, since) > TOUCH_S for since, until in parts)


def shares_recordings(table: pd.DataFrame, rows: np.ndarray, learnt: np.ndarray) -> bool:
    """Whether some clips of a table are of recordings that clips were learnt from: row numbers against (clips,) bool."""
    groups = table["group"].to_numpy(dtype=object)
    return not set(groups[rows]).isdisjoint(groups[learnt])


def learnt_by(run: Run, workspace: Workspace) -> Learnt:
    """What a run has learnt from: its training clips and those set aside for validation, by which it was chosen; those of the run whose
    weights it began with, and of that one's; those of the members of an ensemble.

    Clips are known where their files still lie where they lay, or where the workspace has moved with them, and in a data set that was moved
    or copied as a whole; those of a run that is gone by what :func:`keep_records` kept. Of weights that are no run's folder nothing is
    known.
    """
    parts: Spans = defaultdict(list)
    files = list[Files]()
    records, lost = _records(run, workspace)
    for record in records.values():
        for path, start, end in _spans(record, workspace, (TRAIN, VALIDATION)):
            parts[identity_of(path)].append((start, end))
            lost = lost or not os.path.lexists(path)
        files.append(_files_of(record, workspace))
    return Learnt(dict(parts), lost, tuple(files))


def _files_of(record: ClipRecord, workspace: Workspace) -> Files:
    sizes, parts = dict[str, int](), defaultdict[str, list[Span]](list)
    for clip in record.clips:
        if clip.part in (TRAIN, VALIDATION):
            sizes[clip.path] = clip.bytes
            parts[clip.path].append((clip.start_s, math.inf if clip.end_s is None else clip.end_s))
    return Files(str(here(workspace, record.folder)), sizes, parts)


def _bytes(path: str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116 (called for every clip)
    except (OSError, ValueError):
        return None


def keep_records(run: Run, source: Run, workspace: Workspace) -> None:
    """Keep in a run what the weights that it begins with have learnt from, so that it is known when their run is gone.

    Raises:
        WorkspaceError: the disk is full or the run is gone.
    """
    folder, (records, _) = run.path / BEFORE, _records(source, workspace)
    for name, record in records.items():
        with contextlib.suppress(OSError):  # writing tells what is wrong
            folder.mkdir(exist_ok=True)
        record.write(folder / f"{name}{SUFFIX}")


def _records(run: Run, workspace: Workspace) -> tuple[dict[str, ClipRecord], bool]:
    """Run → its record, of all runs that a network's weights went through; and whether one is not known."""
    found: dict[str, ClipRecord] = {}
    kept: dict[str, Path] = {}
    lost = set[str]()
    for each in _line_of(run, workspace):
        kept |= {file.name.removesuffix(SUFFIX): file for file in (each.path / BEFORE).glob(f"*{SUFFIX}")}
        record = ClipRecord.load(each)
        if record is not None:
            found[each.id] = record
        elif not ensemble_members(each):
            lost.add(each.id)
        lost |= _gone(each, workspace)
    for name, file in kept.items():
        if name not in found and (record := ClipRecord.read(file)) is not None:
            found[name] = record
    return found, not lost <= set(found)


def _gone(run: Run, workspace: Workspace) -> set[str]:
    """The run whose weights a run began with, by its id, where nothing is in its place any more."""
    with contextlib.suppress(RunError):
        pretrained = run.config.model.pretrained
        place = place_of_weights(pretrained, workspace)
        if pretrained not in ("none", "published") and not os.path.lexists(place):
            return {place.parent.name if place.name == run.weights.name else place.name}
    return set()


def pretrained_run(run: Run, workspace: Workspace) -> Run | None:
    """The run whose weights a run begins with; None where it begins with none, or with other weights."""
    with contextlib.suppress(RunError):
        return run_named(run.config.model.pretrained, workspace)
    return None


def place_of_weights(pretrained: str, workspace: Workspace) -> Path:
    """Where the weights of a setting ``model.pretrained`` lie: the id of a run as its folder, and what moved with the workspace."""
    folder = workspace.runs / pretrained
    return folder if folder.is_dir() else here(workspace, pretrained)


def run_named(pretrained: str, workspace: Workspace) -> Run | None:
    """The run that a setting ``model.pretrained`` names by its id, its folder or its file of weights; None where it names none."""
    source = place_of_weights(pretrained, workspace)
    run = Run(source if source.is_dir() else source.parent)
    return run if run.there and source in (run.path, run.weights) else None


def _spans(record: ClipRecord, workspace: Workspace, parts: Collection[str]) -> Iterator[tuple[str, float, float]]:
    """Path, start and end of the clips of some parts of a split, where they lie now."""
    folder = str(here(workspace, record.folder))
    for clip in record.clips:
        if clip.part in parts:
            end = math.inf if clip.end_s is None else clip.end_s
            yield os.path.join(folder, clip.path), clip.start_s, end  # noqa: PTH118


def _line_of(run: Run, workspace: Workspace) -> Iterator[Run]:
    """A run, its members and what they began with, and so on, each once."""
    waiting, seen = [run], set[Path]()
    while waiting:
        each = waiting.pop()
        if each.path in seen:
            continue
        seen.add(each.path)
        yield each
        waiting += [Run(workspace.runs / member) for member in ensemble_members(each)]
        if (before := pretrained_run(each, workspace)) is not None:
            waiting.append(before)
