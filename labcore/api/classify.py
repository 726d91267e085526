"""From the body of a request to answers: take the clips out of it, decode them beside the network, ask the network, put it in words."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from labcore.api.gate import Passage
from labcore.api.metrics import Metrics
from labcore.api.problems import Problem
from labcore.audio import decode, probe, quantise
from labcore.classifier import Answer
from labcore.errors import AudioError, LabError
from labcore.serving import Engine, Late, Model, ServiceSettings
from labcore.serving.admission import Lease

MOST_WINDOWS = 5000
BYTES_A_SAMPLE = 6
"""A waveform in hand: float32 while it is decoded, int16 until it is answered."""
RAW_TYPES = ("audio/", "video/", "application/octet-stream", "application/ogg")


@dataclass(frozen=True)
class Asked:
    """How a request wants its clips answered. ``top_k`` None: all labels."""

    top_k: int | None
    windows: str
    hop_seconds: float | None


@dataclass(frozen=True)
class Clip:
    name: str
    content: bytes


@dataclass(frozen=True)
class Desk:
    """Where clips are answered: the engine, and threads that decode for it."""

    settings: ServiceSettings
    engine: Engine
    decoders: ThreadPoolExecutor
    metrics: Metrics

    async def answer(self, clips: list[Clip], model: Model, asked: Asked, passage: Passage) -> list[dict[str, Any]]:
        """Answer the clips of one request, side by side.

        Raises:
            Problem: it cannot be answered at all; a single clip cannot be read, or none of several.
        """
        began = time.monotonic()
        lease = passage.lease
        assert lease is not None
        results = await asyncio.gather(
            *(self._answer(clip, model, asked, lease, began) for clip in clips), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, AudioError):
                raise Problem.of(failure) if isinstance(failure, LabError) else failure
        passage.facts |= {"model": model.name, "clips": len(clips), "unreadable": len(failures)}
        if len(failures) == len(clips):
            first = failures[0]
            assert isinstance(first, AudioError)
            raise Problem.of(first)
        answers = []
        for clip, result in zip(clips, results, strict=True):
            if isinstance(result, BaseException):
                answers.append({"file": clip.name, "error": str(result)})
            else:
                answers.append({"file": clip.name, **result})
                passage.facts["seconds"] = round(passage.facts.get("seconds", 0.0) + result["seconds"], 3)
        return answers

    async def _answer(self, clip: Clip, model: Model, asked: Asked, lease: Lease, began: float) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        try:
            samples, scale = await loop.run_in_executor(self.decoders, self._decoded, clip, model, lease)
            bounds = model.classifier.windows_of(len(samples), asked.hop_seconds)
            if len(bounds) > MOST_WINDOWS:
                raise Problem(
                    422, "windows", f"{clip.name or 'the clip'} would be cut into {len(bounds)} windows, more than {MOST_WINDOWS}",
                    "Ask for a larger hop_seconds, or send shorter clips",
                )  # fmt: skip
            left = self.settings.timeout_s - (time.monotonic() - began)
            future = self.engine.submit(model.classifier, samples, scale, bounds, left)
            try:
                rows = await asyncio.wait_for(asyncio.wrap_future(future), max(0.0, left))
            except asyncio.TimeoutError:
                raise Late(
                    "the clip waited too long for its answer", "Ask again later, or send fewer at once"
                ) from None
        except LabError:
            self.metrics.clips.labels(model.name, "failed").inc()
            raise
        answer = model.classifier.answer(samples, bounds, rows)
        self.metrics.clips.labels(model.name, "answered").inc()
        self.metrics.audio.labels(model.name).inc(answer.seconds)
        return said(answer, asked)

    def _decoded(self, clip: Clip, model: Model, lease: Lease) -> tuple[np.ndarray, float]:
        """A clip as the classifier takes it: int16 (samples,) and its scale. In a thread of its own."""
        began = time.perf_counter()
        limits, rate = self.settings.audio_limits(), model.classifier.sample_rate
        claimed = probe(clip.content, name=clip.name, limits=limits)
        lease.take(bytes_=int(min(claimed.seconds, limits.max_seconds) * rate) * BYTES_A_SAMPLE)
        waveform, _ = decode(clip.content, rate, name=clip.name, limits=limits)
        quantised = quantise(waveform)
        self.metrics.decoding.observe(time.perf_counter() - began)
        return quantised


def said(answer: Answer, asked: Asked) -> dict[str, Any]:
    """An answer as a client asked to have it."""
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])[: asked.top_k]
    told: dict[str, Any] = {
        "label": answer.label,
        "probability": answer.probability,
        "probabilities": dict(ranked),
        "seconds": answer.seconds,
    }
    if asked.windows == "none":
        return told
    keep = {label for label, _ in ranked}
    told["windows"] = []
    for window in answer.windows:
        row = asdict(window)
        if asked.windows == "full":
            row["probabilities"] = {label: value for label, value in window.probabilities.items() if label in keep}
        else:
            del row["probabilities"]
        told["windows"].append(row)
    return told


async def clips_of(request: Request, settings: ServiceSettings, lease: Lease) -> list[Clip]:
    """The clips that a request brings: the files of a form, or the body itself.

    Raises:
        Problem: there are none, too many, fields that mean nothing here, or it is a body of another kind.
        Busy: so many more cannot be taken on now.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        if kind and not kind.startswith(RAW_TYPES):
            raise Problem(
                415, "media-type", f"a body of type {_plain(kind, 80)} is not taken",
                "Send the file itself as audio/… or application/octet-stream, or several as multipart/form-data",
            )  # fmt: skip
        return [Clip("", await request.body())]
    try:
        async with request.form(max_files=settings.max_files, max_fields=16) as form:
            clips = []
            for name, value in form.multi_items():
                if not isinstance(value, UploadFile):
                    raise Problem(
                        422, "field", f"the form field {_plain(name, 80)!r} is no file",
                        "Files are form fields with a file name; all else goes into the query",
                    )  # fmt: skip
                clips.append(Clip(_plain(value.filename or "", 200), await value.read()))
    except HTTPException as error:
        raise Problem(
            400, "form", f"the form cannot be read: {error.detail}", "Send it as multipart/form-data"
        ) from error
    except ValueError as error:  # what the parser makes of bytes that are no form
        raise Problem(400, "form", "the form cannot be read", "Send it as multipart/form-data") from error
    if not clips:
        raise Problem(
            422, "no-file", "the form holds no file", "Send one as a form field, for instance `-F file=@clip.wav`"
        )
    lease.take(clips=len(clips) - 1)
    return clips


def _plain(text: str, most: int) -> str:
    """A name as a client gave it, fit to be shown: no control characters, no lone surrogates, not too long."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character for character in whole if character.isprintable())[:most]
