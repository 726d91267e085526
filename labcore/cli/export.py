"""Write a trained network to a file: a zip with weights (safetensors), configuration, labels and a script that uses them; the safetensors
file alone; or ONNX, with the front end, for runtimes without PyTorch.

Examples:
  labcore export
  labcore export last --output bark.zip
  labcore export last --output bark.onnx
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.inputs import trained_run
from labcore.cli.output import say, tell
from labcore.cli.parser import RUN, Parser, add_json, add_run, run_named
from labcore.outputs import output_path

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier


def parser() -> Parser:
    parser = Parser(prog="labcore export", description=__doc__)
    add_run(parser, f"{RUN} (default: last)", default="last")
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        type=output_path,
        default=Path(),
        help="file to write: .zip, .safetensors or .onnx (default: RUN.zip in the current folder)",
    )
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.export import save_as
    from labcore.inference.unknown import Threshold

    chosen = trained_run(run_named(arguments))
    target: Path = arguments.output
    if os.path.isdir(target):  # noqa: PTH112 (never raises)
        target /= f"{chosen.id}.zip"

    def load() -> Classifier:
        from labcore.inference.classifier import Classifier

        return Classifier.load(chosen.path)

    save_as(target, chosen, load)
    if target.suffix.lower() == ".onnx" and (refusals := Threshold.of_file(chosen.weights)) is not None and refusals.on:
        say(
            "note: what the run refuses as none of its classes is not in an ONNX file, which names a class of any sound"
        )
    facts = {"run_id": chosen.id, "file": str(target.absolute()), "bytes": target.stat().st_size}
    return tell(facts, str(target), as_json=arguments.json)
