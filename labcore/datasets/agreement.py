"""Two people who decided on the same clips: how often they agree, and where they do not."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

from labcore.datasets.annotations import Annotation, Annotations


@dataclass(frozen=True)
class Agreement:
    """Of two people.

    Attributes:
        names: theirs.
        clips: so many clips both decided on, neither of them unsure.
        agreed: of so many they gave the same label.
        kappa: Cohen's kappa, 1 for full agreement and 0 for as much as by chance; None where it is not defined: no clips, or
            both gave one and the same label to all of them.
    """

    names: tuple[str, str]
    clips: int
    agreed: int
    kappa: float | None


def agreements(annotations: Annotations) -> list[Agreement]:
    """Each two people who decided on the same clips, those with the most clips first."""
    by_clip = list(annotations.latest().values())
    everybody = sorted({name for decisions in by_clip for name in decisions})
    found = []
    for one, other in itertools.combinations(everybody, 2):
        pairs = [_labels(each[one], each[other]) for each in by_clip if one in each and other in each]
        both = [pair for pair in pairs if pair is not None]
        if both:
            agreed = sum(first == second for first, second in both)
            found.append(Agreement((one, other), len(both), agreed, _kappa(both)))
    return sorted(found, key=lambda each: -each.clips)


def disputed(annotations: Annotations) -> list[list[Annotation]]:
    """The clips that people gave different labels, with the newest decision of each of them; nobody who is unsure counts."""
    sure = [
        [each for each in decisions.values() if each.verdict != "unsure"] for decisions in annotations.latest().values()
    ]
    return [decisions for decisions in sure if len({each.new for each in decisions}) > 1]


def verdicts(annotations: Annotations) -> dict[str, Counter[str]]:
    """Person → how many of the newest decisions have each verdict, who decided most first."""
    found: dict[str, Counter[str]] = {}
    for decisions in annotations.latest().values():
        for name, each in decisions.items():
            found.setdefault(name, Counter())[each.verdict] += 1
    return dict(sorted(found.items(), key=lambda item: (-item[1].total(), item[0])))


def _labels(one: Annotation, other: Annotation) -> tuple[str, str] | None:
    return None if "unsure" in (one.verdict, other.verdict) else (one.new, other.new)


def _kappa(pairs: list[tuple[str, str]]) -> float | None:
    if len({label for pair in pairs for label in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    ones, others = zip(*pairs, strict=True)
    return float(cohen_kappa_score(ones, others))
