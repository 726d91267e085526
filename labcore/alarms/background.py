"""Recordings without targets as a classifier heard them: windows that can be part of an event, and the false alarms that they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labcore.alarms.job import AlarmTest, Exclusion
from labcore.alarms.onsets import Onsets
from labcore.batch.segments import event_windows
from labcore.errors import RunError
from labcore.reading import parse_json
from labcore.texts import counted, duration, json_line

COLUMNS = ("start_s", "end_s", "label", "probability")


def line_of(file: str, prediction: dict[str, Any], labels: Sequence[str]) -> str:
    """What is kept of a recording, as a line.

    Args:
        prediction: as :func:`labcore.batch.predicting.predict_files` gives it.
        labels: the classes that are events.
    """
    if "error" in prediction:
        return json_line({"file": file, "error": prediction["error"]})
    numbers = {label: number for number, label in enumerate(labels)}
    rows = [
        (start_s, end_s, numbers[window["label"]], window["probability"])
        for start_s, end_s, window in event_windows(prediction)
        if not window.get("unknown", False)
    ]
    columns = zip(*rows, strict=True) if rows else ([] for _ in COLUMNS)
    told = {name: list(values) for name, values in zip(COLUMNS, columns, strict=True)}
    notes = list(prediction.get("notes", ()))
    return json_line({"file": file, "seconds": prediction["seconds"], **({"notes": notes} if notes else {}), **told})


def lines_of(path: Path) -> dict[str, dict[str, Any]]:
    """The newest line of each recording. A line that was cut short is left out.

    Raises:
        RunError: the file cannot be read.
    """
    found: dict[str, dict[str, Any]] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    facts = parse_json(line)
                    found[str(facts["file"])] = facts
                except (ValueError, KeyError, TypeError):
                    continue
    except FileNotFoundError:
        return found
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", "Measure the false alarms again") from error
    return found


@dataclass(frozen=True)
class Alarm:
    """A stretch of a recording that would be reported: windows of one class, joined. ``highest`` is the largest probability of a window,
    and ``peak_s`` the middle of that window."""

    file: str
    start_s: float
    end_s: float
    label: str
    highest: float
    peak_s: float


@dataclass(frozen=True)
class Background:
    """Everything that was heard.

    Attributes:
        frame: a row a window, by recording and time: file (its number), start_s, end_s, label (its number), probability.
        files: the recordings, and in ``seconds`` (recordings,) how long each is.
        labels: the classes that are events.
        skipped: recording → why it was not listened to.
        notes: what a user should know of how recordings were heard, each with its recording.
        excluded_s: seconds that are left out, since they hold a target.
    """

    frame: pd.DataFrame
    files: list[str]
    seconds: np.ndarray
    labels: tuple[str, ...]
    skipped: dict[str, str]
    notes: tuple[str, ...] = ()
    excluded_s: float = 0.0

    @classmethod
    def of(cls, job: AlarmTest) -> Background:
        """What a test has heard so far, without what was excluded.

        Raises:
            RunError: it cannot be read, or nothing was heard yet.
        """
        listening = job.listening
        found = lines_of(job.windows) if listening is not None else {}
        good = {file: facts for file, facts in found.items() if "error" not in facts}
        skipped = {file: str(facts["error"]) for file, facts in found.items() if "error" in facts}
        if listening is None or not good:
            raise RunError(f"{job.title} has heard nothing yet", "Wait until it has, or resume it")
        try:
            parts = [_table(number, facts) for number, facts in enumerate(good.values())]
            frame = pd.concat(parts, ignore_index=True)
            seconds = np.array([float(facts["seconds"]) for facts in good.values()])
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{job.windows} is damaged: {error}", "Measure the false alarms again") from error
        notes = tuple(f"{file}: {note}" for file, facts in good.items() for note in facts.get("notes", ()))
        whole = cls(frame, list(good), seconds, tuple(listening.labels), skipped, notes)
        return whole.without(job.exclusions)

    @property
    def hours(self) -> float:
        """Heard in all, without what is excluded."""
        return max(0.0, float(self.seconds.sum()) - self.excluded_s) / 3600

    @property
    def sentence(self) -> str:
        """``2 h 5 min in 12 recordings``."""
        told = f"{duration(3600 * self.hours)} in {counted(len(self.files), 'recording')}"
        return f"{told}, without {duration(self.excluded_s)} excluded" if self.excluded_s else told

    def without(self, exclusions: Iterable[Exclusion]) -> Background:
        """The same without the windows whose middle lies in an excluded stretch, and without its time."""
        middles = (self.frame["start_s"] + self.frame["end_s"]).to_numpy() / 2
        numbers, kept, spans = (
            self.frame["file"].to_numpy(),
            np.ones(len(self.frame), dtype=bool),
            dict[int, list[Any]](),
        )
        for each in exclusions:
            if each.file in self.files:
                number = self.files.index(each.file)
                kept &= ~((numbers == number) & (middles >= each.start_s) & (middles <= each.end_s))
                spans.setdefault(number, []).append((each.start_s, min(each.end_s, float(self.seconds[number]))))
        left_out = sum(_length(each) for each in spans.values())
        return replace(self, frame=self.frame[kept].reset_index(drop=True), excluded_s=left_out)

    def onsets(self) -> dict[str, Onsets]:
        """Where the alarms of each class begin."""
        share, first = self.frame["probability"].to_numpy(dtype=np.float64), ~_goes_on(self.frame)
        before = np.where(first, -1.0, np.concatenate([[-1.0], share[:-1]])[: len(share)])
        rising, numbers = share > before, self.frame["label"].to_numpy()
        return {
            label: Onsets.of(before[own := rising & (numbers == number)], share[own])
            for number, label in enumerate(self.labels)
        }

    def alarms(self, thresholds: Mapping[str, float], most: int | None = None) -> list[Alarm]:
        """The alarms at thresholds a class, the highest first. Each is one of :func:`labcore.batch.segments.segments_of`.

        Args:
            most: of them, at most.
        """
        least = np.array([thresholds[label] for label in self.labels])
        frame = self.frame[self.frame["probability"].to_numpy() >= least[self.frame["label"].to_numpy(dtype=np.int64)]]
        frame = frame.assign(peak_s=(frame["start_s"] + frame["end_s"]) / 2)
        groups = frame.groupby(np.cumsum(~_goes_on(frame)), sort=False)
        peaks = frame.loc[groups["probability"].idxmax()].assign(
            start_s=groups["start_s"].first().to_numpy(), end_s=groups["end_s"].last().to_numpy()
        )
        peaks = peaks.sort_values(["probability", "file", "start_s"], ascending=[False, True, True])[:most]
        rows = zip(*(peaks[name].tolist() for name in ("file", *COLUMNS, "peak_s")), strict=True)
        return [
            Alarm(self.files[file], start_s, end_s, self.labels[label], highest, peak_s)
            for file, start_s, end_s, label, highest, peak_s in rows
        ]


def _table(number: int, facts: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame({name: facts[name] for name in COLUMNS}, dtype=np.float64)
    return table.astype({"label": np.int64}).assign(file=number)


def _goes_on(frame: pd.DataFrame) -> np.ndarray:
    """Which windows go on where the one before ends, with the same class: (windows,) bool."""
    same = np.ones(len(frame), dtype=bool)
    for one, other in (("file", "file"), ("label", "label"), ("start_s", "end_s")):
        same[1:] &= frame[one].to_numpy()[1:] == frame[other].to_numpy()[:-1]
    same[:1] = False
    return same


def _length(spans: list[tuple[float, float]]) -> float:
    """Seconds that stretches of a recording cover together."""
    total, reached = 0.0, 0.0
    for start_s, end_s in sorted(spans):
        total += max(0.0, end_s - max(start_s, reached))
        reached = max(reached, end_s)
    return total
