"""Everything before the first step: data set, split, clip store, banks, normalisation, network, precision."""

from __future__ import annotations

import platform
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from labcore import __version__
from labcore.asked import save_worked_out
from labcore.audio import decode
from labcore.augment import Augmentation
from labcore.budget import plan
from labcore.config import ModelConfig, RunConfig
from labcore.datasets.folds import drawn_in, split_for
from labcore.datasets.record import ClipRecord
from labcore.datasets.resuming import find_again, former_folders, other_clips
from labcore.datasets.sampling import with_train_clips
from labcore.datasets.store import ClipStore, open_store
from labcore.datasets.table import Dataset, Split, unusual
from labcore.device import DeviceChoice, usable_cores
from labcore.evaluation.held_out import HeldOut
from labcore.evaluation.predictions import known_of
from labcore.events import Event, Log, TrainingStarted
from labcore.features import LogMel
from labcore.inference.bank import Bank, mel_bank, random_starts, wave_bank
from labcore.inference.classifier import Classifier
from labcore.jobs.following import Stopped, follow
from labcore.models import check_input, parameter_count
from labcore.models.pretrained import NONE, PUBLISHED, load_pretrained
from labcore.moved import here
from labcore.roots import check_root
from labcore.runs import Run
from labcore.texts import counted, shown
from labcore.training.balance import Balance
from labcore.training.checkpoint import take_up
from labcore.training.crops import Crops
from labcore.training.distributed import ALONE, Ranks
from labcore.training.precision import Precision, choose_precision
from labcore.workspace import Workspace

LONGEST_AUTOMATIC_CLIP_SECONDS = 10.0
VALIDATION_SHARE = 0.1
"""What is set aside where something is to be chosen automatically and no share was given."""


@dataclass
class Session:
    """What the training loop works with.

    ``watched`` are the clips of which the curves are: those set aside for validation where there are any, else the held-out ones.
    """

    config: RunConfig
    workspace: Workspace
    device: DeviceChoice
    classifier: Classifier
    augmentation: Augmentation
    waves: Bank
    mels: Bank | None
    train_rows: Tensor
    targets: Tensor
    held_out: HeldOut
    held_out_targets: np.ndarray
    held_out_clips: pd.DataFrame
    watched: HeldOut
    watched_targets: np.ndarray
    split: Split
    precision: Precision
    fingerprint: str
    checkpoint: dict[str, Any] | None
    balance: Balance
    crops: Crops | None = None
    ranks: Ranks = ALONE

    @property
    def on_mels(self) -> bool:
        """Whether batches are cut from mel powers. Where something acts on the waveform they cannot be."""
        return self.mels is not None and not len(self.augmentation.on_waveform)

    @property
    def bank(self) -> Bank:
        """What batches are cut from."""
        return self.mels if self.mels is not None and self.on_mels else self.waves

    def turn(self, config: RunConfig) -> None:
        """Take up a configuration whose live knobs were turned. The classifier keeps the one it was made with.

        Raises:
            LabError: noise is turned on, and the recording of it cannot be read.
        """
        if config.augment != self.config.augment:
            self.augmentation = _augmentation(config, self.classifier, self.workspace)
        self.config = config

    @property
    def window(self) -> int:
        """What is cut from the bank for the network's input: frames or samples, with the margin of the time scaling."""
        frames = self.augmentation.frames_needed
        return frames if self.on_mels else max(1, (frames - 1) * self.classifier.log_mel.hop_length)

    def starts(self, rows: Tensor) -> Tensor:
        """Where crops of training clips begin, drawn from torch's global CPU generator: (batch,) → (batch,)."""
        bank, window = self.bank, self.window
        if self.config.augment.avoid_silence == "off":
            return random_starts(bank.lengths[rows], window, self.shift)
        if self.crops is None or self.crops.bank is not bank or self.crops.window != window:
            self.crops = Crops(bank, self.train_rows, window)
        return self.crops.starts(rows, self.shift)

    @property
    def shift(self) -> int:
        """The longest time shift in the unit of the bank."""
        samples = round(self.config.augment.time_shift_seconds * self.config.audio.sample_rate)
        return samples // self.classifier.log_mel.hop_length if self.on_mels else samples


def prepare(
    config: RunConfig, run: Run, workspace: Workspace, should_stop: Callable[[], bool], ranks: Ranks = ALONE
) -> Generator[Event, None, Session]:
    """Yields what happens meanwhile; returns the session.

    Raises:
        LabError: whatever is wrong with the data set, the configuration, the device, in this process or in another one.
        Stopped: it was asked to stop.
    """
    session, trouble = None, None
    begun = ranks.share(lambda: take_up(run))
    if begun.told:
        yield Log(level="warning", message=begun.told)
    try:
        session = yield from _prepare(config, run, workspace, should_stop, ranks, begun.state)
    except Exception as error:
        if ranks.alone:
            raise
        trouble = error
    alike = session and (session.fingerprint, session.device.torch().type)
    precision = ranks.agree(trouble, session.precision if session else None, alike)
    assert session is not None
    assert precision is not None
    session.precision = precision
    return session


def _prepare(
    config: RunConfig,
    run: Run,
    workspace: Workspace,
    should_stop: Callable[[], bool],
    ranks: Ranks,
    checkpoint: dict[str, Any] | None,
) -> Generator[Event, None, Session]:
    torch.set_num_threads(config.runtime.threads or max(1, usable_cores() // ranks.local_size))
    torch.set_flush_denormal(True)
    device = ranks.device(config.runtime.device)
    asked = config
    config, dataset = _fitted(config, find_again(run, workspace, config.data.dataset))
    store = yield from follow(
        "building the clip store",
        lambda progress: open_store(workspace, dataset, config.audio.sample_rate, progress),
        should_stop,
    )
    if store.made_again:
        yield Log(level="warning", message="the clip store in the workspace's cache was damaged, and was made again")
    if store.problems:
        count = f"{counted(len(store.problems), 'file')} {'was' if len(store.problems) == 1 else 'were'}"
        listed = "; ".join(f"{shown(problem.path)}: {problem.what}" for problem in store.problems[:5])
        yield Log(level="warning", message=f"{count} left out: {listed}")
    for finding in (*dataset.findings, *unusual(store.notes)):
        if finding.level == "warning":
            yield Log(level="warning", message=finding.sentence)
    if config.runtime.advisor == "apply" and not config.data.validation_share:
        config = config.changed({"data.validation_share": VALIDATION_SHARE})
        yield Log(
            message=f"{100 * VALIDATION_SHARE:.0f} % of the training clips are set aside for validation: knobs that turn themselves go by "
            "them, and nothing is chosen on the held-out fold"
        )
    store, parts, record = _as_begun(run, workspace, config, dataset, store, checkpoint)
    if parts.leaks:
        yield Log(level="warning", message=parts.note)
    config, told = resolve(config, store, parts)
    if told:
        yield Log(message=told)
    save_worked_out(run, asked, config)
    labels = list(record.labels)
    run.save("labels", labels)
    run.save("environment", environment(device))
    record.save(run)

    torch.manual_seed(config.runtime.seed)
    classifier = Classifier(config, labels).to(device.torch())
    frames = classifier.log_mel.frames(config.clip_samples)
    check_input(classifier.network, config.model.name, config.features.n_mels, frames, device.torch())
    if checkpoint is None and config.model.pretrained != NONE:
        yield Log(message=load_pretrained(classifier.network, _source(config.model, workspace)).sentence())
    waves = wave_bank(store, device.torch())
    augmentation = _augmentation(config, classifier, workspace)
    mels = None
    if not len(augmentation.on_waveform):
        mels = yield from follow(
            "computing mel powers",
            lambda progress: mel_bank(waves, classifier.log_mel, progress, ranks.local_size),
            should_stop,
        )
    _fit_normalisation(classifier.log_mel, mels or waves, parts.train)
    number = {label: target for target, label in enumerate(labels)}
    targets = store.table["label"].map(number).to_numpy(dtype=np.int64, copy=True)

    batch = min(config.optim.batch_size, len(parts.train))
    if not ranks.alone:
        yield Log(message=ranks.sharing(batch, config.lr, device))
    shape = (len(ranks.part(range(batch))), 1, config.features.n_mels, classifier.log_mel.frames(config.clip_samples))
    if checkpoint is not None:
        precision = Precision(**checkpoint["precision"])
    elif not ranks.main:
        precision = Precision("fp32", "contiguous", "process 0 decides")  # comes with the agreement
    else:
        steps = config.epochs * (len(parts.train) // batch)
        wanted = config if ranks.alone else config.changed({"runtime.compile": "off"})
        precision = yield from follow(
            "choosing the fastest precision for this machine (once)",
            lambda progress: choose_precision(wanted, classifier.network, shape, device, workspace, steps, progress),
            should_stop,
            unit="steps",
        )
    balance = Balance(torch.from_numpy(targets[parts.train]), len(labels), config.data.balance)
    if balance.sentence():
        yield Log(message=balance.sentence())
    held_out = HeldOut(classifier, waves, ranks.part(np.asarray(parts.held_out)))
    watched = parts.validation if len(parts.validation) else parts.held_out
    session = Session(
        config=config,
        workspace=workspace,
        device=device,
        classifier=classifier,
        augmentation=augmentation,
        waves=waves,
        mels=mels,
        train_rows=torch.from_numpy(np.asarray(parts.train, dtype=np.int64)),
        targets=torch.from_numpy(targets),
        held_out=held_out,
        held_out_targets=targets[parts.held_out],
        held_out_clips=known_of(store.table, parts.held_out, record.folder, config.data.split),
        watched=HeldOut(classifier, waves, ranks.part(parts.validation)) if len(parts.validation) else held_out,
        watched_targets=targets[watched],
        split=parts,
        precision=precision,
        fingerprint=record.fingerprint,
        checkpoint=checkpoint,
        balance=balance,
        ranks=ranks,
    )
    if should_stop():
        raise Stopped
    yield TrainingStarted(
        labels=labels,
        train_clips=len(parts.train),
        val_clips=len(parts.held_out),
        validation_clips=len(parts.validation),
        leaks=parts.leaks,
        fold=parts.fold,
        device=ranks.told_device(device),
        device_reason=device.reason,
        precision=precision.precision,
        memory_format=precision.memory_format,
        precision_reason=precision.reason,
        parameters=parameter_count(classifier.network),
        epochs=config.epochs,
        first_epoch=1 if checkpoint is None else checkpoint["epoch"] + 1,
    )
    return session


def _as_begun(
    run: Run,
    workspace: Workspace,
    config: RunConfig,
    dataset: Dataset,
    store: ClipStore,
    checkpoint: dict[str, Any] | None,
) -> tuple[ClipStore, Split, ClipRecord]:
    """The clips and their split: those that a checkpoint was made with, where there is one.

    Raises:
        DatasetError: the clips are not the same any more, with the first that differ where that is known.
    """
    now = _divided(config, dataset, store)
    fingerprint = None if checkpoint is None else checkpoint["fingerprint"]
    if fingerprint in (None, now[2].fingerprint):
        return now
    for folder in former_folders(run, workspace, dataset):  # a run whose folds were drawn by absolute paths
        old = drawn_in(dataset, folder)
        then = _divided(config, old, open_store(workspace, old, config.audio.sample_rate), folder)
        if fingerprint in (then[2].fingerprint, then[2].fingerprint_in(folder)):
            return then
    known = ClipRecord.load(run)
    told = known is not None and known.fingerprint == fingerprint
    raise other_clips(run, str(dataset.root), known.changes_to(now[2]) if known and told else "")


def _divided(
    config: RunConfig, dataset: Dataset, store: ClipStore, folder: str = ""
) -> tuple[ClipStore, Split, ClipRecord]:
    parts = split_for(store.table, config.data)
    labels = [label for label in dataset.labels if (store.table["label"] == label).any()]
    return store, parts, ClipRecord.of(dataset, store.table, parts, labels, folder)


def _fitted(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, Dataset]:
    """The data set with as many training clips as there is room for in the training budget, and their number in the configuration."""
    if config.data.train_clips is None and config.optim.epochs is None:
        parts = split_for(dataset, config.data)
        chosen = plan(len(parts.train) + len(parts.validation), config.audio.clip_seconds, config.optim.budget)
        if chosen.sampled:
            config = config.changed({"data.train_clips": chosen.clips})
    if config.data.train_clips is not None:
        dataset = with_train_clips(dataset, config.data, config.data.train_clips)
    return config, dataset


def resolve(config: RunConfig, store: ClipStore, parts: Split) -> tuple[RunConfig, str]:
    """The configuration with what depends on the data worked out, and what is told of it.

    That is clip length and fold, with the former the framing, and the number of epochs.
    """
    seconds = config.audio.clip_seconds
    if seconds is None:
        covering = float(np.quantile(store.seconds[parts.train], 0.95))
        seconds = round(min(max(0.1, covering), LONGEST_AUTOMATIC_CLIP_SECONDS), 2)
    config = config.changed({"audio.clip_seconds": seconds, "data.fold": parts.fold})
    told = ""
    if config.optim.epochs is None:
        chosen = plan(len(parts.train), seconds, config.optim.budget)
        config, told = config.changed({"optim.epochs": chosen.epochs}), chosen.reason
    return config.changed({f"features.{name}": samples for name, samples in config.framing._asdict().items()}), told


def _source(model: ModelConfig, workspace: Workspace) -> ModelConfig:
    """Where pretrained weights come from: the id of a run as its folder, and what moved with the workspace where it lies now."""
    if model.pretrained in (NONE, PUBLISHED):
        return model
    folder = workspace.runs / model.pretrained
    source = folder if folder.is_dir() else here(workspace, model.pretrained)
    return model.model_copy(update={"pretrained": str(source)})


def _augmentation(config: RunConfig, classifier: Classifier, workspace: Workspace) -> Augmentation:
    frames = classifier.log_mel.frames(config.clip_samples)
    return Augmentation(config, frames, _recorded_noise(config, workspace)).to(classifier.device)


def _recorded_noise(config: RunConfig, workspace: Workspace) -> Tensor | None:
    """The recording that is added as noise, at the run's sample rate: (samples,), where one is asked for."""
    if not (config.augment.noise and config.augment.noise_file):
        return None
    file = here(workspace, config.augment.noise_file)
    check_root(file)
    return torch.from_numpy(decode(file, config.audio.sample_rate)[0])


def environment(device: DeviceChoice) -> dict[str, Any]:
    """Versions and machine, for the record of a run."""
    return {
        "labcore": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": device.device,
        "device_name": device.name,
        "threads": torch.get_num_threads(),
        "system": platform.system(),
    }


def _fit_normalisation(log_mel: LogMel, bank: Bank, rows: np.ndarray) -> None:
    """Mean and deviation of each mel band over the frames of the training clips, and of no other."""
    total = torch.zeros(log_mel.mean.shape[0], dtype=torch.float64, device=bank.device)
    squares, count = torch.zeros_like(total), 0
    lengths = bank.lengths
    with torch.inference_mode():
        for row in rows.tolist():
            clip = bank.cut(torch.tensor([row]), torch.tensor([0]), int(lengths[row]))
            power = clip[0].T if clip.dim() == 3 else log_mel.power(clip)[0]  # (n_mels, frames)
            level = log_mel.decibels(power).double()
            total += level.sum(1)
            squares += level.square().sum(1)
            count += level.shape[1]
    log_mel.fit(total.to(log_mel.mean.device), squares.to(log_mel.mean.device), max(1, count))
