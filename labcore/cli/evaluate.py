"""Measure a classifier on clips of a data set: accuracy with its interval, and precision, recall and F1 per class. Of a classifier of
several labels a clip: mean average precision (mAP) with its interval, and average precision and F1 per label.

Examples:
  labcore evaluate
  labcore evaluate last --dataset esc50 --fold 2
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from labcore.cli.foreground import run_short
from labcore.cli.inputs import dataset_named, weights_named
from labcore.cli.output import DONE, Content, percent, say, table, tell
from labcore.cli.parser import WEIGHTS, Parser, add_dataset, add_device, add_json, add_run, count, run_named
from labcore.cli.reporter import ConsoleReporter, result_line
from labcore.errors import WorkspaceError
from labcore.evaluation.jobs import ClipsChosen, Evaluation, EvaluationPlan
from labcore.evaluation.label_metrics import label_rows
from labcore.evaluation.metrics import event_figures
from labcore.events import Evaluated, EvaluatedLabels, Event, last_of, result_of
from labcore.runs.honesty import choice_note, label_note, majority_note
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore evaluate", description=__doc__)
    add_run(parser, WEIGHTS, default="last")
    add_dataset(parser)
    parser.add_argument("--class", dest="label", metavar="LABEL", help="use clips of this class only")
    parser.add_argument(
        "--windows", action="store_true", help="keep predictions per window, not per clip, in predictions.parquet"
    )
    parser.add_argument("--batch-size", metavar="N", type=count, default=64, help="windows per batch (default: 64)")
    add_device(parser)
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    plan = EvaluationPlan(
        run=weights_named(workspace, run_named(arguments)),
        dataset=dataset_named(workspace, arguments.dataset),
        fold=arguments.fold,
        label=arguments.label,
        device=arguments.device,
        rows="windows" if arguments.windows else "clips",
        batch_size=arguments.batch_size,
    )
    try:
        job = Evaluation.create(workspace, plan)
    except WorkspaceError as trouble:
        return _without_a_trace(plan, workspace, trouble, as_json=arguments.json)
    status = run_short(job)
    if status == DONE:
        if job.predictions.is_file():
            say(f"predictions: {job.predictions}")
        kept = str(job.predictions) if job.predictions.is_file() else None
        _emit(job.events(), plan.run, kept, as_json=arguments.json)
    return status


def _without_a_trace(plan: EvaluationPlan, workspace: Workspace, trouble: WorkspaceError, *, as_json: bool) -> int:
    """The figures alone, where the workspace cannot be written."""
    from labcore.evaluation.predictions import not_kept
    from labcore.evaluation.work import evaluated

    events, report_event = list[Event](), ConsoleReporter(result=False)
    for event in evaluated(plan, workspace, lambda: False):
        report_event(event)
        events.append(event)
    say(f"warning: {not_kept(trouble)}")
    _emit(events, plan.run, None, as_json=as_json)
    return DONE


def _emit(events: Sequence[Event], run: str, predictions: str | None, *, as_json: bool) -> None:
    chosen, result = last_of(events, ClipsChosen), result_of(events)
    assert chosen is not None
    assert result is not None
    facts = {"run": run, "dataset": chosen.dataset, "predictions": predictions, **figures(result)}
    tell(facts, *report(result), as_json=as_json)


def figures(result: Evaluated | EvaluatedLabels) -> dict[str, Any]:
    """Final figures as plain data."""
    return result.model_dump(exclude={"type", "time"})


def report(result: Evaluated | EvaluatedLabels, since: int = 0) -> list[Content]:
    """Final figures for people: a sentence and a table of the classes. ``since``: so many of the clips' labels were corrected later."""
    if isinstance(result, EvaluatedLabels):
        return label_report(result, since)
    rows = [
        [label, *(percent(each.get(name)) for name in ("precision", "recall", "f1")), f"{each.get('clips', 0):g}"]
        for label, each in result.per_class.items()
    ]
    note = [f"{choice_note(result.adjusted)}."] if result.adjusted else []
    if (events := event_figures(result.confusion)) is not None:
        note.append(f"{events.sentence}.")
    if majority := majority_note(result.confusion):
        note.append(f"{majority}.")
    labels = label_note(result.clips, result.corrected, since)
    note += [f"{labels}."] if labels else []
    return [result_line(result), *note, "", table(["class", "precision", "recall", "F1", "clips"], rows)]


def label_report(result: EvaluatedLabels, since: int = 0) -> list[Content]:
    """The same of several labels a clip: a sentence and a table of the labels, the lowest average precision first."""
    rows = [
        [
            label,
            *(_number(each[name]) for name in ("average_precision", "f1", "precision", "recall", "threshold")),
            str(each["clips"]),
        ]
        for label, each in label_rows(result)
    ]
    notes = [choice_note(result.adjusted)] if result.adjusted else []
    notes += filter(None, [label_note(result.clips, result.corrected, since)])
    head = ["label", "average precision", "F1", "precision", "recall", "threshold", "clips"]
    return [result_line(result), *(f"{note}." for note in notes), "", table(head, rows)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
