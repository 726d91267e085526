"""What is accepted of visitors, in one place. Each has an environment variable; docs/network.md lists them."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import psutil
from streamlit import config, runtime

from labcore.audio import Limits
from labcore.audio.limits import number_above_zero
from labcore.cgroup import Cgroup
from ui.app.text import count, counted, duration

UPLOAD = "/_stcore/upload_file/"
"""Where Streamlit takes uploads."""
MOST_CHANNELS = 32
MOST_SAMPLES = 2**29
"""Of a decoded waveform: 2 GB, six hours at 22.05 kHz."""


@dataclass(frozen=True)
class UploadLimits:
    """``files`` and ``megabytes`` are what one visit may hold, ``total_megabytes`` all; ``seconds`` is a recording's length."""

    files: int = 10_000
    megabytes: int = 2048
    total_megabytes: int = 8192
    seconds: float = 6 * 3600.0

    NAMES: ClassVar[dict[str, str]] = {
        "files": "LABCORE_UPLOAD_MAX_FILES",
        "megabytes": "LABCORE_UPLOAD_MAX_MB",
        "total_megabytes": "LABCORE_UPLOAD_TOTAL_MB",
        "seconds": "LABCORE_UPLOAD_MAX_SECONDS",
    }

    @classmethod
    def of(cls, environment: Mapping[str, str], memory_bytes: int = 2**62) -> UploadLimits:
        """The limits with what the environment says instead. All uploads take half of the memory at most, unless it says so.

        Raises:
            ConfigError: one is not a number above zero.
        """
        usual = vars(cls(total_megabytes=max(1, min(cls.total_megabytes, memory_bytes // 2**21))))
        given = {
            name: number_above_zero(environment, variable, usual[name], whole=name != "seconds")
            for name, variable in cls.NAMES.items()
        }
        return cls(**given)  # type: ignore[arg-type]


@functools.cache
def uploads() -> UploadLimits:
    """The limits of this server."""
    machine, limit = psutil.virtual_memory().total, Cgroup().memory()
    return UploadLimits.of(os.environ, min(machine, limit[1]) if limit else machine)


def size(megabytes: int) -> str:
    """A limit as Streamlit's uploader writes it too, 1,024 MB to a GB: ``2 GB``, ``1 500 MB``."""
    return f"{megabytes // 1024} GB" if megabytes % 1024 == 0 else f"{count(megabytes)} MB"


def in_words() -> str:
    """The limits as the help of an uploader tells them."""
    held = uploads()
    return (
        f"A recording may last {duration(held.seconds)}; {counted(held.files, 'file')} and {size(held.megabytes)} "
        "may be held at a time. Rejected files turn red."
    )


def sound() -> Limits:
    """What is decoded of a sound that a visitor handed in: lower than what the library takes from its owner."""
    return Limits(
        max_seconds=uploads().seconds,
        max_bytes=config.get_option("server.maxUploadSize") * 1024**2,
        max_channels=MOST_CHANNELS,
        max_samples=MOST_SAMPLES,
    )


class Uploads:
    """The uploads of all sessions together, under limits, looked at before the first byte is read.

    What is held is asked of Streamlit's own store, so nothing has to be kept in step; what is on its way is counted here.
    """

    def __init__(self, limits: UploadLimits | None = None) -> None:
        self.limits = limits or uploads()
        self._coming: dict[tuple[str, str], int] = {}

    def refusal(self, session: str, file: str, size: int) -> tuple[int, str] | None:
        """Why a file of ``size`` bytes may not come, for this session: HTTP status and a sentence; None where it may."""
        held = stored()
        mine = dict(held.get(session, {}))
        mine.update({name: coming for (owner, name), coming in self._coming.items() if owner == session})
        mine.pop(file, None)
        if len(mine) >= self.limits.files:
            return 429, f"{self.limits.files} files per visit are the limit: remove some first"
        if sum(mine.values()) + size > self.limits.megabytes * 1024**2:
            return 413, f"{self.limits.megabytes} MB per visit are the limit: remove some files first"
        everything = sum(sum(files.values()) for files in held.values()) + sum(self._coming.values())
        if everything + size > self.limits.total_megabytes * 1024**2:
            return 429, "The lab cannot hold more uploads now: try again later"
        return None

    @contextmanager
    def coming(self, session: str, file: str, size: int) -> Iterator[None]:
        """Count a file while it is on its way."""
        self._coming[session, file] = size
        try:
            yield
        finally:
            self._coming.pop((session, file), None)


def stored() -> Mapping[str, Mapping[str, int]]:
    """What Streamlit holds: session → file → bytes."""
    if not runtime.exists():
        return {}
    store: Any = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: {name: len(record.data) for name, record in list(files.items())}
        for session, files in list(store.items())
    }


def ids(path: str) -> tuple[str, str]:
    """Session and file of the path of an upload."""
    session, _, file = path.removeprefix(UPLOAD).partition("/")
    return session, file
