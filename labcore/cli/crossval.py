"""``labcore crossval``: every fold of a data set held out in its turn, as one experiment."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labcore.cli.attend import exit_status, say_raw, stop_on_signals
from labcore.cli.board import Board
from labcore.cli.output import DONE, duration, emit, emit_json, mute_stdout, percent, say, table, tell_unreadable
from labcore.cli.parser import Parser, add_anyone, add_config_flags, config_from
from labcore.errors import ConfigError
from labcore.event_log import EventReader
from labcore.events import RunFinished
from labcore.listing import looked_at
from labcore.people import need_own, shell_user
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.experiments import CrossValidation, FoldResult, Pool, Summary

LOOK_SECONDS = 0.5
WHICH = "a cross-validation's id or a part of it, or the word last"
ENGINES = ("local", "ray")


def parser() -> Parser:
    parser = Parser(
        prog="labcore crossval",
        usage="labcore crossval [--dataset NAME] [--folds FOLD ...] [--random] [flags of labcore train]",
        description="Train once for every official fold, each held out in its turn, side by side where there are several GPUs. "
        "Ctrl-C stops all folds, --resume goes on.",
        epilog="The deviation is that of the folds' accuracies; the interval is that of all held-out clips taken together.",
    )
    own = parser.add_argument_group("the cross-validation")
    own.add_argument("--folds", nargs="+", metavar="FOLD", help="these folds alone [default all of the data set]")
    own.add_argument("--random", action="store_true", help="train the leaking twin as well: clips dealt to folds without regard to "
                     "recordings, to show by how much that flatters")  # fmt: skip
    own.add_argument("--engine", choices=ENGINES, default="local", help="who works on the folds: this machine's job manager, or a Ray "
                     "cluster [default local]")  # fmt: skip
    own.add_argument("--ray-address", metavar="ADDRESS", help="the cluster's address; where not given, the one RAY_ADDRESS names, else "
                     "a Ray of this machine alone")  # fmt: skip
    own.add_argument(
        "--cores", type=int, metavar="N", help="CPU cores for each fold that has no GPU, with --engine ray"
    )
    other = parser.add_argument_group("cross-validations that are there").add_mutually_exclusive_group()
    other.add_argument(
        "--resume",
        metavar="ID",
        help=f"go on with {WHICH}; with --dataset where its data set has moved to another place",
    )
    other.add_argument("--show", metavar="ID", help=f"show the table of {WHICH}")
    other.add_argument("--list", action="store_true", help="list the cross-validations of the workspace")
    add_anyone(parser, "with --resume: go on with it")
    parser.add_argument("--json", action="store_true", help="lines of JSON on stdout, and nothing else there")
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    from labcore import experiments

    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    if arguments.show is not None:
        shown = experiments.summarise(experiments.CrossValidation.open(workspace, arguments.show))
        _tell_result(shown, as_json=arguments.json)
        return DONE
    if arguments.engine == "ray":
        from labcore.experiments.ray_engine import need_ray

        need_ray()
    by_manager = arguments.engine == "local"
    if arguments.resume is not None:
        _refuse_flags(arguments)
        experiment = experiments.CrossValidation.open(workspace, arguments.resume)
        if not arguments.anyone:
            what = f"cross-validation {experiment.id}"
            need_own(experiment.by, shell_user(), what, "Add --anyone to go on with it all the same")
        if place := vars(arguments).get("data.dataset"):
            experiments.name_place(experiment, place)
        if arguments.random:
            experiments.train_twins(experiment, queued=by_manager)
    else:
        from labcore.cli.train import check_inputs

        config = config_from(arguments)
        folds = arguments.folds
        config = check_inputs(config.changed({"data.fold": folds[0]}) if folds else config, workspace)
        experiment = experiments.create(
            workspace,
            config,
            folds=folds,
            random=arguments.random,
            queued=by_manager,
            gpus=None if by_manager else 0,
            by=shell_user(),
        )
    if by_manager:
        return _follow_manager(workspace, experiment, as_json=arguments.json, resume=arguments.resume is not None)
    return _follow_ray(experiment, arguments)


def _refuse_flags(arguments: argparse.Namespace) -> None:
    """A cross-validation goes on with the settings it began with.

    Raises:
        ConfigError: some were given.
    """
    from labcore.config import knobs

    given = [path for path in knobs() if path in vars(arguments) and path != "data.dataset"]  # it may have moved
    if arguments.folds or arguments.config or arguments.preset or given:
        raise ConfigError(
            "a cross-validation that goes on keeps its settings", "Leave the flags out, or start a new cross-validation"
        )


def _follow_manager(workspace: Workspace, experiment: CrossValidation, *, as_json: bool, resume: bool) -> int:
    """Follow the runs that a job manager starts: the web app's where one is at work on the workspace, else our own."""
    from labcore import experiments
    from labcore.jobs.manager import JobManager

    manager = JobManager(workspace)
    try:
        if resume:
            experiments.resume(experiment, manager, by=shell_user())
        with stop_on_signals(lambda: say_raw("\nstopping all folds after their batch; once more kills\n")) as stopping:
            asked = False
            for summary in _watched(experiment, as_json=as_json):
                if not summary.active:
                    break
                if stopping.is_set() and not asked:
                    asked = True
                    experiments.stop(experiment, manager, by=shell_user())
                stopping.wait(LOOK_SECONDS) if not asked else time.sleep(LOOK_SECONDS)
    finally:
        manager.close()
    return _conclude(experiment, as_json=as_json)


def _follow_ray(experiment: CrossValidation, arguments: argparse.Namespace) -> int:
    from labcore.experiments import make_ready, ray_engine

    with (
        stop_on_signals(lambda: say_raw("\nstopping all folds after their batch; once more kills\n")) as stopping,
        ray_engine.working(
            make_ready(experiment), address=arguments.ray_address, cores=arguments.cores, by=experiment.by
        ) as tasks,
    ):
        say(tasks.about)
        for _ in _watched(experiment, as_json=arguments.json):
            if tasks.done():
                break
            if stopping.is_set():
                tasks.stop()
            time.sleep(LOOK_SECONDS)
    return _conclude(experiment, as_json=arguments.json)


def _watched(experiment: CrossValidation, *, as_json: bool) -> Iterator[Summary]:
    """The summary again and again, told on the board and as JSON lines; for ever, until the caller has seen enough."""
    from labcore.experiments import summarise

    board, lines = Board(), _Lines(as_json)
    readers: dict[str, EventReader] = {}
    say(f"cross-validation {experiment.id} in {experiment.path}")
    lines.put({"type": "experiment_started", "experiment_id": experiment.id, "experiment_dir": str(experiment.path),
               "folds": [*experiment.members()], "random": bool(experiment.members("random"))})  # fmt: skip
    told: dict[str, str] = {}
    while True:
        summary = summarise(experiment)
        whose = {fold.run_id: {"run_id": fold.run_id, "fold": fold.fold, "split": fold.split} for fold in summary.folds}
        for run in experiment.runs():
            for event in readers.setdefault(run.id, run.reader()).read():
                lines.put(event.facts() | whose[run.id])
        for fold in summary.folds:
            if told.get(fold.run_id, fold.state if fold.accuracy is None else "") != fold.state and not fold.active:
                board.note(ended_line(fold))
            told[fold.run_id] = fold.state
        board.draw(
            [progress_line(fold) for fold in summary.folds if fold.active and fold.state != "queued"]
            + [standing_line(summary)]
        )
        try:
            yield summary
        except GeneratorExit:
            board.clear()
            raise


class _Lines:
    """JSON lines on stdout; a reader that goes away does not end the training."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def put(self, content: dict[str, Any]) -> None:
        if self.wanted:
            try:
                emit_json(content)
            except OSError:
                self.wanted = False
                mute_stdout()


def progress_line(fold: FoldResult) -> str:
    """Where a fold at work is."""
    if fold.preparing is not None:
        what = fold.preparing
        return f"fold {fold.name:<9}  {what.what}  {what.done}/{what.total} {what.unit}"
    if not fold.device:
        return f"fold {fold.name:<9}  starting"
    filled = round(20 * fold.fraction)
    left = "" if fold.seconds_left is None else f"  {duration(fold.seconds_left)} left"
    stopping = "  stopping" if fold.state == "stopping" else ""
    return (
        f"fold {fold.name:<9}  {'█' * filled}{'░' * (20 - filled)}  epoch {fold.epoch}/{fold.epochs}"
        f"  {percent(fold.latest):>7}  {fold.device}{left}{stopping}"
    )


def ended_line(fold: FoldResult) -> str:
    if fold.state == "finished":
        return f"fold {fold.name}: accuracy {percent(fold.accuracy)} on {counted(fold.clips, 'clip')}, {duration(fold.seconds)}"
    error = f": {fold.error}. {fold.remedy}".rstrip() if fold.error else f" after epoch {fold.epoch}"
    return f"fold {fold.name}: {fold.state}{error}"


def standing_line(summary: Summary) -> str:
    pool = summary.official
    waiting = sum(fold.state == "queued" for fold in summary.folds)
    line = f"{pool.finished} of {counted(len(pool.folds), 'fold')} finished"
    if waiting:
        line += f", {waiting} waiting"
    return line + (f"; so far {mean_text(pool)}" if pool.finished else "")


def mean_text(pool: Pool) -> str:
    """Mean ± deviation, as the table says it."""
    if pool.mean is None:
        return "-"
    spread = "" if pool.deviation is None else f" ± {100 * pool.deviation:.1f}"
    return f"{100 * pool.mean:.1f}{spread} %"


def _conclude(experiment: CrossValidation, *, as_json: bool) -> int:
    from labcore.experiments import summarise

    summary = summarise(experiment)
    _tell_result(summary, as_json=as_json, final=True)
    if summary.state == "finished":
        return DONE
    say(f"`labcore crossval --resume {experiment.id}` goes on")
    ends = [run.last_event(RunFinished) for run in experiment.runs()]
    failed = [end.details for end in ends if end is not None and end.details.get("kind")]
    return exit_status(summary.state, failed[0] if failed else {})


def _tell_result(summary: Summary, *, as_json: bool, final: bool = False) -> None:
    if as_json:
        kind = {"type": "experiment_finished"} if final else {}
        with contextlib.suppress(OSError):
            emit_json({**kind, **summary.to_dict()})
        return
    for line in result_table(summary):
        emit(line)


def result_table(summary: Summary) -> list[str]:
    """The final table: a row a fold, then mean ± deviation and the figures of all clips."""
    twin = {} if summary.random is None else {fold.fold: fold for fold in summary.random.folds}
    head = ["fold", "state", "epochs", "accuracy", "macro F1", "clips", "time", *(["random split"] if twin else [])]
    rows = []
    for fold in summary.official.folds:
        f1 = "-" if fold.macro_f1 is None else f"{fold.macro_f1:.3f}"
        time_ = duration(fold.seconds) if fold.seconds else "-"
        row = [fold.fold, fold.state, f"{fold.epoch}/{fold.epochs}", percent(fold.accuracy), f1, str(fold.clips), time_]
        rows.append([*row, *([percent(twin[fold.fold].accuracy)] if fold.fold in twin else ["-"] if twin else [])])
    pool = summary.official
    lines = [f"cross-validation {summary.id}  {summary.state}", "", *table(head, rows), ""]
    if pool.finished:
        lines.append(f"accuracy {mean_text(pool)}, mean ± deviation of {counted(pool.finished, 'fold')}")
    if pool.accuracy is not None and pool.low is not None and pool.high is not None and pool.macro_f1 is not None:
        lines.append(
            f"all {counted(pool.clips, 'held-out clip')} together: {percent(pool.accuracy)} "
            f"(95 % interval {100 * pool.low:.1f} to {100 * pool.high:.1f} %), macro F1 {pool.macro_f1:.3f}"
        )
        lines.append(f"training took {duration(pool.seconds)}, over all folds")
    if summary.random is not None and summary.random.finished:
        gap = (
            "" if summary.difference is None else f", {100 * summary.difference:+.1f} points against the official folds"
        )
        leaks = "leaks" if summary.random.leaks else "has no known recordings to leak"
        lines.append(f"random split, which {leaks}: {mean_text(summary.random)}{gap}")
    return lines


def _list(workspace: Workspace, *, as_json: bool) -> int:
    from labcore.experiments import list_crossvals, summarise, unreadable_crossvals

    rows = []
    summaries, broken = looked_at(list_crossvals(workspace), summarise, lambda experiment: experiment.id)
    for summary in summaries:
        if as_json:
            emit_json(summary.to_dict())
        done = f"{summary.official.finished}/{len(summary.official.folds)}"
        rows.append([summary.id, summary.state, done, mean_text(summary.official), summary.dataset, summary.model])
    if not as_json:
        for line in table(["cross-validation", "state", "folds", "accuracy", "data set", "network"], rows):
            emit(line)
        if not rows:
            say("there are no cross-validations yet; `labcore crossval` makes one")
    tell_unreadable([*broken, *unreadable_crossvals(workspace)], "id", as_json=as_json)
    return DONE
