"""List, show, compare, calibrate, stop and delete runs.

Examples:
  labcore runs list
  labcore runs show last --follow
  labcore runs compare 20261126-1030 last
  labcore runs delete 20261126-1030
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from labcore.cli import runs_calibrate, runs_compare, runs_unknown
from labcore.cli.evaluate import report
from labcore.cli.figures import figures_of, lines
from labcore.cli.jobs import delete, follow, own, stop
from labcore.cli.output import (
    DONE,
    Content,
    duration,
    emit,
    facts_lines,
    one_line,
    percent,
    say,
    tell,
    tell_list,
)
from labcore.cli.parser import Parser, add_anyone, add_json, add_run, run_named, runs_named, subcommands
from labcore.errors import LabError, RunError
from labcore.events import Evaluated, TrainingStarted, epochs_of, last_of
from labcore.jobs.glances import glance, glances, known
from labcore.jobs.status import JobStatus
from labcore.owners import is_anothers, shell_user
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
            "list": (show_list, "list runs, newest first"),
            "show": (show, "show a run: settings, state and results"),
            "compare": (runs_compare.run, runs_compare.HELP),
            "calibrate": (runs_calibrate.run, runs_calibrate.HELP),
            "unknown": (runs_unknown.run, runs_unknown.HELP),
            "stop": (stop_named, "stop runs after the current batch, however they were started; they can be resumed"),
            "delete": (delete_named, "delete runs and their files"),
        },
    )
    add_run(actions["show"])
    actions["show"].add_argument("--follow", "-f", action="store_true", help="follow it until it ends")
    runs_compare.add_to(actions["compare"])
    runs_calibrate.add_to(actions["calibrate"])
    runs_unknown.add_to(actions["unknown"])
    add_run(actions["stop"], many=True)
    add_run(actions["delete"], many=True)
    actions["delete"].add_argument("--yes", "-y", action="store_true", help="do not ask for confirmation")
    actions["list"].add_argument("--mine", action="store_true", help="list your own only, and those without an owner")
    for name in ("stop", "delete"):
        add_anyone(actions[name], name)
    for name in ("list", "show"):
        add_json(actions[name], "lines of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    return arguments.does(Workspace.default(), arguments)


def show_list(workspace: Workspace, arguments: argparse.Namespace) -> int:
    me, broken = shell_user(), Run.unreadable(workspace)
    found = [(brief(each, status), status.error) for each, status in glances(workspace, Run)]
    found = [each for each in found if not (arguments.mine and is_anothers(each[0]["by"], me))]
    head = ["run", "state", "epochs", "accuracy", "data set", "network", "by"]
    if all(facts["by"] in (me, "") for facts, _ in found):  # who works alone need not be told whose it all is
        head.remove("by")
    rows = [_row(facts)[: len(head)] for facts, _ in found]
    none = "there are no runs yet; `labcore train` makes one"
    tell_list((facts for facts, _ in found), head, rows, broken, "run_id", none=none, as_json=arguments.json)
    unreadable = [error for facts, error in found if facts["state"] == "unreadable"]
    if (broken or unreadable) and not arguments.json:
        emit(*unreadable)
        say("`labcore runs delete RUN` removes what cannot be read")
    return DONE


def _row(facts: dict[str, Any]) -> list[object]:
    epochs = f"{facts['epoch']}/{facts['epochs']}" if facts["epochs"] else None
    data, network, by = facts["dataset"] or "?", facts["model"] or "?", facts["by"] or None
    return [facts["run_id"], facts["state"], epochs, percent(facts["accuracy"]), data, network, by]


def brief(each: Run, status: JobStatus) -> dict[str, Any]:
    """A run at a glance, as a line of ``runs list --json``. Data set and network are null where they cannot be read."""
    asked, _ = known(each)
    return {
        "run_id": each.id,
        "run_dir": str(each.path),
        **{name: getattr(status, name) for name in ("state", "by", "stopped_by", "epoch")},
        "epochs": status.epochs or asked.epochs,
        "accuracy": status.accuracy,
        "dataset": asked.dataset,
        "model": asked.model,
        **{name: getattr(status, name) for name in ("seconds_left", "error", "remedy", "changed_at")},
    }


def show(workspace: Workspace, arguments: argparse.Namespace) -> int:
    each = Run.open(workspace, run_named(arguments))
    if arguments.follow:
        return follow(each, arguments.json)
    events, status = each.events(), glance(each)
    training, evaluated = last_of(events, TrainingStarted), last_of(events, Evaluated)
    figures = figures_of(each)
    facts = brief(each, status) | {name: each.load(name) for name in ("config", "labels", "environment")}
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
    evaluated: Evaluated | None,
    figures: Figures | None = None,
) -> list[Content]:
    """What ``runs show`` prints, from a run's status and its last events."""
    facts = brief(each, status)
    told = {"run": each.id, "folder": str(each.path), "state": _state(status, facts["epochs"]), "by": status.by or ""}
    if status.error:
        told["error"] = one_line(LabError(status.error, status.remedy))
    told |= {"data": facts["dataset"] or "?", "network": facts["model"] or "?"}
    if training:
        clips = f"{counted(training.train_clips, 'training clip')}, {training.val_clips} of test fold {training.fold}"
        told["data"] += f": {clips}{'; the split leaks' if training.leaks else ''}"
        told["network"] += f", {training.parameters:,} parameters, {training.precision} on {training.device}"
        told["device"] = training.device_reason
    finished = evaluated is not None and status.state == "finished"
    if status.accuracy is not None and not finished:
        watched = "validation" if training and training.validation_clips else "test"
        told["accuracy"] = f"{percent(status.accuracy)} on the {watched} clips after epoch {status.epoch}"
    content: list[Content] = [*facts_lines(told)]
    if evaluated is not None and finished:
        content += ["", *report(evaluated), *(["", *lines(figures)] if figures else [])]
    try:
        from labcore.export import again

        return [*content, "", f"To train it again: {again(each)}"]
    except RunError as error:
        return [*content, "", str(error)]


def stop_named(workspace: Workspace, arguments: argparse.Namespace) -> int:
    return stop(own([Run.open(workspace, name) for name in runs_named(arguments)], arguments, "stop"))


def delete_named(workspace: Workspace, arguments: argparse.Namespace) -> int:
    broken = {each.name: each for each in Run.unreadable(workspace)}
    chosen = [Run.open(workspace, name) for name in runs_named(arguments) if name not in broken]
    strays = [broken[name] for name in runs_named(arguments) if name in broken]
    return delete(own(chosen, arguments, "delete"), strays, arguments.yes)


def _state(status: JobStatus, epochs: int | None) -> str:
    parts = [status.state, f"epoch {status.epoch} of {epochs}"]
    if status.seconds_left is not None:
        parts.append(f"{duration(status.seconds_left)} left")
    if status.stopped_by and status.stopped_by != status.by:
        parts.append(f"stopped by {status.stopped_by}")
    return ", ".join(parts)
