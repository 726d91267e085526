"""The work of an import: the archive is looked at, then unpacked into a hidden folder, which becomes the data set when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from shlex import quote
from types import MappingProxyType
from typing import Any

from labcore.allowed_paths import check_root
from labcore.datasets.class_folders import OUTER, ClassFolders, keep_class_folders
from labcore.datasets.glance import remember
from labcore.datasets.headers import left_out, unreadable_headers
from labcore.datasets.known_tables import read_through
from labcore.datasets.layouts import read_dataset
from labcore.datasets.look import NAMES, NOT_COPIED, Look, called, look_into
from labcore.datasets.names import require_free
from labcore.datasets.packing import Packed, handed_in, packed_at
from labcore.datasets.packing.members import Names
from labcore.datasets.packing.sketch import copy, placed, wanted
from labcore.datasets.table import DataProblem, Finding
from labcore.errors import DatasetError, WorkspaceError
from labcore.events import Event, Log
from labcore.importing.job import DRAFTS, MAKERS, Import, Imported, ImportPlan, SetMaker
from labcore.jobs.following import OnProgress, follow
from labcore.jobs.process import StopTest
from labcore.texts import megabytes
from labcore.workspace import Workspace, is_locked, write_atomically

SPARE_BYTES = 100 * 1024**2
"""What an import leaves free on the disk."""


def work(job: Import, should_stop: StopTest) -> Generator[Event, None, None]:
    """The work of an import. One that goes on begins anew.

    Raises:
        DatasetError: there is no archive any more, it is damaged or not to be trusted, no layout is recognised in it, or the name is taken.
        WorkspaceError: there is too little room for it, or the workspace cannot be written.
        Stopped: it was asked to stop.
    """
    plan, workspace = job.plan, job.workspace
    remove_drafts(workspace)
    require_free(workspace, plan.name, None)
    if not plan.uploaded:
        yield (yield from unpacked(job, _packed(plan), plan.name, should_stop, class_folders=plan.class_folders))
        return
    packed = _uploaded(job)
    with called(job.upload, called_in_errors(packed, plan.path)):
        made = yield from unpacked(job, packed, plan.name, should_stop, class_folders=plan.class_folders)
    shutil.rmtree(job.upload, ignore_errors=True)
    yield made


def unpacked(
    job: SetMaker[Any],
    packed: Packed,
    name: str,
    should_stop: StopTest,
    *,
    layout: str = "",
    notes: Mapping[str, str] = MappingProxyType({}),
    class_folders: ClassFolders = OUTER,
) -> Generator[Event, None, Imported]:
    """Look into archives, and unpack them as a data set of the workspace.

    Args:
        name: of the data set, which is free.
        layout: the only one that is taken, where there is one.
        notes: texts that are kept beside the sounds, by the names of their files.
        class_folders: which of two levels of folders are the classes.

    Raises:
        DatasetError, WorkspaceError, Stopped: as :func:`work`.
    """
    workspace = job.workspace
    about = yield from follow(
        "looking into the archive",
        lambda progress: look_into(workspace, packed, progress, job.draft_of_set, class_folders),
        should_stop,
        "files",
    )
    if about.error:
        raise DatasetError(about.error, about.remedy)
    if layout and about.layout != layout:
        raise DatasetError(f"{packed.path} is another archive: it {about.sentence}", "Fetch the right one")
    yield Log(message=about.sentence)
    require_room(workspace, about)
    return (yield from _taken_in(job, packed, name, about, should_stop, notes))


def _taken_in(
    job: SetMaker[Any], packed: Packed, name: str, about: Look, should_stop: StopTest, notes: Mapping[str, str]
) -> Generator[Event, None, Imported]:
    """The data set, unpacked and in its place; nothing of it is left where that fails."""
    workspace, draft = job.workspace, job.draft_of_set
    target, names = workspace.datasets / name, Names(str(packed.path), disk=workspace.datasets)
    try:
        with WorkspaceError.on_os_error(f"{target} cannot be written", "Choose another workspace with LABCORE_HOME"):
            draft.mkdir()
        unpack = partial(_unpack, packed, draft, about, names)
        files = yield from follow("unpacking", unpack, should_stop, "files")
        check = partial(unreadable_headers, read_dataset(draft, name, class_folders=about.class_folders))
        found = yield from follow("reading headers", check, should_stop, "files")
        for note, text in notes.items():
            write_atomically(draft / note, text)
        require_free(workspace, name, None)
        keep_class_folders(workspace, name, about.class_folders, job.owner)
        with WorkspaceError.on_os_error(f"{target} cannot be written", "Choose another name"):
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    trouble = {
        path.replace(str(draft), str(target), 1): why.replace(str(draft), str(target)) for path, why in found.items()
    }
    dataset = read_through(workspace, target, name, class_folders=about.class_folders)
    info = remember(workspace, name, target, dataset, trouble)
    return Imported(
        name=info.name,
        path=info.path,
        layout=info.layout,
        clips=info.clips,
        classes=info.classes,
        files=files,
        bytes=about.bytes,
        warnings=[*(finding.sentence for finding in _told(about, names)), *info.warnings],
    )


def _told(about: Look, names: Names) -> list[Finding]:
    """What is told of the files of an archive that are not copied, and of how the names of the others were read."""
    refused = left_out([DataProblem(name, what) for name, what in names.refused])
    others = [each for each in about.findings if each.kind == NOT_COPIED and each.level == "warning"]
    return [*refused, *others, *(each for each in about.findings if each.kind == NAMES)]


def _uploaded(job: Import) -> Packed:
    if not job.upload.is_dir():
        raise DatasetError("what was uploaded is not there any more", "Upload it again")
    with called(job.upload, "the upload"):
        return handed_in(job.upload)


def called_in_errors(packed: Packed, title: str) -> str:
    """What errors call all that was uploaded: the only file by its name."""
    return title if len(packed.files) == 1 else "the upload"


def _packed(plan: ImportPlan) -> Packed:
    path = Path(plan.path)
    check_root(path)
    if not path.exists():
        raise DatasetError(f"{path} does not exist any more", "Mount or restore it")
    packed = packed_at(path)
    if packed is None:
        raise DatasetError(
            f"{path} is no archive",
            f"A folder needs no import into the workspace: `labcore datasets import {quote(str(path))}`",
        )
    return packed


def require_room(workspace: Workspace, about: Look) -> None:
    """Refuse what the disk of the workspace has no room for.

    Raises:
        WorkspaceError: it has none.
    """
    free = shutil.disk_usage(workspace.datasets).free
    needed = about.bytes + SPARE_BYTES
    if needed > free:
        raise WorkspaceError(
            f"{about.path} unpacks to {megabytes(about.bytes)}, and {workspace.home} has {megabytes(free)} free",
            f"Free {megabytes(needed - free)}, choose another workspace with LABCORE_HOME, or unpack it elsewhere and give the folder",
        )


def _unpack(packed: Packed, draft: Path, about: Look, names: Names, progress: OnProgress) -> int:
    """Write the files of an archive; returns how many. ``progress`` is called with (files done, files), also in the midst of large ones.
    ``names`` hears of those that are left out."""
    files = done = 0

    def report(*_: int) -> None:
        progress(files, about.files)

    for member in packed.members(names):
        report()
        if not wanted(member):
            continue
        done += member.size
        if done > about.bytes:
            raise DatasetError(f"{packed.path} changed while it was unpacked", "Import it again")
        with placed(draft, member) as target, member.reading() as content:
            copy(content, target, member, report)
        files += 1
    if not files:
        raise DatasetError(f"{packed.path} holds no file of a data set", "Look into it with `labcore datasets look`")
    return files


def remove_drafts(workspace: Workspace) -> None:
    """Remove what imports and downloads left behind that were killed."""
    for draft in workspace.datasets.glob(f"{DRAFTS}*"):
        job = draft.name.removeprefix(DRAFTS)
        held = any(is_locked(workspace.home / room / job / "lock") for room in MAKERS)
        if not held or not draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
