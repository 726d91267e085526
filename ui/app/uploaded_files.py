"""Large uploads as files: Streamlit keeps their bytes, and makes a copy for each run of a page."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime

from labcore.allowed_paths import UPLOADS
from labcore.texts import as_bytes
from labcore.workspace import write_atomically
from ui.app import long_work, services

LARGE_BYTES = 8_000_000
LEFT_OVER_SECONDS = 24 * 3600.0


@dataclass
class Upload:
    """An upload in the workspace's cache. The file goes when nobody looks any more."""

    path: Path

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    __del__ = remove


def put_aside(key: str, file: Any) -> Upload:
    """Write an upload into the cache, under a name of the lab's own."""
    folder = services.workspace().cache / UPLOADS
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():  # of a server that was killed
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - LEFT_OVER_SECONDS:
                left.unlink(missing_ok=True)
    name = hashlib.sha256(as_bytes(key)).hexdigest()[:24]  # the browser gives the key
    upload = Upload(folder / f"{os.getpid()}-{name}.upload")
    write_atomically(upload.path, file.getvalue())  # getbuffer would make a copy, and keep it
    return upload


def of_visit(group: str, file: Any) -> Upload:
    """The upload as a file for as long as this visit has it.

    Args:
        group: the part of a page that asked for it.
    """
    held = _held(group)
    if file.file_id not in held:
        held[file.file_id] = put_aside(file.file_id, file)
    return held[file.file_id]


def keep(group: str, ids: Iterable[str]) -> None:
    """Let go of the other uploads of this visit that a part of a page asked for, whoever still has one in hand."""
    wanted, held = set(ids), _held(group)
    for key in [key for key in held if key not in wanted]:
        held.pop(key).remove()


def let_go(file: Any) -> None:
    """Have Streamlit forget an upload that lies on the disk by now."""
    file.close()
    if runtime.exists():
        store: Any = runtime.get_instance().uploaded_file_mgr
        store.remove_file(long_work.this_session(), file.file_id)


def _held(group: str) -> dict[str, Upload]:
    held: dict[str, Upload] = st.session_state.setdefault(f"uploads-{group}", {})
    return held
