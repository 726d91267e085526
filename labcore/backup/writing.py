"""Writing a backup: a tar archive that is made piece by piece, so that it needs no memory and no second copy.

::

    labcore-backup.json       what this is, and the units that it holds
    workspace/runs/<id>/…     the files
    manifest.jsonl            path, size and SHA-256 of each, written last: an archive without it was cut off

Any tar program unpacks one that is not encrypted.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labcore import __version__
from labcore.backup.encryption import encrypt
from labcore.backup.names import ROOT, is_run
from labcore.backup.snapshot import LeftOut, Member, members, units
from labcore.errors import BackupError
from labcore.outputs import opened_output
from labcore.workspace import Workspace

FORMAT = "labcore-backup-1"
HEAD, MANIFEST = "labcore-backup.json", "manifest.jsonl"
PIECE = 1 << 20

Progress = Callable[[int, int], None]


@dataclass
class Written:
    """What went into a backup. ``bytes`` are those of the files, ``size`` is the backup's."""

    units: list[str]
    runs: int = 0
    files: int = 0
    bytes: int = 0
    size: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)


def back_up(
    workspace: Workspace,
    target: Path | IO[bytes],
    *,
    datasets: bool = False,
    recipients: Sequence[str] = (),
    progress: Progress = lambda files, size: None,
) -> Written:
    """Write all of a workspace but its cache to a file, or to an open stream.

    Args:
        target: a path that is not there yet and lies outside the workspace; the file appears whole or not at all.
        datasets: with the data sets that lie in the workspace. References to folders elsewhere always are there.
        recipients: public keys of age or SSH to encrypt it to; none: it is not encrypted.
        progress: called with (files, bytes) written so far; what it raises ends the backup and leaves nothing behind.

    Raises:
        BackupError: nothing to back up, a target that is there or lies inside, a file that shrank while it was read.
        ConfigError, WorkspaceError: the target cannot be written.
    """
    left_out = LeftOut()
    names = units(workspace.home, datasets, left_out) if workspace.home.is_dir() else []
    if not names:
        raise BackupError(
            f"nothing to back up in the workspace {workspace.home}", "Set LABCORE_HOME to the right workspace"
        )
    written = Written(names, left_out=left_out)
    pieces = _archive(workspace.home, written, progress)
    if not isinstance(target, Path):
        written.size = _pour(pieces, target, recipients)
        return written
    if os.path.lexists(target):
        raise BackupError(f"{target} already exists", "Choose another name, or remove it")
    if target.resolve().is_relative_to(workspace.home.resolve()):
        raise BackupError(f"{target} is inside the workspace", "Choose a place outside, preferably on another disk")
    with opened_output(target) as file:
        Path(file.name).chmod(0o600)
        written.size = _pour(pieces, file, recipients)
    return written


def _pour(pieces: Iterator[bytes], file: IO[bytes], recipients: Sequence[str]) -> int:
    size = 0

    def write(piece: bytes) -> None:
        nonlocal size
        file.write(piece)
        size += len(piece)

    if recipients:
        encrypt(pieces, write, recipients)
    else:
        for piece in pieces:
            write(piece)
    return size


def _archive(home: Path, written: Written, progress: Progress) -> Iterator[bytes]:
    head = {"format": FORMAT, "labcore": __version__, "time": time.time(), "units": written.units}
    content = json.dumps(head).encode()
    yield _header(HEAD, len(content), time.time()) + content + _padding(len(content))
    with tempfile.TemporaryFile() as manifest:
        for member in members(home, written.units, written.left_out):
            digest = hashlib.sha256()
            yield _header(ROOT + member.name, member.size, member.mtime)
            for piece in _content(member):
                digest.update(piece)
                yield piece
                written.bytes += len(piece)
                progress(written.files, written.bytes)
            yield _padding(member.size)
            written.files += 1
            written.runs += is_run(member.name.removesuffix("/config.json"), (member.name,))
            line = {"path": member.name, "bytes": member.size, "sha256": digest.hexdigest()}
            manifest.write(json.dumps(line).encode() + b"\n")
        size = manifest.tell()
        manifest.seek(0)
        yield _header(MANIFEST, size, time.time())
        while piece := manifest.read(PIECE):
            yield piece
        yield _padding(size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _content(member: Member) -> Iterator[bytes]:
    left = member.size
    while left:
        piece = member.file.read(min(PIECE, left))
        if not piece:
            raise BackupError(f"{member.name} became shorter while it was read", "Make the backup again")
        left -= len(piece)
        yield piece


def _header(name: str, size: int, mtime: float) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(mtime), 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
