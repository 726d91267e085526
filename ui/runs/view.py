"""What the page of runs shows, by the words of its address: one run, a cross-validation, a comparison, or else the list."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.jobs.folder import J
from labcore.runs import Run
from ui.app import live, services
from ui.runs import compare, crossval, list, one


def show() -> None:
    """The view that the address asks for. An id of something that is gone is told, and the list follows."""
    views: dict[str, Callable[[str], bool]] = {"run": _run, "crossval": _crossval, "compare": _compare}
    for word, view in views.items():
        if (named := st.query_params.get(word)) and view(named):
            return
    list.show()


def _run(name: str) -> bool:
    if (run := _there(Run, name)) is not None:
        one.show(run)
    return run is not None


def _crossval(name: str) -> bool:
    if (experiment := _there(CrossValidation, name)) is not None:
        crossval.show(experiment)
    return experiment is not None


def _compare(names: str) -> bool:
    parents = {job.id for job in CrossValidation.every(services.workspace())}
    asked = [name for name in dict.fromkeys(names.split(",")) if name]
    found = [name for name in asked if name in parents or _there(Run, name) is not None]
    if found:
        compare.show(found)
    return bool(found)


def _there(kind: type[J], name: str) -> J | None:
    """The job of an id in the address; None where there is none, which is told."""
    job = next((job for job in kind.every(services.workspace()) if job.id == name), None)  # a path in it is no id
    if job is None:
        live.gone(kind.kind.name, name)
    return job
