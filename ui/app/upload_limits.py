"""How much a visitor may upload: looked at before the first byte is read.

What is held is asked of Streamlit's own store, so nothing has to be kept in step; what is on its way is counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ui.app.limits import UploadLimits, uploads

PREFIX = "/_stcore/upload_file/"


class Uploads:
    """The uploads of all sessions together, under limits."""

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
    from streamlit import runtime

    if not runtime.exists():
        return {}
    store: Any = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: {name: len(record.data) for name, record in list(files.items())}
        for session, files in list(store.items())
    }


def ids(path: str) -> tuple[str, str]:
    """Session and file of the path of an upload."""
    session, _, file = path.removeprefix(PREFIX).partition("/")
    return session, file
