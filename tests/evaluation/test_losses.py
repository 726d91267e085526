"""The loss of kept predictions: that of the curves, of one label a clip and of several."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.errors import RunError
from labcore.evaluation.label_predictions import loss_in
from labcore.task.losses import loss_of_several
from labcore.task.single import SingleLabel
from tests.judged import drawn, finished_run


def test_the_loss_is_that_of_the_curves_on_all_clips(workspace):
    said = drawn(60)
    run = finished_run(workspace, said)
    told = -np.log(said.probabilities[np.arange(60), said.targets]).mean()
    assert loss_in(run.predictions) == pytest.approx(told, rel=1e-5)
    assert SingleLabel().watched(said.probabilities, said.targets).loss == pytest.approx(told)
    run.predictions.unlink()
    with pytest.raises(RunError, match="cannot be read"):
        loss_in(run.predictions)


def test_what_nobody_knows_of_a_clip_has_no_loss():
    shares = np.array([[0.9, 0.2], [0.5, np.nan]])
    known = np.array([[1, 0], [0, -1]])
    assert loss_of_several(shares, known) == pytest.approx((-np.log(0.9) - np.log(0.8) - np.log(0.5)) / 2)
