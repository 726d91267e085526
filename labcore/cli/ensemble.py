"""Combine finished runs into one classifier, a new run that averages their probabilities.

The runs may differ in seed, network and training, but must have the same test clips.

Examples:
  labcore ensemble 20261126-1030 20261126-1105
"""

from __future__ import annotations

import argparse

from labcore.cli.evaluate import figures, report
from labcore.cli.output import tell
from labcore.cli.parser import Parser, add_json, add_run, runs_named
from labcore.cli.progress import counting
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore ensemble", description=__doc__)
    add_run(parser, "two or more runs: an id or a part of it, or a folder", many=True)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    members = [Run.open(workspace, name) for name in runs_named(arguments)]
    from labcore.ensembles import save_ensemble

    progress = counting("evaluating", "window")
    made, result = save_ensemble(workspace, members, arguments.device, progress, by=shell_user())
    facts = {"run_id": made.id, "run_dir": str(made.path), "members": [member.id for member in members]}
    about = f"run {made.id}, an ensemble of {len(members)} runs"
    return tell(facts | figures(result), about, *report(result), as_json=arguments.json)
