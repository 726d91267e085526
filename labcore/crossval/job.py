"""A cross-validation as a job that names its runs; whatever else there is to know of it is read off the runs.

::

    experiments/<id>/
      experiment.json      kind, who made it, configuration, fold → run id, and the same for the random-split control; where it is
                           finished early, how many epochs a fold has that has not begun (labcore.crossval.early)
      corrections.json     the corrected labels that its runs begin with (labcore.datasets.corrections)
    runs/<id>/
      experiment.json      of each of its runs: experiment, kind, fold and split

It is there before its runs, with their ids: one that was killed in between has runs that are missing, which are made when it goes on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from labcore.config import RunConfig, parse
from labcore.device import gpu_count
from labcore.errors import ConfigError, RunError
from labcore.jobs.folder import NOTHING, JobFolder
from labcore.jobs.glances import glance
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.naming import is_id
from labcore.jobs.status import RESUMABLE, JobRequest, JobStatus, Story
from labcore.members.job import about, named, spread
from labcore.owners import clean
from labcore.reading import LATEST, DamagedError, read_object
from labcore.runs import Run, asked
from labcore.runs.origin import EXPERIMENT
from labcore.runs.title import title_of
from labcore.texts import counted
from labcore.training import pending
from labcore.workspace import Workspace

KIND = "crossval"
EARLY = "early"
"""In ``experiment.json``: how many epochs a fold has that has not begun, and who asked for it."""


@dataclass(frozen=True)
class CrossValidation(JobFolder):
    """A cross-validation by its directory."""

    kind: ClassVar[Kind] = Kind(
        "cross-validation",
        "experiments",
        listed="labcore crossval --list",
        file="experiment.json",
        traces=(),
        ready="labcore.crossval.job:ready",
    )

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        config: RunConfig,
        *,
        folds: Sequence[str] | None = None,
        random: bool = False,
        queued: bool = True,
        gpus: int | None = None,
        by: str = "",
    ) -> CrossValidation:
        """Make a cross-validation and its runs, one for each fold that is held out.

        Args:
            config: what the runs have in common. Its fold is not looked at.
            folds: which folds; all of the data set where not given.
            random: train a random split as control as well, see :meth:`add_random_split`.
            queued: the runs wait for a job manager; otherwise somebody else works on them.
            gpus: over so many GPUs the runs are spread where the device is left to the lab; those of this machine where not given.
            by: whose it is, and its runs.

        Raises:
            DatasetError: the data set has no folds to go through, no such fold, or one that cannot be held out.
            ConfigError: no folds are asked for, or one twice; the configuration asks for a random split.
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.datasets.corrections import FILE
        from labcore.datasets.in_split import dataset_for, pin_split

        dataset = dataset_for(workspace, config.cutting)
        chosen = _chosen(dataset, config, folds)
        experiment = cls.new(workspace, f"{KIND}-{about(config)}")
        config = config.replace({"data.fold": None, "data.split": "official"})
        members = {split: named(workspace, config, chosen) for split in ("official", *(["random"] if random else []))}
        with experiment.draft() as draft:
            tree = config.model_dump(mode="json")
            facts = {"kind": KIND, "created": time.time(), "by": clean(by), "config": tree, "members": members}
            draft.save("experiment", facts)
            if dataset.corrections is not None:  # its runs begin at different times, and shall have the same labels
                draft.save(FILE, dataset.corrections.to_dict())
            pin_split(draft, workspace, config.cutting)
        experiment.make_missing(queued=queued, gpus=gpus)
        return experiment

    def add_random_split(self, *, queued: bool = True, gpus: int | None = None) -> list[Run]:
        """Train a random split as control: folds of the same names, sizes and class counts, dealt without regard to recordings.

        Returns:
            The new runs; none where it is there already.

        Raises:
            RunError, WorkspaceError: as for :meth:`create`.
        """
        with self.hold():
            facts = self.facts
            if facts["members"].get("random"):
                return []
            facts["members"]["random"] = named(self.workspace, self.config, self.members())
            self.save("experiment", facts)
            return self.make_missing("random", queued=queued, gpus=gpus)

    def make_missing(self, *splits: str, queued: bool = True, gpus: int | None = None) -> list[Run]:
        """Make the runs that are not there: of a new cross-validation, of one whose making was cut short, and those that were deleted.

        Args:
            splits: official or random; both where none is given.
        """
        from labcore.datasets.corrections import marks_of

        config, made = self.config, list[Run]()
        for split in splits or ("official", "random"):
            missing = {fold: run for fold, run in self.members(split).items() if not run.there}
            if missing and gpus is None:
                gpus = gpu_count() if config.runtime.device in ("auto", "cuda") else 0
            for number, (fold, run) in enumerate(self.members(split).items()):
                if fold not in missing:
                    continue
                device = spread(config.runtime.device, number, gpus or 0)
                marks: dict[str, Any] = {
                    EXPERIMENT: {"experiment": self.id, "kind": KIND, "fold": fold, "split": split},
                    **marks_of(self),
                }
                if device != config.runtime.device:
                    marks[asked.NAME] = {"runtime.device": config.runtime.device}
                changes = {"data.fold": fold, "data.split": split, "runtime.device": device}
                Run.create(
                    self.workspace,
                    config.replace(changes),
                    queued=queued,
                    marks=marks,
                    by=self.owner,
                    path=run.path,
                    wish=self._early_wish(config),
                )
                made.append(run)
        return made

    def _early_wish(self, config: RunConfig) -> dict[str, Any] | None:
        """What a run that is made begins with, where the cross-validation is finished early."""
        early = self.facts.get(EARLY)
        if early is None:
            return None
        epochs = min(early["epochs"], config.optim.epochs or early["epochs"])
        words = {"by": clean(early.get("by")), "who": clean(early.get("who")), "reason": pending.EARLY}
        return {"changes": {pending.EPOCHS: epochs}, **words}

    @property
    def facts(self) -> dict[str, Any]:
        """The content of ``experiment.json``.

        Raises:
            RunError: it is gone, or cannot be read.
        """
        try:
            facts = read_object(self.path / self.kind.file)
            _check(facts)
        except (OSError, DamagedError) as error:
            raise self._unreadable(error) from error
        return facts

    @property
    def config(self) -> RunConfig:
        """What the runs have in common.

        Raises:
            RunError: it is of another version of the lab.
        """
        try:
            return parse(self.facts["config"])
        except (ConfigError, KeyError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> RunError:
        return RunError(f"cross-validation {self.id} cannot be read: {reason(error)}", "Delete it, or put it back")

    def request(self) -> JobRequest:
        config = self.config
        title = title_of(config, fold=counted(len(self.members()), "fold"))
        epochs, parts = config.optim.epochs or 0, len(self.runs())
        return JobRequest(config.data.dataset, config.model.name, epochs, title=title, parts=parts)

    @property
    def needs(self) -> str:
        return NOTHING

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        return float(self.facts.get("created", 0.0))

    @property
    def owner(self) -> str:
        """Who made it; its runs are theirs. "" where that is not known."""
        return clean(self.facts.get("by"))

    def members(self, split: str = "official") -> dict[str, Run]:
        """Fold → run, in the order of the folds. A run may have been deleted by now."""
        runs = self.workspace.runs
        return {fold: Run(runs / run_id) for fold, run_id in self.facts.get("members", {}).get(split, [])}

    def runs(self) -> list[Run]:
        """All runs, those of the random split last, also those that are not there."""
        return [*self.members().values(), *self.members("random").values()]

    def children(self) -> list[Run]:
        return [run for run in self.runs() if run.there]

    def status(self, story: Story | None = None) -> JobStatus:
        """As its runs stand, see :func:`state_of`."""
        states = [glance(run).state if run.there else "deleted" for run in self.runs()]
        done = states.count("finished") / max(1, len(states))
        return JobStatus(state_of(states), fraction=done, changed_at=self.created, by=self.owner)


def state_of(states: Sequence[str]) -> str:
    """How several runs stand together: queued where all wait, running where one waits or is running; else failed, stopped or finished.

    Args:
        states: of each run; "deleted" of one that is not there.
    """
    there = set(states)
    if there <= {"queued"} and there:
        return "queued"
    if there & {"queued", "running", "stopping"}:
        return "running"
    if there & {"failed", "unreadable"}:
        return "failed"
    return "finished" if there <= {"finished"} else "stopped"


def ready(experiment: CrossValidation, place: str | None, *, queued: bool = True) -> None:
    """Prepare a cross-validation whose runs are to go on: those that are missing are made. Called with its lock held.

    Args:
        place: where the data set of the runs lies now, by name or path, where it was moved.

    Raises:
        DatasetError: there is no data set, or one of other clips than a fold has begun with. Nothing has changed.
    """
    from labcore.datasets.resuming import move, require_data

    runs, workspace = experiment.children(), experiment.workspace
    if place is not None:
        config = move(runs, workspace, experiment.config, place)
        experiment.save("experiment", experiment.facts | {"config": config.model_dump(mode="json")})
    for run in runs:
        if run.status().state in RESUMABLE:
            require_data(run, workspace)
    experiment.make_missing(queued=queued, gpus=None if queued else 0)


def _chosen(dataset: Any, config: RunConfig, folds: Sequence[str] | None) -> list[str]:
    """The folds to go through, each of which can be held out."""
    from labcore.datasets.folds import official_folds
    from labcore.datasets.splits import split_for

    if config.data.split == "random":
        raise ConfigError(
            "a cross-validation uses the official folds",
            "Leave data.split at official; compare with a random split instead",
        )
    chosen = list(official_folds(dataset)) if folds is None else [str(fold) for fold in folds]
    chosen = [fold for fold in chosen if fold != config.data.leave_out]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError("no fold is given, or one twice", f"There are: {', '.join(dataset.folds)}")
    for fold in chosen:
        split_for(dataset, config.data.model_copy(update={"fold": fold}))
    return chosen


def _check(facts: dict[str, Any]) -> None:
    """Raises DamagedError for what names no runs of its workspace, was made at no time, or ends after no epoch."""
    created, members = facts.get("created", 0.0), facts.get("members", {})
    if type(created) not in (int, float) or not 0 <= created <= LATEST:
        raise DamagedError("it has no time of creation")
    lists = members.values() if isinstance(members, dict) else [None]
    if not all(isinstance(pairs, list) and all(map(_names_run, pairs)) for pairs in lists):
        raise DamagedError("it names no runs of this workspace")
    early = facts.get(EARLY, {"epochs": 1})
    if not isinstance(early, dict) or type(early.get("epochs")) is not int or early["epochs"] < 1:
        raise DamagedError("it does not say after how many epochs its folds end")


def _names_run(pair: Any) -> bool:
    """Whether it is a fold and the id of a run, which leads to no other folder."""
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):
        return False
    return is_id(pair[1])
