"""With which settings the classes of a run are hidden, and which of them can be."""

from __future__ import annotations

from typing import Any

from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.jobs.glances import known
from labcore.runs import Run
from labcore.runs.asked import asked_for
from labcore.runs.origin import ensemble_members
from labcore.task.of_file import require_one_label
from labcore.texts import shown

KEPT_AUTOMATIC = ("audio.", "features.", "runtime.")
"""Settings that were left to the lab stay so in the runs' titles; what they were worked out to is the same for all of them."""


def recipe_of(run: Run) -> RunConfig:
    """The settings with which the classes of a run are hidden: its own, with all that was automatic as it was worked out, but the device.

    Raises:
        RunError: the run has no weights or no embeddings, is an ensemble, or its configuration cannot be read.
    """
    from labcore.evaluation.clip_predictions import ClipPredictions

    if ensemble_members(run):
        raise RunError("an ensemble is not trained, so no class can be hidden from it", "Choose one of its members")
    run.require_weights()
    require_one_label(run, "A test with hidden classes", "Set data.labels to first or single, and train it again")
    if run.predictions.is_file():
        _ = ClipPredictions.read([run.predictions]).embeddings  # tells where there are none, before hours of training
    return run.config.replace({"runtime.device": asked_for(run).runtime.device})


def hideable(run: Run) -> dict[str, str]:
    """The classes of a run → why one cannot be hidden, a sentence without the final stop; "" where it can.

    Raises:
        RunError: its configuration cannot be read.
        DatasetError: its data set is gone.
    """
    from labcore.datasets.resuming import dataset_of
    from labcore.datasets.splits import split_for

    config = run.config
    dataset = dataset_of(run, run.workspace, config.data.dataset)
    parts, of_clip = split_for(dataset, config.data), dataset.table["label"].to_numpy(dtype=object)
    learnt, asked = set(of_clip[parts.train]), set(of_clip[parts.held_out])

    def why_not(label: str) -> str:
        if label not in asked:
            return f"it has no clips in test fold {parts.fold}"
        if len(learnt - {label}) < 2:
            return "fewer than two other classes are left to train on"
        return "" if asked - {label} else f"no other class has clips in test fold {parts.fold}"

    return {label: why_not(label) for label in run.load("labels", []) or dataset.labels}


def knows_more(run: Run) -> str:
    """Why a network may know a hidden class all the same, a sentence without the final stop; "" where it cannot."""
    source = run.config.model.pretrained
    if source in ("none", "published"):
        return ""
    return f"The network begins with the weights of {shown(source)}, which may have been trained on the hidden classes"


def seconds_of(run: Run) -> float | None:
    """How long a run took to train: about as long as each run without one of its classes will. None where that is not known."""
    return known(run)[1].seconds or None


def left_to_the_lab(run: Run) -> dict[str, Any]:
    """What of the recipe was left to the lab, for :mod:`labcore.runs.asked`: path → what was asked for.

    Raises:
        RunError: the run's configuration cannot be read.
    """
    asked, config = asked_for(run), run.config
    return {
        path: value
        for path, value in asked.values().items()
        if value != config.value(path) and path.startswith(KEPT_AUTOMATIC)
    }
