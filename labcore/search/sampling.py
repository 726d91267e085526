"""What Optuna draws and whom it gives up: the sampler, the pruner, and a range in its terms."""

from __future__ import annotations

import math
import warnings

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

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
    """Whether a trial has never been as good as the median of the others was after as many epochs."""
    if not settings.pruning:
        return False
    startup = min(5, max(2, settings.trials // 4))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=math.ceil(WARM_UP * epochs))
    return pruner.prune(study, trial)


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
