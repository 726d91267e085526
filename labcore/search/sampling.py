"""What Optuna draws and whom it gives up: the sampler, the pruner, and a range in its terms."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Mapping

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from labcore.search.settings import Settings
from labcore.search.space import Range

WARM_UP = 1 / 3
"""In this share of the epochs, the first, nothing is pruned: with the learning rate still on its way up, the curves say little."""


def ask(study: optuna.Study, settings: Settings, asked: int) -> int:
    """Have the sampler draw a trial, or take the one that was put in first; returns its number.

    Method: tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011), after some trials at random.

    Args:
        asked: trials so far. Each has a sampler of its own, so that a search that was killed goes on as if it had not been.
    """
    seed = (settings.seed * 1_000_003 + asked) % 2**32
    startup = max(3, min(10, settings.trials // 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
        return study.ask({each.path: distribution(each) for each in settings.ranges}).number


def hopeless(study: optuna.Study, trial: FrozenTrial, settings: Settings, epochs: int) -> bool:
    """Whether a trial has never been as good as the median of the others was after the same share of their epochs.

    Optuna's median pruner compares after as many epochs. Where trials differ in their length that would give up the longer ones: by the
    schedule of the learning rate, they are still on their way where shorter ones are at their end.
    """
    reached = max(trial.intermediate_values) / epochs
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    others = [each.intermediate_values for each in finished if each.intermediate_values]
    if not settings.pruning or reached < WARM_UP or len(others) < min(5, max(2, settings.trials // 4)):
        return False
    median = statistics.median(_after(curve, reached) for curve in others)
    values = trial.intermediate_values.values()
    return settings.goal.better(median, settings.goal.best(*values))


def _after(curve: Mapping[int, float], share: float) -> float:
    """The value of a trial that is over after a share of its epochs. ``curve``: epoch → value."""
    end = share * max(curve)
    return curve[max((epoch for epoch in curve if epoch <= end), default=min(curve))]


def distribution(each: Range) -> BaseDistribution:
    """A range as Optuna knows it."""
    if each.choices:
        return CategoricalDistribution(each.choices)
    assert each.low is not None
    assert each.high is not None
    if each.step is None:
        return FloatDistribution(each.low, each.high, log=each.log)
    low, high = int(each.low), int(each.high)
    return IntDistribution(low, high - (high - low) % each.step, log=each.log, step=each.step)
