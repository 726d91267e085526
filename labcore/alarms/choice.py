"""Thresholds a class for a wanted rate of false alarms, and what they cost: alarms an hour against recall."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

import numpy as np

from labcore.alarms.background import Alarm, Background
from labcore.alarms.job import AlarmTest, Listening
from labcore.alarms.onsets import Onsets, chosen_interval, places_in_all, poisson_interval
from labcore.alarms.recall import Recall, recall_of
from labcore.batch.segments import THRESHOLD
from labcore.errors import RunError
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import NEVER, Thresholds, in_force
from labcore.runs import Run

POINTS = 80
"""Of a curve, at most."""
LOUDEST = 500
"""Alarms that are listed, at most."""


@dataclass(frozen=True)
class Rate:
    """Alarms an hour that are to be expected in new recordings, with their exact 95 % interval. ``alarms`` were counted in those heard."""

    alarms: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, alarms: int, hours: float, refused: int = 0, *, rest: bool = False) -> Rate:
        """From a count; the other arguments as for :func:`labcore.alarms.onsets.chosen_interval`."""
        return cls(alarms, (alarms + refused) / hours, *chosen_interval(alarms, refused, hours, rest=rest))

    @property
    def expected(self) -> str:
        """Alarms an hour to be expected, with three digits."""
        return rounded(self.value, 3)

    @property
    def interval(self) -> str:
        """As ``0.46 to 100``, with two digits."""
        return f"{rounded(self.low)} to {rounded(self.high)}"


def rounded(rate: float, digits: int = 2) -> str:
    """A rate with so many digits that count; what has more before the point is whole, and never ``1e+02``."""
    return f"{rate:.{digits}g}" if rate < 10**digits - 0.5 else f"{rate:,.0f}"


@dataclass(frozen=True)
class ClassAlarms:
    """A class at a threshold: its alarms, and how many of its clips are found. ``recall`` is the share, with its 95 % interval."""

    label: str
    threshold: float
    rate: Rate
    found: int
    clips: int
    recall: tuple[float, float, float] | None


@dataclass(frozen=True)
class Choice:
    """All classes at thresholds of their own. ``recall`` is the mean over the classes that have clips."""

    classes: list[ClassAlarms]
    rate: Rate

    @property
    def thresholds(self) -> dict[str, float]:
        return {each.label: each.threshold for each in self.classes}

    def sentence(self, hours: float) -> str:
        """What is to be expected in new recordings, and why it is more than was heard; "" where the thresholds were not chosen by these.

        Args:
            hours: heard.
        """
        if round(self.rate.value * hours) == self.rate.alarms:
            return ""
        return (
            f"In new recordings {self.rate.expected} alarms an hour are to be expected in all (95 % interval {self.rate.interval}), "
            f"{rounded(self.rate.alarms / hours, 3)} in these: each threshold lies just above an alarm of these, so each class is "
            f"expected to give one more in as much time. With more hours the difference is smaller."
        )

    @property
    def recall(self) -> float | None:
        known = [each.recall[0] for each in self.classes if each.recall is not None]
        return fmean(known) if known else None


@dataclass(frozen=True)
class Point:
    """Of a curve: alarms an hour, the recall that goes with them, and the threshold where it is of one class."""

    rate: float
    recall: float
    threshold: float | None = None


class AlarmFigures:
    """What a test says.

    Attributes:
        background: everything that was heard.
        recall: of the clips that the run held out.
        listening: what listened.
        trouble: why it does not hold for the weights as they are now; "" where it does.
    """

    def __init__(self, background: Background, recall: Recall, listening: Listening, trouble: str = "") -> None:
        self.background, self.recall, self.listening, self.trouble = background, recall, listening, trouble

    @classmethod
    def of(cls, job: AlarmTest) -> AlarmFigures:
        """Those of a test, as far as it has come.

        Raises:
            RunError: it cannot be read, has heard nothing yet, or everything that it heard is excluded.
        """
        background = Background.of(job)
        listening = job.listening
        assert listening is not None
        if not background.hours:
            raise RunError(f"everything that {job.title} heard is excluded", "Take an exclusion back")
        run = Run(job.workspace.runs / job.plan.run)
        return cls(background, recall_of(run, listening), listening, _trouble(run.weights, listening))

    @cached_property
    def onsets(self) -> dict[str, Onsets]:
        return self.background.onsets()

    @property
    def hours(self) -> float:
        return self.background.hours

    @property
    def least(self) -> float:
        """Alarms an hour below which the rate is with 95 % where none was heard: about 3 / hours."""
        return poisson_interval(0, self.hours)[1]

    def wanted(self, rate: float, *, each: bool = False) -> Choice:
        """Thresholds with which there are at most so many alarms an hour in what was heard, of all classes together or of each."""
        return self.at(self._thresholds(math.floor(rate * self.hours + 1e-9), each=each))

    def _thresholds(self, most: int, *, each: bool = False) -> dict[str, float]:
        """Those with which there are at most so many alarms."""
        classes = list(self.onsets.values())
        places = [onsets.place(most) for onsets in classes] if each else places_in_all(classes, most)
        thresholds = [onsets.threshold(place) for onsets, place in zip(classes, places, strict=True)]
        return dict(zip(self.onsets, thresholds, strict=True))

    def at(self, thresholds: Mapping[str, float]) -> Choice:
        """All classes at given thresholds; those without one have the usual one."""
        classes, refused, rest = [], 0, False
        for label, onsets in self.onsets.items():
            threshold = thresholds.get(label, THRESHOLD)
            chosen = onsets.refuses(threshold)
            refused, rest = refused + chosen, rest or not (chosen or threshold >= NEVER)
            rate = Rate.of(onsets.count(threshold), self.hours, int(chosen))
            share = self.recall.share(label, threshold)
            classes.append(ClassAlarms(label, threshold, rate, *self.recall.found(label, threshold), share))
        alarms = sum(one.rate.alarms for one in classes)
        return Choice(classes, Rate.of(alarms, self.hours, refused, rest=rest))

    def loudest(self, choice: Choice) -> list[Alarm]:
        """What is reported at the usual threshold, or at those chosen where they are lower, the highest first: a target that was
        overlooked is found among the first."""
        return self.background.alarms({each.label: min(each.threshold, THRESHOLD) for each in choice.classes}, LOUDEST)

    def kept(self, rate: float, *, each: bool = False) -> Thresholds:
        """The thresholds for a wanted rate as weights carry them."""
        return Thresholds(
            values=self.wanted(rate, each=each).thresholds,
            rate=rate,
            each=each,
            hours=self.hours,
            temperature=self.listening.temperature,
            refusal=self.listening.refusal,
            source=self.background.sentence,
        )

    @cached_property
    def curve(self) -> list[Point]:
        """The mean recall over the alarms an hour of all classes together; nothing where no recall is known."""
        most = sum(int(onsets.most[0]) for onsets in self.onsets.values())
        if not (labels := [label for label in self.onsets if self.recall.clips.get(label)]):
            return []
        points = []
        for count in np.unique(np.geomspace(1, most + 1, POINTS).round().astype(np.int64) - 1):
            thresholds = self._thresholds(int(count))
            alarms = sum(
                onsets.count(thresholds[label]) + onsets.refuses(thresholds[label])
                for label, onsets in self.onsets.items()
            )
            shares = [self.recall.found(label, thresholds[label])[0] / self.recall.clips[label] for label in labels]
            points.append(Point(alarms / self.hours, fmean(shares)))
        return _rising(points)

    def curve_of(self, label: str) -> list[Point]:
        """The recall of a class over its alarms an hour; nothing where it has no clips."""
        onsets = self.onsets[label]
        counts = np.unique(onsets.most)
        if len(counts) > POINTS:
            counts = counts[np.linspace(0, len(counts) - 1, POINTS).round().astype(np.int64)]
        points = []
        for count in counts:
            threshold = onsets.threshold(onsets.place(int(count)))
            found, clips = self.recall.found(label, threshold)
            if clips:
                alarms = onsets.count(threshold) + onsets.refuses(threshold)
                points.append(Point(alarms / self.hours, found / clips, threshold))
        return _rising(points)

    @property
    def sentence(self) -> str:
        """How much was heard, and the least rate that it can tell."""
        return (
            f"Heard {self.background.sentence}. A class without any alarm in that time gives fewer than {rounded(self.least)} an hour "
            "(95 %): to promise less, listen for longer."
        )


def _rising(points: list[Point]) -> list[Point]:
    """Without those that have fewer alarms than one before: at low thresholds many alarms become a few long ones."""
    reached = itertools.accumulate((each.rate for each in points), max)
    return [each for each, most in zip(points, reached, strict=True) if each.rate >= most]


def _trouble(weights: Path, listening: Listening) -> str:
    """Why what it heard does not hold for weights as they are now. Reads their header alone."""
    from labcore.inference.unknown import Threshold

    now = in_force(Temperature.of_file(weights), Threshold.of_file(weights))
    if not weights.is_file() or now == (listening.temperature, listening.refusal):
        return ""
    return "These alarms were heard with another temperature or other refusals than the weights have now. Measure them again"
