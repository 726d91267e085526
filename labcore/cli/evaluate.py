"""``labcore evaluate``: how good a trained classifier is on clips of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from labcore.cli.attend import result_line
from labcore.cli.inputs import weights_of
from labcore.cli.output import emit, emit_json, live_count, percent, say, table
from labcore.cli.parser import WEIGHTS, Parser, add_device, add_json, add_run, run_named
from labcore.errors import WorkspaceError
from labcore.events import Evaluated
from labcore.honesty import choice_note
from labcore.people import shell_user
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore evaluate", description="Judge a trained classifier on clips of a data set.")
    add_run(parser, WEIGHTS, "last")
    parser.add_argument("--dataset", metavar="NAME", help="a data set by name or path; the run's own where not given")
    parser.add_argument(
        "--fold", metavar="FOLD", help="the fold to judge on, or all; where not given, the fold that the run held out, and "
        "all clips of another data set",
    )  # fmt: skip
    parser.add_argument("--class", dest="label", metavar="LABEL", help="clips of this class only")
    parser.add_argument(
        "--windows",
        action="store_true",
        help="keep what was said of each window, not of each clip, in predictions.parquet",
    )
    add_device(parser)
    parser.add_argument("--batch-size", metavar="N", type=int, default=64, help="windows at a time (default 64)")
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    weights = weights_of(run_named(arguments))
    workspace = Workspace.default()
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.resuming import dataset_of
    from labcore.datasets.store import open_store
    from labcore.evaluation import trace
    from labcore.evaluation.evaluate import evaluate
    from labcore.evaluation.predictions import not_kept
    from labcore.evaluation.select import select_clips
    from labcore.inference.classifier import Classifier

    classifier = Classifier.load(weights, arguments.device)
    own = classifier.config.data
    dataset = find_dataset(workspace, arguments.dataset or own.dataset)
    same = arguments.dataset in (None, own.dataset) or find_same(workspace, dataset.root, own.dataset)
    if same and weights.is_dir():
        dataset = dataset_of(Run(weights), workspace, arguments.dataset or own.dataset)
    store = open_store(workspace, dataset, classifier.sample_rate, live_count("building the clip store"))
    chosen = select_clips(
        store.table, own if same else None, fold=arguments.fold, label=arguments.label, trained_on=True
    )
    if chosen.trained_on:
        say(f"warning: the run was trained on clips of this selection; held out was fold {chosen.held_out}")
    with trace.new_folder(workspace, dataset.name) as folder:
        result = evaluate(
            classifier,
            store,
            chosen.rows,
            chosen.fold,
            max(1, arguments.batch_size),
            live_count("judging", "windows"),
            leaks=chosen.leaks,
            split=own.split if same else "official",
            folder=dataset.folder,
            file=folder / trace.PREDICTIONS,
            by_window=arguments.windows,
            warn=lambda trouble: say(f"warning: {not_kept(trouble)}"),
        )
        facts = {"dataset": dataset.name, **figures(result)}
        asked = {"run": weights.name, "class": arguments.label, "rows": "windows" if arguments.windows else "clips"}
        try:
            made = trace.finish(folder, {**asked, "by": shell_user(), "result": facts})
            say(f"what was said of each clip: {made / trace.PREDICTIONS}")
        except WorkspaceError as trouble:
            say(f"warning: {not_kept(trouble)}")
    if arguments.json:
        emit_json(facts)
    else:
        for line in report(result):
            emit(line)
    return 0


def find_same(workspace: Workspace, root: Path, name: str) -> bool:
    """Whether a data set named otherwise is the one that the run was trained on."""
    from labcore.datasets.registry import find_dataset
    from labcore.errors import DatasetError

    try:
        return find_dataset(workspace, name).root.resolve() == root.resolve()
    except DatasetError:
        return False


def figures(result: Evaluated) -> dict[str, Any]:
    """Final figures as plain data."""
    return result.model_dump(exclude={"type", "time"})


def report(result: Evaluated) -> list[str]:
    """Final figures for people: a sentence and a table of the classes."""
    rows = [
        [label, *(percent(each.get(name)) for name in ("precision", "recall", "f1")), f"{each.get('clips', 0):g}"]
        for label, each in result.per_class.items()
    ]
    note = [f"{choice_note(result.adjusted)}."] if result.adjusted else []
    return [result_line(result), *note, "", *table(["class", "precision", "recall", "F1", "clips"], rows)]
