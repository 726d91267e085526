"""From clips to answers: decode them beside the network, ask the network, put it in words."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from starlette.requests import ClientDisconnect

from labcore.api.crossing import Crossing
from labcore.api.metrics import Metrics
from labcore.api.middleware import RequestContext
from labcore.api.problems import RETRY, Problem
from labcore.api.schemas import ClassifyRequest
from labcore.api.uploads import UploadedClip
from labcore.audio import Recording, quantise
from labcore.audio.containers import foreign_kind
from labcore.audio.files import AudioInfo
from labcore.audio.recording import Sound
from labcore.audio.windowed import Rows, WindowedPrediction, energies_of, hear
from labcore.batch.segments import Threshold, threshold_in_use, with_events, with_labels
from labcore.errors import AudioError, LabError
from labcore.inference.prediction import Prediction
from labcore.serving.admission import Reservation
from labcore.serving.batcher import DeadlineExceeded, DynamicBatcher, Overloaded
from labcore.serving.model_registry import Model
from labcore.serving.settings import ServiceSettings
from labcore.texts import json_line

T = TypeVar("T")
AT_ONCE = 32
"""Windows whose answer is put into words at once, in less time than a thread takes to begin."""
MOST_WINDOWS = 5000
"""Of one clip."""
MOST_PROBABILITIES = 500_000
"""In one response: about 10 MB."""
BYTES_A_SAMPLE = 6
"""A waveform in hand: float32 while it is decoded, int16 until it is answered."""
BYTES_IN_BLOCKS = 48 * 2**20
"""At most, since a long recording is taken block by block."""
RECORDINGS = 2
"""Long recordings read at once; others wait."""
TOGETHER = 32
"""Windows of a long recording that the network is asked about at a time."""
BYTES_A_WINDOW = 1700
"""A window in hand, from the network to the text of its answer; beside its probabilities."""
OVER_TIME = "the request waited too long"
BYTES_A_PROBABILITY, BYTES_A_NAMED_ONE = 4, 180
"""A probability that the network gives, and one that stands in the answer under its label."""


@dataclass
class _Work:
    """What is done for one request: what it has in hand, until when, and for how many windows."""

    asked: ClassifyRequest
    reservation: Reservation
    deadline: float
    windows: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the windows of one of its clips are counted."""

    @property
    def left(self) -> float:
        """Seconds until it has to be answered."""
        return max(0.0, self.deadline - time.monotonic())

    def check_wanted(self) -> None:
        """Raise DeadlineExceeded or Overloaded where an answer would come too late, or to nobody."""
        if time.monotonic() > self.deadline:
            raise DeadlineExceeded(OVER_TIME)
        if self.reservation.closed:
            raise Overloaded("the request has ended")

    def take_on(self, windows: int, labels: int, called: str = "") -> None:
        """Take on the windows of one more clip, before the network sees them.

        Raises:
            Problem: it has too many, or they are too much for one answer.
            Overloaded: the memory for them is not there now.
        """
        if windows > MOST_WINDOWS:
            raise Problem(
                422, "windows", f"{called or 'the clip'} would be split into {windows} windows, more than {MOST_WINDOWS}",
                "Ask for a larger hop_seconds, or send shorter clips",
            )  # fmt: skip
        with self.lock:
            self.windows += windows
            total = self.windows
        full = self.asked.windows == "full"
        if full and total * labels > MOST_PROBABILITIES:
            raise Problem(
                422, "windows", f"{total} windows with all probabilities are too many for one response",
                "Ask for windows=labels or a larger hop_seconds, or send fewer clips",
            )  # fmt: skip
        named = labels * ((windows if full else 0) + 2)  # of the clip, twice: all, and those that are told
        size = windows * (BYTES_A_WINDOW + labels * BYTES_A_PROBABILITY) + named * BYTES_A_NAMED_ONE
        self.reservation.take(size)


@dataclass(frozen=True)
class _Decoded:
    """A clip with what the network says of its windows, and what is told of how it was read."""

    windowed: WindowedPrediction
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ClassifyHandler:
    """Where clips are answered: the batcher, threads that decode for it, and some that take long recordings block by block."""

    settings: ServiceSettings
    crossing: Crossing
    batcher: DynamicBatcher
    decoders: ThreadPoolExecutor
    recordings: ThreadPoolExecutor
    metrics: Metrics

    async def handle(
        self, clips: list[UploadedClip], model: Model, asked: ClassifyRequest, context: RequestContext
    ) -> bytes:
        """Answer the clips of one request, side by side: the body of the response.

        Raises:
            Problem: it cannot be answered at all; a single clip cannot be read, or none of several.
        """
        assert context.reservation is not None
        work = _Work(asked, context.reservation, time.monotonic() + self.settings.timeout_s)
        try:
            results = await self._side_by_side(clips, model, work)
        except (TimeoutError, DeadlineExceeded):
            raise _over_time(self.settings.timeout_s, context.reservation, len(clips)) from None
        except LabError as error:
            raise Problem.of(error) from error
        unreadable = [result for result in results if isinstance(result, AudioError)]
        context.facts |= {"model": model.name, "clips": len(clips), "unreadable": len(unreadable)}
        context.facts["seconds"] = round(sum(r.seconds for r in results if isinstance(r, Prediction)), 3)
        if len(unreadable) == len(clips):
            raise Problem.of(unreadable[0])
        names = [clip.name for clip in clips]
        threshold = threshold_in_use(asked.threshold, model.classifier.thresholds, model.classifier.label_thresholds)
        return await self._beside(
            work.windows, written, model.name, context.request_id, names, results, asked, threshold
        )

    async def _side_by_side(
        self, clips: list[UploadedClip], model: Model, work: _Work
    ) -> list[Prediction | AudioError]:
        """All clips at once; the first failure that is not the clip's own ends the others."""
        if len(clips) == 1:  # without a task of its own
            return [await self._predict(clips[0], model, work)]
        doing = [asyncio.ensure_future(self._predict(clip, model, work)) for clip in clips]
        try:
            return await asyncio.gather(*doing)
        finally:
            for each in doing:
                each.cancel()

    async def _beside(self, windows: int, call: Callable[..., T], *arguments: Any) -> T:
        """A call that many windows make long is made in a thread, so that the others' requests go on; a short one at once."""
        if windows <= AT_ONCE:
            return call(*arguments)
        return await asyncio.get_running_loop().run_in_executor(None, call, *arguments)

    async def _predict(self, clip: UploadedClip, model: Model, work: _Work) -> Prediction | AudioError:
        """The prediction for a clip, or why it cannot be read."""
        loop, network, outcome = asyncio.get_running_loop(), model.classifier, "failed"
        try:
            decoded = Future[_Decoded | Recording]()
            self.decoders.submit(self._decode_one, clip, model, work, decoded)
            sound = await asyncio.wait_for(self.crossing.awaitable(decoded), work.left)
            if isinstance(sound, Recording):
                windows = network.count_windows(round(sound.seconds * network.sample_rate), work.asked.hop_seconds)
                work.take_on(windows, len(network.labels), clip.name)
                hearing = loop.run_in_executor(self.recordings, self._predict_recording, sound, model, work)
                answer = await asyncio.wait_for(hearing, work.left)
            else:
                _check_numbers(sound.windowed.rows, clip.name)
                answer = await self._beside(
                    len(sound.windowed.bounds), network.prediction_of, sound.windowed, sound.notes
                )
            outcome = "answered"
        except AudioError as error:
            return error
        finally:
            self.metrics.clips.labels(model.name, outcome).inc()
        self.metrics.audio.labels(model.name).inc(answer.seconds)
        return answer

    def _decode_one(self, clip: UploadedClip, model: Model, work: _Work, decoded: Future[_Decoded | Recording]) -> None:
        """Decode a clip and ask the network about it; or, where it is long, leave it unread.

        In a thread of its own, and with no way back over the event loop.
        """
        if decoded.cancelled():
            return
        try:
            sound = self._decoded(clip, model, work)
            if isinstance(sound, Recording):
                _settle(decoded, sound)
                return
            (samples, scale), network = quantise(sound.waveform), model.classifier
            bounds = network.windows_of(len(samples), work.asked.hop_seconds)
            work.take_on(len(bounds), len(network.labels), clip.name)
            asked = self.batcher.submit(network, samples, scale, bounds, work.left)
            decoded.add_done_callback(lambda ended: asked.cancel())  # where nobody waits any more
            windowed = WindowedPrediction(len(samples), bounds, energies_of(samples, bounds))
            asked.add_done_callback(partial(_answer, decoded, windowed, sound.notes))
        except BaseException as error:
            _settle(decoded, error)

    def _decoded(self, clip: UploadedClip, model: Model, work: _Work) -> Sound | Recording:
        """A clip at the classifier's rate; or, where it is long, unread."""
        began = time.perf_counter()
        work.check_wanted()
        limits, rate = self.settings.audio_limits(), model.classifier.sample_rate
        called = clip.name or "the audio"
        if foreign_kind(clip.content[:512]):  # decoded by FFmpeg, whole, before anything is known of it
            raise AudioError(
                f"{called} has a format that the service does not accept", "Send WAV, FLAC, Ogg, MP3 or AIFF"
            )

        def accept(claimed: AudioInfo) -> None:
            if claimed.frames * claimed.channels > self.settings.max_values:
                raise AudioError(
                    f"{called} has {claimed.channels} channels of {claimed.frames} samples, more than are accepted",
                    "Send it in mono, at a lower rate, or in parts",
                )
            work.reservation.take(min(int(claimed.seconds * rate) * BYTES_A_SAMPLE, BYTES_IN_BLOCKS))

        recording = Recording(clip.content, rate, name=clip.name, limits=limits)
        sound = recording.at_once(accept)
        if sound is not None:
            self.metrics.decoding.observe(time.perf_counter() - began)
        return sound or recording

    def _predict_recording(self, recording: Recording, model: Model, work: _Work) -> Prediction:
        """A long recording, answered while it is decoded. In a thread of its own; it ends when whoever asked has gone."""

        def ask(samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> Rows:
            future = self.batcher.submit(model.classifier, samples, scale, bounds, work.left)
            return lambda: _waited(future, work)

        classifier = model.classifier
        cutter = partial(classifier.cutter, work.asked.hop_seconds, TOGETHER)
        windowed = hear(recording, cutter, ask, lambda share: work.check_wanted())
        _check_numbers(windowed.rows, recording.called)
        return classifier.prediction_of(windowed, recording.notes)


def _answer(
    decoded: Future[_Decoded | Recording],
    windowed: WindowedPrediction,
    notes: tuple[str, ...],
    rows: Future[np.ndarray],
) -> None:
    """Hand on what the network says of a clip's windows. In its thread."""
    if rows.cancelled():
        return
    if (error := rows.exception()) is not None:
        _settle(decoded, error)
        return
    windowed.rows = rows.result()
    _settle(decoded, _Decoded(windowed, notes))


def _settle(decoded: Future[_Decoded | Recording], found: _Decoded | Recording | BaseException) -> None:
    """Tell what came of a clip, unless nobody waits for it any more."""
    if not decoded.set_running_or_notify_cancel():
        return
    if isinstance(found, BaseException):
        decoded.set_exception(found)
    else:
        decoded.set_result(found)


def _waited(future: Future[np.ndarray], work: _Work) -> np.ndarray:
    with contextlib.suppress(concurrent.futures.TimeoutError):
        return future.result(work.left)
    future.cancel()
    raise DeadlineExceeded(OVER_TIME)


def _check_numbers(rows: np.ndarray, name: str) -> None:
    if not np.isfinite(rows).all():
        raise AudioError(
            f"{name or 'the audio'} cannot be classified: the network returns values that are not finite",
            "Check the model: its weights are not finite, or overflow",
        )


def _over_time(timeout_s: float, reservation: Reservation, clips: int) -> Problem:
    """What is told of a request whose time is over; to ask again is of no use where nothing else was in hand."""
    what = "the recording takes" if clips == 1 else f"the {clips} clips take"
    smaller = "a shorter recording" if clips == 1 else "fewer at once"
    more = f"start the service with a longer --timeout than {timeout_s:g}"
    if reservation.alone:
        cause = f"{what} this service longer than the {timeout_s:g} s that a request has, though it was the only one in hand"
        return Problem(503, "late", cause, f"Send {smaller}, or {more}")
    cause = f"{what} longer than the {timeout_s:g} s that a request has, beside other requests"
    return Problem(503, "late", cause, f"Try again later, send {smaller}, or {more}", headers=RETRY)


async def unless_gone(context: RequestContext, work: Coroutine[Any, Any, bytes]) -> bytes:
    """What the work gives; it is given up where the client goes away meanwhile.

    Raises:
        ClientDisconnect: it has.
    """
    assert context.body is not None
    doing, gone = asyncio.ensure_future(work), asyncio.ensure_future(context.body.gone())
    try:
        await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        doing.cancel()
        gone.cancel()


def written(
    model: str,
    request_id: str,
    names: list[str],
    results: list[Prediction | AudioError],
    asked: ClassifyRequest,
    threshold: Threshold,
) -> bytes:
    """The body of a response, UTF-8."""

    def told_of(result: Prediction | AudioError) -> dict[str, Any]:
        return as_result(result, asked, threshold) if isinstance(result, Prediction) else {"error": str(result)}

    told = [{"file": name, **told_of(result)} for name, result in zip(names, results, strict=True)]
    return json_line({"model": model, "request_id": request_id, "results": told}).encode()


def as_result(prediction: Prediction, asked: ClassifyRequest, threshold: Threshold) -> dict[str, Any]:
    """An answer as a client asked to have it; ``threshold`` is that of events."""
    ranked = dict(sorted(prediction.probabilities.items(), key=lambda item: -item[1])[: asked.top_k])
    told: dict[str, Any] = {
        "label": prediction.label,
        "unknown": prediction.unknown,
        "nearest": prediction.nearest if prediction.unknown else None,
        "probability": prediction.probability,
        "probabilities": ranked,
        "seconds": prediction.seconds,
        "notes": prediction.notes,
    }
    windows = [
        {
            "start_s": w.start_s,
            "end_s": w.end_s,
            "label": w.label,
            "probability": w.probability,
            "silent": w.silent,
            "unknown": w.unknown,
            **({} if w.labels is None else {"labels": w.labels, "probabilities": w.probabilities}),
        }
        for w in prediction.windows
    ]
    told["windows"] = windows
    if prediction.labels is not None:  # of all labels, whichever are asked for
        told = with_labels(told | {"labels": prediction.labels, "probabilities": prediction.probabilities}, threshold)
        told["probabilities"] = ranked
    told = with_events(told, threshold)
    for window in told["windows"]:
        window.pop("probabilities", None)
    if asked.windows == "none":
        del told["windows"]
    elif asked.windows == "full":
        for row, window in zip(told["windows"], prediction.windows, strict=True):
            row["probabilities"] = {label: value for label, value in window.probabilities.items() if label in ranked}
    return told
