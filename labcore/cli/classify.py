"""``labcore classify``: what a trained classifier hears in sound files."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from labcore.cli.output import DONE, FAILED, emit, emit_json, percent, say
from labcore.cli.parser import Parser
from labcore.errors import AudioError, LabError
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore classify",
        description="Say what is heard in sound files. A file that cannot be read is told and the others go on; the exit "
        "status is then 1.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="sound files, or folders of them")
    parser.add_argument(
        "--run", metavar="RUN", default="last", help="a run's id or a part of it, its folder, the word last (the default), "
        "a weights file or the zip of a run",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="auto (the default), cpu, cuda or cuda:N")
    parser.add_argument("--gpu", dest="device", action="store_const", const="cuda", help="the same as --device cuda")
    parser.add_argument(
        "--hop", metavar="SECONDS", type=positive, help="from one window to the next in recordings longer than a clip; "
        "half a clip where not given",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="a line of JSON a file on stdout, and nothing else there")
    return parser


def run(arguments: argparse.Namespace) -> int:
    weights = weights_of(arguments.run)
    files = list(sound_files(arguments.files))
    from labcore.classifier import Classifier

    classifier = Classifier.load(weights, arguments.device)
    status = DONE
    for file in files:
        try:
            answer = classifier.classify(file, hop_seconds=arguments.hop)
        except LabError as error:
            status = FAILED
            if arguments.json:
                emit_json({"file": str(file), "error": str(error)})
            else:
                say(f"{file}: {error}")
            continue
        if arguments.json:
            emit_json({"file": str(file), **answer.to_dict()})
        else:
            emit(f"{percent(answer.probability):>7}  {answer.label}  {file}")
    return status


def weights_of(name: str) -> Path:
    """The folder of a run by its name, or a file of weights by its path.

    Raises:
        RunError: there is none.
    """
    path = Path(name)
    if path.is_file() or (path / "weights.safetensors").is_file():
        return path
    return Run.open(Workspace.default(), name).path


def sound_files(names: Iterable[str]) -> Iterator[Path]:
    """The files named, whatever they are called, and the sound files in and below the folders named, in order.

    Raises:
        AudioError: a folder without sound files.
    """
    from labcore.datasets.scan import find_audio

    for name in names:
        path = Path(name)
        if not path.is_dir():
            yield path
            continue
        found = find_audio(path).files
        if not found:
            raise AudioError(f"there are no sound files in {path}", "Name the files themselves, or another folder")
        yield from (path.joinpath(*parts) for parts in found)


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not more than zero")
    return value
