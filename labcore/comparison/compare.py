"""A comparison: its sides, the settings in which they differ, and the first side against each of the others."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from labcore.comparison.candidates import Candidate, candidates
from labcore.config import Setting, all_settings
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.figures import Figures, figures_of_clips
from labcore.evaluation.paired import Difference, Pairs, changed_clips, difference, pair, per_class
from labcore.texts import counted, plus_minus, times
from labcore.workspace import Workspace

LISTED = 1000
"""Clips won or lost in JSON, each."""


@dataclass(frozen=True)
class Side:
    """A recipe with all its runs that are compared; they differ in their seed alone. ``letter`` is A, B, C and so on."""

    letter: str
    members: tuple[Candidate, ...]

    @property
    def first(self) -> Candidate:
        return self.members[0]

    @property
    def predictions(self) -> list[ClipPredictions]:
        return [each.predictions for each in self.members if each.predictions is not None]

    @property
    def accuracies(self) -> list[float]:
        return [each.accuracy for each in self.members if each.accuracy is not None]

    @property
    def mean(self) -> float | None:
        """The mean accuracy over its seeds."""
        return statistics.fmean(self.accuracies) if self.accuracies else None

    @property
    def deviation(self) -> float | None:
        """Its standard deviation over the seeds (n - 1); None with fewer than two."""
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def counted_seeds(self) -> str:
        """What the mean is of: ``3 seeds``, or ``3 runs of 2 seeds`` where one was trained twice."""
        runs = [each for each in self.members if each.accuracy is not None]
        seeds = counted(len({each.seed for each in runs}), "seed")
        return seeds if seeds == counted(len(runs), "seed") else f"{counted(len(runs), 'run')} of {seeds}"

    @property
    def spread(self) -> str:
        """As ``mean accuracy 93.6 ± 0.8 % (standard deviation) of 3 seeds``; "" with fewer than two."""
        if self.mean is None or self.deviation is None:
            return ""
        return f"mean accuracy {plus_minus(self.mean, self.deviation)} (standard deviation) of {self.counted_seeds}"

    @property
    def error(self) -> float | None:
        """The standard error of the mean accuracy over its seeds; None with fewer than two."""
        return None if self.deviation is None else self.deviation / len(self.accuracies) ** 0.5


@dataclass(frozen=True)
class Against:
    """One side against another. ``pairs`` and ``difference`` are None where no clip was judged by both: ``trouble`` says why."""

    one: Side
    other: Side
    pairs: Pairs | None
    difference: Difference | None
    trouble: str
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What came of it, without the final stop."""
        if self.difference is None:
            return f"{self.one.letter} and {self.other.letter} cannot be compared clip by clip: {self.trouble}"
        return self.difference.sentence(self.one.letter, self.other.letter)


@dataclass(frozen=True)
class Comparison:
    """Two or more sides.

    Attributes:
        settings: those that differ, with what each side has, in the order of the sides.
        facts: the same of devices, versions, sizes.
        against: the first side against each other one.
        notes: what whoever reads it has to know.
    """

    sides: tuple[Side, ...]
    settings: tuple[tuple[Setting, tuple[str, ...]], ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    against: tuple[Against, ...]
    notes: tuple[str, ...]

    @property
    def figure_name(self) -> str:
        """What the second value of each curve is."""
        several = {each.mean_ap is not None for side in self.sides for each in side.members}
        return (
            "Accuracy" if several == {False} else "Mean average precision" if several == {True} else "Accuracy or mAP"
        )

    @cached_property
    def figures(self) -> dict[str, Figures]:
        """All figures of each candidate that has predictions, by its id."""
        return {
            each.id: figures_of_clips(each.predictions)
            for side in self.sides
            for each in side.members
            if each.predictions is not None and (each.predictions.targets >= 0).any()
        }

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        figures = self.figures
        return {
            "sides": [_side_facts(side, figures) for side in self.sides],
            "settings": {setting.path: list(values) for setting, values in self.settings},
            "facts": {name: list(values) for name, values in self.facts},
            "comparisons": [_against_facts(each) for each in self.against],
            "notes": list(self.notes),
        }


def compare(workspace: Workspace, names: Iterable[str]) -> Comparison:
    """Compare runs and cross-validations by their names, the first with each of the others.

    Raises:
        ConfigError: fewer than two are named.
        RunError: there is none of a name, or it cannot be read.
    """
    return compared(candidates(workspace, names))


def compared(found: Sequence[Candidate]) -> Comparison:
    """The same of candidates that have been read: two at least."""
    sides, notes = _sides(found)
    against = tuple(_against(sides[0], other) for other in sides[1:])
    if len(against) > 2:
        notes.append(
            f"{len(against)} comparisons were made: the more there are, the likelier one looks real that is chance"
        )
    if any(each.difference for each in against) and any(len(side.members) == 1 for side in sides):
        notes.append(
            "The intervals are those of other clips. Other seeds change the accuracy too: train each recipe with several"
        )
    return Comparison(sides, _settings(sides), _facts(sides), against, tuple(notes))


def _sides(found: Sequence[Candidate]) -> tuple[tuple[Side, ...], list[str]]:
    """Runs of one recipe on one side; where all are of one recipe, each on a side of its own."""
    recipes: dict[Any, list[Candidate]] = {}
    for each in found:
        recipes.setdefault((each.recipe, each.place), []).append(each)
    groups = list(recipes.values())
    notes: list[str] = []
    if len(groups) == 1:
        groups = [[each] for each in found]
        several = len({each.seed for each in found}) > 1
        alike = "one recipe with different seeds" if several else "one recipe and seed"
        notes.append(f"All are of {alike}: one that is better had luck in training, not a better recipe")
        spread = Side("", tuple(found)).spread if several else ""
        notes += [f"Together: {spread}"] if spread else []
    return tuple(Side(_letter(number), tuple(group)) for number, group in enumerate(groups)), notes


def _letter(number: int) -> str:
    """A to Z, then A2 and so on."""
    before, place = divmod(number, 26)
    return f"{chr(ord('A') + place)}{before + 1 if before else ''}"


def _against(one: Side, other: Side) -> Against:
    without = next((each for side in (one, other) for each in side.members if each.predictions is None), None)
    if not one.predictions or not other.predictions:
        assert without is not None
        return Against(one, other, None, None, without.trouble, ())
    if one.first.place != other.first.place:
        names = " and ".join(f"{side.letter} is of {side.first.config.data.dataset}" for side in (one, other))
        return Against(one, other, None, None, f"they are of different data sets: {names}", ())
    pairs = pair(one.predictions, other.predictions)
    if not len(pairs):
        why = (
            "they know different classes"
            if pairs.unknown
            else "no clip was judged by both: "
            + ", ".join(f"{side.letter} held out {_folds(side.first)}" for side in (one, other))
        )
        return Against(one, other, pairs, None, why, ())
    return Against(one, other, pairs, difference(pairs), "", tuple(_notes(one, other, pairs)))


def _notes(one: Side, other: Side, pairs: Pairs) -> list[str]:
    notes = []
    for side, count in ((one, pairs.of_one), (other, pairs.of_other)):
        alone = count - len(pairs) - pairs.unknown
        if alone:
            notes.append(f"{counted(alone, 'clip')} that {side.letter} alone judged are left out")
        if any(each.leaks for each in side.members):
            notes.append(f"{side.letter} was trained on these clips or on their recordings: its accuracy is too high")
        if adjusted := sum(each.adjusted for each in side.members):
            notes.append(
                f"settings of {side.letter} were changed {times(adjusted)} with these clips in view: its accuracy may be "
                "optimistic"
            )
        if any(each.chosen_by for each in side.members):
            notes.append(
                f"recipes as {side.letter} are chosen by these clips: the accuracy of the chosen one is optimistic"
            )
    if one.error is not None and other.error is not None:
        error = 100 * math.hypot(one.error, other.error)
        notes.append(
            f"the interval is that of other clips: other seeds move the difference by a standard error of {error:.1f} points"
        )
    if pairs.unknown:
        notes.append(f"{counted(pairs.unknown, 'clip')} of classes that not both know are left out")
    if pairs.relabelled:
        clips = counted(pairs.relabelled, "clip")
        notes.append(f"{clips} have other labels by now: both sides are judged by those of {other.letter}")
    return notes


def _folds(each: Candidate) -> str:
    return f"{'folds' if len(each.folds) > 1 else 'fold'} {', '.join(each.folds)}"


def _settings(sides: Sequence[Side]) -> tuple[tuple[Setting, tuple[str, ...]], ...]:
    rows = []
    for path, setting in all_settings().items():
        values = tuple(
            ", ".join(dict.fromkeys(setting_told(each, path, setting) for each in side.members)) for side in sides
        )
        if len(set(values)) > 1:
            rows.append((setting, values))
    return tuple(rows)


def setting_told(each: Candidate, path: str, setting: Setting) -> str:
    """As ``25``, ``0.1 s``, ``automatic``, or ``automatic (25)`` where it was worked out."""
    asked, found = each.asked.value(path), each.config.value(path)
    if asked is not None:
        return setting_value(asked, setting)
    return setting.unset if found is None else f"{setting.unset} ({setting_value(found, setting)})"


def setting_value(value: Any, setting: Setting) -> str:
    """A value with its unit, the entries of a list with commas."""
    if isinstance(value, tuple):
        return ", ".join(value) or setting.unset
    return f"{f'{value:g}' if isinstance(value, float) else value} {setting.unit}".strip()


def _facts(sides: Sequence[Side]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What else differs: in devices, versions, sizes, and what was changed while training."""
    told = [
        {
            name: ", ".join(dict.fromkeys(each.facts.get(name, "") for each in side.members))
            for name in dict.fromkeys(name for member in side.members for name in member.facts)
        }
        | {"Changed while training": ", ".join(filter(None, dict.fromkeys(each.live for each in side.members)))}
        for side in sides
    ]
    names = dict.fromkeys(name for facts in told for name in facts)
    rows = ((name, tuple(facts.get(name, "") or "–" for facts in told)) for name in names)
    return tuple((name, values) for name, values in rows if len(set(values)) > 1)


def _side_facts(side: Side, figures: dict[str, Figures]) -> dict[str, Any]:
    return {
        "side": side.letter,
        "accuracy": side.mean,
        "deviation": side.deviation,
        "members": [
            {
                "id": each.id,
                "kind": each.kind,
                "dataset": each.config.data.dataset,
                "folds": list(each.folds),
                "seed": each.seed,
                "accuracy": each.accuracy,
                "seconds": each.seconds,
                "bytes": each.bytes,
                "joules": each.joules,
                "leaks": each.leaks,
                "trained_on": each.trained_on,
                "trouble": each.trouble or None,
                "figures": figures[each.id].to_dict() if each.id in figures else None,
            }
            for each in side.members
        ],
    }


def _against_facts(each: Against) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "one": each.one.letter,
        "other": each.other.letter,
        "sentence": f"{each.sentence}.",
        "notes": list(each.notes),
    }
    if each.pairs is None or each.difference is None:
        return facts | {"difference": None}
    told = each.difference
    clips = ["clip", "start_s", "label", "one_predicted", "other_predicted"]
    return facts | {
        "difference": asdict(told) | {"difference": told.value, "certain": told.certain},
        "per_class": per_class(each.pairs).to_dict(orient="records"),
        "won": changed_clips(each.pairs, won=True)[clips].head(LISTED).to_dict(orient="records"),
        "lost": changed_clips(each.pairs, won=False)[clips].head(LISTED).to_dict(orient="records"),
    }
