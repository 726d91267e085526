"""``labcore export``: a run's weights, configuration, labels and a script that uses them, in one zip."""

from __future__ import annotations

import argparse
from pathlib import Path

from labcore.cli.inputs import trained_run
from labcore.cli.output import emit, emit_json
from labcore.cli.parser import LAST, Parser, add_run, run_named
from labcore.workspace import write_atomically


def parser() -> Parser:
    parser = Parser(
        prog="labcore export",
        description="Write the zip with a run's weights (safetensors), configuration, labels and a script that uses them.",
    )
    add_run(parser, LAST, "last")
    parser.add_argument(
        "--output", "-o", metavar="FILE", help="where to; RUN.zip in the current folder where not given"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON on stdout")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.export import export_zip

    chosen = trained_run(run_named(arguments))
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
