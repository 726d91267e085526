"""The clips of a run: found, decoded into the clip store, divided into those to train on and those to evaluate on."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from labcore.config import DataConfig, RunConfig
from labcore.config.budget import cost_of, covering, plan
from labcore.datasets.bandwidths import with_front_end
from labcore.datasets.folds import drawn_in
from labcore.datasets.learnt import keep_records, learnt_by, run_named, shares_recordings
from labcore.datasets.lengths import expected_seconds
from labcore.datasets.record import HELD_OUT, TRAIN, VALIDATION, ClipRecord, as_recorded
from labcore.datasets.resuming import find_again, former_folders, other_clips
from labcore.datasets.sampling import sampled, with_train_clips
from labcore.datasets.several import exploded, several_in
from labcore.datasets.splits import of_classes, split_for
from labcore.datasets.store import ClipStore, open_store
from labcore.datasets.table import Dataset, Split, unusual
from labcore.events import Event, Log, TrainingStarted
from labcore.jobs.following import follow
from labcore.runs import Run
from labcore.runs.asked import FRONT_END
from labcore.runs.origin import EXPERIMENT, belonging
from labcore.task.kind import SEVERAL, Task
from labcore.task.several import SeveralLabels
from labcore.task.single import SingleLabel
from labcore.texts import counted, percent, shown
from labcore.workspace import Workspace

PRETRAINED = "pretrained"
"""The JSON file in a run's directory that says what the weights that it began with had learnt of its held-out clips."""
VALIDATION_SHARE = 0.1
"""What is set aside where something is to be chosen automatically and no share was given."""


@dataclass(frozen=True)
class RunClips:
    """The clips of a run: decoded, divided, and written down. ``front_end_seconds`` went into choosing the front end."""

    store: ClipStore
    split: Split
    record: ClipRecord
    front_end_seconds: float = 0.0

    @property
    def labels(self) -> list[str]:
        """The classes that there are clips of, in the order of the network's outputs."""
        return list(self.record.labels)

    @property
    def task(self) -> Task:
        """One label a clip, or several."""
        return SeveralLabels() if several_in(self.store.table) else SingleLabel()

    @cached_property
    def targets(self) -> np.ndarray:
        """(clips,) class numbers, int64; -1 for clips that are left out. Of several labels (clips, classes), see
        :meth:`labcore.task.kind.Task.targets`."""
        return self.task.targets(self.store.table["label"].tolist(), self.record.labels)


def open_clips(
    config: RunConfig, run: Run, workspace: Workspace, should_stop: Callable[[], bool], fingerprint: str | None
) -> Generator[Event, None, tuple[RunConfig, RunClips]]:
    """Find, decode and divide the clips that a configuration asks for.

    Args:
        fingerprint: of the clips that the run's checkpoint was made with; None where there is no checkpoint.

    Returns:
        The configuration with all that depends on the data worked out, and the clips.

    Raises:
        DatasetError: the data set cannot be had, or does not hold the clips of the checkpoint any more.
        Stopped: it was asked to stop.
    """
    known = find_again(run, workspace, config.data.dataset, config.cutting)
    if known.annotated is not None and known.annotated.window_seconds is not None:
        config = config.replace({"data.window_seconds": known.annotated.window_seconds})
    begun = time.perf_counter()
    config, told = _with_front_end(config, run, workspace, known)
    front_end_seconds = time.perf_counter() - begun
    if told:
        yield Log(message=told)
    config, dataset = _within_budget(config, known)
    store = yield from follow(
        "building the clip store",
        lambda progress: open_store(workspace, dataset, config.sample_rate, progress),
        should_stop,
    )
    yield from _warnings(dataset, store)
    if dataset.corrections is not None and dataset.corrections.revision:
        yield Log(message=dataset.corrections.sentence)
    if config.runtime.advisor == "apply" and not config.data.validation_share:
        config = config.replace({"data.validation_share": VALIDATION_SHARE})
        yield Log(
            message=f"{percent(VALIDATION_SHARE, 0)} of the training clips are set aside for validation: settings are "
            "chosen on them, not on the test fold"
        )
    clips = _as_begun(run, workspace, config, dataset, store, fingerprint, known)
    if clips.task.name == SEVERAL:
        yield Log(
            message="clips may have several labels: each is learnt by itself, and mAP takes the place of accuracy"
        )
    clips, told = _with_pretrained(config.model.pretrained, run, workspace, clips, begun=fingerprint is not None)
    if clips.split.note:
        yield Log(level="warning" if clips.split.leaks else "info", message=clips.split.note)
    if told:
        yield Log(level="warning", message=told)
    config, told = _worked_out(config, clips.store, clips.split)
    if told:
        yield Log(message=told)
    return config, replace(clips, front_end_seconds=front_end_seconds)


def _with_front_end(config: RunConfig, run: Run, workspace: Workspace, dataset: Dataset) -> tuple[RunConfig, str]:
    """The configuration with an automatic sample rate and the edges of the bands worked out, and why they are so; told of the run, too."""
    config, reason = with_front_end(workspace, config, dataset, all_folds=bool(run.load(EXPERIMENT, {})))
    if reason:
        run.save(FRONT_END, {"reason": reason})
    return config, reason


def _warnings(dataset: Dataset, store: ClipStore) -> Iterator[Log]:
    """What is out of the ordinary about a data set and its files."""
    if store.made_again:
        yield Log(level="warning", message="the clip store in the workspace's cache was damaged and has been rebuilt")
    if store.problems:
        count = f"{counted(len(store.problems), 'file')} {'was' if len(store.problems) == 1 else 'were'}"
        listed = "; ".join(f"{shown(problem.path)}: {problem.what}" for problem in store.problems[:5])
        yield Log(level="warning", message=f"{count} skipped: {listed}")
    for finding in (*dataset.findings, *unusual(store.notes)):
        if finding.level == "warning":
            yield Log(level="warning", message=finding.sentence)


def _as_begun(
    run: Run,
    workspace: Workspace,
    config: RunConfig,
    dataset: Dataset,
    store: ClipStore,
    fingerprint: str | None,
    whole: Dataset,
) -> RunClips:
    """The clips and their split: those that a checkpoint was made with, where there is one.

    Args:
        dataset: the clips that are asked for by now, of ``whole``, the data set; they are in the store.

    Raises:
        DatasetError: clips of the checkpoint are not there or not the same any more, with the first that differ where that is known.
    """
    now = _split(config.data, dataset, store)
    if fingerprint in (None, now.record.fingerprint):
        return now
    for folder in former_folders(run, workspace, dataset):  # a run whose folds were drawn by absolute paths
        old = drawn_in(dataset, folder)
        then = _split(config.data, old, open_store(workspace, old, config.sample_rate), folder)
        if fingerprint in (then.record.fingerprint, then.record.fingerprint_in(folder)):
            return then
    known = ClipRecord.load(run)
    if known is None or known.fingerprint != fingerprint:
        raise other_clips(run, str(dataset.root), "")
    kept = _without_what_came_since(run, workspace, config, whole, known)
    if kept is None:
        raise other_clips(run, str(dataset.root), known.changes_to(now.record))
    return kept


def _without_what_came_since(
    run: Run, workspace: Workspace, config: RunConfig, dataset: Dataset, known: ClipRecord
) -> RunClips | None:
    """The clips of a record in its parts, where the data set holds all of them and others that came later; else None.

    There is none either where clips may belong to a part that a record does not tell, dealt at random or excluded, nor for a part of a
    cross-validation and the like: its other runs would begin with other clips.
    """
    if (
        config.data.split != "official"
        or config.data.exclude_classes
        or config.data.fold is None
        or any(belonging(run))
    ):
        return None
    kept = as_recorded(dataset, known, config.data.fold)
    if kept is None:
        return None
    store = open_store(workspace, kept, config.sample_rate)
    if len(store.table) != len(known.clips):
        return None  # one cannot be read by now
    train, held_out, validation = (
        np.flatnonzero([clip.part == part for clip in known.clips]) for part in (TRAIN, HELD_OUT, VALIDATION)
    )
    started = run.last_event(TrainingStarted)
    split = Split(
        train,
        held_out,
        config.data.fold,
        f"{shown(dataset.name)} is not as it was when the run began: it goes on with its own {counted(len(kept), 'clip')}",
        validation,
        leaks=started is not None and started.leaks,
    )
    record = ClipRecord.of(kept, store.table, split, known.labels, known.drawn_in)
    return RunClips(store, split, record) if record.fingerprint == known.fingerprint else None


def _with_pretrained(
    pretrained: str, run: Run, workspace: Workspace, clips: RunClips, *, begun: bool
) -> tuple[RunClips, str]:
    """The clips, with a split that leaks where the weights that a run begins with have learnt from what it holds out; and what is told
    of it, "" where they have not, or nobody knows.

    Args:
        begun: the run goes on with the same clips. What was found at its beginning counts still: it needs neither the weights nor the run
            that they were of any more, and its own clips may have moved.
    """
    leak = _learnt_of(run, clips, pretrained, workspace) or (run.load(PRETRAINED, {}) if begun else {})
    if not leak:
        return clips, ""
    run.save(PRETRAINED, leak)
    parts, known = clips.split, leak.get("trained_on")
    count = known if isinstance(known, int) else 0
    of = (
        f"{count} of the {counted(len(parts.held_out), 'held-out clip')}"
        if count
        else "clips of the held-out recordings"
    )
    told = f"the weights of run {leak.get('run')}, which this one begins with, were trained on {of}: the accuracy is too high"
    remedy = f"Begin with a run that held out the same clips as fold {parts.fold} does"
    return replace(clips, split=replace(parts, leaks=True, trained_on=count)), f"{told}. {remedy}"


def _learnt_of(run: Run, clips: RunClips, pretrained: str, workspace: Workspace) -> dict[str, str | int]:
    """The run whose weights have learnt from what is held out, and from how many of these clips; empty for none. What they have learnt
    from is kept in the run that begins with them."""
    source, table, held_out = run_named(pretrained, workspace), clips.store.table, clips.split.held_out
    if source is None:
        return {}
    keep_records(run, source, workspace)
    learnt = learnt_by(source, workspace).among(table)
    count = int(learnt[held_out].sum())
    return {"run": source.id, "trained_on": count} if count or shares_recordings(table, held_out, learnt) else {}


def _split(data: DataConfig, dataset: Dataset, store: ClipStore, folder: str = "") -> RunClips:
    parts = split_for(store.table, data)
    cells, several = store.table["label"].to_numpy(dtype=object), several_in(store.table)
    there = exploded(store.table[~of_classes(cells, data.exclude_classes, several=several)])["label"]
    labels = [label for label in dataset.labels if (there == label).any()]
    return RunClips(store, parts, ClipRecord.of(dataset, store.table, parts, labels, folder))


def _within_budget(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, Dataset]:
    """The data set with as many training clips as there is room for in the training budget, and their number in the configuration."""
    dataset = sampled(dataset, config.data)
    if config.data.train_clips is None and config.optim.epochs is None:
        parts = split_for(dataset, config.data)
        seconds = config.audio.clip_seconds or expected_seconds(dataset, parts.train, config.f_max)
        cost = cost_of(config.replace({"audio.clip_seconds": seconds}))
        chosen = plan(len(parts.train) + len(parts.validation), cost, config.optim)
        if chosen.sampled:
            config = config.replace({"data.train_clips": chosen.clips})
            dataset = with_train_clips(dataset, config.data, chosen.clips)
    return config, dataset


def _worked_out(config: RunConfig, store: ClipStore, parts: Split) -> tuple[RunConfig, str]:
    """The configuration with what depends on the data worked out, and what is told of it.

    That is clip length and fold, with the former the framing, and the number of epochs.
    """
    seconds = config.audio.clip_seconds
    if seconds is None:
        seconds = covering(store.seconds[parts.train], config.f_max)
    config = config.replace({"audio.clip_seconds": seconds, "data.fold": parts.fold})
    told = ""
    if config.optim.epochs is None:
        chosen = plan(len(parts.train), cost_of(config), config.optim)
        config, told = config.replace({"optim.epochs": chosen.epochs}), chosen.reason
    return config.replace({f"features.{name}": samples for name, samples in config.framing._asdict().items()}), told
