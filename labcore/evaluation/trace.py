"""The trace that an evaluation leaves: ``evaluations/<id>/`` with what was asked for, the figures, and what was said of each clip.

::

    evaluations/<id>/
      evaluation.json      run, data set, fold, class, who asked and when, and the figures
      predictions.parquet  a row a clip, or a window (labcore.evaluation.predictions)
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from labcore.errors import WorkspaceError
from labcore.workspace import Workspace, draft_folder, slug, write_atomically

FILE = "evaluation.json"
PREDICTIONS = "predictions.parquet"


def new_folder(workspace: Workspace, name: str) -> AbstractContextManager[Path]:
    """A folder that is filled inside, and appears whole where :func:`finish` was called, else not at all.

    Args:
        name: of the data set.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return draft_folder(workspace.evaluations / f"{stamp}-{slug(name)[:24]}-{secrets.token_hex(2)}")


def finish(draft: Path, facts: dict[str, Any]) -> Path:
    """Write what was asked for and the figures, and let the folder appear; returns where it is.

    Raises:
        WorkspaceError: it cannot be written.
    """
    content = {"created": time.time(), **facts}
    write_atomically(draft / FILE, json.dumps(content, indent=2, ensure_ascii=False))
    made = draft.with_name(draft.name.removeprefix(".").removesuffix(".draft"))
    with WorkspaceError.on_os_error(f"the folder {made} cannot be made"):
        draft.rename(made)
    return made
