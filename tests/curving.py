"""A finished learning curve that a test makes up, without its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labcore.config import RunConfig
from labcore.curve.events import MEL, CurvePoint, Scored
from labcore.curve.job import ALL, CurvePlan, LearningCurve
from labcore.events import JobFinished
from labcore.workspace import Workspace

GROUPS = [1, 2] * 10
"""Clips of each recording of the test fold: 30 of 20."""


def scored(correct: Sequence[int]) -> Scored:
    share = sum(correct) / sum(GROUPS)
    return Scored(accuracy=share, macro_f1=share, correct=list(correct))


def right(recordings: int) -> list[int]:
    """All clips of so many recordings right, from the first on, of the others none."""
    return [clips if number < recordings else 0 for number, clips in enumerate(GROUPS)]


def point(name: str, run_id: str, recipe: int, mel: int) -> CurvePoint:
    """So many recordings of the test fold are right by the recipe, and by the baseline."""
    size = name.partition("/")[0]
    recordings = 16.0 if size == ALL else float(size)
    return CurvePoint(
        name=name, run_id=run_id, recordings=recordings, clips=int(2 * recordings), epochs=9, groups=GROUPS,
        recipe=scored(right(recipe)), baselines={MEL: scored(right(mel))},
    )  # fmt: skip


def made_curve(
    workspace: Workspace, figures: Mapping[str, tuple[int, int]], sizes: Sequence[str], samples: int = 1, by: str = ""
) -> LearningCurve:
    """Name of a run → recordings right by the recipe and by the baseline; runs without figures are not finished."""
    curve = LearningCurve.new(workspace, "made")
    names = [f"{size}/{sample}" for sample in range(1, samples + 1) for size in sizes]
    members = tuple((name, f"20260101-000000-curve-{number}") for number, name in enumerate(names))
    config = RunConfig().replace({"data.dataset": "made", "data.fold": "1"}).model_dump(mode="json")
    plan = CurvePlan(config=config, members=members, by=by, sizes=tuple(sizes), samples=samples)
    with curve.draft(queued=True, by=by) as draft:
        draft.save("curve", plan.model_dump(mode="json"))
    with curve.hold():
        curve.append(curve.started())
        for name, run_id in members:
            if name in figures:
                curve.append(point(name, run_id, *figures[name]))
        curve.append(JobFinished(state="finished", seconds=9.0))
    return curve
