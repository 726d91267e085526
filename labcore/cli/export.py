"""``labcore export``: a run's weights, configuration, labels and a script that uses them, in one zip."""

from __future__ import annotations

import argparse
from pathlib import Path

from labcore.cli.output import emit, emit_json
from labcore.cli.parser import Parser
from labcore.runs import Run
from labcore.workspace import Workspace, write_atomically


def parser() -> Parser:
    parser = Parser(
        prog="labcore export",
        description="Write the zip with a run's weights (safetensors), configuration, labels and a script that uses them.",
    )
    parser.add_argument("run", metavar="RUN", help="a run's id or a part of it, its folder, or the word last")
    parser.add_argument(
        "--output", "-o", metavar="FILE", help="where to; RUN.zip in the current folder where not given"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON on stdout")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.export import export_zip

    chosen = Run.open(Workspace.default(), arguments.run)
    content = export_zip(chosen)
    target = Path(arguments.output or f"{chosen.id}.zip")
    if target.is_dir():
        target /= f"{chosen.id}.zip"
    write_atomically(target, content)
    if arguments.json:
        emit_json({"run_id": chosen.id, "file": str(target.absolute()), "bytes": len(content)})
    else:
        emit(str(target))
    return 0
