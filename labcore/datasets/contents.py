"""Which files hold the same bytes, without reading more of them than it takes to tell."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache

GLANCE = 4096


def equal_files(paths: Iterable[str]) -> list[list[str]]:
    """Sets of files with equal contents, each of two or more, in the order of their first member.

    Files of one size are compared by a glance into their middle, and only what still agrees is read whole. Files that cannot
    be read are equal to none.
    """
    known = {path: stamp for path in dict.fromkeys(paths) if (stamp := _stamp(path))[0]}
    return [
        same
        for sized in _alike(known, lambda path: known[path][0])
        for glanced in _alike(sized, lambda path: _glance(path, *known[path]))
        for same in _alike(glanced, lambda path: _digest(path, *known[path]))
    ]


def _stamp(path: str) -> tuple[int, int, int]:
    """Bytes of a file, and when its content and its inode changed: the latter also where a copy brings the time of its original."""
    try:
        info = os.stat(path)  # noqa: PTH116 (called for every file)
    except (OSError, ValueError):
        return 0, 0, 0
    return info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _alike(paths: Iterable[str], key: Callable[[str], object]) -> list[list[str]]:
    found: dict[object, list[str]] = defaultdict(list)
    for path in paths:
        value = key(path)
        if value is not None:
            found[value].append(path)
    return [paths for paths in found.values() if len(paths) > 1]


@lru_cache(maxsize=1 << 18)
def _glance(path: str, size: int, *times: int) -> int | None:
    """A hash of the middle of a file; size and times are there for the cache, so that a changed file is read again."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            file.seek(max(0, size - GLANCE) // 2)
            return hash(file.read(GLANCE))
    except OSError:
        return None


@lru_cache(maxsize=1 << 16)
def _digest(path: str, size: int, *times: int) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError:
        return None


def identity_of(path: str) -> tuple[int, int] | str:
    """A file by its device and inode, which are the same through links and by every path; one that is not there by its path."""
    try:
        info = os.stat(path)  # noqa: PTH116 (called for every file)
    except (OSError, ValueError):
        return path
    return info.st_dev, info.st_ino
