"""``labcore export``: a run's weights, configuration, labels and a script that uses them, in one zip."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.inputs import trained_run
from labcore.cli.output import emit, emit_json
from labcore.cli.parser import LAST, Parser, add_run, run_named

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier


def parser() -> Parser:
    parser = Parser(
        prog="labcore export",
        description="Write a trained network to a file: a zip with weights (safetensors), configuration, labels and a script that uses "
        "them; the safetensors file alone; or ONNX, front end inside, for runtimes without PyTorch.",
    )
    add_run(parser, LAST, "last")
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        help="where to; what is written goes by its ending: .zip, .safetensors or .onnx [default RUN.zip in the current folder]",
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON on stdout")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.export import save_as

    chosen = trained_run(run_named(arguments))
    target = Path(arguments.output or f"{chosen.id}.zip")
    if target.is_dir():
        target /= f"{chosen.id}.zip"

    def load() -> Classifier:
        from labcore.inference.classifier import Classifier

        return Classifier.load(chosen.path)

    save_as(target, chosen, load)
    if arguments.json:
        emit_json({"run_id": chosen.id, "file": str(target.absolute()), "bytes": target.stat().st_size})
    else:
        emit(str(target))
    return 0
