"""Accuracy over the level of a disturbance, as a job: noise, gain, the sample rate of the recording, MP3 and Opus.

::

    noise/<id>/            named before there were others than noise
      noise.json           what was asked for

The figures are events. Needs no torch: the work stands in :mod:`labcore.evaluation.work`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, Field, model_validator

from labcore.errors import ConfigError
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.jobs import BasePlan, ClipsChosen, Judgement
from labcore.events import JOB_KINDS, Event
from labcore.jobs.kind import Kind


@dataclass(frozen=True)
class Disturbance:
    """A way in which recordings are worse than those that a network was trained on.

    Attributes:
        title: what its level is, as an axis names it.
        clean: the clips as they are, in words.
        levels: those that are tested where none are given, the mildest first.
        bounds: the lowest and the highest level.
    """

    title: str
    unit: str
    clean: str
    levels: tuple[float, ...]
    bounds: tuple[float, float]

    def words(self, level: float | None) -> str:
        """A level in words."""
        return self.clean if level is None else f"{level:g} {self.unit}"


DISTURBANCES = {
    "noise": Disturbance(
        "Signal-to-noise ratio", "dB", "no noise", (30.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0, -10.0), (-100.0, 100.0)
    ),
    "gain": Disturbance("Gain", "dB", "no gain", (30.0, 20.0, 10.0, -10.0, -20.0, -30.0, -40.0, -50.0), (-90.0, 90.0)),
    "sample_rate": Disturbance(
        "Sample rate of the recording",
        "Hz",
        "as recorded",
        (32_000.0, 22_050.0, 16_000.0, 11_025.0, 8_000.0, 4_000.0),
        (1_000.0, 500_000.0),
    ),
    "mp3": Disturbance("MP3 bit rate", "kbit/s", "as recorded", (128.0, 64.0, 48.0, 32.0, 24.0, 16.0, 8.0), (8.0, 320.0)),
    "opus": Disturbance("Opus bit rate", "kbit/s", "as recorded", (64.0, 32.0, 24.0, 16.0, 12.0, 8.0, 6.0), (6.0, 256.0)),
}  # fmt: skip
"""By the name that plans and the command line use."""


class RobustnessPlan(BasePlan):
    """What to test.

    Attributes:
        disturbance: which of :data:`DISTURBANCES`.
        levels: of it, in its unit; the usual ones where none are given. Plans of versions before call them ``snrs_db``.
        colour: of noise, as ``augment.noise_colour``.
    """

    disturbance: Literal["noise", "gain", "sample_rate", "mp3", "opus"] = "noise"
    levels: Annotated[tuple[float, ...], Field(validation_alias=AliasChoices("levels", "snrs_db"))] = ()
    colour: Literal["white", "pink", "brown"] = "pink"

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("levels") or given.get("snrs_db"):
            return given
        usual = DISTURBANCES.get(given.get("disturbance", "noise"))
        rest = {name: value for name, value in given.items() if name not in ("levels", "snrs_db")}
        return {**rest, "levels": usual.levels} if usual is not None else given

    @property
    def about(self) -> Disturbance:
        return DISTURBANCES[self.disturbance]

    def check(self) -> RobustnessPlan:
        """The plan itself.

        Raises:
            ConfigError: a level is out of bounds.
        """
        low, high = self.about.bounds
        for level in self.levels:
            if not low <= level <= high:
                unit = self.about.unit
                raise ConfigError(
                    f"{level:g} {unit} is no level of {self.disturbance}", f"Choose {low:g} to {high:g} {unit}"
                )
        return self

    def result(self, level: float | None, hits: int, clips: int, effective: float | None = None) -> InNoise | Disturbed:
        """The event that tells how many of the clips were predicted right at a level. ``effective`` as for
        :func:`labcore.evaluation.intervals.wilson_interval`."""
        low, high = wilson_interval(hits, clips, effective)
        accuracy = hits / clips
        if self.disturbance == "noise":
            return InNoise(snr_db=level, clips=clips, hits=hits, accuracy=accuracy, low=low, high=high)
        return Disturbed(
            of=self.disturbance, level=level, clips=clips, hits=hits, accuracy=accuracy, low=low, high=high
        )


class AtLevel(Event):
    """Accuracy with its 95 % Wilson interval."""

    clips: int
    hits: int
    accuracy: float
    low: float
    high: float


class InNoise(AtLevel):
    """Accuracy at a signal-to-noise ratio; ``snr_db`` is None for the clips as they are."""

    type: Literal["in_noise"] = "in_noise"
    snr_db: float | None

    @property
    def of(self) -> str:
        return "noise"

    @property
    def level(self) -> float | None:
        return self.snr_db


class Disturbed(AtLevel):
    """Accuracy at a level of any other disturbance, which ``of`` names; None for the clips as they are."""

    type: Literal["disturbed"] = "disturbed"
    of: str
    level: float | None


Result = InNoise | Disturbed


@dataclass(frozen=True)
class RobustnessTest(Judgement[RobustnessPlan]):
    """Accuracy over the levels of a disturbance by its directory: a result a level, the clips as they are first."""

    kind: ClassVar[Kind] = Kind(
        "robustness test",
        "noise",
        listed="labcore robustness --list",
        file="noise.json",
        events={**JOB_KINDS, "chosen": ClipsChosen, "in_noise": InNoise, "disturbed": Disturbed},
        work="labcore.evaluation.work:robustness",
    )
    plan_of = RobustnessPlan

    @property
    def results(self) -> list[Result]:
        """Those at hand, in the order of their levels."""
        return results_of(self.events())


def results_of(events: Iterable[Event]) -> list[Result]:
    """The results since clips were chosen last, each level once."""
    told: dict[float | None, Result] = {}
    for event in events:
        if isinstance(event, ClipsChosen):
            told = {}
        elif isinstance(event, (InNoise, Disturbed)):
            told[event.level] = event
    return list(told.values())
