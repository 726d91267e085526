"""The names of ``import labcore as lab``, and that loading it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import labcore as lab

CLASSES = {
    "ComparisonResult",
    "CrossValidationRun",
    "Dataset",
    "EvaluationResult",
    "LabError",
    "Model",
    "Prediction",
    "TrainingRun",
}
LISTS = {"list_datasets", "list_runs", "load_cross_validation"}
FUNCTIONS = {"compare", "cross_validate", "evaluate", "load_dataset", "load_model", "load_run", "train"} | LISTS
NAMES = CLASSES | FUNCTIONS | {"__version__"}


def test_the_face_has_these_names_and_no_other() -> None:
    assert set(lab.__all__) == NAMES
    assert {name for name in dir(lab) if not name.startswith("__")} == NAMES - {"__version__"}, "Tab offers these"
    for name in NAMES - {"__version__"}:
        assert getattr(lab, name).__doc__
        assert getattr(lab, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        lab.trian  # noqa: B018


def test_importing_it_loads_nothing_heavy() -> None:
    program = (
        "import sys; before = set(sys.modules); import labcore; labcore.__version__; dir(labcore)\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "sys.exit(' '.join(loaded & {'torch', 'numpy', 'pandas', 'pydantic', 'streamlit', 'IPython'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert not done.stderr.strip()
