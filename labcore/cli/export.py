"""Write a run's weights (safetensors), configuration, labels and a script that uses them as one zip.

Examples:
  labcore export last --output dogs.zip
"""

from __future__ import annotations

import argparse
from pathlib import Path

from labcore.cli.inputs import trained_run
from labcore.cli.output import tell
from labcore.cli.parser import RUN, Parser, add_json, add_run, run_named
from labcore.workspace import write_atomically


def parser() -> Parser:
    parser = Parser(prog="labcore export", description=__doc__)
    add_run(parser, f"{RUN} (default: last)", default="last")
    parser.add_argument("--output", "-o", metavar="FILE", help="file to write (default: RUN.zip in the current folder)")
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.export import export_zip

    chosen = trained_run(run_named(arguments))
    content = export_zip(chosen)
    target = Path(arguments.output or f"{chosen.id}.zip")
    if target.is_dir():
        target /= f"{chosen.id}.zip"
    write_atomically(target, content)
    facts = {"run_id": chosen.id, "file": str(target.absolute()), "bytes": len(content)}
    return tell(facts, str(target), as_json=arguments.json)
