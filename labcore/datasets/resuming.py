"""The data set of a run that is gone on with: found again where it lies now, or told where it lay and how to name its new place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from labcore.config import DataConfig, RunConfig
from labcore.datasets.annotations import file_of, read_annotations
from labcore.datasets.by_time import whole
from labcore.datasets.class_folders import class_folders_of
from labcore.datasets.corrections import FILE, Corrections, corrected, with_labels
from labcore.datasets.folds import drawn_in
from labcore.datasets.in_split import in_split_of, pin_split, split_of
from labcore.datasets.record import VALIDATION, ClipRecord, in_parts
from labcore.datasets.registry import find_dataset, find_uncorrected, name_of, place_of, with_whole_paths
from labcore.datasets.table import Dataset, way_from
from labcore.datasets.timed.edits import edits_of
from labcore.errors import DatasetError
from labcore.jobs.status import RESUMABLE
from labcore.reading import read_object
from labcore.runs import Run
from labcore.runs.moved import former_homes, here, homes_of
from labcore.texts import counted
from labcore.workspace import Workspace

NOTHING = "it no longer exists"
MOVED = "moved"
"""The JSON file in a run's directory that says which data sets its configuration named before, the latest last."""


def pin(run: Run, workspace: Workspace, data: DataConfig) -> None:
    """Write down the labels and the named split that a run begins with, where it has not begun yet.

    Args:
        data: ``config.cutting`` of the run.

    Raises:
        DatasetError: they cannot be had, or the split leaks.
        WorkspaceError: the disk is full or the run is gone.
    """
    pin_labels(run, workspace, data.dataset, data)
    pin_split(run, workspace, data)


def pin_labels(run: Run, workspace: Workspace, wanted: str, data: DataConfig | None = None) -> None:
    """Write down which labels a run takes for others than its data set's own, where it has not begun yet: it keeps them to its end,
    whatever is corrected meanwhile.

    Args:
        data: how its clips are cut by time-stamped annotations.

    Raises:
        DatasetError: there are annotations, and they or the data set cannot be read.
        WorkspaceError: the disk is full or the run is gone.
    """
    if os.path.lexists(run.path / f"{FILE}.json"):
        return
    begun = ClipRecord.load(run) is not None or run.checkpoint.exists()
    (Corrections() if begun else corrections_by_now(workspace, wanted, data)).save(run)


def corrections_by_now(workspace: Workspace, wanted: str, data: DataConfig | None = None) -> Corrections:
    """Which labels of a data set count by now in place of its own; none for one that is not of the workspace, or is not there.

    Raises:
        DatasetError: there are annotations, and they or the data set cannot be read.
    """
    try:
        name = name_of(workspace, wanted)
    except DatasetError:
        return Corrections()
    annotated = read_annotations(file_of(workspace, name)).revision or edits_of(workspace, name).revision
    found = (find_dataset(workspace, name, data).corrections if annotated else None) or Corrections()
    return replace(found, class_folders=class_folders_of(workspace, name))


def find_again(run: Run, workspace: Workspace, wanted: str, data: DataConfig | None = None) -> Dataset:
    """The data set of a run, with the labels that the run began with; see :func:`pin_labels`.

    Args:
        data: how its clips are cut by time-stamped annotations.

    Raises:
        DatasetError: it is not there, or cannot be read; of a run that has begun with it, with where it lay.
        WorkspaceError: it lies where this lab opens nothing for visitors.
    """
    return with_labels(_find_again(run, workspace, wanted, data), Corrections.of_run(run))


def _find_again(run: Run, workspace: Workspace, wanted: str, data: DataConfig | None) -> Dataset:
    """The data set of a run with its own labels."""
    known, began = ClipRecord.load(run), Corrections.of_run(run)
    try:
        place = _wanted(known, workspace, wanted)
        dataset = find_uncorrected(workspace, place, data, began.events, began.class_folders)
        return _in_split(run, as_known(dataset, known), known)
    except DatasetError as error:
        if known is None and not run.checkpoint.exists():
            raise
        there = os.path.lexists(place_of(workspace, wanted))
        raise _away(run, workspace, wanted, error.what if there else NOTHING) from error


def _in_split(run: Run, dataset: Dataset, known: ClipRecord | None) -> Dataset:
    """A data set with the folds of the split that a run began with; where the run lacks it, by what it knows of its clips.

    Raises:
        DatasetError: it is known of no clip on which side it was.
    """
    if known is None or split_of(run) is not None or (wanted := run.config.data).named_split is None:
        return in_split_of(run, dataset)
    if any(clip.part == VALIDATION for clip in known.clips):
        what = f"the split {wanted.named_split!r} that run {run.id} began with cannot be read: its file split.json is gone or damaged"
        raise DatasetError(what, "Put the file back, or train a new run")
    return in_parts(dataset, known, wanted.fold or "held out")


def as_known(dataset: Dataset, known: ClipRecord | None) -> Dataset:
    """A data set whose recordings are whole where a run knows them so, from before they were parted by time."""
    folder = dataset.folder  # looks at all clips: once
    cut = {
        way_from(folder, path)
        for path, start in zip(dataset.table["path"], dataset.table["start_s"], strict=True)
        if start
    }
    if known is None or not cut or any(clip.start_s for clip in known.clips if clip.path in cut):
        return dataset
    return whole(dataset)


def _wanted(known: ClipRecord | None, workspace: Workspace, wanted: str) -> str:
    """What a run calls its data set; where that is a name the workspace has forgotten, the place where it lay."""
    forgotten = os.path.basename(wanted) == wanted and not os.path.lexists(place_of(workspace, wanted))  # noqa: PTH119
    return known.root if forgotten and known is not None and os.path.lexists(here(workspace, known.root)) else wanted


def is_away(run: Run, workspace: Workspace) -> bool:
    """Whether nothing is where a run's data set should be. A quick look, which reads nothing of it.

    Raises:
        RunError: the run's configuration cannot be read.
    """
    with contextlib.suppress(OSError, ValueError):
        return not place_of(workspace, _wanted(ClipRecord.load(run), workspace, run.config.data.dataset)).exists()
    return True


def require_data(run: Run, workspace: Workspace) -> None:
    """Refuse to go on with a run whose data set is not there, before anything of it changes.

    A run without a record of its clips is let pass: whoever works on it finds out.

    Raises:
        DatasetError: it is not there, with where it lay.
        RunError: the run's configuration cannot be read.
    """
    if ClipRecord.load(run) is not None and is_away(run, workspace):
        raise _away(run, workspace, run.config.data.dataset, NOTHING)


def ready(run: Run, place: str | None) -> None:
    """Make sure of the data set of a run that is to go on, at another place where one is named. Called with the run's lock held.

    Raises:
        DatasetError, RunError, WorkspaceError: as for :func:`require_data` and :func:`name_place`. The run stays as it was.
    """
    if place is None:
        require_data(run, run.workspace)
    else:
        name_place(run, run.workspace, place)


def name_place(run: Run, workspace: Workspace, place: str) -> None:
    """Have a run go on with its data set at another place: a name in the workspace, a folder or a CSV file.

    Raises:
        DatasetError: there is no data set, or one of other clips than the run has begun with. The run stays as it was.
        WorkspaceError: it lies where this lab opens nothing for visitors, or the run cannot be written.
    """
    known = ClipRecord.load(run)
    corrections = Corrections.of_run(run)
    there = find_uncorrected(workspace, place, run.config.cutting, corrections.events, corrections.class_folders)
    dataset = with_labels(as_known(there, known), corrections)
    if known is not None:
        changes = known.changes_to(ClipRecord.of(dataset, dataset.table), whole=False)
        if changes:
            raise other_clips(run, str(dataset.root), changes)
    config = run.config
    path = place_of(workspace, place)
    named = str(path.absolute()) if path.name != place else place
    if named != config.data.dataset:
        run.save(MOVED, [*_named_before(run), config.data.dataset])
        run.save_config(config.replace({"data.dataset": named}))


def move(runs: Iterable[Run], workspace: Workspace, config: RunConfig, place: str) -> RunConfig:
    """Have those of some runs that are not at their end go on with their data set at another place, as :func:`name_place` does.

    Returns:
        The configuration that they have in common, with that place.
    """
    find_dataset(workspace, place, config.cutting)
    for run in runs:
        if run.status().state in (*RESUMABLE, "queued"):
            with run.hold():
                name_place(run, workspace, place)
    return with_whole_paths(workspace, config.replace({"data.dataset": place}))


def dataset_of(run: Run, workspace: Workspace, wanted: str) -> Dataset:
    """The data set of a run that was trained, with its folds as that run knows them: to judge it on what it held out. Its labels are
    those that count by now.

    Raises:
        DatasetError, WorkspaceError: as for :func:`find_again`.
    """
    dataset, known = _find_again(run, workspace, wanted, run.config.cutting), ClipRecord.load(run)
    folder = known.drawn_in if known else dataset.folder if run.weights.exists() else ""
    return corrected(drawn_in(dataset, folder) if folder else dataset)


def former_folders(run: Run, workspace: Workspace, dataset: Dataset) -> list[str]:
    """Where the clips of a data set may have lain when a run began, for one that knows them by absolute paths; likely ones first."""
    known = ClipRecord.load(run)
    way = os.path.relpath(dataset.folder, dataset.root)
    places = [dataset.root, *_former_folders(run, workspace, dataset.root)]
    folders = [os.path.normpath(root / way) for root in places]
    return list(dict.fromkeys([known.drawn_in, *folders] if known and known.drawn_in else folders))


def other_clips(run: Run, root: str, changes: str) -> DatasetError:
    """The error for people where a data set is not the one that a run has begun with. ``changes`` tell what differs, where known."""
    what = f"the data set at {root} has changed since run {run.id} started: "
    what += changes or "clips, labels or folds differ, or it was elsewhere then"
    place = f"give the path of the right one (`labcore resume {run.id} --dataset PATH`, or on the run's page)"
    return DatasetError(what, f"Put its files back as they were, and new ones elsewhere, {place}, or start a new run")


def _away(run: Run, workspace: Workspace, wanted: str, why: str) -> DatasetError:
    known = ClipRecord.load(run)
    path = place_of(workspace, wanted)
    place = known.root if known else workspace.datasets / wanted if path.name == wanted else path
    clips = f", with {counted(len(known.clips), 'clip')}" if known else ""
    return DatasetError(
        f"the data set of run {run.id} was at {place}{clips}: {why}",
        f"Put or mount it there again, or give its new path: `labcore resume {run.id} --dataset PATH`, or on the run's page",
    )


def _named_before(run: Run) -> list[str]:
    names = run.load(MOVED, [])
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _former_folders(run: Run, workspace: Workspace, root: Path) -> Iterator[Path]:
    """Other places of a data set in former times, as far as anything tells."""
    named = [run.config.data.dataset, *_named_before(run)]
    homes = dict.fromkeys([*homes_of(run), *former_homes(workspace)])
    yield from (Path(name) for name in named if Path(name).is_absolute())
    yield from (home / "datasets" / name for home in homes for name in named if Path(name).name == name)
    with contextlib.suppress(ValueError):
        yield from (home / root.relative_to(workspace.home) for home in homes)
    for meta in workspace.cache.glob("clips/*/meta.json"):  # the clip stores tell what they were made from
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            yield Path(read_object(meta)["root"])
