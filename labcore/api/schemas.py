"""What the service is asked and answers, for its documentation and for clients made from it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from labcore.serving.model_registry import ModelFacts


class ClassifyRequest(BaseModel):
    """How a request wants its clips answered."""

    model_config = ConfigDict(frozen=True)  # one object for all requests that ask for the same

    model: str = Field("", description="Model to use. Default: the first.", max_length=200)
    top_k: int | None = Field(
        None, ge=1, le=100_000, description="Number of most probable labels to return. Default: all."
    )
    windows: Literal["labels", "full", "none"] = Field(
        "labels", description="What to return for the windows of a clip: labels, all probabilities, or nothing."
    )
    hop_seconds: float | None = Field(
        None, ge=0.05, le=3600, allow_inf_nan=False, description="Seconds between windows. Default: half a window."
    )
    threshold: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False,
        description="Least probability of an event, and of each label of a model of several labels a clip. Default: the model's own "
        "thresholds for each class where it has some, else 0.5.",
    )  # fmt: skip


class WindowPrediction(BaseModel):
    """The prediction for one stretch of a recording."""

    start_s: float
    end_s: float
    label: str
    probability: float
    silent: bool = Field(description="Silent windows are left out of events and means.")
    unknown: bool = Field(False, description="The label is `none of these`, whatever the probability.")
    labels: list[str] | None = Field(None, description="As of the clip, of a model of several labels a clip.")
    probabilities: dict[str, float] | None = Field(None, description="Only with `windows=full`.")


class Event(BaseModel):
    """A stretch of a recording in which one label was predicted: windows joined where the label stays, without overlaps."""

    start_s: float
    end_s: float
    label: str
    probability: float = Field(description="Mean over its windows.")
    highest: float = Field(description="Highest value of a window.")
    windows: int


class LabelSummary(BaseModel):
    """A label in a whole recording."""

    label: str
    count: int = Field(description="Of its events.")
    total_s: float = Field(description="Total duration.")
    highest: float = Field(description="The highest probability of a window.")


class ClipPrediction(BaseModel):
    """The prediction for a clip, or why it could not be read."""

    file: str = Field(description="File name given by the client; empty for a raw body.")
    label: str | None = Field(
        None,
        description="The most probable class, or `none of these`. See `unknown`. Of a model of several labels a clip all labels, joined by "
        "semicolons.",
    )
    labels: list[str] | None = Field(
        None,
        description="Of a model of several labels a clip: those that reach their threshold, the most probable first, perhaps none.",
    )
    unknown: bool | None = Field(
        None,
        description="The sound is none of the classes: digital silence, or refused by a model that was fitted to refuse what it does "
        "not know.",
    )
    nearest: str | None = Field(None, description="The most probable class where `unknown` is set.")
    probability: float | None = Field(None, description="Of the most probable class, also where `unknown` is set.")
    probabilities: dict[str, float] | None = Field(
        None, description="Most probable first; mean over the windows that are not silent."
    )
    seconds: float | None = None
    notes: list[str] | None = Field(
        None, description="Notes on reading the clip: cancelling or silent channels, for example."
    )
    events: list[Event] | None = Field(
        None, description="Events in order of time, for recordings of several windows. See `threshold`."
    )
    summary: list[LabelSummary] | None = Field(None, description="Labels of the events, longest total duration first.")
    windows: list[WindowPrediction] | None = None
    error: str | None = Field(None, description="Set if several files were sent and this one cannot be read.")


class Predictions(BaseModel):
    """Answers in the order in which the clips were sent."""

    model: str
    request_id: str
    results: list[ClipPrediction]


class ModelList(BaseModel):
    """The first one answers where a request names none."""

    models: list[ModelFacts]


class Reloaded(BaseModel):
    """Name → whether other weights are at service now."""

    reloaded: dict[str, bool]


class Status(BaseModel):
    status: str


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    request_id: str
