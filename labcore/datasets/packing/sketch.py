"""An archive as a folder without its sounds: lists whole, sounds as empty files. Enough to tell its layout, and nothing is unpacked.

The beginning of each sound is looked at, so that what is no audio is told before anything is copied.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labcore.audio.containers import FOREIGN_SUFFIXES, container_of, describe
from labcore.audio.mpeg import header_of, streams_of
from labcore.audio.raw import reader
from labcore.datasets.headers import header_trouble
from labcore.datasets.packing.found import Packed
from labcore.datasets.packing.members import Member, Names, Reading
from labcore.errors import DatasetError, WorkspaceError
from labcore.jobs.following import OnProgress
from labcore.workspace import Workspace

HEAD = 4096
LARGEST_PAPER, MOST_PAPERS = 64 * 1024**2, 512 * 1024**2
"""Bytes of a list, and of all of them, that a sketch holds; those beyond are named and left empty."""
SKETCHES = ".look-"
"""What the names of folders begin with in which archives are sketched."""
STALE_SECONDS = 6 * 3600.0
EVERY = 64
PIECE = 1024**2


@dataclass
class Sketch:
    """What an archive holds.

    Attributes:
        files, bytes: what an import would write.
        unreadable: sounds that are none by their first bytes, or that are no more than a header, each with why.
        left_out: names that are left out, each with why.
        readings: archives whose names may be written otherwise.
        others: ending → files that are neither sounds nor lists, which an import leaves out.
    """

    files: int = 0
    bytes: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    papers: int = 0


@contextmanager
def sketch_folder(workspace: Workspace, place: Path | None = None) -> Iterator[Path]:
    """An empty folder of the workspace where data sets may be opened, which goes at the end; what a killed process left goes before.

    Raises:
        WorkspaceError: it cannot be made.
    """
    for old in workspace.datasets.glob(f"{SKETCHES}*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    with WorkspaceError.on_os_error(
        f"{workspace.datasets} cannot be written", "Choose another workspace with LABCORE_HOME"
    ):
        folder = place or Path(tempfile.mkdtemp(prefix=SKETCHES, dir=workspace.datasets))
        folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sketched(packed: Packed, folder: Path, progress: OnProgress) -> Sketch:
    """Draw the sketch of an archive in an empty folder.

    Args:
        progress: called with (files, 0) now and then. What it raises ends the work.

    Raises:
        DatasetError: it is damaged, or holds what no data set does.
        WorkspaceError: the folder cannot be written.
    """
    sketch, names = Sketch(), Names(str(packed.path), disk=folder)
    for number, member in enumerate(packed.members(names), 1):
        if number % EVERY == 1:
            progress(number, 0)
        if not wanted(member):
            sketch.others[member.suffix or "no ending"] += 1
            continue
        sketch.files, sketch.bytes = sketch.files + 1, sketch.bytes + member.size
        small = member.size <= LARGEST_PAPER and sketch.papers + member.size <= MOST_PAPERS
        keep = member.made or (small and not member.is_audio)
        sketch.papers += member.size if keep else 0
        with placed(folder, member) as target, member.reading() as content:
            if keep:
                copy(content, target, member)
            elif member.is_audio and (why := _trouble(member, content.read(HEAD))):
                sketch.unreadable.append((member.name, why))
    sketch.left_out, sketch.readings = names.refused, names.readings
    return sketch


def wanted(member: Member) -> bool:
    """Whether an import takes a file: sounds, and what tells of them."""
    return member.is_audio or member.is_paper


def placed(folder: Path, member: Member) -> IO[bytes]:
    """The new file of a member below a folder.

    Raises:
        WorkspaceError: the disk takes no such name, or nothing more.
    """
    target = folder.joinpath(*member.parts)
    with WorkspaceError.on_os_error(
        f"{member.name} cannot be written into {folder.parent}", "Free some space", ValueError
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("xb", buffering=0)  # what is left in a buffer would meet a full disk at the closing


def copy(
    content: IO[bytes], target: IO[bytes], member: Member, progress: OnProgress = lambda done, total: None
) -> None:
    """Write a member's content, no more of it than was announced.

    Args:
        progress: called with (bytes written, bytes) after each piece.

    Raises:
        DatasetError: it is longer or shorter than its archive says.
        WorkspaceError: the disk is full.
    """
    done = 0
    while piece := content.read(PIECE):
        done += len(piece)
        if done > member.size:
            break
        with WorkspaceError.on_os_error(f"{member.name} cannot be written", "Free some space"):
            rest = memoryview(piece)
            while rest:
                rest = rest[target.write(rest) :]
        progress(done, member.size)
    if done != member.size:
        raise DatasetError(f"{member.name} is not as long as its archive says", "Fetch the archive again")


def _trouble(member: Member, head: bytes) -> str:
    """Why a sound cannot be read, as far as its first bytes tell, in words that follow its name; "" for what looks sound."""
    if member.suffix in FOREIGN_SUFFIXES:
        return f"is audio of an unsupported format ({member.suffix}); convert it to WAV or FLAC"
    if not member.size:
        return "is empty"
    tagged = head.startswith(b"ID3") or any(header_of(head[at : at + 4]) for at in range(min(len(head), 2048)))
    sure = tagged and (member.suffix == ".mp3" or head.startswith(b"ID3") or streams_of(reader(head), 0, len(head)))
    if not (container_of(head[:40].ljust(40, b"\0")) or sure):
        return describe(head)[0]
    return header_trouble(head, member.name) if len(head) == member.size else ""
