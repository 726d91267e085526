"""Which folders may be opened by a path that somebody typed.

On a person's own machine that is every folder. A server that others reach sets ``LABCORE_DATA_ROOTS``, and its workers inherit it: a
visitor must not be able to read around in the machine, nor to find out which files there are.
"""

from __future__ import annotations

import os
from pathlib import Path

from labcore.errors import WorkspaceError
from labcore.workspace import Workspace

ROOTS = "LABCORE_DATA_ROOTS"


def data_roots() -> list[Path] | None:
    """The folders below which paths may be opened, the workspace among them; None where every path may."""
    given = os.environ.get(ROOTS, "").strip()
    if not given:
        return None
    roots = [Path(part).expanduser() for part in given.split(os.pathsep) if part.strip()]
    return [Path(os.path.realpath(root)) for root in (*roots, Workspace.default().home)]


def check_root(path: str | Path) -> None:
    """Look whether a typed path may be opened, links followed. Says nothing about whether anything is there.

    Raises:
        WorkspaceError: it lies outside the folders that this lab may open.
    """
    roots = data_roots()
    if roots is None:
        return
    try:
        real = Path(os.path.realpath(Path(path).expanduser()))
        inside = any(real.is_relative_to(root) for root in roots)
    except (OSError, ValueError, RuntimeError):  # a zero byte, an unknown ~user
        inside = False
    if not inside:
        listed = ", ".join(dict.fromkeys(str(root) for root in roots))
        raise WorkspaceError(
            f"{path} lies outside the folders that this lab opens for visitors: {listed}",
            f"Put the files there, or have the lab's keeper add the folder to {ROOTS}",
        )
