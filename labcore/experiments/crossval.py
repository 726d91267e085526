"""A cross-validation as a directory that names its runs; whatever else there is to know of it is read off the runs.

::

    experiments/<id>/
      experiment.json      kind, who made it, configuration, fold → run id, and the same for the leaking twin
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from labcore import asked, nvml
from labcore.config import RunConfig, parse
from labcore.errors import ConfigError, RunError, WorkspaceError
from labcore.events import RunQueued
from labcore.listing import Unreadable, folders_with, reason, strays
from labcore.origin import EXPERIMENT
from labcore.people import clean
from labcore.reading import LATEST, DamagedError, read_object
from labcore.runs import Run
from labcore.status import RESUMABLE
from labcore.workspace import Workspace, slug, write_atomically

KIND = "crossval"
MARK = EXPERIMENT
"""The mark of a run that belongs to an experiment: its ``experiment.json`` holds ``experiment``, ``kind``, ``fold`` and ``split``."""


class Manager(Protocol):
    """What is needed of :class:`labcore.jobs.manager.JobManager`."""

    def resume(self, run_id: str, *, by: str = "") -> object: ...
    def stop(self, run_id: str, *, by: str = "") -> object: ...
    def remove(self, run_id: str) -> object: ...


@dataclass(frozen=True)
class CrossValidation:
    """A cross-validation by its directory. Holds nothing in memory: every property reads the disk."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.path.parent.parent)

    @property
    def facts(self) -> dict[str, Any]:
        """The content of ``experiment.json``.

        Raises:
            RunError: it is gone, or cannot be read.
        """
        try:
            facts = read_object(self.path / "experiment.json")
            _check(facts)
        except (OSError, DamagedError) as error:
            raise RunError(
                f"experiment {self.id} cannot be read: {reason(error)}", "Remove it, or put it back"
            ) from error
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
            raise RunError(
                f"experiment {self.id} cannot be read: {reason(error)}", "Remove it, or put it back"
            ) from error

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        return float(self.facts.get("created", 0.0))

    @property
    def by(self) -> str:
        """Who made it; its runs are theirs. "" where that is not known."""
        return clean(self.facts.get("by"))

    def members(self, split: str = "official") -> dict[str, Run]:
        """Fold → run, in the order of the folds. A run may have been deleted by now."""
        return {
            fold: Run(self.workspace.runs / run_id) for fold, run_id in self.facts.get("members", {}).get(split, [])
        }

    def runs(self) -> list[Run]:
        """All runs that are there, those of the leaking twin last."""
        every = [*self.members().values(), *self.members("random").values()]
        return [run for run in every if (run.path / "config.json").is_file()]

    @classmethod
    def open(cls, workspace: Workspace, name: str) -> CrossValidation:
        """By id, by a unique part of it, or by the word ``last``.

        Raises:
            RunError: there is none of that name, or several.
        """
        every = list_crossvals(workspace)
        if name == "last" and every:
            return every[0]
        found = [each for each in every if each.id == name] or [each for each in every if name and name in each.id]
        if len(found) == 1:
            return found[0]
        if found:
            raise RunError(f"{len(found)} cross-validations match {name!r}", "Give more of the id")
        raise RunError(f"there is no cross-validation {name!r}", "`labcore crossval --list` shows those there are")

    def _save(self, facts: dict[str, Any]) -> None:
        write_atomically(self.path / "experiment.json", json.dumps(facts, indent=2, ensure_ascii=False))


def list_crossvals(workspace: Workspace) -> list[CrossValidation]:
    """All of a workspace, newest first."""
    return [CrossValidation(path) for path in folders_with(workspace.experiments, "experiment.json")]


def unreadable_crossvals(workspace: Workspace) -> list[Unreadable]:
    """What lies among the cross-validations and cannot be read as one."""
    return strays(workspace.experiments, "experiment.json")


def create(
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
        random: train the leaking twin as well, see :func:`train_twins`.
        queued: the runs wait for a job manager; otherwise somebody else works on them.
        gpus: over so many GPUs the runs are spread where the device is left to the lab; those of this machine where not given.
        by: whose it is, and its runs.

    Raises:
        DatasetError: the data set has no folds to go through, no such fold, or one that cannot be held out.
        ConfigError: no folds are asked for, or one twice; the configuration asks for a random split.
        WorkspaceError: the workspace cannot be written.
    """
    from labcore.datasets.registry import find_dataset

    dataset = find_dataset(workspace, config.data.dataset)
    chosen = _chosen(dataset, config, folds)
    name = slug(Path(config.data.dataset).stem or "data")[:24]
    stamp = time.strftime("%Y%m%d-%H%M%S")
    experiment = CrossValidation(workspace.experiments / f"{stamp}-{KIND}-{name}-{secrets.token_hex(2)}")
    config = config.changed({"data.fold": None, "data.split": "official"})
    runs = {"official": _make_runs(experiment, workspace, config, chosen, "official", gpus)}
    if random:
        runs["random"] = _make_runs(experiment, workspace, config, chosen, "random", gpus)
    try:
        experiment.path.mkdir()
    except OSError as error:
        raise WorkspaceError(f"the folder {experiment.path} cannot be made: {error.strerror or error}") from error
    experiment._save(
        {
            "kind": KIND,
            "created": time.time(),
            "by": clean(by),
            "config": config.model_dump(mode="json"),
            "members": {
                split: [[fold, run.id] for fold, run in zip(chosen, made, strict=True)] for split, made in runs.items()
            },
        }
    )
    if queued:
        for made in runs.values():
            _queue(made, clean(by))
    return experiment


def train_twins(experiment: CrossValidation, *, queued: bool = True, gpus: int | None = None) -> list[Run]:
    """Train the leaking twin of a cross-validation: folds of the same names, sizes and class counts, dealt without regard to recordings.

    Returns:
        The new runs; none where the twin is there already.

    Raises:
        RunError, DatasetError, WorkspaceError: as for :func:`create`.
    """
    facts = experiment.facts
    if facts["members"].get("random"):
        return []
    folds = list(experiment.members())
    made = _make_runs(experiment, experiment.workspace, experiment.config, folds, "random", gpus)
    facts["members"]["random"] = [[fold, run.id] for fold, run in zip(folds, made, strict=True)]
    experiment._save(facts)
    if queued:
        _queue(made, experiment.by)
    return made


def resume(experiment: CrossValidation, manager: Manager, *, by: str = "") -> list[Run]:
    """Put the runs that were stopped, failed or interrupted back into the queue; a run that was deleted is made anew.

    ``by`` is who asks; whose the runs are does not change.

    Returns:
        The runs that go on.

    Raises:
        DatasetError: the data set is not there. Nothing has changed.
    """
    need_dataset(experiment)
    going = _make_missing(experiment)
    made = {run.path for run in going}
    _queue(going, experiment.by)
    for run in experiment.runs():
        if run.path not in made and run.status().state in RESUMABLE:
            manager.resume(run.id, by=by)
            going.append(run)
    return going


def make_ready(experiment: CrossValidation) -> list[Run]:
    """The runs that are to be worked on, without putting them into the queue: for whoever works on them himself.

    Raises:
        DatasetError: the data set is not there. Nothing has changed.
    """
    need_dataset(experiment)
    _make_missing(experiment)
    ready = [run for run in experiment.runs() if run.status().state in RESUMABLE]
    for run in ready:
        run.clear_stop()
    return ready


def name_place(experiment: CrossValidation, place: str) -> None:
    """Have the folds that are not finished go on with their data set at another place, by name or path.

    Raises:
        DatasetError: there is no data set, or one of other clips than a fold has begun with.
    """
    from labcore.datasets.resuming import name_place as name_place_of

    facts = experiment.facts
    for run in experiment.runs():
        if run.status().state in (*RESUMABLE, "queued"):
            with run.hold():
                name_place_of(run, experiment.workspace, place)
            facts["config"]["data"]["dataset"] = run.config.data.dataset
    experiment._save(facts)


def need_dataset(experiment: CrossValidation) -> None:
    """Refuse to go on where the data set of a fold that is not finished yet is away.

    Raises:
        DatasetError: it is.
    """
    from labcore.datasets.resuming import need_data

    for run in experiment.runs():
        if run.status().state in RESUMABLE:
            need_data(run, experiment.workspace)


def stop(experiment: CrossValidation, manager: Manager, *, by: str = "") -> None:
    """Take the waiting runs out of the queue and stop those at work after their batch, as ``by`` asks."""
    for run in reversed(experiment.runs()):  # the waiting ones first, so that none takes the place of one that stops
        manager.stop(run.id, by=by)


def delete(experiment: CrossValidation, manager: Manager, *, runs: bool = True) -> None:
    """Remove a cross-validation, and its runs unless they are to stay as runs of their own.

    Raises:
        RunError: a run is waiting or at work.
        WorkspaceError: the workspace cannot be written.
    """
    if any(run.status().active for run in experiment.runs()):
        raise RunError(f"experiment {experiment.id} is at work", "Stop it first")
    if runs:
        for run in experiment.runs():
            with contextlib.suppress(RunError):  # gone in the meantime
                manager.remove(run.id)
    trash = experiment.path.with_name(f".{experiment.id}.trash")
    try:
        experiment.path.rename(trash)
    except OSError as error:
        raise WorkspaceError(
            f"experiment {experiment.id} cannot be removed: {error.strerror or error}", "Look at the folder's rights"
        ) from error
    shutil.rmtree(trash, ignore_errors=True)


def spread(wanted: str, number: int, gpus: int) -> str:
    """The device of run ``number``: GPUs in turn where there are several and the choice is the lab's, else what is wanted."""
    return f"cuda:{number % gpus}" if gpus > 1 and wanted in ("auto", "cuda") else wanted


def gpu_count() -> int:
    """GPUs that torch sees, where the machine has several. Looking leaves nothing on them."""
    if len(there := nvml.samples()) < 2:  # spares loading torch
        return len(there)
    import torch

    return torch.cuda.device_count()


def _chosen(dataset: Any, config: RunConfig, folds: Sequence[str] | None) -> list[str]:
    """The folds to go through, each of which can be held out."""
    from labcore.datasets.folds import official_folds, split_for

    if config.data.split == "random":
        raise ConfigError(
            "a cross-validation goes through the official folds",
            "Leave data.split as it is and ask for the random twin",
        )
    chosen = list(official_folds(dataset)) if folds is None else [str(fold) for fold in folds]
    chosen = [fold for fold in chosen if fold != config.data.leave_out]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError("no fold is asked for, or one twice", f"There are: {', '.join(dataset.folds)}")
    for fold in chosen:
        split_for(dataset, config.data.model_copy(update={"fold": fold}))
    return chosen


def _check(facts: dict[str, Any]) -> None:
    """Raises DamagedError for what names no runs of its workspace, or was made at no time."""
    created, members = facts.get("created", 0.0), facts.get("members", {})
    if type(created) not in (int, float) or not 0 <= created <= LATEST:
        raise DamagedError("it was made at no time")
    lists = members.values() if isinstance(members, dict) else [None]
    if not all(isinstance(pairs, list) and all(map(_names_run, pairs)) for pairs in lists):
        raise DamagedError("it names no runs of this workspace")


def _names_run(pair: Any) -> bool:
    """Whether it is a fold and the id of a run, which leads to no other folder."""
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):
        return False
    name = pair[1]
    return "\0" not in name and name not in ("", ".", "..") and Path(name).name == name


def _make_runs(
    experiment: CrossValidation,
    workspace: Workspace,
    config: RunConfig,
    folds: Sequence[str],
    split: str,
    gpus: int | None,
) -> list[Run]:
    gpus = gpu_count() if gpus is None and config.runtime.device in ("auto", "cuda") else gpus or 0
    runs = []
    for number, fold in enumerate(folds):
        device = spread(config.runtime.device, number, gpus)
        marks: dict[str, Any] = {MARK: {"experiment": experiment.id, "kind": KIND, "fold": fold, "split": split}}
        if device != config.runtime.device:
            marks[asked.NAME] = {"runtime.device": config.runtime.device}
        changes = {"data.fold": fold, "data.split": split, "runtime.device": device}
        runs.append(Run.create(workspace, config.changed(changes), marks=marks))
    return runs


def _make_missing(experiment: CrossValidation) -> list[Run]:
    """New runs in place of those that were deleted."""
    facts, made = experiment.facts, []
    for split, entries in facts["members"].items():
        for entry in entries:
            if not (experiment.workspace.runs / entry[1] / "config.json").is_file():
                (run,) = _make_runs(experiment, experiment.workspace, experiment.config, [entry[0]], split, None)
                entry[1] = run.id
                made.append(run)
    if made:
        experiment._save(facts)
    return made


def _queue(runs: Sequence[Run], by: str) -> None:
    for run in runs:
        run.append(RunQueued(by=by))
