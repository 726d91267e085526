"""``labcore search``: look for better settings of chosen knobs, trial by trial."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from labcore.cli.attend import attend_everywhere, say_raw, stop_on_signals
from labcore.cli.output import (
    DONE,
    FAILED,
    INTERRUPTED,
    duration,
    emit,
    emit_json,
    live,
    mute_stdout,
    percent,
    say,
    table,
    tell_unreadable,
)
from labcore.cli.parser import Parser, add_anyone, add_config_flags, config_from
from labcore.errors import ConfigError
from labcore.listing import looked_at
from labcore.people import need_own, shell_user
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.events import Event
    from labcore.search import Report, Search

SEARCH_HELP = "a search's id or a part of it, or the word last"


def parser() -> Parser:
    parser = Parser(
        prog="labcore search",
        usage="labcore search [--dataset NAME] [--trials N] [--vary KNOB=RANGE ...] [flags of labcore train]",
        description="Look for better settings of chosen knobs with Optuna. Each trial is a run of its own, judged on a validation fold; "
        "the fold that --fold names is left out of all of them, so that it can judge what was found. Ctrl-C stops, "
        "--resume goes on.",
        epilog="Ranges: --vary optim.lr=0.01:0.3:log, --vary dropout=0:0.6, --vary model.width=0.5,1,2, or a knob's name alone for "
        "a range around the recipe. Without --vary: learning rate, weight decay, dropout, mixing and time masking.",
    )
    own = parser.add_argument_group("the search")
    own.add_argument(
        "--vary", metavar="KNOB=RANGE", action="append", default=[], help="a knob and its range; several times"
    )
    own.add_argument("--trials", type=int, metavar="N", help="how many runs, the pruned ones among them [default 20]")
    own.add_argument("--objective", choices=("accuracy", "loss"), default="accuracy",
                     help="what is judged by, on the validation fold [default accuracy]")  # fmt: skip
    own.add_argument("--no-pruning", action="store_true", help="train every trial to its end")
    own.add_argument(
        "--search-seed", type=int, default=0, metavar="N", help="seed of the sampler; --seed is that of each run"
    )
    other = parser.add_argument_group("searches that are there").add_mutually_exclusive_group()
    other.add_argument(
        "--resume",
        metavar="SEARCH",
        help=f"go on with {SEARCH_HELP}; --trials asks for another number of them, --dataset "
        "names the place that its data set has moved to",
    )
    other.add_argument("--list", action="store_true", help="list the searches of the workspace")
    other.add_argument("--show", metavar="SEARCH", help=f"show {SEARCH_HELP}")
    other.add_argument("--final", metavar="SEARCH", help="train the best settings of a search with the reported fold held out, once: "
                       "only there that fold is looked at")  # fmt: skip
    add_anyone(parser, "with --resume: go on with it")
    parser.add_argument("--json", action="store_true", help="lines of JSON on stdout, and nothing else there")
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    from labcore.search import Search, make_settings, read_ranges

    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    if arguments.show is not None:
        return _show(Search.open(workspace, arguments.show).load(), as_json=arguments.json)
    if arguments.final is not None:
        return _final(workspace, Search.open(workspace, arguments.final), as_json=arguments.json)
    if arguments.resume is not None:
        from labcore.search.job import make_ready

        search = Search.open(workspace, arguments.resume)
        _refuse_flags(arguments)
        if not arguments.anyone:
            what = f"search {search.id}"
            need_own(search.by, shell_user(), what, "Add --anyone to go on with it all the same")
        if place := vars(arguments).get("data.dataset"):
            search.name_place(workspace, place)
        make_ready(search, arguments.trials)
        return _drive(workspace, search, as_json=arguments.json)
    from labcore.cli.train import check_inputs

    config = check_inputs(config_from(arguments), workspace)
    settings = make_settings(
        workspace,
        config,
        read_ranges(arguments.vary, config),
        trials=20 if arguments.trials is None else arguments.trials,
        pruning=not arguments.no_pruning,
        seed=arguments.search_seed,
        objective=arguments.objective,
    )
    return _drive(workspace, Search.create(workspace, settings, by=shell_user()), as_json=arguments.json)


def _refuse_flags(arguments: argparse.Namespace) -> None:
    """A search goes on with the settings it began with.

    Raises:
        ConfigError: some were given.
    """
    from labcore.config import knobs

    given = [path for path in knobs() if path in vars(arguments) and path != "data.dataset"]  # it may have moved
    if arguments.vary or given or arguments.config or arguments.preset:
        raise ConfigError(
            f"a search that goes on keeps its settings; {'--vary' if arguments.vary else 'flags of the recipe'} cannot be given",
            "Leave them out, or start a new search",
        )


def _drive(workspace: Workspace, search: Search, *, as_json: bool) -> int:
    """Drive a search in this process; the runs are worked on by workers in processes of their own."""
    from labcore.jobs.manager import JobManager
    from labcore.search.driver import drive
    from labcore.search.events import SearchFinished

    muted, state, queue = False, "failed", JobManager(workspace)
    try:
        with stop_on_signals(lambda: say_raw("stopping the runs at work; once more kills\n")) as stopping:
            for event in drive(search, workspace, queue, stopping.is_set):
                _tell(event)
                if as_json and not muted:
                    try:
                        emit_json(event.facts())
                    except OSError:  # nobody reads any more; the search goes on
                        muted = True
                        mute_stdout()
                state = event.state if isinstance(event, SearchFinished) else state
    finally:
        queue.close()
    if state == "finished" and not as_json:
        emit(search.id)
    if state == "stopped":
        say(f"`labcore search --resume {search.id}` goes on")
    return {"finished": DONE, "stopped": INTERRUPTED}.get(state, FAILED)


def _tell(event: Event) -> None:
    from labcore.search.events import SearchFinished, SearchStarted, TrialEnded, TrialProgress, TrialStarted

    if isinstance(event, SearchStarted):
        say(f"search {event.search_id} in {event.search_dir}")
        say(f"{counted(event.trials, 'trial')}, {event.done} of them done; varied: {' '.join(event.varied)}")
        say(f"judged on fold {event.validation}; fold {event.reported} is left out of every trial")
    elif isinstance(event, TrialStarted):
        again = "goes on" if event.resumed else f"run {event.run_id}"
        say(f"trial {event.trial}: {changes_line(event.changes)}  {again}")
    elif isinstance(event, TrialProgress):
        live(f"trial {event.trial}  epoch {event.epoch}/{event.epochs}  {event.value:.4f}")
    elif isinstance(event, TrialEnded):
        value = "" if event.value is None else f" {event.value:.4f}"
        say(f"trial {event.trial}: {event.state}{value}{', the best so far' if event.best else ''}"
            f"{f' ({event.note})' if event.note else ''}")  # fmt: skip
    elif isinstance(event, SearchFinished):
        if event.error:
            say(f"failed: {event.error}. {event.remedy}")
        if event.best_value is not None:
            say(
                f"best: trial {event.best_trial}, {event.best_value:.4f} on the validation fold: {changes_line(event.changes)}"
            )


def _final(workspace: Workspace, search: Search, *, as_json: bool) -> int:
    from labcore.search import train_best

    queue = _Foreground(workspace)
    return attend_everywhere(train_best(workspace, search, queue, by=shell_user()), as_json=as_json)


class _Foreground:
    """Makes and readies runs that are worked on in this process."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def submit(self, config: Any, *, marks: dict[str, Any] | None = None, by: str = "") -> Any:
        from labcore.runs import Run

        return Run.create(self.workspace, config, marks=marks)

    def resume(self, run_id: str, *, by: str = "") -> Any:
        from labcore.runs import Run

        run = Run.open(self.workspace, run_id)
        run.clear_stop()
        return run

    def stop(self, run_id: str, *, by: str = "") -> None:
        raise NotImplementedError


def changes_line(changes: dict[str, Any]) -> str:
    """What a trial turned, in a line: ``optim.lr=0.05 model.dropout=0.3``."""
    words = (
        "auto" if value is None else f"{value:.4g}" if isinstance(value, float) else value for value in changes.values()
    )
    return " ".join(f"{path}={word}" for path, word in zip(changes, words, strict=True))


def _list(workspace: Workspace, *, as_json: bool) -> int:
    from labcore.search import Search, list_searches, unreadable_searches

    rows = []
    reports, broken = looked_at(list_searches(workspace), Search.load, lambda search: search.id)
    for report in reports:
        if as_json:
            emit_json(facts(report))
        rows.append(
            [
                report.id,
                report.state,
                f"{report.done}/{report.settings.trials}",
                _value(report, report.best.value if report.best else None),
                str(report.settings.config.data.dataset),
            ]
        )
    if not as_json:
        for line in table(["search", "state", "trials", "best", "data set"], rows):
            emit(line)
        if not rows:
            say("there are no searches yet; `labcore search` makes one")
    tell_unreadable([*broken, *unreadable_searches(workspace)], "search_id", as_json=as_json)
    return DONE


def facts(report: Report) -> dict[str, Any]:
    """A search at a glance, as a line of ``search --list --json``."""
    best = report.best
    return {
        "search_id": report.id,
        "by": report.by,
        "state": report.state,
        "trials": report.settings.trials,
        "done": report.done,
        "objective": report.settings.objective,
        "reported": report.settings.reported,
        "validation": report.settings.validation,
        "dataset": report.settings.config.data.dataset,
        "varied": [each.words() for each in report.settings.ranges],
        "best": {"trial": best.number, "run_id": best.run_id, "value": best.value, "changes": best.changes}
        if best
        else None,
        "final_run": report.final,
        "error": report.error,
    }


def _show(report: Report, *, as_json: bool) -> int:
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
        f"data set {settings.config.data.dataset}, judged on fold {settings.validation}, fold {settings.reported} left out"
    )
    if report.error:
        emit(f"failed: {report.error}. {report.remedy}")
    rows = [
        [
            str(trial.number),
            trial.state,
            _value(report, trial.value),
            str(max(trial.curve, default=0)),
            "-" if trial.seconds is None else duration(trial.seconds),
            changes_line(trial.changes),
            trial.note,
        ]
        for trial in report.trials
    ]
    emit("")
    for line in table(["trial", "state", settings.objective, "epochs", "time", "varied", ""], rows):
        emit(line)
    if report.best is not None:
        emit("")
        emit(f"best: trial {report.best.number}, run {report.best.run_id}")
        if report.final:
            emit(f"trained with fold {settings.reported} held out: run {report.final}")
        elif not report.active:
            emit(f"`labcore search --final {report.id}` trains it with fold {settings.reported} held out")
    return DONE


def _value(report: Report, value: float | None) -> str:
    if value is None:
        return "-"
    return percent(value) if report.settings.objective == "accuracy" else f"{value:.4f}"
