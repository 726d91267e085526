"""``labcore runs report``: a run, a cross-validation or a comparison as one file, to read without the lab."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from labcore.cli.output import tell
from labcore.cli.parser import Parser, add_json, add_run, runs_named
from labcore.outputs import output_path, require_writable
from labcore.workspace import Workspace

HELP = "write a report of a run or a cross-validation, or of the comparison of several, as one HTML or Markdown file, or a zip"


def add_to(parser: Parser) -> None:
    add_run(parser, "id of a run or a cross-validation, or a part of it; several are compared", many=True)
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        type=output_path,
        default=Path(),
        help="file to write: .html, which opens offline, .md, or .zip, with figures (SVG) and tables (CSV, LaTeX) too "
        "(default: RUN.html in the current folder)",
    )
    add_json(parser)


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.report.make import report_of, save, writer_of

    target: Path = arguments.output
    if not os.path.isdir(target):  # noqa: PTH112 (never raises)
        writer_of(target)  # before the work
        require_writable(target)
    made = report_of(workspace, runs_named(arguments))
    if target.is_dir():
        target /= f"{made.stem}.html"
    save(made, target)
    facts = {"title": made.title, "file": str(target.absolute()), "bytes": target.stat().st_size}
    return tell(facts, str(target), as_json=arguments.json)
