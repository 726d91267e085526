"""The training loop. There is one; page, command line and tests consume its events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import fields

import numpy as np

from labcore.config import RunConfig
from labcore.datasets.table import corrected_labels
from labcore.evaluation.eval_set import PredictionPart
from labcore.evaluation.evaluate import distinct_of
from labcore.evaluation.metrics import Circumstances
from labcore.evaluation.predictions import known_of, not_kept, record
from labcore.evaluation.scoring import scored
from labcore.events import Epoch, Event, Log, Progress
from labcore.inference.golden import remember_golden
from labcore.jobs.following import Stopped
from labcore.load import LoadMeter
from labcore.runs import Run
from labcore.runs.honesty import adjustments
from labcore.task.several import SeveralLabels
from labcore.task.thresholds import choose
from labcore.texts import counted
from labcore.training import few_clips
from labcore.training.advisor import Advisor
from labcore.training.checkpoint import drop_previous, save_checkpoint
from labcore.training.distributed import SINGLE_PROCESS, DistributedContext
from labcore.training.energy import EnergyMeter
from labcore.training.live_settings import LiveSettings
from labcore.training.pace import EpochPace
from labcore.training.pinned import Pinned
from labcore.training.precision import Precision
from labcore.training.prepare import prepare
from labcore.training.session import Session
from labcore.training.tensorboard import TensorBoardWriter
from labcore.training.trainer import Trainer
from labcore.workspace import Workspace

PROGRESS_SECONDS = 1.0


def train(
    config: RunConfig,
    run: Run,
    workspace: Workspace,
    should_stop: Callable[[], bool] = lambda: False,
    context: DistributedContext = SINGLE_PROCESS,
) -> Iterator[Event]:
    """Train a classifier, from the first epoch or from the run's checkpoint.

    Every epoch draws from a generator seeded with the run's seed and the epoch's number, so a resumed run makes the same
    steps as one that was never stopped. No figure decides over weights or epochs: the weights averaged over the last epochs
    are the result, whatever the held-out clips say.

    Args:
        config: what was asked for. What is automatic in it is worked out and saved in the run.
        run: where checkpoint, weights and the rest are written. Its events are not: that is up to who consumes them.
        should_stop: asked before every step. A stopped run goes on later from its last whole epoch.
        context: the processes that train together; each calls this function. Only what process 0 yields and writes is the run.

    Yields:
        Preparing and Log, one TrainingStarted, Advice and SettingsChanged before the epoch they count from, Progress and Epoch, and at the
        end, unless it was stopped, one Evaluated, or EvaluatedLabels.

    Raises:
        LabError: something a user can mend: data, settings, device, memory, disk.
    """
    try:
        session = yield from prepare(config, run, workspace, should_stop, context)
    except Stopped:
        return
    untold = _untold(session, run)
    trainer = Trainer(session)
    pace = EpochPace(trainer.every)
    meter, load = EnergyMeter(session.classifier.device) if context.alone else None, LoadMeter()
    live, pinned = LiveSettings(run, session.config), Pinned(run)
    advisor = Advisor(run, session.config.runtime.advisor, session.on_validation, len(session.watched_targets))
    watched = "validation" if session.on_validation else "held_out"
    tensorboard = TensorBoardWriter(run.tensorboard, trainer.epoch + 1, session.config.epochs, watched)
    with contextlib.closing(trainer), tensorboard as writer:
        if untold is not None:
            advisor.take(untold)
            yield untold
        if trainer.epoch == 0:
            names = session.clips.store.table["label"].to_numpy(dtype=object)[session.split.held_out].tolist()
            writer.introduce(session.classifier, session.pipeline.waves, session.split.held_out, names)
            if trainer.every > 1:
                yield Log(
                    message=f"evaluated every {trainer.every} epochs: evaluating takes long beside so few training clips"
                )
        trainer.reconfigure(
            context.share(lambda: live.counting(trainer.epoch))
        )  # epochs of a resumed run may have been changed
        while trainer.epoch < trainer.config.epochs:
            yield from context.share(lambda: advisor.begin(trainer.epoch + 1, live))
            yield from live.begin(trainer.epoch + 1, trainer.reconfigure, context)
            if not (yield from _steps(trainer, pace, should_stop)):
                return
            event = _finished(trainer, pace, pinned, meter, load)
            writer.show(event.epoch, trainer.shown)
            writer.write(event, live.values(event.epoch))  # before the checkpoint: what is in it is not written again
            if context.main:
                save_checkpoint(run, trainer.state(event))
            advisor.take(event)
            yield event
            yield from pinned.told()
        yield from _conclude(trainer, run, writer)


def _steps(trainer: Trainer, pace: EpochPace, should_stop: Callable[[], bool]) -> Generator[Event, None, bool]:
    """All steps of an epoch; whether they were taken, and it was not asked to stop before one."""
    pace.begin()
    steps = trainer.steps_of_epoch()
    shown = time.perf_counter()
    for step in range(steps):
        if trainer.context.any(should_stop()):
            return False
        told = trainer.step(step)
        pace.stepped()
        if told is not None:
            yield told
        if pace.known and time.perf_counter() - shown > PROGRESS_SECONDS:
            shown = time.perf_counter()
            yield _progress(trainer, step + 1, steps, pace)
    return True


def _finished(trainer: Trainer, pace: EpochPace, pinned: Pinned, meter: EnergyMeter | None, load: LoadMeter) -> Epoch:
    """The end of an epoch, with its energy, other work meanwhile, and what is said of the pinned clips."""
    event = trainer.finish_epoch(pace)
    if not trainer.context.main:
        return event
    others = load.taken() if trainer.context.alone else None  # the other processes of this run would count as others
    with trainer.as_saved() as classifier:
        told = {
            "pinned": pinned.probabilities(classifier),
            "joules": meter.taken() if meter is not None else None,
            "others": None if others is None else round(others.taken, 2),
        }
        return event.model_copy(update=told)


def _untold(session: Session, run: Run) -> Epoch | None:
    """The checkpoint's epoch, where the process was killed after writing the checkpoint and before telling of the epoch."""
    if session.checkpoint is None:
        return None
    event = Epoch(**session.checkpoint["event"])
    return None if any(told.epoch == event.epoch for told in run.epochs()) else event


def _conclude(trainer: Trainer, run: Run, writer: TensorBoardWriter) -> Iterator[Event]:
    """Save the classifier and judge what was saved, in the precision it will be used in."""
    session = trainer.session
    trainer.close()
    classifier, split, targets = session.classifier, session.split, session.held_out_targets
    classifier.network.load_state_dict(trainer.result().state_dict())
    Precision("fp32", "contiguous", "as in use").lay_out(classifier.network)
    few_clips.help_out(session)
    examples = classifier.task.strata(targets)
    remember_golden(classifier, session.pipeline.waves, np.asarray(split.held_out), examples)
    if isinstance(classifier.task, SeveralLabels) and session.on_validation:
        classifier.task = _with_thresholds(session)
    classifier.save(run.weights)
    drop_previous(run)
    clips = session.clips
    predicted, trouble = record(
        run.predictions if session.context.main else None,
        known_of(clips.store.table, split.held_out, clips.record.folder, session.config.data.split),
        classifier.labels,
        classifier.sample_rate,
        _gathered(session.held_out.parts(), session.context),
        classifier.task,
    )
    evaluated = "the one clip" if len(predicted) == 1 else f"the {len(predicted)} clips"
    yield Log(message=f"weights saved; evaluated on {evaluated} of fold {split.fold}")
    if trouble is not None:
        yield Log(level="warning", message=not_kept(trouble))
    about = Circumstances(
        split.fold,
        split.leaks,
        trained_on=split.trained_on,
        distinct=distinct_of(clips.store, split.held_out),
        adjusted=adjustments(run.events()),
        corrected=corrected_labels(clips.store.table, split.held_out),
        groups=clips.store.table["group"].to_numpy(dtype=object)[split.held_out],
    )
    result = scored(classifier.task, predicted, targets, classifier.labels, about)
    writer.conclude(classifier.config, result, classifier.labels)
    yield result


def _with_thresholds(session: Session) -> SeveralLabels:
    """The threshold of each label, chosen on the clips that were set aside for validation."""
    watched = session.watched.probabilities()
    probabilities = watched if session.context.alone else session.context.gather(watched)
    clips = f"the {counted(len(session.watched_targets), 'validation clip')}"
    return SeveralLabels(choose(probabilities, session.watched_targets, session.classifier.labels, clips))


def _gathered(parts: Iterator[PredictionPart], context: DistributedContext) -> Iterator[PredictionPart]:
    """The parts of all processes in order, in one where they are several."""
    if context.alone:
        yield from parts
        return
    of_all = [part for of_rank in context.gather_each(list(parts)) for part in of_rank]
    rows = {each.name: np.concatenate([getattr(part, each.name) for part in of_all]) for each in fields(PredictionPart)}
    yield PredictionPart(**rows | {"clips": np.arange(len(rows["clips"]))})


def _progress(trainer: Trainer, step: int, steps: int, pace: EpochPace) -> Progress:
    return Progress(
        epoch=trainer.epoch,
        step=step,
        steps=steps,
        train_loss=float(trainer.loss_sum) / step,  # waits for the device
        seconds_left=pace.left(trainer.config.epochs - trainer.epoch, steps),
        spent=trainer.clock.by_phase(pace.seconds),
    )
