"""Views that make sense with one label a clip only, and what they say where clips have several."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.runs import Run
from labcore.task.of_file import gives_several

S = TypeVar("S", Run, CrossValidation)


def only(view: Callable[[S], None], instead: str) -> Callable[[S], None]:
    """A view of a run or a cross-validation; of one that gives several labels a clip a sentence in its place.

    Args:
        instead: why there is nothing to show, and what to do, whole sentences.
    """

    def show(subject: S) -> None:
        if of_several(subject):
            st.info(instead, icon=":material/info:")
        else:
            view(subject)

    return show


def of_several(subject: Run | CrossValidation) -> bool:
    """Whether it gives several labels a clip, as far as it has weights."""
    runs = [subject] if isinstance(subject, Run) else list(subject.members().values())
    return any(gives_several(run.weights) for run in runs)


LABELS = (
    "Suspicious labels are found where a clip has one label. With several labels, see Mistakes: clips that were said to have a label "
    "with high probability and are not labelled with it are the first to listen to."
)
CORRECT = "Labels are corrected here where a clip has one label. With several labels, correct the list of the data set."
ROBUSTNESS = (
    "Robustness is measured where a clip has one label. With several labels, evaluate the run on recordings with "
    "such noise."
)
UNKNOWN = "A classifier of several labels needs no refusal: a sound without any of the labels has none that reaches its threshold."
ALARMS = (
    "False alarms are measured where a clip has one label. With several labels, train with a validation share: the threshold of each "
    "label is then chosen on those clips."
)
