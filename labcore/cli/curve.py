"""Learning curve: train on 2, 5, 10, 20 and all recordings per class, and tell what more recordings would bring.

The test fold is the same and whole at every size, and smaller samples are parts of larger ones. Each run stands beside a
nearest-centroid baseline on the same training clips. Ctrl-C stops all runs; `labcore jobs resume ID` continues.

Examples:
  labcore curve esc50
  labcore curve esc50 --fold 1 --sizes 2 5 10 --samples 3 --preset quick
  labcore curve --show last
"""

from __future__ import annotations

import argparse
from typing import Any

from labcore.cli.expected import expected_of
from labcore.cli.foreground import work_on
from labcore.cli.output import DONE, Content, nothing_yet, percent, say, table, tell, tell_list
from labcore.cli.parser import Parser, add_config_flags, add_existing, add_json, config_from
from labcore.cli.progress import Bar, bars
from labcore.curve.events import CurvePoint, CurveProgress
from labcore.curve.job import MOST_SAMPLES, SAMPLES, SIZES, LearningCurve, clips_by_size, leak_note, words
from labcore.curve.summary import CurveSummary, Level, baseline_text, level_text, summarise
from labcore.events import Event
from labcore.jobs.listing import looked_at
from labcore.owners import shell_user
from labcore.texts import counted, spread
from labcore.workspace import Workspace

NO_EMBEDDINGS = "none"


def parser() -> Parser:
    parser = Parser(
        prog="labcore curve", usage="labcore curve [DATASET] [--sizes N ...] [options]", description=__doc__
    )
    parser.add_argument("place", metavar="DATASET", nargs="?", help="data set; the same as --dataset")
    own = parser.add_argument_group("learning curve")
    own.add_argument(
        "--sizes", nargs="+", metavar="N", default=SIZES,
        help=f"training recordings per class, or the word all (default: {' '.join(SIZES)})",
    )  # fmt: skip
    own.add_argument(
        "--samples", type=int, metavar="N", default=SAMPLES,
        help=f"how often recordings are drawn, 1 to {MOST_SAMPLES} (default: {SAMPLES})",
    )  # fmt: skip
    own.add_argument(
        "--embeddings", metavar="RUN", default="builtin",
        help="run whose embeddings a second baseline takes: its id or a part of it, builtin, or none (default: builtin)",
    )  # fmt: skip
    add_existing(parser, "learning curves")
    add_json(parser, "lines of JSON")
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.cli.jobs import reporter_of
    from labcore.cli.train import check_inputs
    from labcore.datasets.bandwidths import with_front_end
    from labcore.datasets.in_split import dataset_for
    from labcore.training.run_time import plan_of

    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    if arguments.show is not None:
        return _tell(LearningCurve.open(workspace, arguments.show), as_json=arguments.json)
    if arguments.place is not None:
        vars(arguments)["data.dataset"] = arguments.place
    config = check_inputs(config_from(arguments), workspace)
    embeddings = "" if arguments.embeddings == NO_EMBEDDINGS else arguments.embeddings
    curve = LearningCurve.create(workspace, config, arguments.sizes, arguments.samples, embeddings, by=shell_user())
    say(f"training {counted(len(curve.members()), 'run')}")
    sizes = clips_by_size(workspace, curve.config, arguments.sizes).values()
    fitted, _ = with_front_end(workspace, config, dataset_for(workspace, config.cutting))
    say(expected_of(workspace, config, [plan_of(fitted, each) for each in sizes] * arguments.samples))
    stops = "stopping the runs after their batch"
    status = work_on(curve, reporter_of(curve), stops, as_json=arguments.json, resume="labcore jobs resume")
    if status == DONE:
        _tell(curve, as_json=arguments.json)
    return status


def tell_event(event: Event) -> None:
    """Tell people of how far a run is, and of a result."""
    if isinstance(event, CurveProgress):
        bars.show(Bar(words(event.name), event.epoch, event.epochs, f"epoch {event.epoch}/{event.epochs}"))
    elif isinstance(event, CurvePoint):
        others = [f"{percent(each.accuracy)} on {baseline_text(name)}" for name, each in event.baselines.items()]
        beside = f"; nearest centroid {', '.join(others)}" if others else ""
        say(
            f"{words(event.name)}: accuracy {percent(event.recipe.accuracy)} after {counted(event.epochs, 'epoch')} of "
            f"{counted(event.clips, 'clip')}{beside}"
        )


def lines(summary: CurveSummary, note: str = "") -> list[Content]:
    """The results: a line a size, the warnings, and what more recordings would bring. ``note``: of :func:`leak_note`."""
    if not any(size.finished for size in summary.sizes):
        return ["no run is finished yet"]
    names = list(dict.fromkeys(name for size in summary.sizes for name in size.baselines))
    head = ["recordings per class", "training clips", "epochs", "samples", "accuracy", "95 % interval", "macro F1"]
    rows = []
    for size in summary.sizes:
        told = f"{size.name} ({size.recordings:.3g})" if size.name == "all" and size.finished else size.name
        level = size.recipe
        rows.append(
            [
                told,
                round(size.clips) if level else None,
                round(size.epochs) if level else None,
                f"{size.finished}/{size.samples}",
                level_text(level),
                _interval(level),
                f"{level.macro_f1:.3f}" if level else None,
                *(level_text(size.baselines.get(name)) for name in names),
            ]
        )
    below = [*summary.warnings, *([f"{note}."] if note else [])]
    return [
        table([*head, *(f"centroid, {baseline_text(name)}" for name in names)], rows),
        "",
        f"{counted(summary.test_clips, 'clip')} of {counted(summary.test_recordings, 'recording')} in test fold {summary.fold}. "
        "Accuracy: mean over the samples ± their standard deviation; intervals by recording of the test fold.",
        *(below or ["The recipe is at no size below a baseline."] if names else []),
        summary.sentence,
    ]


def _interval(level: Level | None) -> str | None:
    if level is None or level.low is None or level.high is None:
        return None
    return spread(level.low, level.high)


def _tell(curve: LearningCurve, *, as_json: bool) -> int:
    summary, note = summarise(curve), leak_note(curve)
    facts = {"type": "learning_curve", **summary.to_dict(), "note": note}
    return tell(facts, f"learning curve {summary.id}  {summary.state}", "", *lines(summary, note), as_json=as_json)


def _list(workspace: Workspace, *, as_json: bool) -> int:
    summaries, broken = looked_at(LearningCurve.every(workspace), summarise, lambda curve: curve.id)
    head = ["learning curve", "state", "sizes", "runs", "data set"]
    rows: list[list[Any]] = [
        [
            each.id,
            each.state,
            " ".join(size.name for size in each.sizes),
            f"{sum(size.finished for size in each.sizes)}/{len(each.sizes) * each.samples}",
            each.dataset,
        ]
        for each in summaries
    ]
    broken += LearningCurve.unreadable(workspace)
    none = nothing_yet(workspace, "learning curves", "curve")
    return tell_list(map(CurveSummary.to_dict, summaries), head, rows, broken, none=none, as_json=as_json)
