"""What the page of runs shows, by the words of its address: one run, a cross-validation, a test with hidden
classes, a comparison, or else the list.

The list is there at once: what only the others need, as pandas, is loaded with them.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.hidden.job import HiddenClasses
from labcore.jobs.folder import J, JobFolder
from labcore.runs import Run
from ui.app import live, services
from ui.app.shell import shows
from ui.runs import list


def show() -> None:
    """The view that the address asks for. An id of something that is gone is told, and the list follows."""
    for word, page in {"search": "pages/tune.py", "curve": "pages/curve.py"}.items():  # these have pages of their own
        if word in st.query_params:
            st.switch_page(page, query_params={word: st.query_params[word]})
    views: dict[str, Callable[[str], bool]] = {
        "run": _run,
        "crossval": _crossval,
        "hidden": _hidden,
        "compare": _compare,
    }
    for word, view in views.items():
        if (named := st.query_params.get(word)) and view(named):
            return
    list.show()


def _run(name: str) -> bool:
    if (run := _there(Run, name)) is not None:
        from ui.runs import one

        one.show(run)
    return run is not None


def _crossval(name: str) -> bool:
    if (experiment := _there(CrossValidation, name)) is not None:
        from ui.runs import crossval

        crossval.show(experiment)
    return experiment is not None


def _hidden(name: str) -> bool:
    if (test := _there(HiddenClasses, name)) is not None:
        from ui.runs import hidden

        hidden.show(test)
    return test is not None


def _compare(names: str) -> bool:
    jobs = [_either(name) for name in dict.fromkeys(names.split(",")) if name]
    found = [job for job in jobs if job is not None]
    if found:
        from ui.runs import compare

        shows(lambda: all(job.there for job in found))
        compare.show(found)
    return bool(found)


def _either(name: str) -> JobFolder | None:
    """The run or cross-validation of an id in the address."""
    crossvals = CrossValidation.every(services.workspace())
    return next((job for job in crossvals if job.id == name), None) or _there(Run, name)


def _there(kind: type[J], name: str) -> J | None:
    """The job of an id in the address; None where there is none, which is told."""
    job = next((job for job in kind.every(services.workspace()) if job.id == name), None)  # a path in it is no id
    if job is None:
        live.gone_job(kind, name)
    else:
        shows(lambda: job.there)
    return job
