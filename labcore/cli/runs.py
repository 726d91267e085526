"""List, show, compare, calibrate, report, name, tag, archive, stop and delete runs; find labels that look wrong.

Examples:
  labcore runs list --filter state=finished --sort accuracy
  labcore runs show last --follow
  labcore runs compare 20261126-1030 last
  labcore runs report last --output last.html
  labcore runs rename last quiet-room
  labcore runs delete 20261126-1030
  labcore runs restore last
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labcore.catalogue.rows import row_of
from labcore.cli import (
    run_changes,
    run_list,
    runs_calibrate,
    runs_compare,
    runs_hidden,
    runs_report,
    runs_suspicious,
    runs_unknown,
)
from labcore.cli.figures import figures_of, lines
from labcore.cli.jobs import follow, own, stop
from labcore.cli.output import Content, duration, facts_lines, one_line, tell
from labcore.cli.parser import Parser, add_anyone, add_json, add_run, run_named, runs_named, subcommands
from labcore.cli.run_list import brief
from labcore.errors import LabError, RunError
from labcore.events import Evaluated, EvaluatedLabels, TrainingStarted, epochs_of, last_of, result_of
from labcore.jobs.glances import glance
from labcore.jobs.status import JobStatus
from labcore.jobs.trash import KEPT_DAYS
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.evaluation.figures import Figures


def parser() -> Parser:
    parser = Parser(prog="labcore runs", description=__doc__)
    actions = subcommands(
        parser,
        {
            "list": (run_list.show_list, "list runs, newest first"),
            "show": (show, "show a run: settings, state and results"),
            "compare": (runs_compare.run, runs_compare.HELP),
            "calibrate": (runs_calibrate.run, runs_calibrate.HELP),
            "unknown": (runs_unknown.run, runs_unknown.HELP),
            "hidden": (runs_hidden.run, runs_hidden.HELP),
            "report": (runs_report.run, runs_report.HELP),
            "suspicious": (runs_suspicious.run, runs_suspicious.HELP),
            "stop": (stop_named, "stop runs after the current batch, however they were started; they can be resumed"),
            "delete": (
                run_changes.delete,
                f"delete runs and their files; for {KEPT_DAYS:.0f} days they can be restored",
            ),
            **run_changes.ACTIONS,
        },
    )
    add_run(actions["show"])
    actions["show"].add_argument("--follow", "-f", action="store_true", help="follow it until it ends")
    runs_compare.add_to(actions["compare"])
    runs_calibrate.add_to(actions["calibrate"])
    runs_unknown.add_to(actions["unknown"])
    runs_hidden.add_to(actions["hidden"])
    runs_report.add_to(actions["report"])
    runs_suspicious.add_to(actions["suspicious"])
    add_run(actions["stop"], many=True)
    add_run(actions["delete"], many=True)
    actions["delete"].add_argument("--yes", "-y", action="store_true", help="do not ask for confirmation")
    actions["delete"].add_argument("--for-good", action="store_true", help="at once, so that it cannot be undone")
    run_list.add_flags(actions["list"])
    run_changes.add_flags(actions)
    for name in ("stop", "delete"):
        add_anyone(actions[name], name)
    for name in ("list", "show"):
        add_json(actions[name], "lines of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    return arguments.does(Workspace.default(), arguments)


def show(workspace: Workspace, arguments: argparse.Namespace) -> int:
    each = Run.open(workspace, run_named(arguments))
    if arguments.follow:
        return follow(each, arguments.json)
    events, status = each.events(), glance(each)
    training = last_of(events, TrainingStarted)
    evaluated = result_of(events)
    figures = figures_of(each)
    facts = brief(each, status, row_of(each)) | {name: each.load(name) for name in ("config", "labels", "environment")}
    facts |= {
        "training": training and training.facts(),
        "epoch_events": [epoch.facts() for epoch in epochs_of(events)],
        "evaluated": evaluated and evaluated.facts(),
        "figures": figures and figures.to_dict(),
    }
    return tell(facts, *summary(each, status, training, evaluated, figures), as_json=arguments.json)


def summary(
    each: Run,
    status: JobStatus,
    training: TrainingStarted | None,
    evaluated: Evaluated | EvaluatedLabels | None,
    figures: Figures | None = None,
) -> list[Content]:
    """What ``runs show`` prints, from a run's status and its last events."""
    from labcore.datasets.corrected_since import corrected_since
    from labcore.datasets.corrections import Corrections

    row = row_of(each)
    facts, about = brief(each, status, row), row.about
    told = {
        "run": each.id,
        "name": row.name,
        "folder": str(each.path),
        "state": _state(status, facts["epochs"]),
        "by": status.by or "",
    }
    if status.error:
        told["error"] = one_line(LabError(status.error, status.remedy))
    told |= {"data": facts["dataset"] or "?", "network": facts["model"] or "?"}
    if training:
        clips = f"{counted(training.train_clips, 'training clip')}, {training.val_clips} of test fold {training.fold}"
        told["data"] += f": {clips}{'; clips of their recordings were trained on' if training.leaks else ''}"
        told["network"] += f", {training.parameters:,} parameters, {training.precision} on {training.device}"
        told["device"] = training.device_reason
        begun = Corrections.of_run(each)
        told |= {"labels": begun.sentence.removeprefix("labels of "), "mended": "; ".join(begun.mended)}
    finished = evaluated is not None and status.state == "finished"
    if (status.accuracy is not None or status.mean_ap is not None) and not finished:
        figure = "accuracy" if status.accuracy is not None else "mAP"
        told[figure] = f"{status.figure.removeprefix('mAP ')} on the {status.watched} clips after epoch {status.epoch}"
    told |= {"tags": ", ".join(about.tags), "note": about.note, "archived": "yes" if about.archived else ""}
    content: list[Content] = [*facts_lines(told)]
    if evaluated is not None and finished:
        from labcore.cli.evaluate import report  # what a list has no use for

        content += ["", *report(evaluated, corrected_since(each)), *(["", *lines(figures)] if figures else [])]
    try:
        from labcore.export import again

        return [*content, "", f"To train it again: {again(each)}"]
    except RunError as error:
        return [*content, "", str(error)]


def stop_named(workspace: Workspace, arguments: argparse.Namespace) -> int:
    return stop(own([Run.open(workspace, name) for name in runs_named(arguments)], arguments, "stop"))


def _state(status: JobStatus, epochs: int | None) -> str:
    parts = [status.state, f"epoch {status.epoch} of {epochs}"]
    if status.seconds_left is not None:
        parts.append(f"{duration(status.seconds_left)} left")
    if status.stopped_by and status.stopped_by != status.by:
        parts.append(f"stopped by {status.stopped_by}")
    return ", ".join(parts)
