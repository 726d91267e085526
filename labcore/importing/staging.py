"""Files that were uploaded, in a hidden folder of the workspace until they are imported or nobody wants them any more.

::

    datasets/.upload-<random>/
      lock      held by the process that took them: what nobody holds is swept
      files/    by their names; sounds that lie in a folder are of that class

It lies among the data sets, since data may be opened for visitors there and nowhere else. Needs no torch and no pandas.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from labcore.datasets.class_folders import OUTER, ClassFolders
from labcore.datasets.look import Look, look_at
from labcore.datasets.packing import handed_in
from labcore.datasets.packing.found import ARCHIVES, Packed, stem_of
from labcore.datasets.packing.members import Member, Names
from labcore.datasets.packing.sketch import copy, placed, wanted
from labcore.datasets.scan import is_audio
from labcore.errors import DatasetError, WorkspaceError
from labcore.importing.job import ImportPlan
from labcore.importing.loose import class_folder
from labcore.importing.work import SPARE_BYTES, called_in_errors
from labcore.jobs.following import OnProgress
from labcore.texts import counted, megabytes, shown
from labcore.workspace import Workspace, is_locked

STAGED = ".upload-"
STALE_SECONDS = 60.0
"""A folder that nobody holds may be one that is just being made, and is not swept before."""
FULL = "Free some space, or put the files on this machine and give their folder"


T = TypeVar("T")


@dataclass
class Staging:
    """What one visitor has uploaded so far. It goes with whoever holds this.

    Attributes:
        left_out: files that were not kept, or not under their names, each with why, in words that follow it.
        revision: changes with what lies there.
    """

    workspace: Workspace
    path: Path
    left_out: list[tuple[str, str]] = field(default_factory=list)
    revision: int = 0

    @classmethod
    def create(cls, workspace: Workspace) -> Staging:
        """An empty one. What processes that are gone left behind is removed.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        sweep(workspace)
        with WorkspaceError.on_os_error(
            f"{workspace.datasets} cannot be written", "Choose another workspace with LABCORE_HOME"
        ):
            made = cls(workspace, Path(tempfile.mkdtemp(prefix=STAGED, dir=workspace.datasets)))
            made._lock.acquire(timeout=0)
            made.files.mkdir()
        return made

    def __post_init__(self) -> None:
        self._known: dict[str, tuple[int, Any]] = {}
        self._lock = FileLock(self.path / "lock", thread_local=False)

    def __del__(self) -> None:
        self.remove()

    @property
    def files(self) -> Path:
        """The folder with the files."""
        return self.path / "files"

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()

    def take(self, name: str, content: bytes) -> None:
        """Keep a file under its name, or tell in :attr:`left_out` why it is not kept.

        Args:
            name: as the browser gives it; it may hold folders.

        Raises:
            WorkspaceError: the disk is full, or cannot be written. Nothing of the file stays.
        """
        parts = self._parts(name)
        if parts is None:
            return
        member = Member(parts, len(content), lambda: open(os.devnull, "rb"))  # noqa: PTH123, SIM115 (never opened)
        if not (wanted(member) or parts[-1].lower().endswith(ARCHIVES)):
            self.left_out.append((member.name, "is neither a sound, a list nor an archive"))
            return
        if any(self.files.joinpath(*parts[:depth]).is_file() for depth in range(1, len(parts))):
            self.left_out.append((member.name, "lies in a folder that has the name of a file"))
            return
        target = self._free(self.files.joinpath(*parts), member, content)
        if target is not None:
            self._write(target, member.name, content)
            self.revision += 1

    def _parts(self, name: str) -> tuple[str, ...] | None:
        names = Names("the upload")
        try:
            parts = names.take(name)
        except DatasetError:
            parts = None
            names.refused.append((shown(name)[:120], "has a name that leads out of its folder"))
        self.left_out += names.refused
        return parts

    def _free(self, target: Path, member: Member, content: bytes) -> Path | None:
        """Where a file goes; None where it is there already. A list takes the place of that of its name, a sound another name."""
        if target.is_dir():
            self.left_out.append((member.name, "has the name of a folder"))
            return None
        if not target.exists():
            return target
        if target.stat().st_size == len(content) and target.read_bytes() == content:
            self.left_out.append((member.name, "came twice; it is kept once"))
            return None
        if not member.is_audio:
            self.left_out.append((member.name, "came twice; the later one is kept"))
            return target
        number = 2
        while (other := target.with_name(f"{target.stem} ({number}){target.suffix}")).exists():
            number += 1
        self.left_out.append((member.name, f"came twice, with other content: this one is called {shown(other.name)}"))
        return other

    def _write(self, target: Path, name: str, content: bytes) -> None:
        free = shutil.disk_usage(self.path).free
        if len(content) + SPARE_BYTES > free:
            raise WorkspaceError(f"{name} has {megabytes(len(content))}, and the disk has {megabytes(free)} free", FULL)
        part = self.path / "part"
        try:
            with WorkspaceError.on_os_error(f"{name} cannot be written", FULL, ValueError):
                part.write_bytes(content)
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    # --- what lies there

    def _once(self, make: Callable[[], T]) -> T:
        """What a method gives, made once for as long as nothing changes: folders of 10,000 files are looked through for it."""
        name = make.__name__
        if self._known.get(name, (-1, None))[0] != self.revision:
            self._known[name] = self.revision, make()
        found: T = self._known[name][1]
        return found

    def all(self) -> list[Path]:
        """Every file."""
        return self._once(self._all)

    def _all(self) -> list[Path]:
        return sorted(each for each in self.files.rglob("*") if not each.is_dir())

    @property
    def bytes(self) -> int:
        """Of all files."""
        return self._once(self._bytes)

    def _bytes(self) -> int:
        return sum(path.stat().st_size for path in self.all())

    @property
    def title(self) -> str:
        """All of it for people: the name of the only file, else how many there are."""
        there = self.all()
        return shown(there[0].name) if len(there) == 1 else counted(len(there), "uploaded file")

    @property
    def name(self) -> str:
        """What a data set of it may be called; "" where nothing says."""
        tops = [each for each in self.files.iterdir() if each.is_dir() or each.name.lower().endswith(ARCHIVES)]
        return (stem_of(tops[0]) if tops[0].is_file() else tops[0].name) if len(tops) == 1 else ""

    def tops(self) -> dict[str, list[Path]]:
        """The folders at the top, each with its sounds; "" has those that lie in none."""
        return self._once(self._tops)

    def _tops(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.all():
            if is_audio(path.name):
                parts = path.relative_to(self.files).parts
                found.setdefault(parts[0] if len(parts) > 1 else "", []).append(path)
        return found

    def packed(self) -> Packed:
        """What lies there as :func:`labcore.datasets.packing.handed_in` has it.

        Raises:
            DatasetError: an archive is damaged.
        """
        return self._once(self._packed)

    def _packed(self) -> Packed:
        return handed_in(self.files)

    def look(self, progress: OnProgress, class_folders: ClassFolders = OUTER) -> Look:
        """What all of it looks like as a data set; see :func:`labcore.datasets.look.look`.

        Raises:
            DatasetError, WorkspaceError: as that.
        """
        title = called_in_errors(self.packed(), self.title)
        return look_at(self.workspace, self.packed(), title, progress, class_folders)

    # --- what can be done with it

    def classify(self, labels: dict[Path, str]) -> None:
        """Put sounds that lie in no folder into those of their classes.

        Raises:
            DatasetError: a class has a name that no folder can have. Nothing is moved then.
            WorkspaceError: the disk cannot be written.
        """
        folders = {path: self.files / class_folder(label) for path, label in labels.items()}
        with WorkspaceError.on_os_error(f"{self.files} cannot be written"):
            for path, folder in folders.items():
                folder.mkdir(exist_ok=True)
                number, target = 2, folder / path.name
                while target.exists():
                    target, number = folder / f"{path.stem} ({number}){path.suffix}", number + 1
                path.rename(target)
        self.revision += 1

    def drop(self, top: str) -> None:
        """Remove a folder at the top, or for "" the sounds that lie in none."""
        if top:
            shutil.rmtree(self.files / top, ignore_errors=True)
        else:
            for path in self.tops().get("", ()):
                path.unlink(missing_ok=True)
        self.revision += 1

    def drop_file(self, path: Path) -> None:
        """Remove one file."""
        path.unlink(missing_ok=True)
        self.revision += 1

    def unpack(self, progress: OnProgress) -> None:
        """Unpack the archives among the files, so that sounds of theirs can be told their classes.

        Args:
            progress: called with (files, 0). What it raises ends the work, and leaves everything as it was.

        Raises:
            DatasetError: one is damaged, or holds what no data set does.
            WorkspaceError: the disk has no room for it.
        """
        opened, count, names = self.path / "opened", 0, Names(self.title, disk=self.path)
        shutil.rmtree(opened, ignore_errors=True)
        try:
            for member in self.packed().members(names):
                count += 1
                progress(count, 0)
                if wanted(member):
                    self._require_room(member)
                    with placed(opened, member) as target, member.reading() as content:
                        copy(content, target, member, partial(_still, progress, count))
            with WorkspaceError.on_os_error(f"{self.files} cannot be written"):
                opened.mkdir(exist_ok=True)
                shutil.rmtree(self.files)
                opened.rename(self.files)
        finally:
            shutil.rmtree(opened, ignore_errors=True)
        self.left_out += [*names.refused, *((each.archive, each.what) for each in names.readings)]
        self.revision += 1

    def _require_room(self, member: Member) -> None:
        free = shutil.disk_usage(self.path).free
        if member.size + SPARE_BYTES > free:
            raise WorkspaceError(
                f"{member.name} needs {megabytes(member.size)}, and the disk has {megabytes(free)} free", FULL
            )

    def plan(self, name: str, class_folders: ClassFolders = OUTER) -> ImportPlan:
        """What an import of all of it under a name asks for, which takes :attr:`files` over."""
        return ImportPlan(path=self.title, name=name, uploaded=True, class_folders=class_folders)


def _still(progress: OnProgress, count: int, *_: int) -> None:
    progress(count, 0)


def sweep(workspace: Workspace) -> None:
    """Remove what processes that are gone have left behind."""
    for left in workspace.datasets.glob(f"{STAGED}*"):
        with suppress(OSError):
            if not is_locked(left / "lock") and time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
