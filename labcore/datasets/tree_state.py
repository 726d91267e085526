"""What lies below a folder as one value, which is another one as soon as anything of it changes that a reader of data sets can see."""

from __future__ import annotations

import hashlib
import stat
from array import array
from dataclasses import dataclass
from pathlib import Path

from labcore.datasets.scan import entries
from labcore.datasets.walk import Identity, WalkBudget
from labcore.errors import DatasetError
from labcore.texts import as_bytes

FOLDER, GONE = (-1, -1, -1), (-2, -2, -2)
"""In the place of bytes and times: of a folder, and of a link to nothing."""


@dataclass(frozen=True)
class TreeState:
    """The state of a tree of files.

    Attributes:
        digest: of the names in it, and of the size and the times of change of each file, links followed. A file whose content is
            replaced by one of the same size and time of modification has another time of its inode.
        entries: so many files and folders it holds.
        changed_ns: when a file or the list of a folder last changed, in nanoseconds since 1970, by the clock of the disk.
    """

    digest: str
    entries: int
    changed_ns: int


def tree_state(top: Path, most: int) -> TreeState | None:
    """The state of what lies below a folder by now. Opens no file.

    Args:
        most: so many entries it may hold.

    Returns:
        None where it holds more, or cannot be listed.
    """
    digest, look = hashlib.blake2b(digest_size=16), WalkBudget()
    seen: set[Identity] = set()
    count, changed = 0, 0
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            there = folder.stat()
            identity = (there.st_dev, there.st_ino)
            if identity in seen or look.is_system(there):  # a link leads here, too
                digest.update(b"passed over")
                continue
            held = entries(folder)
        except (OSError, DatasetError):
            if folder is top:
                return None
            digest.update(b"not listed")
            continue
        seen.add(identity)
        changed = max(changed, there.st_mtime_ns, there.st_ctime_ns)
        count += len(held)
        if count > most:
            return None
        stamps: list[int] = []
        for entry in held:  # the one loop that is done for every file
            try:
                info = entry.stat()
            except OSError:  # a link to nothing
                stamps += GONE
                continue
            if stat.S_ISDIR(info.st_mode):
                waiting.append(folder / entry.name)
                stamps += FOLDER
            else:
                stamps += (info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        digest.update(as_bytes("\0".join([str(len(held)), *[entry.name for entry in held], ""])))
        digest.update(array("q", stamps).tobytes())
        changed = max(changed, *stamps[2::3], 0)
    return TreeState(digest.hexdigest(), count, changed)
