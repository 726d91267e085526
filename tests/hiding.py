"""A finished test with hidden classes that a test makes up, without its runs."""

from __future__ import annotations

from labcore.events import JobFinished
from labcore.hidden.events import ClassHidden
from labcore.hidden.job import HiddenClasses, HiddenPlan
from labcore.runs import Run


def hidden_test(run: Run, aurocs: dict[str, float], *, by: str = "", moment: float = 1e9) -> HiddenClasses:
    """Hidden class → its area under the ROC curve; four clips of each, of two recordings, of which one is noticed."""
    test = HiddenClasses.new(run.workspace, "made", moment)
    members = tuple((label, f"20260101-000000-without-{number}") for number, label in enumerate(aurocs))
    config = run.config.model_dump(mode="json")
    with test.draft(queued=True, by=by) as draft:
        draft.save("hidden", HiddenPlan(run=run.id, config=config, members=members, by=by).model_dump(mode="json"))
    with test.hold():
        test.append(test.started())
        for (label, run_id), auroc in zip(members, aurocs.values(), strict=True):
            test.append(
                ClassHidden(
                    label=label, run_id=run_id, auroc=auroc, low=auroc - 0.1, high=auroc + 0.05, known=20, unknown=4, recordings=2,
                    refused_known=1, refused_unknown=1, predicted_as={"cat": 2, "owl": 1},
                )
            )  # fmt: skip
        test.append(JobFinished(state="finished", seconds=9.0))
    return test
