"""What a search is to do: the recipe it starts from, what it varies, how often, and on which clips it judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from labcore.config import RunConfig, parse
from labcore.config.former import path_now
from labcore.errors import ConfigError, DatasetError
from labcore.search.objectives import OBJECTIVES, Objective, suitable
from labcore.search.space import Range, base_value, distinct
from labcore.workspace import Workspace

MOST_TRIALS = 10_000
LENGTHENING = ("optim.epochs", "optim.budget", "model.width")
"""Settings by which trials are of different lengths."""


@dataclass(frozen=True)
class Settings:
    """A search as it was asked for.

    Attributes:
        config: the recipe; its data set is searched on.
        ranges: what is varied.
        trials: how many runs there will be, the pruned and the failed ones among them.
        test_fold: the fold that no trial touches; kept for the one run that trains what was found.
        validation: the fold that trials are judged on.
        pruning: whether trials that lag behind are stopped early.
        seed: of the sampler.
        objective: what is judged by, of the averaged last weights on the validation fold; a name of :data:`OBJECTIVES`.
    """

    config: RunConfig
    ranges: tuple[Range, ...]
    trials: int
    test_fold: str
    validation: str
    pruning: bool = True
    seed: int = 0
    objective: str = "accuracy"

    @property
    def goal(self) -> Objective:
        return OBJECTIVES[self.objective]

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """As Optuna calls it."""
        return "maximize" if self.goal.larger else "minimize"

    @property
    def recipe(self) -> dict[str, Any] | None:
        """The recipe as a trial, path → value; None where the ranges do not hold it."""
        found = {each.path: base_value(each.path, self.config) for each in self.ranges}
        return found if all(each.holds(found[each.path]) for each in self.ranges) else None

    def trial_config(self, sampled: dict[str, Any]) -> RunConfig:
        """The run of a trial. The test fold is left out of it altogether.

        Args:
            sampled: path → value, as the sampler drew them.

        Raises:
            ConfigError: values that cannot be together.
        """
        split = {"data.fold": self.validation, "data.leave_out": self.test_fold}
        return self.config.replace(self.changes(sampled) | split)

    @property
    def rest(self) -> str:
        """What the final run trains on, in words: where there is a part "val", "train" alone, as the trials."""
        return (
            "the part train, as the trials"
            if (self.test_fold, self.validation) == ("test", "val")
            else "all other folds"
        )

    @property
    def longest(self) -> dict[str, Any]:
        """What makes a trial take the longest, path → value: the upper ends of ranges of epochs, budget and width."""
        ends = {each.path: (each.high, *each.choices) for each in self.ranges if each.path in LENGTHENING}
        return {path: max(value for value in values if value is not None) for path, values in ends.items()}

    def final_config(self, sampled: dict[str, Any]) -> RunConfig:
        """The run that trains what a trial found on :attr:`rest`, with the test fold, which is then looked at for the first time."""
        return self.config.replace(self.changes(sampled) | {"data.fold": self.test_fold, "data.leave_out": None})

    def changes(self, sampled: dict[str, Any]) -> dict[str, Any]:
        """What a trial changes: path → value as it was trained."""
        sampled = {path_now(path): value for path, value in sampled.items()}
        return {each.path: each.value(sampled[each.path]) for each in self.ranges if each.path in sampled}

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "config": self.config.model_dump(), "ranges": [each.to_dict() for each in self.ranges]}

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> Settings:
        """Raises ConfigError, KeyError or TypeError where it is none."""
        if "reported" in tree:  # its name in the version before
            tree = {**tree, "test_fold": tree["reported"]}
            del tree["reported"]
        kinds = {"trials": int, "seed": int, "test_fold": str, "validation": str, "objective": str, "pruning": bool}
        wrong = [name for name, kind in kinds.items() if not isinstance(tree[name], kind)]
        if wrong:
            raise TypeError(f"{wrong[0]} is {tree[wrong[0]]!r}")
        if tree["objective"] not in OBJECTIVES:
            raise TypeError(f"there is no objective {tree['objective']!r}")
        ranges = tuple(Range.from_dict(each) for each in tree["ranges"])
        return cls(**{**tree, "config": parse(tree["config"]), "ranges": ranges})


def make_settings(
    workspace: Workspace,
    config: RunConfig,
    ranges: tuple[Range, ...],
    *,
    trials: int = 20,
    pruning: bool = True,
    seed: int = 0,
    objective: str | None = None,
) -> Settings:
    """Settings with the folds worked out and everything checked that a trial would fail on at once.

    The fold that the configuration holds out is the one that will be reported.

    Args:
        objective: a name of :data:`OBJECTIVES`; by default what is usual for the labels.

    Raises:
        ConfigError: settings that cannot be searched with.
        DatasetError: the data set is not there, or has too few folds or recordings to keep one fold aside.
    """
    from labcore.datasets.in_split import dataset_for
    from labcore.datasets.registry import with_whole_paths
    from labcore.datasets.several import several_in
    from labcore.datasets.splits import split_for

    if not 1 <= trials <= MOST_TRIALS:
        raise ConfigError(f"{trials} trials are out of range", f"Ask for 1 to {MOST_TRIALS}")
    if config.data.split != "official":
        raise ConfigError("a search on a random split would select what leaks most", "Leave data.split official")
    if config.data.leave_out is not None:
        raise ConfigError("a search sets the excluded fold itself", "Set the test fold as data.fold")
    dataset = dataset_for(workspace, config.cutting)
    goal = _goal(objective, several=several_in(dataset.table))
    config = with_whole_paths(workspace, config)  # trials run in other processes
    test_fold = split_for(dataset, config.data).fold
    validation = validation_fold(dataset.folds, test_fold)
    config = config.replace({"data.fold": test_fold})
    settings = Settings(config, distinct(ranges), trials, test_fold, validation, pruning, seed, goal.name)
    split_for(dataset, settings.trial_config({}).data)
    return settings


def _goal(name: str | None, *, several: bool) -> Objective:
    """The objective of a name, or the usual one.

    Raises:
        ConfigError: the labels do not have it.
    """
    there = suitable(several)
    goal = there[0] if name is None else OBJECTIVES[name]
    if goal in there:
        return goal
    labels = "several labels" if several else "one label each"
    others = " or ".join(each.name for each in there)
    one = ", or set data.labels to first or single" if several else ""
    raise ConfigError(
        f"clips of the data set have {labels}, so that there is no {goal.title.lower()} to search for",
        f"Search with the objective {others}{one}",
    )


def validation_fold(folds: list[str], test_fold: str) -> str:
    """The fold that trials are judged on: the validation part where there is one, else the fold after the test fold.

    Where that is the only one left, a share of its recordings is held out and the others are trained on.

    Raises:
        DatasetError: there is no other fold, or none that may be looked at.
    """
    from labcore.datasets.table import PARTS

    rest = [fold for fold in folds if fold != test_fold]
    if not rest:
        raise DatasetError(
            f"fold {test_fold} contains all clips: none are left for the search",
            "Add clips of other recordings, or folds",
        )
    if test_fold == "val" and {"train", "test"} <= set(rest):
        raise DatasetError(
            "no part is left to validate trials on: the test fold is val, and test is kept for the end",
            "Set test as the test fold",
        )
    if test_fold in PARTS and set(rest) <= set(PARTS):
        return "val" if "val" in rest else "train" if "train" in rest else rest[0]
    plain = [fold for fold in folds if fold not in PARTS or fold == test_fold]
    after = plain[(plain.index(test_fold) + 1) % len(plain)]
    return after if after != test_fold else rest[0]
