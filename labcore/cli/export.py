"""Write a trained network to a file: a zip with weights (safetensors), configuration, labels and a script that uses them; the safetensors
file alone; or ONNX, with the front end, for runtimes without PyTorch.

Examples:
  labcore export
  labcore export last --output bark.zip
  labcore export last --output bark.onnx
  labcore export weights.safetensors --output bark.onnx
"""

from __future__ import annotations

import argparse
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.inputs import weights_of
from labcore.cli.output import say, tell
from labcore.cli.parser import WEIGHTS, Parser, add_json, add_run, run_named
from labcore.errors import ConfigError
from labcore.outputs import output_path
from labcore.runs import Run

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier


def parser() -> Parser:
    parser = Parser(prog="labcore export", description=__doc__)
    add_run(parser, WEIGHTS, default="last")
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        type=output_path,
        default=Path(),
        help="file to write: .zip (of a run), .safetensors or .onnx (default: RUN.zip in the current folder)",
    )
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.export import save_as

    place = weights_of(run_named(arguments))
    chosen = Run(place) if place.is_dir() else None
    target = _target(arguments.output, place, chosen)

    @cache
    def load() -> Classifier:
        from labcore.inference.classifier import Classifier

        return Classifier.load(place)

    save_as(target, chosen, load)
    if target.suffix.lower() == ".onnx" and load().refuses:
        say("note: what it refuses as none of its classes is not in an ONNX file, which names a class of any sound")
    facts = {
        "run_id": chosen and chosen.id,
        "file": str(target.absolute()),
        "bytes": target.stat().st_size,
    }
    return tell(facts, str(target), as_json=arguments.json)


def _target(wanted: Path, place: Path, chosen: Run | None) -> Path:
    """The file to write. In a folder a run's zip is called after it.

    Raises:
        ConfigError: a folder is named for what is no run.
    """
    if not os.path.isdir(wanted):  # noqa: PTH112 (never raises)
        return wanted
    if chosen is None:
        raise ConfigError(f"{place} is no run, and only a run has a zip", "Name a file: --output FILE.onnx")
    return wanted / f"{chosen.id}.zip"
