"""Data sets that get another name or are removed: which runs use one, and what happens to its files.

A reference is only forgotten: originals are never touched, and neither is what people decided on its labels, which counts again when the
same files are added by the same name. What lies in the workspace's own ``datasets`` folder, such as the demo set, is deleted, and only
where this was confirmed. The old name of a renamed one leads to the new one, so that runs find what they began with.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from labcore.datasets import class_folders
from labcore.datasets.annotations import follow_name
from labcore.datasets.caches import cache_of, memory_of
from labcore.datasets.names import RENAMED, called_now, entries_of, names_before, no_such_set, places_of, require_free
from labcore.datasets.registry import place_of
from labcore.datasets.table import some
from labcore.errors import DatasetError, RunError, WorkspaceError
from labcore.jobs.folder import J, JobFolder
from labcore.jobs.kind import working_kinds
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.texts import composed, counted
from labcore.workspace import Workspace, slug, write_atomically
from labcore.workspace import remove as take_away

AT_WORK = ("running", "stopping")
NAMED = 3


@dataclass(frozen=True)
class Use:
    """Who uses a data set.

    Attributes:
        path: where it lies; None for a reference that names nothing.
        own: its files lie in the workspace's ``datasets`` folder, and go with it.
        runs: those of it, newest first, each with its status.
        others: jobs of other kinds that are working on it.
        waiting: those that wait for a worker, and would not find it.
    """

    name: str
    path: Path | None
    own: bool
    runs: tuple[tuple[Run, JobStatus], ...]
    others: tuple[JobFolder, ...] = ()
    waiting: tuple[JobFolder, ...] = ()

    @property
    def sentence(self) -> str:
        """Which runs use it, without the final stop; "" for none."""
        if not self.runs:
            return ""
        names = some((run.id for run, _ in self.runs), NAMED)
        return f"{counted(len(self.runs), 'run')} {'uses' if len(self.runs) == 1 else 'use'} it: {names}"

    @property
    def busy(self) -> str:
        """What works on it now, so that nothing can happen to it, without the final stop; "" where nothing does."""
        runs = [run.id for run, status in self.runs if status.state in AT_WORK]
        if runs:
            return f"{counted(len(runs), 'run')} {'trains' if len(runs) == 1 else 'train'} on it, {', '.join(runs[:NAMED])}"
        return f"{self.others[0].title} works on it" if self.others else ""

    @property
    def open(self) -> list[Run]:
        """Runs that wait for it or could go on with it."""
        return [run for run, status in self.runs if status.state in ("queued", "stopped", "failed", "interrupted")]


def use_of(workspace: Workspace, name: str) -> Use:
    """Who uses a data set of the workspace.

    Raises:
        DatasetError: there is none of that name.
    """
    places = places_of(workspace)
    name = called_now(workspace, name, places)
    if name not in places:
        raise no_such_set(name, places)
    path = places[name]
    entry = entries_of(workspace)[name]
    own = not entry.is_symlink() and (entry.is_dir() or entry.suffix != ".json")
    others = (kind for kind in working_kinds(workspace) if kind is not Run)
    known = [each for kind in others for each in _jobs_of(kind, workspace, name, path)]
    busy, waiting = ([job for job, status in known if status.state in states] for states in (AT_WORK, ("queued",)))
    return Use(name, path, own, tuple(_jobs_of(Run, workspace, name, path)), tuple(busy), tuple(waiting))


def remove(workspace: Workspace, name: str, *, delete: bool = False) -> Use:
    """Have a data set forgotten; what lies in the workspace itself is deleted.

    Args:
        delete: it was confirmed that files of the workspace are deleted.

    Returns:
        Who used it.

    Raises:
        DatasetError: there is none of that name; or its files lie in the workspace, and ``delete`` does not say that they may go.
        RunError: a run trains on it.
        WorkspaceError: the workspace cannot be written.
    """
    use = use_of(workspace, name)
    _require_idle(use, "removed")
    entry = entries_of(workspace)[use.name]
    if use.own and not delete:
        raise DatasetError(
            f"the data set {use.name!r} is stored in the workspace, at {entry}: deleting it deletes its files",
            "Confirm it with --yes",
        )
    with WorkspaceError.on_os_error(f"{entry} cannot be deleted", "Check its permissions"):
        take_away(entry)
        class_folders.file_of(workspace, use.name).unlink(missing_ok=True)  # another set of this name is another one
    if use.path is not None:
        memory_of(workspace, use.name, use.path).unlink(missing_ok=True)
        shutil.rmtree(cache_of(workspace, use.path), ignore_errors=True)
    _save_names(workspace, {old: new for old, new in names_before(workspace).items() if new != use.name})
    return use


def rename(workspace: Workspace, name: str, to: str) -> Use:
    """Call a data set otherwise. Runs that know it by its old name find it, and a folder of the workspace is moved with its files.

    Args:
        to: the new name; what no file can be called is written with dashes.

    Returns:
        Who uses it, under the new name.

    Raises:
        DatasetError: there is none of that name, the new name is empty, or is or was that of another one.
        RunError: a run trains on it.
        WorkspaceError: the workspace cannot be written.
    """
    use = use_of(workspace, name)
    if not to.strip():
        raise DatasetError("no new name was given", "Use letters, digits, dots, dashes and underscores")
    new = slug(to)
    if new == use.name:
        return use
    _require_idle(use, "renamed")
    names = names_before(workspace)
    if names.get(new) != use.name:  # its own former name is free for it
        require_free(workspace, new, None)
    entry = entries_of(workspace)[use.name]
    target = entry.with_name(new if entry.is_dir() else f"{new}{entry.suffix}")
    kept = {old: new if now == use.name else now for old, now in names.items() if old != new}
    _save_names(workspace, {**kept, use.name: new})
    try:
        follow_name(workspace, use.name, new)
        try:
            entry.rename(target)
        except OSError:
            follow_name(workspace, new, use.name)
            raise
    except (OSError, WorkspaceError) as error:
        _save_names(workspace, names)
        raise WorkspaceError(
            f"{entry} cannot be renamed: {getattr(error, 'strerror', None) or error}", "Check its permissions"
        ) from error
    if use.path is not None:
        memory_of(workspace, use.name, use.path).unlink(missing_ok=True)
    return use_of(workspace, new)


def _jobs_of(kind: type[J], workspace: Workspace, name: str, path: Path | None) -> list[tuple[J, JobStatus]]:
    """The jobs of a kind that ask for the data set, by its name, a former one, or its path. One that cannot be read can name nothing."""
    names = set(map(composed, (name, *(old for old, now in names_before(workspace).items() if now == name))))
    found = []
    for job in kind.every(workspace):
        wanted = job.asked().dataset
        if composed(wanted or "") in names or (
            path is not None and wanted and "/" in wanted and place_of(workspace, wanted) == path
        ):
            found.append((job, job.status()))
    return found


def _require_idle(use: Use, what: str) -> None:
    if use.busy:
        raise RunError(
            f"the data set {use.name!r} cannot be {what} now: {use.busy}",
            "Stop it first, or wait until it has finished",
        )


def _save_names(workspace: Workspace, names: dict[str, str]) -> None:
    if names or (workspace.home / RENAMED).exists():
        write_atomically(workspace.home / RENAMED, json.dumps(names, indent=2, ensure_ascii=False))
