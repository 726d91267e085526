"""Starting a Python process that works on its own and outlives who started it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from labcore.device import THREAD_ENVIRONMENT
from labcore.reading import DamagedError, open_file
from labcore.workspace import Workspace

_SECRET = re.compile(r"(LABCORE|STREAMLIT)_\w*(PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY)\w*")


def launch(
    workspace: Workspace, command: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that finds this package and this workspace; its output is added to ``log``.

    ``more`` of the environment is set for it.

    Raises:
        OSError: it cannot be started.
    """
    package = str(Path(__file__).resolve().parents[2])
    environment = {
        **THREAD_ENVIRONMENT,
        **without_secrets(os.environ),
        "LABCORE_HOME": str(workspace.home),
        "PYTHONPATH": os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONUNBUFFERED": "1",
        **(more or {}),
    }
    # opened at once: a pipe would keep everybody waiting until somebody reads it
    with open(log, "ab", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK, 0o666)) as file:
        return subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, start_new_session=True
        )


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what only the server needs to know: its hashes, keys, tokens and passphrases."""
    return {name: value for name, value in environment.items() if not _SECRET.fullmatch(name)}


def tail(log: Path) -> list[str]:
    """The last 20 lines that a process printed; none where there is no log."""
    try:
        with open_file(log) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
            return file.read(16384).decode(errors="replace").splitlines()[-20:]
    except (OSError, DamagedError):
        return []
