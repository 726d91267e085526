"""labcore: audio classification on a GPU, from clip to trained classifier.

::

    import labcore as lab

    data = lab.load_dataset("esc10")
    run = lab.train(data, preset="quick", fold="1", epochs=25)
    run.plot()
    run.model.predict("dog.wav").label

The package needs no browser: the pages, the command line in :mod:`labcore.cli`, background jobs and these names all call the same
functions. A name is loaded when it is first used: importing ``labcore`` itself imports neither torch nor streamlit.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if sys.platform == "win32":  # locks, open files that are replaced, and signals are those of Linux and macOS
    sys.exit(
        "labcore: Windows by itself is not supported. Run the lab in Linux on Windows (WSL 2): see Start in README.md"
    )

_FACE = {
    "ComparisonResult": "labcore.face.comparing",
    "CrossValidationRun": "labcore.face.crossval",
    "Dataset": "labcore.datasets.table",
    "EvaluationResult": "labcore.face.evaluation",
    "LabError": "labcore.errors",
    "Model": "labcore.face.model",
    "Prediction": "labcore.inference.prediction",
    "TrainingRun": "labcore.face.run",
    "compare": "labcore.face.comparing",
    "cross_validate": "labcore.face.crossval",
    "evaluate": "labcore.face.evaluation",
    "list_datasets": "labcore.face.listing",
    "list_runs": "labcore.face.listing",
    "load_cross_validation": "labcore.face.crossval",
    "load_dataset": "labcore.face.dataset",
    "load_model": "labcore.face.model",
    "load_run": "labcore.face.run",
    "train": "labcore.face.run",
}
"""Name → the module that defines it."""

__all__ = [
    "ComparisonResult",
    "CrossValidationRun",
    "Dataset",
    "EvaluationResult",
    "LabError",
    "Model",
    "Prediction",
    "TrainingRun",
    "__version__",
    "compare",
    "cross_validate",
    "evaluate",
    "list_datasets",
    "list_runs",
    "load_cross_validation",
    "load_dataset",
    "load_model",
    "load_run",
    "train",
]

if TYPE_CHECKING:
    from labcore.datasets.table import Dataset
    from labcore.errors import LabError
    from labcore.face.comparing import ComparisonResult, compare
    from labcore.face.crossval import CrossValidationRun, cross_validate, load_cross_validation
    from labcore.face.dataset import load_dataset
    from labcore.face.evaluation import EvaluationResult, evaluate
    from labcore.face.listing import list_datasets, list_runs
    from labcore.face.model import Model, load_model
    from labcore.face.run import TrainingRun, load_run, train
    from labcore.inference.prediction import Prediction


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_FACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
