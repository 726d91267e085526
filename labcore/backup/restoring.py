"""Bringing a backup back: everything is unpacked and checked beside the workspace's rooms first, then moved to its place.

What an archive says is not believed: names that lead out of the workspace, links, devices and doubles are refused, and each file's size and
SHA-256 are held against the manifest.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from labcore.backup.encryption import Key, kind_of, opened
from labcore.backup.snapshot import NEVER
from labcore.backup.writing import FORMAT, HEAD, MANIFEST, PIECE, ROOT
from labcore.errors import BackupError, RunError, WorkspaceError
from labcore.runs import Run
from labcore.workspace import Workspace

LARGEST_HEAD = 64 * 1024**2
DAMAGED = "Take another copy of the backup"

Progress = Callable[[int, int], None]


@dataclass
class Restored:
    """What came back, or was checked. ``replaced`` are the units that were there before."""

    units: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    encrypted: bool = False

    @property
    def runs(self) -> list[str]:
        return [unit.removeprefix("runs/") for unit in self.units if unit.startswith("runs/")]


def restore(
    source: Path,
    workspace: Workspace,
    *,
    key: Key = Key(),  # noqa: B008 (frozen)
    replace: bool = False,
    check_only: bool = False,
    progress: Progress = lambda files, size: None,
) -> Restored:
    """Bring the units of a backup into a workspace, which may be empty or in use.

    Nothing in the workspace changes before the whole backup was read and found right. Runs that were at work when it was made come
    back as interrupted ones, which can be resumed.

    Args:
        key: for encrypted ones.
        replace: let units of the backup take the place of those of the same name; else any such unit is a refusal.
        check_only: read and check, and write nothing.
        progress: called with (files, bytes) read so far; what it raises ends the restore and leaves nothing behind.

    Raises:
        BackupError: it is no backup, damaged, cut off, cannot be decrypted, or holds what is there already.
        RunError: a run that would be replaced is at work.
        WorkspaceError: the workspace cannot be written.
    """
    restored = Restored()
    try:
        with source.open("rb") as file:
            restored.encrypted = kind_of(file) != "plain"
            if check_only:
                with opened(file, key) as plain:
                    _read(plain, restored, None, lambda units: None, progress)
                return restored
            with _staging(workspace, source) as staging:
                with opened(file, key) as plain:
                    _read(plain, restored, staging, lambda units: _refuse(workspace, units, replace), progress)
                _refuse(workspace, restored.units, replace)
                for unit in restored.units:
                    if unit.startswith(
                        "runs/"
                    ):  # empty folders are not in the archive, and the first checkpoint needs this one
                        (staging / unit / "checkpoints").mkdir(exist_ok=True)
                    if _put(staging / unit, workspace.home / unit):
                        restored.replaced.append(unit)
    except FileNotFoundError as error:
        raise BackupError(f"there is no backup {source}", "Check the path") from error
    except OSError as error:
        raise WorkspaceError(
            f"restoring {source} into {workspace.home} failed: {error.strerror or error}",
            "Free some space, or set LABCORE_HOME to another folder; what was there is still there",
        ) from error
    return restored


@contextlib.contextmanager
def _staging(workspace: Workspace, source: Path) -> Iterator[Path]:
    """A hidden folder in the workspace, on the same disk; gone at the end, whatever happens."""
    workspace.home.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(workspace.home).free, source.stat().st_size
    if free < needed:
        raise WorkspaceError(
            f"restoring needs about {needed / 1e6:.0f} MB in {workspace.home}, and {free / 1e6:.0f} MB are free",
            "Free some space, or set LABCORE_HOME to another folder",
        )
    staging = workspace.home / f".restore-{secrets.token_hex(4)}"
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _read(
    plain: IO[bytes],
    restored: Restored,
    staging: Path | None,
    early: Callable[[list[str]], None],
    progress: Progress,
) -> None:
    """Read an archive to its end, file by file into the staging folder, and hold all against the manifest.

    Args:
        early: is told the units that the archive means to hold, before any of them is unpacked.
    """
    seen: dict[str, tuple[int, str]] = {}
    units: dict[str, None] = {}
    head: dict[str, Any] | None = None
    manifest: IO[bytes] | None = None
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(tarfile.open(fileobj=plain, mode="r|"))
            for member in archive:
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
                    raise BackupError(
                        f"the backup holds {member.name!r}, which is no ordinary file",
                        "It was not made by labcore backup",
                    )
                content = archive.extractfile(member)
                assert content is not None  # an ordinary file has one
                if head is None:
                    head = _head(member, content)
                    early(head["units"])
                elif manifest is not None:
                    raise BackupError(f"the backup holds {member.name!r} behind its end", DAMAGED)
                elif member.name == MANIFEST:
                    manifest = stack.enter_context(tempfile.TemporaryFile())
                    shutil.copyfileobj(content, manifest, PIECE)
                else:
                    parts = _parts(member.name)
                    name = "/".join(parts)
                    if name in seen:
                        raise BackupError(f"the backup holds {name!r} twice", DAMAGED)
                    units["/".join(parts[:2])] = None
                    target = None if staging is None else staging.joinpath(*parts)
                    seen[name] = _unpack(
                        content, target, member, lambda size: progress(len(seen), restored.bytes + size)
                    )
                    restored.bytes += seen[name][0]
        except (tarfile.TarError, EOFError, UnicodeError) as error:
            what = "is no backup of the lab" if head is None else "is damaged or cut off"
            raise BackupError(f"the file {what}: {error}", DAMAGED) from error
        if head is None:
            raise BackupError("the file is no backup of the lab: it is empty", DAMAGED)
        if manifest is None:
            raise BackupError("the backup is cut off: its list of checksums is missing", DAMAGED)
        manifest.seek(0)
        _compare(manifest, seen)
    restored.units, restored.files = list(units), len(seen)


def _head(member: tarfile.TarInfo, content: IO[bytes]) -> dict[str, Any]:
    try:
        if member.name != HEAD or member.size > LARGEST_HEAD:
            raise ValueError(f"it begins with {member.name!r}")
        head = json.loads(content.read())
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']!r}")
        units = head["units"]
        if not all(isinstance(unit, str) for unit in units):
            raise TypeError("its units are no names")
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(
            f"the file is no backup of this lab: {error}", "Give a file that `labcore backup` made"
        ) from error
    return {"units": [unit for unit in units if _allowed(unit.split("/"))]}


def _parts(name: str) -> list[str]:
    """The way of a file from the workspace on.

    Raises:
        BackupError: it leads elsewhere.
    """
    parts = name.removeprefix(ROOT).split("/")
    if not name.startswith(ROOT) or not _allowed(parts):
        raise BackupError(
            f"the backup holds {name!r}, which does not belong into a workspace", "Do not trust this file"
        )
    return parts


def _allowed(parts: list[str]) -> bool:
    """No empty, hidden, absolute or upward part, nothing that Windows reads as one, and not in a room that backups leave out."""
    return parts[0] not in NEVER and not any(
        not part or part.startswith(".") or (re.search(r"[\\:\0]", part) and os.name == "nt") or "\0" in part
        for part in parts
    )


def _unpack(
    content: IO[bytes], target: Path | None, member: tarfile.TarInfo, progress: Callable[[int], None]
) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        file: IO[bytes] | None = None
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(target.open("xb"))
        while piece := content.read(PIECE):
            digest.update(piece)
            size += len(piece)
            if file is not None:
                file.write(piece)
            progress(size)
        if file is not None:
            file.flush()
            os.fsync(file.fileno())
    if size != member.size:
        raise BackupError(f"the backup is cut off in {member.name}", DAMAGED)
    if target is not None:
        os.utime(target, (member.mtime, member.mtime))
    return size, digest.hexdigest()


def _compare(manifest: IO[bytes], seen: dict[str, tuple[int, str]]) -> None:
    """Raise a BackupError where what was read is not what the manifest says."""
    missing = set(seen)
    for line in manifest:
        try:
            known = json.loads(line)
            name, facts = known["path"], (known["bytes"], known["sha256"])
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("the backup's list of checksums is damaged", DAMAGED) from error
        if name not in seen:
            raise BackupError(f"the backup lacks {name}", DAMAGED)
        if seen[name] != facts:
            raise BackupError(f"the checksum of {name} in the backup is wrong", DAMAGED)
        missing.discard(name)
    if missing:
        raise BackupError(f"the backup has no checksum of {min(missing)}", DAMAGED)


def _refuse(workspace: Workspace, units: list[str], replace: bool) -> None:
    """Raise where a unit is there and may not be replaced, or is a run at work."""
    there = [unit for unit in units if os.path.lexists(workspace.home / unit)]
    if there and not replace:
        listed = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise BackupError(
            f"the workspace {workspace.home} has {listed} already",
            "Restore into another one (LABCORE_HOME), or let the backup replace them with --replace",
        )
    for unit in there:
        if unit.startswith("runs/") and Run(workspace.home / unit).held:
            raise RunError(f"run {unit.removeprefix('runs/')} is being worked on", "Stop it first: `labcore runs stop`")


def _put(staged: Path, place: Path) -> bool:
    """Move a unit to its place; what was there goes when the new one is in. Returns whether there was anything."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft, trash = (place.with_name(f".{place.name}.{kind}") for kind in ("restore", "trash"))
    _remove(draft)
    try:
        staged.rename(draft)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(staged, draft)  # the room lies on another disk
    there = os.path.lexists(place)
    with Run(place).hold(timeout=0.5) if there and (place / "config.json").is_file() else contextlib.nullcontext():
        if there:
            _remove(trash)
            place.rename(trash)
        try:
            draft.rename(place)
        except OSError:
            if there:
                trash.rename(place)
            raise
    _remove(trash)
    return there


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
