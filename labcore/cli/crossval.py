"""Cross-validate: train once per fold with that fold held out, in parallel where there are several GPUs.

Prints mean and standard deviation over the folds, and the accuracy on all clips with its interval. Ctrl-C stops all
folds; --resume continues.

Examples:
  labcore crossval --dataset esc50
  labcore crossval --dataset esc50 --folds 1 2 --random
  labcore crossval --resume last --more 16
  labcore crossval --show last
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from labcore.cli.expected import expected
from labcore.cli.foreground import exit_status
from labcore.cli.jobs import own
from labcore.cli.output import (
    DONE,
    Content,
    JsonLines,
    duration,
    emit,
    emit_json,
    nothing_yet,
    percent,
    say,
    table,
    tell_list,
)
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
from labcore.cli.refused import refuse_recipe, refuse_without
from labcore.cli.signals import stop_on_signals
from labcore.crossval.early import finish_early
from labcore.crossval.job import CrossValidation, ready
from labcore.crossval.summary import FoldResult, Summary, mean_text, summarise
from labcore.events import RunFinished
from labcore.jobs.event_log import EventReader
from labcore.jobs.listing import looked_at
from labcore.jobs.status import RESUMABLE
from labcore.owners import shell_user
from labcore.runs.honesty import EARLY, interval_note, majority_note
from labcore.texts import counted, mean_ap_text, spread
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.jobs.manager import Queue

LOOK_SECONDS = 0.5


def parser() -> Parser:
    parser = Parser(
        prog="labcore crossval",
        usage="labcore crossval [--dataset NAME] [--folds FOLD ...] [options]",
        description=__doc__,
    )
    own = parser.add_argument_group("cross-validation")
    own.add_argument("--folds", nargs="+", metavar="FOLD", help="folds to hold out (default: all)")
    own.add_argument(
        "--random", action="store_true", help="also train on a random split, to show how much it overestimates"
    )
    add_engine(own, "fold")
    other = add_existing(parser, "cross-validations")
    other.add_argument(
        "--resume", metavar="ID", help="continue one; --dataset names the new place of a data set that was moved"
    )
    parser.add_argument(
        "--more",
        type=int,
        metavar="N",
        help="with --resume, also of one that runs: finish early: folds end after so many epochs more, over which the learning rate "
        "falls to its end, and those that have not begun train as many in all as these",
    )
    add_anyone(parser, "with --resume: continue it")
    add_json(parser, "lines of JSON")
    add_config_flags(parser, without=["data.fold"])  # each of --folds has its turn
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    refuse_without(arguments, {"more": ["resume"]})
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    if arguments.show is not None:
        _tell_result(summarise(CrossValidation.open(workspace, arguments.show)), as_json=arguments.json)
        return DONE
    if arguments.engine == "ray":
        from labcore.runs.ray_queue import require_ray

        require_ray()
    by_manager = arguments.engine == "local"
    if arguments.resume is not None:
        refuse_recipe(arguments, "cross-validation", ["folds"])
        (crossval,) = own([CrossValidation.open(workspace, arguments.resume)], arguments, "resume")
        if arguments.more is not None and _ends_early(crossval, arguments):
            return DONE
    else:
        from labcore.cli.train import check_inputs

        config = config_from(arguments)
        folds = arguments.folds
        config = check_inputs(config.replace({"data.fold": folds[0]}) if folds else config, workspace)
        crossval = CrossValidation.create(
            workspace,
            config,
            folds=folds,
            random=arguments.random,
            queued=by_manager,
            gpus=None if by_manager else 0,
            by=shell_user(),
        )
        runs = len(crossval.children())
        say(expected(workspace, config, runs, all_folds=True))
    return (_follow_manager if by_manager else _follow_ray)(crossval, arguments)


def _ends_early(crossval: CrossValidation, arguments: argparse.Namespace) -> bool:
    """Let it finish early. Whether that is all that was asked for: one that runs is followed already."""
    at_work = crossval.status().active
    say(finish_early(crossval, arguments.more, by="command", who=shell_user()).sentence)
    if not at_work or arguments.random:
        return False
    if arguments.json:
        _tell_result(summarise(crossval), as_json=True)
    return True


def _follow_manager(crossval: CrossValidation, arguments: argparse.Namespace) -> int:
    """Follow the runs that a job manager starts: the web app's where one is working on the workspace, else our own."""
    from labcore.jobs.manager import JobManager

    with contextlib.closing(JobManager(crossval.workspace)) as manager:
        if arguments.resume is not None:
            manager.resume(crossval, by=shell_user(), dataset=vars(arguments).get("data.dataset"))
            if arguments.random:
                crossval.add_random_split()
        _follow(crossval, arguments, manager, lambda summary: summary.active)
    return _conclude(crossval, as_json=arguments.json)


def _follow_ray(crossval: CrossValidation, arguments: argparse.Namespace) -> int:
    """Hand the runs that are not finished to a Ray cluster and follow them."""
    from labcore.runs.ray_queue import RayQueue, connected

    with crossval.hold():
        ready(crossval, vars(arguments).get("data.dataset"), queued=False)
    if arguments.resume is not None and arguments.random:
        crossval.add_random_split(queued=False, gpus=0)
    runs = [run for run in crossval.children() if run.status().state in RESUMABLE]
    ray = connected(arguments.ray_address)
    try:
        queue = RayQueue(ray, cores=arguments.cores, runs=len(runs), by=crossval.owner)
        for run in runs:
            queue.resume(run)
        say(queue.about(crossval.config.runtime.device))
        _follow(crossval, arguments, queue, lambda _: bool([run for run in runs if queue.has(run)]))
    finally:
        ray.shutdown()
    for run_id, trouble in queue.troubles.items():
        say(f"run {run_id}: {trouble}")
    return _conclude(crossval, as_json=arguments.json)


def _follow(
    crossval: CrossValidation, arguments: argparse.Namespace, queue: Queue, at_work: Callable[[Summary], bool]
) -> None:
    """Tell how a cross-validation goes while it is running. Ctrl-C stops its runs."""
    with stop_on_signals("stopping all folds after their batch; interrupt again to quit at once") as stopping:
        asked = False
        for summary in watched(crossval, as_json=arguments.json):
            if not at_work(summary):
                break
            if stopping.is_set() and not asked:
                asked = True
                for run in reversed(crossval.children()):  # first those that wait, so that none takes a free place
                    queue.stop(run, by=shell_user())
            stopping.wait(LOOK_SECONDS) if not asked else time.sleep(LOOK_SECONDS)


def watched(crossval: CrossValidation, *, as_json: bool = False) -> Iterator[Summary]:
    """The summary again and again, told on the terminal and as JSON lines; for ever, until the caller has seen enough."""
    lines = JsonLines(as_json)
    readers: dict[str, EventReader] = {}
    say(f"cross-validation {crossval.id} in {crossval.path}")
    lines.put({"type": "experiment_started", "experiment_id": crossval.id, "experiment_dir": str(crossval.path),
               "folds": [*crossval.members()], "random": bool(crossval.members("random"))})  # fmt: skip
    told: dict[str, str] = {}
    while True:
        summary = summarise(crossval)
        whose = {fold.run_id: {"run_id": fold.run_id, "fold": fold.fold, "split": fold.split} for fold in summary.folds}
        for run in crossval.children():
            for event in readers.setdefault(run.id, run.reader()).read():
                lines.put(event.facts() | whose[run.id])
        for fold in summary.folds:
            if told.get(fold.run_id, fold.state if fold.accuracy is None else "") != fold.state and not fold.active:
                say(ended_line(fold))
            told[fold.run_id] = fold.state
        at_work = [fold for fold in summary.folds if fold.active and fold.state != "queued"]
        bars.show(*map(fold_bar, at_work), overall_bar(summary))
        yield summary


def fold_bar(fold: FoldResult) -> Bar:
    """How far a fold is."""
    name = f"fold {fold.name}"
    if (step := fold.preparing) is not None:
        return Bar(name, step.done, step.total, f"{step.what}  {step.done}/{step.total} {step.unit}")
    if not fold.device:
        return Bar(name, detail="starting")
    latest = mean_ap_text(fold.latest) if fold.curve and fold.curve[-1][1] is None else percent(fold.latest)
    parts = [f"epoch {fold.epoch}/{fold.epochs}", latest, fold.device]
    parts += [] if fold.seconds_left is None else [f"{duration(fold.seconds_left)} left"]
    parts += ["stopping"] if fold.state == "stopping" else []
    return Bar(name, fold.fraction, 1, "  ".join(parts))


def ended_line(fold: FoldResult) -> str:
    if fold.state == "finished":
        figure = f"accuracy {percent(fold.accuracy)}" if fold.mean_ap is None else mean_ap_text(fold.mean_ap)
        return f"fold {fold.name}: {figure} on {counted(fold.clips, 'clip')}, {duration(fold.seconds)}"
    error = f": {fold.error}. {fold.remedy}".rstrip() if fold.error else f" after epoch {fold.epoch}"
    return f"fold {fold.name}: {fold.state}{error}"


def overall_bar(summary: Summary) -> Bar:
    """How many folds are finished."""
    pool = summary.official
    waiting = sum(fold.state == "queued" for fold in summary.folds)
    parts = [f"{pool.finished} of {len(pool.folds)} finished"]
    parts += [f"{waiting} waiting"] if waiting else []
    parts += [f"so far {mean_text(pool)}"] if pool.finished else []
    return Bar("folds", pool.finished, len(pool.folds), ", ".join(parts))


def _conclude(crossval: CrossValidation, *, as_json: bool) -> int:
    bars.clear()
    summary = summarise(crossval)
    _tell_result(summary, as_json=as_json, final=True)
    if summary.state == "finished":
        return DONE
    say(f"`labcore crossval --resume {crossval.id}` continues it")
    ends = [run.last_event(RunFinished) for run in crossval.children()]
    failed = [end.details for end in ends if end is not None and end.details.get("kind")]
    return exit_status(summary.state, failed[0] if failed else {})


def _tell_result(summary: Summary, *, as_json: bool, final: bool = False) -> None:
    if as_json:
        kind = {"type": "experiment_finished"} if final else {}
        with contextlib.suppress(OSError):
            emit_json({**kind, **summary.to_dict()})
    else:
        emit(*result_table(summary))


def result_table(summary: Summary) -> list[Content]:
    """The final table: a row a fold, then mean ± deviation and the figures of all clips."""
    pool, random = summary.official, summary.random
    head, rows = ["fold", "state", "epochs", "accuracy", "macro F1", "clips", "time"], [*map(_fold_row, pool.folds)]
    several = pool.mean_ap is not None
    head[3] = "mAP" if several else head[3]
    if random is not None:
        at_random = {fold.fold: fold.mean_ap if several else fold.accuracy for fold in random.folds}
        head.append("random split")
        rows = [[*row, _figure(at_random.get(fold.fold), several)] for row, fold in zip(rows, pool.folds, strict=True)]
    lines: list[Content] = [f"cross-validation {summary.id}  {summary.state}", "", table(head, rows), ""]
    if pool.finished:
        lines.append(
            f"{'' if several else 'accuracy '}{mean_text(pool)}, mean ± standard deviation over {counted(pool.finished, 'fold')}"
        )
    lines += [f"{note}." for note in (summary.length_note, pool.leak_note) if note]
    if several:
        lines.append(f"training took {duration(pool.seconds)}, over all folds")
    if pool.accuracy is not None and pool.low is not None and pool.high is not None and pool.macro_f1 is not None:
        lines.append(
            f"all {counted(pool.clips, 'test clip')} together: {percent(pool.accuracy)} "
            f"(95 % interval {spread(pool.low, pool.high)}), macro F1 {pool.macro_f1:.3f}"
        )
        notes = (interval_note(pool.effective_clips, pool.recordings, pool.clips), majority_note(pool.confusion))
        lines += [f"{note}." for note in notes if note]
        lines += [pool.label_note] if pool.label_note else []
        lines.append(f"training took {duration(pool.seconds)}, over all folds")
    if random is not None and random.finished:
        gap = summary.difference
        more = (
            ", " + (f"{gap:+.3f}" if several else f"{100 * gap:+.1f} points") + " against the official folds"
            if gap is not None
            else ""
        )
        leaks = "leaks" if random.leaks else "has no known recordings to leak"
        lines.append(f"random split, which {leaks}: {mean_text(random)}{more}")
    return lines


def _fold_row(fold: FoldResult) -> list[object]:
    f1 = None if fold.macro_f1 is None else f"{fold.macro_f1:.3f}"
    seconds = duration(fold.seconds) if fold.seconds else None
    several = fold.mean_ap is not None
    value = fold.mean_ap if several else fold.accuracy
    return [fold.fold, fold.state, f"{fold.epoch}/{fold.epochs}", _figure(value, several), f1, fold.clips, seconds]


def _figure(value: float | None, several: bool) -> str:
    """An accuracy, or a mean average precision of several labels a clip."""
    return ("-" if value is None else f"{value:.3f}") if several else percent(value)


def _list(workspace: Workspace, *, as_json: bool) -> int:
    summaries, broken = looked_at(CrossValidation.every(workspace), summarise, lambda crossval: crossval.id)
    head = ["cross-validation", "state", "folds", "accuracy", "data set", "network"]
    rows = []
    for summary in summaries:
        pool = summary.official
        done = f"{pool.finished}/{len(pool.folds)}"
        mean = f"{mean_text(pool)} ({EARLY})" if pool.shortened else mean_text(pool)
        rows.append([summary.id, summary.state, done, mean, summary.dataset, summary.model])
    broken += CrossValidation.unreadable(workspace)
    none = nothing_yet(workspace, "cross-validations", "crossval")
    return tell_list(map(Summary.to_dict, summaries), head, rows, broken, none=none, as_json=as_json)
