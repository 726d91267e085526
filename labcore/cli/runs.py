"""``labcore runs``: list, show, follow, stop and delete runs."""

from __future__ import annotations

import argparse
from typing import Any

from labcore.cli.evaluate import report
from labcore.cli.jobs import delete, follow, own, stop
from labcore.cli.output import DONE, duration, emit, emit_json, percent, say, table, tell_unreadable
from labcore.cli.parser import Parser, add_anyone, add_json, add_run, add_runs, run_named, runs_named, subcommands
from labcore.errors import LabError, RunError
from labcore.events import Evaluated, TrainingStarted, epochs_of, last_of
from labcore.jobs.glances import asked_of, glance, glances
from labcore.jobs.status import JobStatus
from labcore.owners import is_anothers, shell_user
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore runs", description="List, show, follow, stop and delete runs.")
    actions = subcommands(
        parser,
        [
            ("list", "list all runs, newest first"),
            ("show", "show what a run is, how it goes or went, and its final figures"),
            ("stop", "stop runs after the batch at hand, however they were started; they can be resumed"),
            ("delete", "delete runs with all that belongs to them"),
        ],
    )
    add_run(actions["show"])
    actions["show"].add_argument("--follow", "-f", action="store_true", help="watch it until it ends")
    add_runs(actions["stop"])
    add_runs(actions["delete"])
    actions["delete"].add_argument("--yes", "-y", action="store_true", help="do not ask")
    actions["list"].add_argument("--mine", action="store_true", help="only your own, and those of nobody known")
    for name, what in (("stop", "stop them"), ("delete", "delete them")):
        add_anyone(actions[name], what)
    for name in ("list", "show"):
        add_json(actions[name], "lines of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    match arguments.action:
        case "list":
            return show_list(workspace, arguments.json, mine=arguments.mine)
        case "show":
            chosen = Run.open(workspace, run_named(arguments))
            if arguments.follow:
                return follow(chosen, arguments.json)
            return show(chosen, arguments.json)
        case "stop":
            return stop(_named(workspace, arguments, "stop"))
        case _:
            broken = {each.name: each for each in Run.unreadable(workspace)}
            strays = [broken[name] for name in runs_named(arguments) if name in broken]
            named = [name for name in runs_named(arguments) if name not in broken]
            return delete(_named(workspace, arguments, "delete", named), strays, arguments.yes)


def _named(workspace: Workspace, arguments: argparse.Namespace, what: str, names: list[str] | None = None) -> list[Run]:
    """The runs that were named, once it is clear that something may happen to all of them. ``names`` are all that were given."""
    chosen = [Run.open(workspace, name) for name in (runs_named(arguments) if names is None else names)]
    return own(chosen, arguments, what)


def show_list(workspace: Workspace, as_json: bool, *, mine: bool = False) -> int:
    rows, me, owners, told = [], shell_user(), set[str](), list[str]()
    broken = Run.unreadable(workspace)
    for each, status in glances(workspace, Run):
        facts = brief(each, status)
        if mine and is_anothers(facts["by"], me):
            continue
        owners.add(facts["by"] or me)
        if as_json:
            emit_json(facts)
        if status.state == "unreadable":
            told.append(status.error)
        rows.append(
            [
                each.id,
                facts["state"],
                f"{facts['epoch']}/{facts['epochs']}" if facts["epochs"] else "-",
                percent(facts["accuracy"]),
                str(facts["dataset"] or "?"),
                str(facts["model"] or "?"),
                facts["by"] or "-",
            ]
        )
    if not as_json:
        head = ["run", "state", "epochs", "accuracy", "data set", "network", "by"]
        if owners <= {me}:  # who works alone need not be told whose it all is
            head, rows = head[:-1], [row[:-1] for row in rows]
        for line in (*table(head, rows), *told):
            emit(line)
        if not rows:
            say("there are no runs yet; `labcore train` makes one")
    tell_unreadable(broken, "run_id", as_json=as_json)
    if (broken or told) and not as_json:
        say("`labcore runs delete RUN` removes what cannot be read")
    return DONE


def brief(each: Run, status: JobStatus) -> dict[str, Any]:
    """A run at a glance, as a line of ``runs list --json``. Data set and network are null where they cannot be read."""
    asked = asked_of(each)
    return {
        "run_id": each.id,
        "run_dir": str(each.path),
        "state": status.state,
        "by": status.by,
        "stopped_by": status.stopped_by,
        "epoch": status.epoch,
        "epochs": status.epochs or asked.epochs,
        "accuracy": status.accuracy,
        "dataset": asked.dataset,
        "model": asked.model,
        "seconds_left": status.seconds_left,
        "error": status.error,
        "remedy": status.remedy,
        "changed_at": status.changed_at,
    }


def show(each: Run, as_json: bool) -> int:
    events = each.events()
    status = glance(each)
    training, evaluated = last_of(events, TrainingStarted), last_of(events, Evaluated)
    if as_json:
        facts = brief(each, status) | {
            "config": each.load("config"),
            "labels": each.load("labels"),
            "environment": each.load("environment"),
            "training": training and training.facts(),
            "epoch_events": [epoch.facts() for epoch in epochs_of(events)],
            "evaluated": evaluated and evaluated.facts(),
        }
        emit_json(facts)
        return DONE
    for line in summary(each, status, training, evaluated):
        emit(line)
    return DONE


def summary(each: Run, status: JobStatus, training: TrainingStarted | None, evaluated: Evaluated | None) -> list[str]:
    """What ``runs show`` prints, from a run's status and its last events."""
    facts = brief(each, status)
    state = f"{status.state}, epoch {status.epoch} of {facts['epochs']}"
    if status.seconds_left is not None:
        state += f", {duration(status.seconds_left)} left"
    if status.stopped_by and status.stopped_by != status.by:
        state += f", stopped by {status.stopped_by}"
    lines = [f"run       {each.id}", f"folder    {each.path}", f"state     {state}"]
    if status.by:
        lines.append(f"by        {status.by}")
    if status.error:
        lines.append(f"error     {' '.join(str(LabError(status.error, status.remedy)).split())}")
    data = f"data      {facts['dataset'] or '?'}"
    if training:
        data += f": {counted(training.train_clips, 'clip')} to train on, {training.val_clips} held out (fold {training.fold})"
        data += "; the split leaks" if training.leaks else ""
    lines += [data, f"network   {facts['model'] or '?'}"]
    if training:
        lines[-1] += f", {training.parameters:,} parameters, {training.precision} on {training.device}"
        lines.append(f"          {training.device_reason}")
    if evaluated and status.state == "finished":
        lines += ["", *report(evaluated)]
    elif status.accuracy is not None:
        watched = "validation" if training and training.validation_clips else "held-out"
        lines.append(f"accuracy  {percent(status.accuracy)} on the {watched} clips after epoch {status.epoch}")
    try:
        from labcore.export import again

        lines += ["", f"again     {again(each)}"]
    except RunError as error:
        lines += ["", str(error)]
    return lines
