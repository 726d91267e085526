"""The work of a false alarm test; see :mod:`labcore.alarms.job`."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator
from pathlib import Path
from typing import Any

from labcore.alarms.background import line_of, lines_of
from labcore.alarms.job import AlarmTest, Listening
from labcore.audio.files import probe
from labcore.audio.waveforms import WINDOW_SLACK
from labcore.batch.inputs import Inputs, find_sounds
from labcore.batch.predicting import predict_files
from labcore.errors import AudioError, ConfigError, LabError
from labcore.evaluation.work import loaded
from labcore.events import Event, Log
from labcore.inference.classifier import Classifier
from labcore.inference.prediction import is_event
from labcore.inference.thresholds import in_force
from labcore.jobs.following import OnProgress, follow
from labcore.jobs.process import StopTest
from labcore.task.kind import require_single
from labcore.texts import counted
from labcore.workspace import append_line, sha256_of


def listen(job: AlarmTest, should_stop: StopTest) -> Generator[Event, None, None]:
    """Listen to all recordings, as `labcore classify` does. One that goes on takes up those that are missing.

    Raises:
        LabError: whatever is wrong with the weights or the device, or no recording can be listened to.
        Stopped: it was asked to stop.
    """
    plan = job.plan
    weights = job.workspace.runs / plan.run  # an absolute path stays what it is
    classifier, inputs = loaded(weights, plan.device), find_sounds(plan.sounds)
    before, now = job.listening, _listening(classifier, weights, plan.hop_seconds, len(inputs))
    if before is None or not before.same(now):
        job.windows.unlink(missing_ok=True)
        yield now
    known = {file for file, facts in lines_of(job.windows).items() if "error" not in facts}
    waiting = Inputs([file for file in inputs.files if str(file) not in known], inputs.unread)
    skipped = yield from follow(
        "listening", lambda progress: _hear(job, classifier, waiting, now, progress), should_stop, "seconds"
    )
    for error in skipped:
        yield Log(level="warning", message=f"skipped: {error}")
    if not known and len(skipped) == len(waiting):
        raise AudioError(
            f"none of {counted(len(inputs), 'recording')} can be listened to: {skipped[0].rstrip('.')}",
            "Name recordings without targets",
        )


def _listening(classifier: Classifier, weights: Path, hop_seconds: float | None, recordings: int) -> Listening:
    instead = "Evaluate it on recordings with and without targets: `labcore evaluate` tells the precision of each label"
    require_single(classifier.task, "Measuring false alarms", instead)
    labels = [label for label in classifier.labels if is_event(label)]
    if not labels:
        raise ConfigError(
            "all classes of this network are named as no events are, so it gives no alarms", "Choose another run"
        )
    refusals = classifier.unknown.threshold if classifier.unknown is not None else None
    temperature, refusal = in_force(classifier.temperature, refusals)
    return Listening(
        labels=labels,
        clip_seconds=classifier.clip_seconds,
        hop_seconds=classifier.clip_seconds / 2 if hop_seconds is None else hop_seconds,
        temperature=temperature,
        refusal=refusal,
        weights=sha256_of(weights / "weights.safetensors" if weights.is_dir() else weights),
        recordings=recordings,
    )


def _hear(
    job: AlarmTest, classifier: Classifier, inputs: Inputs, listening: Listening, progress: OnProgress
) -> list[str]:
    """Listen to files, and keep a line of each. Returns why some were skipped."""
    claimed = {file: _seconds(file) for file in inputs.files}
    total, done, skipped = sum(claimed.values()), 0.0, list[str]()

    def at_work(file: Path, share: float) -> None:
        progress(round(done + share * claimed[file]), round(total))

    with contextlib.closing(predict_files(classifier, inputs.files, listening.hop_seconds, at_work)) as predictions:
        for file, prediction in itertools.chain(inputs.errors(), predictions):
            prediction = _if_long(file, prediction, listening.clip_seconds)
            append_line(job.windows, line_of(str(file), prediction, listening.labels))
            skipped += [prediction["error"]] if "error" in prediction else []
            done += claimed.get(file, 0.0)
            progress(round(done), round(total))
    return skipped


def _if_long(file: Path, prediction: dict[str, Any], clip_seconds: float) -> dict[str, Any]:
    """A prediction; why it does not count where the recording is shorter than a window."""
    if "error" in prediction or prediction["seconds"] >= clip_seconds * (1 - WINDOW_SLACK):
        return prediction
    return {"error": f"{file} is too short: {prediction['seconds']:.3g} s, a window has {clip_seconds:.3g} s."}


def _seconds(file: Path) -> float:
    """The length that a file's header claims; 0 where it tells none."""
    try:
        return probe(file).seconds
    except LabError:
        return 0.0
