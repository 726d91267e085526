"""The tabs "Unknown sounds" and "Robustness" of a run."""

import numpy as np

from labcore import keeping
from labcore.inference.unknown import Unknown
from tests.judged import drawn, finished_run

PAGE = "pages/runs.py"


def texts(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info, *app.code])


def test_the_switch_of_a_run(open_page, workspace, make_classifier):
    run = finished_run(workspace, drawn(4))
    make_classifier(labels=("cat", "dog", "owl")).save(run.weights)
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    assert not app.exception
    assert f"labcore runs unknown {run.id}" in texts(app)
    keeping.keep(run, Unknown.of(np.ones((4, 2)), np.zeros((2, 2))).fitted(np.arange(30.0), 0.1, "30 clips"))
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    assert "The run **answers**" in texts(app)
    assert app.metric[0].value == "10.0 %"
    app.get_by_key("unknown-switch").click().run()
    assert not app.exception
    assert not keeping.kept(run, Unknown).threshold.on
    assert "**does not answer**" in texts(app)
