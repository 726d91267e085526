"""What there is in the workspace, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labcore.datasets.names import places_of
from labcore.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

RUN_COLUMNS = (
    "run_id", "run_dir", "state", "by", "stopped_by", "epoch", "epochs", "accuracy", "mean_ap", "leaks", "trained_on", "dataset", "model",
    "seconds_left", "error", "remedy", "changed_at", "name", "fold", "accuracy_low", "accuracy_high", "seconds", "device", "tags", "note",
    "star", "archived", "shortened", "parent", "part", "created_at", "size",
)  # fmt: skip
"""What `labcore runs list --json` tells of a run."""
FIGURES = ("accuracy", "mean_ap", "accuracy_low", "accuracy_high", "seconds", "seconds_left")
"""Those that are numbers, or unknown."""


def list_runs() -> pd.DataFrame:
    """All runs of the workspace, the newest first: a row a run, those of cross-validations and searches too.

    Returns:
        Indexed by ``run_id``, with the columns that `labcore runs list --json` has: ``name``, ``state``, ``dataset``, ``fold``, ``model``,
        ``epochs``, ``accuracy`` (0 to 1) with ``accuracy_low`` and ``accuracy_high`` (95 % interval), ``seconds``, ``parent`` and so on.
    """
    import pandas as pd

    from labcore.catalogue import catalogue
    from labcore.cli.run_list import brief

    rows = [each for row in catalogue(Workspace.default()) for each in row.every() if each.is_run]
    told = [brief(row.job, row.status, row) for row in rows]
    table = pd.DataFrame(told, columns=RUN_COLUMNS).astype(dict.fromkeys(FIGURES, float))
    return table.set_index("run_id").sort_index(ascending=False)


def list_datasets() -> pd.DataFrame:
    """The data sets of the workspace: a row each, indexed by ``name``, with their ``folder``. Any other one is loaded by its path."""
    import pandas as pd

    from labcore.datasets.registry import place_of

    workspace = Workspace.default()
    names = sorted(places_of(workspace))
    folders = [str(place_of(workspace, name)) for name in names]
    return pd.DataFrame({"folder": pd.Series(folders, index=pd.Index(names, name="name", dtype=str), dtype=str)})
