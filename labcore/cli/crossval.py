"""``labcore crossval``: every fold of a data set held out in its turn, as one experiment."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from labcore.cli.attend import exit_status, say_raw, stop_on_signals
from labcore.cli.board import Board
from labcore.cli.jobs import own
from labcore.cli.output import DONE, JsonLines, duration, emit, emit_json, percent, say, table, tell_list
from labcore.cli.parser import Parser, add_anyone, add_config_flags, add_engine, config_from, refuse_recipe
from labcore.crossval.job import CrossValidation, ready
from labcore.crossval.summary import FoldResult, Pool, Summary, summarise
from labcore.event_log import EventReader
from labcore.events import RunFinished
from labcore.listing import looked_at
from labcore.owners import shell_user
from labcore.status import RESUMABLE
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.jobs.manager import Queue

LOOK_SECONDS = 0.5
WHICH = "a cross-validation's id or a part of it, or the word last"


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
    own.add_argument("--random", action="store_true", help="train a random split as well, as a control: clips dealt to folds "
                     "without regard to recordings, to show by how much that flatters")  # fmt: skip
    add_engine(own, "fold")
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
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    if arguments.show is not None:
        _tell_result(summarise(CrossValidation.open(workspace, arguments.show)), as_json=arguments.json)
        return DONE
    if arguments.engine == "ray":
        from labcore.ray_queue import require_ray

        require_ray()
    by_manager = arguments.engine == "local"
    if arguments.resume is not None:
        refuse_recipe(arguments, "cross-validation", ["folds"])
        (experiment,) = own([CrossValidation.open(workspace, arguments.resume)], arguments, "go on with")
    else:
        from labcore.cli.train import check_inputs

        config = config_from(arguments)
        folds = arguments.folds
        config = check_inputs(config.replace({"data.fold": folds[0]}) if folds else config, workspace)
        experiment = CrossValidation.create(
            workspace,
            config,
            folds=folds,
            random=arguments.random,
            queued=by_manager,
            gpus=None if by_manager else 0,
            by=shell_user(),
        )
    return (_follow_manager if by_manager else _follow_ray)(workspace, experiment, arguments)


def _follow_manager(workspace: Workspace, experiment: CrossValidation, arguments: argparse.Namespace) -> int:
    """Follow the runs that a job manager starts: the web app's where one is at work on the workspace, else our own."""
    from labcore.jobs.manager import JobManager

    with contextlib.closing(JobManager(workspace)) as manager:
        if arguments.resume is not None:
            manager.resume(experiment, by=shell_user(), dataset=vars(arguments).get("data.dataset"))
            if arguments.random:
                experiment.add_random_split()
        _follow(experiment, arguments, manager, lambda summary: summary.active)
    return _conclude(experiment, as_json=arguments.json)


def _follow_ray(workspace: Workspace, experiment: CrossValidation, arguments: argparse.Namespace) -> int:
    """Hand the runs that are not finished to a Ray cluster and follow them."""
    from labcore.ray_queue import RayQueue, connected

    with experiment.hold():
        ready(experiment, vars(arguments).get("data.dataset"), queued=False)
    if arguments.resume is not None and arguments.random:
        experiment.add_random_split(queued=False, gpus=0)
    runs = [run for run in experiment.children() if run.status().state in RESUMABLE]
    ray = connected(arguments.ray_address)
    try:
        queue = RayQueue(ray, cores=arguments.cores, runs=len(runs), by=experiment.owner)
        for run in runs:
            queue.resume(run)
        say(queue.about(experiment.config.runtime.device))
        _follow(experiment, arguments, queue, lambda _: bool([run for run in runs if queue.has(run)]))
    finally:
        ray.shutdown()
    for run_id, trouble in queue.troubles.items():
        say(f"run {run_id}: {trouble}")
    return _conclude(experiment, as_json=arguments.json)


def _follow(
    experiment: CrossValidation, arguments: argparse.Namespace, queue: Queue, at_work: Callable[[Summary], bool]
) -> None:
    """Tell how a cross-validation goes while it is at work. Ctrl-C stops its runs."""
    with stop_on_signals(lambda: say_raw("\nstopping all folds after their batch; once more kills\n")) as stopping:
        asked = False
        for summary in _watched(experiment, as_json=arguments.json):
            if not at_work(summary):
                break
            if stopping.is_set() and not asked:
                asked = True
                for run in reversed(
                    experiment.children()
                ):  # those that wait first: none takes the place of one that stops
                    queue.stop(run, by=shell_user())
            stopping.wait(LOOK_SECONDS) if not asked else time.sleep(LOOK_SECONDS)


def _watched(experiment: CrossValidation, *, as_json: bool) -> Iterator[Summary]:
    """The summary again and again, told on the board and as JSON lines; for ever, until the caller has seen enough."""
    board, lines = Board(), JsonLines(as_json)
    readers: dict[str, EventReader] = {}
    say(f"cross-validation {experiment.id} in {experiment.path}")
    lines.put({"type": "experiment_started", "experiment_id": experiment.id, "experiment_dir": str(experiment.path),
               "folds": [*experiment.members()], "random": bool(experiment.members("random"))})  # fmt: skip
    told: dict[str, str] = {}
    while True:
        summary = summarise(experiment)
        whose = {fold.run_id: {"run_id": fold.run_id, "fold": fold.fold, "split": fold.split} for fold in summary.folds}
        for run in experiment.children():
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
    summary = summarise(experiment)
    _tell_result(summary, as_json=as_json, final=True)
    if summary.state == "finished":
        return DONE
    say(f"`labcore crossval --resume {experiment.id}` goes on")
    ends = [run.last_event(RunFinished) for run in experiment.children()]
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
    random = {} if summary.random is None else {fold.fold: fold for fold in summary.random.folds}
    head = ["fold", "state", "epochs", "accuracy", "macro F1", "clips", "time", *(["random split"] if random else [])]
    rows = []
    for fold in summary.official.folds:
        f1 = "-" if fold.macro_f1 is None else f"{fold.macro_f1:.3f}"
        time_ = duration(fold.seconds) if fold.seconds else "-"
        row = [fold.fold, fold.state, f"{fold.epoch}/{fold.epochs}", percent(fold.accuracy), f1, str(fold.clips), time_]
        rows.append(
            [*row, *([percent(random[fold.fold].accuracy)] if fold.fold in random else ["-"] if random else [])]
        )
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
    summaries, broken = looked_at(CrossValidation.every(workspace), summarise, lambda experiment: experiment.id)
    head = ["cross-validation", "state", "folds", "accuracy", "data set", "network"]
    rows = []
    for summary in summaries:
        done = f"{summary.official.finished}/{len(summary.official.folds)}"
        rows.append([summary.id, summary.state, done, mean_text(summary.official), summary.dataset, summary.model])
    broken += CrossValidation.unreadable(workspace)
    none = "there are no cross-validations yet; `labcore crossval` makes one"
    return tell_list(map(Summary.to_dict, summaries), head, rows, broken, "id", none=none, as_json=as_json)
