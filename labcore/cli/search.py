"""Tune hyperparameters with Optuna.

Each trial is a run, measured on a validation fold. The fold that --fold names is used by no trial, so that --final can
measure the best settings on it. Ctrl-C stops; --resume continues.

Ranges: optim.lr=0.01:0.3:log, dropout=0:0.6, model.width=0.5,1,2, or a name alone for a usual range, else its bounds.

Examples:
  labcore search --dataset esc50 --trials 30
  labcore search --dataset esc50 --vary lr=0.01:0.3:log --vary dropout=0:0.6
  labcore search --final last
"""

from __future__ import annotations

import argparse
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from labcore.cli.expected import expected
from labcore.cli.foreground import train_everywhere, work_on
from labcore.cli.jobs import own
from labcore.cli.output import DONE, duration, emit, emit_json, nothing_yet, say, table, tell_list
from labcore.cli.parser import (
    Parser,
    add_anyone,
    add_config_flags,
    add_engine,
    add_existing,
    add_json,
    config_from,
)
from labcore.cli.progress import Bar, bars
from labcore.cli.refused import refuse_recipe
from labcore.errors import LabError
from labcore.jobs.listing import looked_at
from labcore.owners import shell_user
from labcore.search.events import SearchFinished, SearchStarted, TrialEnded, TrialProgress, TrialStarted
from labcore.search.folder import Search
from labcore.search.objectives import OBJECTIVES
from labcore.search.settings import make_settings
from labcore.search.space import read_ranges
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.events import Event
    from labcore.search.report import SearchReport


def parser() -> Parser:
    parser = Parser(
        prog="labcore search",
        usage="labcore search [--dataset NAME] [--trials N] [--vary SETTING=RANGE ...] [options]",
        description=__doc__,
    )
    own = parser.add_argument_group("search")
    own.add_argument("--trials", type=int, metavar="N", help="number of trials, pruned ones included (default: 20)")
    own.add_argument(
        "--vary", metavar="SETTING=RANGE", action="append", default=[], help="setting to vary with its range; repeatable (default: "
        "learning rate, weight decay, dropout, mixup and time mask)",
    )  # fmt: skip
    own.add_argument(
        "--objective",
        choices=tuple(OBJECTIVES),
        help="figure to optimize (default: accuracy; of several labels a clip map)",
    )
    own.add_argument("--no-pruning", action="store_true", help="train every trial to its end")
    own.add_argument("--search-seed", type=int, metavar="N", help="seed of the sampler (default: 0)")
    add_engine(own, "trial")
    other = add_existing(parser, "searches", "trials", "SEARCH")
    other.add_argument(
        "--resume", metavar="SEARCH", help="continue one; --trials changes their number, --dataset names the new place of a data set that "
        "was moved",
    )  # fmt: skip
    other.add_argument(
        "--final", metavar="SEARCH", help="train the best settings once, and measure them on the test fold"
    )
    add_anyone(parser, "with --resume: continue it")
    add_json(parser, "lines of JSON")
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    if arguments.show is not None:
        return _show(Search.open(workspace, arguments.show).report(), as_json=arguments.json)
    if arguments.final is not None:
        from labcore.search.report import train_best

        final = train_best(Search.open(workspace, arguments.final), by=shell_user())
        return train_everywhere(final, as_json=arguments.json)
    if arguments.engine == "ray":
        from labcore.runs.ray_queue import require_ray

        require_ray()
    if arguments.resume is not None:
        refuse_recipe(arguments, "search", ["vary", "objective", "no_pruning", "search_seed"])
        return _drive(_resumable(workspace, arguments), arguments)
    from labcore.cli.train import check_inputs

    config = check_inputs(config_from(arguments), workspace)
    settings = make_settings(
        workspace,
        config,
        read_ranges(arguments.vary, config),
        trials=20 if arguments.trials is None else arguments.trials,
        pruning=not arguments.no_pruning,
        seed=arguments.search_seed or 0,
        objective=arguments.objective,
    )
    longest = settings.longest
    most = settings.pruning or bool(longest)
    say(expected(workspace, settings.trial_config(longest), settings.trials, most=most))
    return _drive(Search.create(workspace, settings), arguments)


def _resumable(workspace: Workspace, arguments: argparse.Namespace) -> Search:
    """The search that was named, ready to go on.

    Raises:
        LabError: there is none, it is another's, or what hinders it.
    """
    from labcore.jobs.manager import make_ready

    (search,) = own([Search.open(workspace, arguments.resume)], arguments, "resume")
    search.extend(arguments.trials)
    with search.hold():
        make_ready(search, vars(arguments).get("data.dataset"))
    return search


def _drive(search: Search, arguments: argparse.Namespace) -> int:
    """Drive a search in this process; its runs are worked on in processes of their own, or by a Ray cluster."""
    with contextlib.ExitStack() as stack:
        doing = None
        if arguments.engine == "ray":
            from labcore.runs.ray_queue import RayQueue, connected
            from labcore.search import driver

            ray, device = connected(arguments.ray_address), search.settings.config.runtime.device
            stack.callback(ray.shutdown)
            queue = RayQueue(ray, cores=arguments.cores, by=search.owner or shell_user())
            say(queue.about(device))
            doing = partial(driver.work, queue=queue, devices=[device] * queue.room(device))
        stops, resume = "stopping the running trials", "labcore search --resume"
        return work_on(search, tell_event, stops, as_json=arguments.json, doing=doing, resume=resume)


def tell_event(event: Event) -> None:
    if isinstance(event, SearchStarted):
        say(f"search {event.search_id} in {event.search_dir}")
        say(f"{counted(event.trials, 'trial')}, {event.done} of them done; varied: {' '.join(event.varied)}")
        say(f"validated on fold {event.validation}; no trial uses test fold {event.test_fold}")
    elif isinstance(event, TrialStarted):
        again = "goes on" if event.resumed else f"run {event.run_id}"
        say(f"trial {event.trial}: {changes_line(event.changes)}  {again}")
    elif isinstance(event, TrialProgress):
        detail = f"epoch {event.epoch}/{event.epochs}  {event.value:.4f}"
        bars.show(Bar(f"trial {event.trial}", event.epoch, event.epochs, detail))
    elif isinstance(event, TrialEnded):
        value = "" if event.value is None else f" {event.value:.4f}"
        say(f"trial {event.trial}: {event.state}{value}{', the best so far' if event.best else ''}"
            f"{f' ({event.note})' if event.note else ''}")  # fmt: skip
    elif isinstance(event, SearchFinished):
        if event.error:
            say(f"{event.state}: {LabError(event.error, event.remedy)}")
        if event.best_value is not None:
            say(
                f"best: trial {event.best_trial}, {event.best_value:.4f} on the validation fold: {changes_line(event.changes)}"
            )


def changes_line(changes: dict[str, Any]) -> str:
    """What a trial changes, in a line: ``optim.lr=0.05 model.dropout=0.3``."""
    words = (
        "auto" if value is None else f"{value:.4g}" if isinstance(value, float) else value for value in changes.values()
    )
    return " ".join(f"{path}={word}" for path, word in zip(changes, words, strict=True))


def _list(workspace: Workspace, *, as_json: bool) -> int:
    reports, broken = looked_at(Search.every(workspace), Search.report, lambda search: search.id)
    head = ["search", "state", "trials", "best", "data set"]
    rows = []
    for report in reports:
        done = f"{report.done}/{report.settings.trials}"
        best = _value(report, report.best.value if report.best else None)
        rows.append([report.id, report.state, done, best, report.settings.config.data.dataset])
    broken += Search.unreadable(workspace)
    none = nothing_yet(workspace, "searches", "search")
    return tell_list(map(facts, reports), head, rows, broken, "search_id", none=none, as_json=as_json)


def facts(report: SearchReport) -> dict[str, Any]:
    """A search at a glance, as a line of ``search --list --json``."""
    best = report.best
    return {
        "search_id": report.id,
        "by": report.by,
        "state": report.state,
        "trials": report.settings.trials,
        "done": report.done,
        "objective": report.settings.objective,
        "test_fold": report.settings.test_fold,
        "validation": report.settings.validation,
        "dataset": report.settings.config.data.dataset,
        "varied": [each.words() for each in report.settings.ranges],
        "best": {"trial": best.number, "run_id": best.run_id, "value": best.value, "changes": best.changes}
        if best
        else None,
        "final_run": report.final,
        "final_trial": report.final_trial,
        "error": report.status.error,
    }


def _show(report: SearchReport, *, as_json: bool) -> int:
    if as_json:
        emit_json(facts(report))
        for trial in report.trials:
            emit_json({"trial": trial.number, "state": trial.state, "value": trial.value, "changes": trial.changes,
                       "run_id": trial.run_id, "epochs": max(trial.curve, default=0), "note": trial.note,
                       "seconds": trial.seconds})  # fmt: skip
        return DONE
    settings = report.settings
    emit(f"search {report.id}  {report.state}  {report.done} of {counted(settings.trials, 'trial')}")
    emit(
        f"data set {settings.config.data.dataset}, validated on fold {settings.validation}, test fold {settings.test_fold}"
    )
    if report.status.error:
        emit(f"{report.state}: {LabError(report.status.error, report.status.remedy)}")
    head = ["trial", "state", settings.goal.title.lower(), "epochs", "time", "varied", ""]
    rows = []
    for trial in report.trials:
        value, epochs = _value(report, trial.value), max(trial.curve, default=0)
        seconds = None if trial.seconds is None else duration(trial.seconds)
        rows.append([trial.number, trial.state, value, epochs, seconds, changes_line(trial.changes), trial.note])
    emit("", table(head, rows))
    if report.best is not None:
        emit("")
        emit(f"best: trial {report.best.number}, run {report.best.run_id}")
        if report.flatters:
            emit(f"{report.flatters}.")
        if report.final:
            then = f"the settings of trial {report.final_trial}, the best one then,"
            whose = then if report.outdated else "these settings"
            emit(f"trained with {whose} and measured on test fold {settings.test_fold}: run {report.final}")
        elif not report.active:
            emit(f"`labcore search --final {report.id}` trains it and measures it on test fold {settings.test_fold}")
    return DONE


def _value(report: SearchReport, value: float | None) -> str:
    return "-" if value is None else report.settings.goal.text(value)
