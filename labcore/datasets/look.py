"""What lies at a path, before anything of it is added or copied: which layout it looks like, and what of it cannot be used.

A folder or a list is read as it is; of an archive the lists are read and the beginning of each sound. Nothing of it is changed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from labcore.allowed_paths import check_root, is_open
from labcore.datasets import several
from labcore.datasets.class_folders import OUTER, ClassFolders, class_folders_of
from labcore.datasets.headers import header_troubles
from labcore.datasets.layouts import LAYOUTS, TITLES, read_dataset
from labcore.datasets.packing import Packed, PackedError, archives_in, packed_at, stem_of
from labcore.datasets.packing.found import ARCHIVES
from labcore.datasets.packing.otherwise import OTHER_ARCHIVES
from labcore.datasets.packing.sketch import Sketch, sketch_folder, sketched
from labcore.datasets.registry import name_at, place_of
from labcore.datasets.scan import entries, is_dir, is_folder, listed, suffix_of
from labcore.datasets.table import PARTS, Dataset, Finding, natural_order, some, ways_from
from labcore.datasets.timed.dataset import UnlabelledError
from labcore.datasets.walk import TooMuchError, looking
from labcore.errors import DatasetError, LabError
from labcore.jobs.following import OnProgress
from labcore.texts import counted, shown
from labcore.typed import hint, plain_path
from labcore.workspace import Workspace, slug

MOST_SEEN = 8
NOT_COPIED = "not copied"
"""The kind of the finding on files of an archive that an import leaves out."""
NAMES = "names"
"""The kind of that on names in an archive that does not say how they are written."""
PACKED_LAYOUTS = (
    ("WebDataset", "train-000000.tar of 000017.flac, 000017.json or .cls; unpacked by an import"),
    ("Parquet with sounds", "train-00000-of-00001.parquet with a column of bytes and path; unpacked by an import"),
    ("zip and tar", "an archive of any of these; unpacked by an import"),
)
"""Title and tree of what an import unpacks."""


@dataclass(frozen=True)
class Look:
    """What lies at a path.

    Attributes:
        name: what it would be called in the workspace.
        layout, title: which layout it looks like, as :class:`labcore.datasets.table.Dataset` has it and as people call it; "" for none.
        archive: what it is packed in, "" for a folder or a list; else an import unpacks ``files`` of ``bytes`` in all into the workspace.
        clips, classes, folds, groups: those of the data set, with clips in files that cannot be read. Classes are single labels, where
            clips have several.
        labels: each class with how many clips are of it.
        several: so many clips have several labels.
        unreadable: files that cannot be read, each with why, in words that follow it.
        left_out: files and rows that are left out for other reasons.
        findings: what else is to know.
        seen: what lies there, where no layout is recognised.
        error, remedy: why it cannot be used as a data set, and what to do; "" where it can.
        packed: it is an archive, or a folder of archives, that was not looked into.
        unlabelled: so many sounds lie in the folder, and nothing says what they are; 0 for any other.
        class_folders: which of two levels of folders were taken as the classes.
    """

    path: str
    name: str = ""
    layout: str = ""
    title: str = ""
    archive: str = ""
    files: int = 0
    bytes: int = 0
    clips: int = 0
    classes: int = 0
    labels: tuple[tuple[str, int], ...] = ()
    folds: tuple[str, ...] = ()
    fold_note: str = ""
    groups: int = 0
    several: int = 0
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    seen: str = ""
    error: str = ""
    remedy: str = ""
    packed: bool = False
    unlabelled: int = 0
    class_folders: ClassFolders = OUTER

    @property
    def sentence(self) -> str:
        """What it looks like, in one sentence without the final stop."""
        if self.error:
            return self.error
        like = f"looks like {self.title}" if self.layout not in ("csv", "folders") else f"is read as {self.title}"
        named = set(self.folds) <= set(PARTS)
        parts = f"the parts {', '.join(self.folds)}" if named else counted(len(self.folds), "fold")
        facts = f"{counted(self.clips, 'clip', figure=str)}, {counted(self.classes, 'class', 'classes', figure=str)}, {parts}"
        bad = f"; {len(self.unreadable)} of the files cannot be read" if self.unreadable else ""
        rest = (
            f"; {counted(len(self.left_out), 'file or row', 'files or rows', figure=str)} left out"
            if self.left_out
            else ""
        )
        return f"{like}: {facts}{bad}{rest}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        told = {
            name: [{"path": path, "what": what} for path, what in getattr(self, name)]
            for name in ("unreadable", "left_out")
        }
        labels = {shown(label): count for label, count in self.labels}
        return {"sentence": self.sentence, **asdict(self), **told, "labels": labels, "recognised": not self.error}


def look(
    workspace: Workspace,
    path: str | Path,
    progress: OnProgress = lambda done, total: None,
    class_folders: ClassFolders | None = None,
) -> Look:
    """What lies at a path: a folder, a list, or an archive. Adds nothing and changes nothing.

    Args:
        workspace: an archive is sketched in it meanwhile.
        path: as it was typed; the name of a data set of the workspace will do.
        progress: called with (files seen, 0) while folders and archives are looked through, then with (headers read, files). What it
            raises ends the look.
        class_folders: which of two levels of folders are the classes; None for the outer ones, or as a data set that lies there is read.

    Raises:
        DatasetError: nothing is there, it is one of the system's folders, or an archive that is damaged or not to be trusted.
        WorkspaceError: it lies where this lab opens nothing for visitors, or the workspace cannot be written.
    """
    if not plain_path(str(path)):
        raise DatasetError("no folder or file was given", "Give its path")
    path = Path(os.path.abspath(place_of(workspace, str(path))))  # noqa: PTH100 (tidies "..", keeps links)
    check_root(path)
    if not path.exists() or not is_open(path):
        raise DatasetError(f"there is nothing at {path}", hint(path))
    which = class_folders or class_folders_of(workspace, name_at(workspace, path))
    about = _at(path, progress, which) if is_dir(path) else None
    if (about is None or about.packed) and (packed := packed_at(path)) is not None:
        return look_into(workspace, packed, progress, class_folders=which)
    return about or _at(path, progress, which)


def look_at(
    workspace: Workspace, packed: Packed, title: str, progress: OnProgress, class_folders: ClassFolders = OUTER
) -> Look:
    """What somebody handed in, as :func:`labcore.datasets.packing.handed_in` has it; paths are told as they lie in that.

    Args:
        title: what errors call all of it.
        class_folders: as for :func:`look`.

    Raises:
        DatasetError, WorkspaceError: as :func:`look`.
    """
    with called(packed.path, title):
        if not packed.is_open:
            about = look_into(workspace, packed, progress, class_folders=class_folders)
            return _without_folder(replace(about, path=title), packed.path)
        size = sum(path.stat().st_size for path in packed.files)
        about = replace(_at(packed.path, progress, class_folders), path=title, files=len(packed.files), bytes=size)
        return _without_folder(about, packed.path)


@contextmanager
def called(folder: Path, title: str) -> Iterator[None]:
    """Have errors call a folder of the lab's by a title, and what lies in it by its path there."""
    try:
        yield
    except LabError as error:
        error.what, error.remedy = (_renamed(text, folder, title) for text in (error.what, error.remedy))
        raise


def look_into(
    workspace: Workspace,
    packed: Packed,
    progress: OnProgress,
    place: Path | None = None,
    class_folders: ClassFolders = OUTER,
) -> Look:
    """The same for archives.

    Args:
        place: the folder in which they are sketched, of whoever removes what a killed process leaves of it.
        class_folders: as for :func:`look`.

    Raises:
        DatasetError, WorkspaceError: as :func:`look`.
    """
    with sketch_folder(workspace, place) as folder:
        sketch = sketched(packed, folder, progress)
        about = replace(_of_sketch(packed, sketch), class_folders=class_folders)
        try:
            dataset = read_dataset(folder, about.name, class_folders=class_folders)
        except TooMuchError:
            raise
        except DatasetError as error:
            remedy = next((each.remedy for each in about.findings if each.remedy), error.remedy)
            about = replace(about, error=error.what, remedy=remedy, seen=_seen_in(folder, sketch))
            return _without_folder(about, folder)
        clips = set(map(shown, ways_from(str(folder), dataset.table["path"])))
        unreadable = [(name, why) for name, why in sketch.unreadable if name in clips]
        told = _without_folder(_told(about, dataset, unreadable), folder)
        return told if packed.is_archive else replace(told, title=packed.title)


def _at(path: Path, progress: OnProgress, class_folders: ClassFolders) -> Look:
    about = Look(str(path), slug(path.stem if path.is_file() else path.name), class_folders=class_folders)
    with looking(progress):
        try:
            dataset = read_dataset(path, class_folders=class_folders)
        except TooMuchError:
            raise
        except DatasetError as error:
            packed = isinstance(error, PackedError)
            seen = _seen_in(path, Sketch()) if is_dir(path) and not packed else ""
            inside = archives_in(path) if seen else ()
            remedy = (
                f"Look into an archive in it: `labcore datasets look {quote(str(inside[0]))}`"
                if inside
                else error.remedy
            )
            unlabelled = error.sounds if isinstance(error, UnlabelledError) else 0
            return replace(about, error=error.what, remedy=remedy, seen=seen, packed=packed, unlabelled=unlabelled)
    troubles = header_troubles(dataset, progress)
    return _told(about, dataset, list(troubles.items()))


def _told(about: Look, dataset: Dataset, unreadable: list[tuple[str, str]]) -> Look:
    labels = dataset.table["label"]
    every = (label for cell in labels for label in several.labels_of(cell)) if dataset.several_labels else labels
    classes = Counter(every)
    bad = {path for path, _ in unreadable}
    return replace(
        about,
        layout=dataset.layout,
        title=TITLES.get(dataset.layout, dataset.layout),
        clips=len(dataset),
        classes=len(classes),
        labels=tuple((label, classes[label]) for label in natural_order(list(classes))),
        folds=tuple(dataset.folds),
        fold_note=dataset.fold_note,
        groups=int(dataset.table["group"].nunique()),
        several=int(labels.str.contains(several.MARK, regex=False).sum()) if dataset.several_labels else 0,
        unreadable=tuple(unreadable),
        left_out=(
            *about.left_out,
            *((shown(each.path), each.what) for each in dataset.problems if each.path not in bad),
        ),
        findings=(*about.findings, *dataset.findings, *_passed_over(dataset)),
    )


def _passed_over(dataset: Dataset) -> Iterator[Finding]:
    if count := dataset.passed_over:
        what = f"{counted(count, 'file')} {'is' if count == 1 else 'are'} not audio, and no clip{'s' * (count > 1)}"
        yield Finding("passed over", what, level="note")


def _of_sketch(packed: Packed, sketch: Sketch) -> Look:
    findings = [
        Finding(
            NAMES,
            f"the archive {each.archive} {each.what}",
            remedy=each.remedy,
            level="note" if each.sure else "warning",
        )
        for each in sketch.readings
    ]
    if sketch.others:
        what = ", ".join(f"{count} {ending}" for ending, count in sketch.others.most_common(5))
        what = f"files that are neither sounds nor lists are not copied ({what})"
        inner = sorted({*sketch.others} & {*ARCHIVES, *OTHER_ARCHIVES})
        remedy = f"Unpack what is packed in it ({', '.join(inner)}), and import the folder" if inner else ""
        findings.append(Finding(NOT_COPIED, what, remedy=remedy, level="warning" if inner else "note"))
    beside = [packed.path / entry.name for entry in listed(packed.path)] if is_dir(packed.path) else []
    if others := [each.name for each in beside if suffix_of(each.name) in OTHER_ARCHIVES and each not in packed.files]:
        what = f"what is packed in a way that is not read here is not copied ({some(map(shown, others))})"
        findings.append(Finding(NOT_COPIED, what, remedy="Unpack all of it, and import the folder", level="warning"))
    return Look(
        str(packed.path),
        slug(stem_of(packed.path)),
        archive=packed.title,
        files=sketch.files,
        bytes=sketch.bytes,
        unreadable=tuple(sketch.unreadable),
        left_out=tuple(sketch.left_out),
        findings=tuple(findings),
    )


def _without_folder(about: Look, folder: Path) -> Look:
    """With paths as they are in the archive, and not in the folder of its sketch."""
    mended = partial(_renamed, folder=folder, title=about.path)
    findings = tuple(
        replace(each, what=mended(each.what), files=tuple(map(mended, each.files)), remedy=mended(each.remedy))
        for each in about.findings
    )
    unreadable = tuple((mended(path), mended(what)) for path, what in about.unreadable)
    left = {mended(path): what for path, what in about.left_out}
    bad = {path for path, _ in unreadable}
    return replace(
        about,
        findings=findings,
        unreadable=unreadable,
        left_out=tuple((path, mended(what)) for path, what in left.items() if path not in bad),
        error=mended(about.error),
        remedy=mended(about.remedy),
    )


def _renamed(text: str, folder: Path, title: str) -> str:
    """A text in which a folder of the lab's own has a title, and what lies in it is called by its path there."""
    return text.replace(f"{folder}{os.sep}", "").replace(str(folder), title)


def _seen_in(folder: Path, sketch: Sketch) -> str:
    """What lies in a folder and the folders in it, by ending: for whoever wonders why nothing was recognised."""
    endings: Counter[str] = Counter(sketch.others)
    names: list[str] = []
    with suppress(DatasetError):
        for entry in entries(folder):
            if is_folder(entry):
                names.append(f"{shown(entry.name)}/")
                with suppress(DatasetError):
                    endings.update(
                        suffix_of(each.name) or "no ending"
                        for each in entries(folder / entry.name)
                        if not is_folder(each)
                    )
            else:
                endings[suffix_of(entry.name) or "no ending"] += 1
    files = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(MOST_SEEN)) or "no files"
    return f"seen: {files}" + (f"; folders: {some(names, MOST_SEEN)}" if names else "")


def known_layouts() -> list[tuple[str, str]]:
    """Title and tree of each layout that is known."""
    return [*((layout.title, layout.tree) for layout in LAYOUTS), *PACKED_LAYOUTS]
