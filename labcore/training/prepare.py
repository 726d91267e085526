"""Everything before the first step: clips, classifier, input pipeline, precision."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import soundfile
import torch

from labcore import __version__
from labcore.config import ModelConfig, RunConfig, RuntimeConfig
from labcore.datasets.corrections import Corrections
from labcore.datasets.learnt import place_of_weights
from labcore.datasets.resuming import pin
from labcore.device import DeviceChoice, cudnn_version, usable_cores
from labcore.errors import DeviceError
from labcore.evaluation.eval_set import EvalSet
from labcore.events import Event, Log
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import waveform_cache
from labcore.jobs.following import Stopped, follow
from labcore.models import check_input
from labcore.models.pretrained import NONE, PUBLISHED, load_pretrained
from labcore.runs import Run
from labcore.runs.asked import asked_for, save_worked_out
from labcore.runs.files import records_of
from labcore.training import few_clips
from labcore.training.checkpoint import take_up
from labcore.training.class_balancer import ClassBalancer
from labcore.training.clips import RunClips, open_clips
from labcore.training.distributed import SINGLE_PROCESS, DistributedContext
from labcore.training.pipeline import InputPipeline, recorded_noise
from labcore.training.precision import Precision
from labcore.training.precision_choice import PrecisionChooser, remembered, taken_up
from labcore.training.session import Session
from labcore.training.watching import most_watched, watched_of
from labcore.workspace import Workspace


def prepare(
    config: RunConfig,
    run: Run,
    workspace: Workspace,
    should_stop: Callable[[], bool],
    context: DistributedContext = SINGLE_PROCESS,
) -> Generator[Event, None, Session]:
    """Yields what happens meanwhile; returns the session.

    Raises:
        LabError: whatever is wrong with the data set, the configuration, the device, in this process or in another one.
        Stopped: it was asked to stop.
    """
    session, trouble = None, None
    context.share(lambda: pin(run, workspace, config.cutting))
    hand_over(run, context)
    checkpoint, told = context.share(lambda: take_up(run))
    if told:
        yield Log(level="warning", message=told)
    try:
        session = yield from _Preparation(run, workspace, should_stop, context, checkpoint).session(config)
    except Exception as error:
        if context.alone:
            raise
        trouble = error
    alike = session and _alike(session)
    precision = context.agree(trouble, session.precision if session else None, alike)
    assert session is not None
    assert precision is not None
    session.precision = precision
    return session


def hand_over(run: Run, context: DistributedContext) -> None:
    """Give the other processes, which have a scratch folder each, what process 0's run has written down: corrected labels, the split,
    the clips it began with, what it is a part of. They would find other clips without it.

    Raises:
        RunError: a file of the run cannot be read.
    """
    if context.alone:
        return
    for name, content in context.share(lambda: records_of(run)).items():
        if not context.main:
            (run.path / name).write_bytes(content)


def _alike(session: Session) -> tuple[str | float, ...]:
    """What has to be equal in all processes of a run: an automatic front end is measured in each."""
    config = session.config
    edges = config.sample_rate, config.f_min, config.f_max
    return (session.clips.record.fingerprint, session.device.torch().type, *edges)


@dataclass(frozen=True)
class _Preparation:
    """The steps of preparing a run, and what they share. ``checkpoint`` is what the run goes on from, None from its beginning."""

    run: Run
    workspace: Workspace
    should_stop: Callable[[], bool]
    context: DistributedContext
    checkpoint: dict[str, Any] | None

    def session(self, asked: RunConfig) -> Generator[Event, None, Session]:
        """All steps, one after the other, for what was asked for."""
        context, checkpoint = self.context, self.checkpoint
        device = self._set_up(asked.runtime)
        fingerprint = None if checkpoint is None else checkpoint["fingerprint"]
        config, clips = yield from open_clips(asked, self.run, self.workspace, self.should_stop, fingerprint)
        save_worked_out(self.run, asked, config)
        self.run.save("labels", clips.labels)
        told = Corrections.of_run(self.run).sentence or "as given"
        self.run.save("environment", environment(device) | {"labels": told})
        clips.record.save(self.run)
        classifier = yield from self._classifier(config, clips, device)
        pipeline = yield from self._pipeline(config, clips, classifier)
        known, begun = remembered(self.workspace), time.perf_counter()
        precision = yield from self._precision(config, pipeline, classifier, device)
        timing = time.perf_counter() - begun if remembered(self.workspace) != known else 0.0
        parts = clips.split
        targets = clips.targets[parts.train]
        strata = torch.from_numpy(clips.task.strata(targets))
        present = torch.from_numpy((targets == 1).sum(0)) if targets.ndim > 1 else None
        balance = ClassBalancer(strata, len(clips.labels), config.data.balance, present)
        if balance.sentence():
            yield Log(message=balance.sentence())
        held_out = EvalSet(classifier, pipeline.waves, context.part(np.asarray(parts.held_out)))
        watched, told = self._watched(config, clips)
        if told:
            yield Log(message=told)
        part = context.part(watched)
        session = Session(
            config=config,
            workspace=self.workspace,
            device=device,
            clips=clips,
            classifier=classifier,
            pipeline=pipeline,
            balance=balance,
            precision=precision,
            held_out=held_out,
            watched=held_out if watched is parts.held_out else EvalSet(classifier, pipeline.waves, part),
            watched_rows=watched,
            checkpoint=checkpoint,
            context=context,
            once_seconds=clips.store.built_seconds + clips.front_end_seconds + timing,
        )
        if self.should_stop():
            raise Stopped
        if told := few_clips.plan(session)[1]:
            yield Log(message=told)
        yield session.started(self.run.events())
        return session

    def _watched(self, config: RunConfig, clips: RunClips) -> tuple[np.ndarray, str]:
        """The clips that each epoch is evaluated on, and what is told of them where they are not all."""
        split = clips.split
        rows, name = (split.validation, "validation") if len(split.validation) else (split.held_out, "test")
        most = most_watched(len(split.train), clips.store.seconds[rows], config.audio.clip_seconds or 1.0)
        watched = watched_of(rows, clips.task.strata(clips.targets[rows]), most)
        if len(watched) == len(rows):
            return rows, ""
        return watched, (
            f"each epoch is evaluated on {len(watched):,} of the {len(rows):,} {name} clips, drawn by class, to save time; the result is "
            "of the whole test fold"
        )

    def _set_up(self, runtime: RuntimeConfig) -> DeviceChoice:
        """Threads of this process, and its device."""
        torch.set_num_threads(runtime.threads or max(1, usable_cores() // self.context.local_size))
        torch.set_flush_denormal(True)
        try:
            return self.context.device(runtime.device)
        except DeviceError:
            asked = asked_for(self.run).runtime.device if self.context.alone else runtime.device
            if asked == runtime.device:
                raise
            return self.context.device(asked)  # a GPU of the machine that it was begun on, which the lab had chosen

    def _classifier(
        self, config: RunConfig, clips: RunClips, device: DeviceChoice
    ) -> Generator[Event, None, Classifier]:
        """A classifier whose weights are drawn from the seed, or are pretrained. Those of a checkpoint come later."""
        torch.manual_seed(config.runtime.seed)
        classifier = Classifier(config, clips.labels, task=clips.task).to(device.torch())
        frames = classifier.log_mel.frames(config.clip_samples)
        check_input(classifier.network, config.model.name, config.features.n_mels, frames, device.torch())
        if self.checkpoint is None and config.model.pretrained != NONE:
            yield Log(message=load_pretrained(classifier.network, _source(config.model, self.workspace)))
        return classifier

    def _pipeline(
        self, config: RunConfig, clips: RunClips, classifier: Classifier
    ) -> Generator[Event, None, InputPipeline]:
        """The clips on the device, with their mel powers where batches are cut from these, and the front end normalised by them."""
        log_mel, waves = classifier.log_mel, waveform_cache(clips.store, classifier.device)
        rows = torch.from_numpy(np.asarray(clips.split.train, dtype=np.int64))
        noise = recorded_noise(config.augment, config.sample_rate, self.workspace)
        frames, mixed = log_mel.frames(config.clip_samples), classifier.task.mixed
        pipeline = InputPipeline(waves, rows, log_mel, frames, config.augment, noise, mixed)
        yield from follow(
            "computing mel powers",
            lambda progress: pipeline.compute_mels(progress, self.context.local_size),
            self.should_stop,
        )
        pipeline.fit_normalisation()
        return pipeline

    def _precision(
        self, config: RunConfig, pipeline: InputPipeline, classifier: Classifier, device: DeviceChoice
    ) -> Generator[Event, None, Precision]:
        """How the network computes: as the checkpoint says, or as process 0 finds out."""
        context, clips = self.context, len(pipeline.rows)
        batch = min(config.optim.batch_size, clips)
        if not context.alone:
            yield Log(message=context.sharing(batch, config.optim.peak_lr, device))
        processes = 1 if context.alone else context.local_size
        if self.checkpoint is not None:
            kept = Precision(**self.checkpoint["precision"])
            precision, told = taken_up(kept, config.runtime, device, processes)
            if told:
                yield Log(level="warning", message=told)
            return precision
        if not context.main:
            return Precision("fp32", "contiguous", "process 0 decides")  # comes with the agreement
        at_once = min(len(context.part(range(batch))), config.runtime.micro_batch or batch)
        shape = (at_once, 1, config.features.n_mels, pipeline.frames)
        steps = config.epochs * (clips // batch)
        runtime = (
            config.runtime
            if context.alone
            else config.runtime.model_copy(update={"compile": "off", "cuda_graph": "off"})
        )
        chooser = PrecisionChooser(
            runtime, config.model, classifier.network, shape, device, self.workspace, steps, processes
        )
        precision = yield from follow(
            "choosing the fastest precision for this machine (once)", chooser.precision, self.should_stop, unit="steps"
        )
        return (
            yield from follow(
                "compiling the network, to see whether that pays (once, a minute or so)",
                lambda report: chooser.compiling(precision, report),
                self.should_stop,
                unit="steps",
            )
        )


def _source(model: ModelConfig, workspace: Workspace) -> ModelConfig:
    """Where pretrained weights come from, as a path that leads there now."""
    if model.pretrained in (NONE, PUBLISHED):
        return model
    return model.model_copy(update={"pretrained": str(place_of_weights(model.pretrained, workspace))})


def environment(device: DeviceChoice) -> dict[str, Any]:
    """The machine, and the versions of what decides over samples and figures, for the record of a run."""
    return {
        "labcore": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": cudnn_version() if torch.cuda.is_available() else None,
        **{name: version(name) for name in ("numpy", "soundfile", "soxr")},
        "libsndfile": soundfile.__libsndfile_version__,
        "device": device.device,
        "device_name": device.name,
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
    }
