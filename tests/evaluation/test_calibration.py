"""Reliability and temperature, against sums of the tests' own."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.evaluation.calibration import fit_temperature, reliability, surprise, tempered, verdict


def test_bins_and_the_expected_calibration_error() -> None:
    confidence = np.array([0.55, 0.55, 0.95, 0.95, 0.95, 1.0])
    right = np.array([True, False, True, True, False, True])
    found = reliability(confidence, right, bins=10)
    assert [(each.start, each.clips, each.accuracy) for each in found.bins] == [(0.5, 2, 0.5), (0.9, 4, 0.75)]
    assert found.bins[1].confidence == pytest.approx(0.9625)
    assert found.error == pytest.approx((2 * 0.05 + 4 * 0.2125) / 6)
    assert found.confidence == pytest.approx(confidence.mean())
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool)).bins == []


def test_the_temperature_that_made_probabilities_too_sure_is_found() -> None:
    """Labels are drawn from probabilities, which are then made three times as sharp: a temperature of 3 undoes it."""
    random = np.random.default_rng(0)
    true = random.dirichlet(np.ones(4), 4000)
    targets = np.array([random.choice(4, p=row) for row in true])
    sharp = tempered(true, 1 / 3)
    assert fit_temperature(sharp, targets) == pytest.approx(3, rel=0.05)
    assert tempered(sharp, 3) == pytest.approx(true, abs=1e-6)
    before, after = (reliability(each.max(1), each.argmax(1) == targets).error for each in (sharp, tempered(sharp, 3)))
    assert before is not None
    assert after is not None
    assert after < 0.03 < 0.1 < before


def test_the_order_of_classes_stays_and_extremes_stay_numbers() -> None:
    shares = np.array([[1.0, 0.0, 0.0], [0.2, 0.5, 0.3]])
    for temperature in (0.05, 1.0, 20.0):
        found = tempered(shares, temperature)
        assert found.argmax(1).tolist() == [0, 1]
        assert found.sum(1) == pytest.approx(1)
    assert tempered(shares, 1.0) == pytest.approx(shares)
    assert np.isfinite(surprise(shares, np.array([2, 0])))


def test_clips_without_a_mistake_ask_for_no_more_than_the_coldest() -> None:
    assert fit_temperature(np.array([[0.9, 0.1]] * 5), np.zeros(5, dtype=int)) == pytest.approx(0.06, abs=0.02)


def test_few_independent_clips_do_not_tell_that_a_network_is_too_sure() -> None:
    right = np.arange(400) < 320
    assert verdict(reliability(np.full(400, 0.9), right)) == "It is too sure: mean confidence 90.0 %, accuracy 80.0 %."
    assert verdict(reliability(np.full(400, 0.9), right, effective=20.0)).startswith(
        "It is as sure as it is right, as far as"
    )
