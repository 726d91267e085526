"""The trace that an evaluation leaves: ``evaluations/<id>/`` with what was asked for, the figures, and what was said of each clip.

::

    evaluations/<id>/
      evaluation.json      run, data set, fold, class, who asked and when, and the figures
      predictions.parquet  a row a clip, or a window (labcore.evaluation.predictions)
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labcore.errors import WorkspaceError
from labcore.workspace import Workspace, slug, write_atomically

FILE = "evaluation.json"
PREDICTIONS = "predictions.parquet"


@contextlib.contextmanager
def new_folder(workspace: Workspace, name: str) -> Iterator[Path]:
    """A folder that is filled inside, and appears whole where :func:`finish` was called, else not at all.

    Where it cannot be made, whoever writes into it is told: the figures are worth having without it.

    Args:
        name: of the data set.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    draft = workspace.evaluations / f".{stamp}-{slug(name)[:24]}-{secrets.token_hex(2)}.draft"
    with contextlib.suppress(OSError):
        draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def finish(draft: Path, facts: dict[str, Any]) -> Path:
    """Write what was asked for and the figures, and let the folder appear; returns where it is.

    Raises:
        WorkspaceError: it cannot be written.
    """
    content = {"created": time.time(), **facts}
    write_atomically(draft / FILE, json.dumps(content, indent=2, ensure_ascii=False))
    made = draft.with_name(draft.name.removeprefix(".").removesuffix(".draft"))
    try:
        draft.rename(made)
    except OSError as error:
        raise WorkspaceError(f"the folder {made} cannot be made: {error.strerror or error}") from error
    return made
