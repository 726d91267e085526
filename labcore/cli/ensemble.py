"""``labcore ensemble``: the networks of several runs as one classifier."""

from __future__ import annotations

import argparse

from labcore.cli.evaluate import figures, report
from labcore.cli.output import emit, emit_json, live_count
from labcore.cli.parser import Parser, add_json, add_runs, runs_named
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore ensemble",
        description="Put the networks of finished runs together as a new run that answers with the mean of their probabilities. "
        "The runs may differ in seed, network and training; they must have held out the same clips.",
    )
    add_runs(parser, "runs by id, a part of it, or folder: two at least")
    parser.add_argument("--device", default="auto", help="where it is judged: auto (the default), cpu, cuda or cuda:N")
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    members = [Run.open(workspace, name) for name in runs_named(arguments)]
    from labcore.ensembles import save_ensemble

    judging = live_count("judging", "windows")
    made, result = save_ensemble(workspace, members, arguments.device, judging, by=shell_user())
    if arguments.json:
        facts = {"run_id": made.id, "run_dir": str(made.path), "members": [member.id for member in members]}
        emit_json(facts | figures(result))
    else:
        emit(f"run {made.id}, an ensemble of {len(members)} runs")
        for line in report(result):
            emit(line)
    return 0
