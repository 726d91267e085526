"""``labcore classify``: what a trained classifier hears in sound files."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from labcore.answers.tables import ENDINGS, FORMATS, PER, TRACKS, csv_writer, rows_of, track_of
from labcore.cli.attend import say_raw, stop_on_signals
from labcore.cli.output import DONE, FAILED, INTERRUPTED, duration, emit, emit_json, live, percent, say
from labcore.cli.parser import Parser
from labcore.errors import AudioError, ConfigError, WorkspaceError
from labcore.runs import Run
from labcore.workspace import Workspace, sha256_of

BY_ENDING = {".csv": "csv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet"}
EVERY_SECONDS = 10.0
"""How often progress is said where stderr is no terminal."""


def parser() -> Parser:
    parser = Parser(
        prog="labcore classify",
        description="Say what is heard in sound files. A file that cannot be read is told and the others go on; the exit "
        "status is then 1. With --output, answers are kept as they come: the same command goes on after an interruption, and skips files "
        "that these weights have answered already.",
    )  # fmt: skip
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
    parser.add_argument(
        "--output", "-o", metavar="PATH", help="where to: a file, or for raven and audacity a folder with a file for each recording (a "
        "file where there is one recording)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS, help="jsonl (whole answers), csv, parquet, raven (selection tables) or audacity (label tracks); by "
        "the ending of --output where not given",
    )  # fmt: skip
    parser.add_argument(
        "--per", choices=PER, default="file", help="a row of csv or parquet is a file (the default), a window, or a segment: windows "
        "joined where the label stays",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", metavar="P", type=_share, default=0.5, help="segments, raven, audacity: windows whose label is less probable leave "
        "a gap [default 0.5]",
    )  # fmt: skip
    parser.add_argument(
        "--json",
        action="store_true",
        help="a line of JSON a file on stdout, and nothing else there; with --output, one at the end",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    kind = format_of(arguments)
    weights = weights_of(arguments.run)
    files = list(sound_files(arguments.files))
    if arguments.output is not None:
        return _into_files(arguments, kind, weights, files)
    if kind in TRACKS and len(files) > 1:
        raise ConfigError(f"{len(files)} recordings do not go into one {kind} file", "Give a folder with --output")
    from labcore.answers.asking import answers_of
    from labcore.classifier import Classifier

    classifier = Classifier.load(weights, arguments.device)
    writer = csv_writer(sys.stdout, classifier.labels, arguments.per) if kind == "csv" else None
    bad = 0
    for file, answer in answers_of(classifier, files, arguments.hop):
        bad += "error" in answer
        if kind == "jsonl":
            emit_json(answer)
        elif "error" in answer:
            say(f"{file}: {answer['error']}")
        if writer is not None:
            writer.writerows(rows_of(answer, arguments.per, arguments.threshold))
            sys.stdout.flush()
        elif "error" not in answer and kind in TRACKS:
            print(track_of(answer, kind, arguments.threshold), end="", flush=True)
        elif "error" not in answer and kind == "text":
            emit(f"{percent(answer['probability']):>7}  {answer['label']}  {file}")
    if bad and len(files) > 1 and kind != "jsonl":
        say(f"{bad} of {len(files)} files could not be read")
    return FAILED if bad else DONE


def _into_files(arguments: argparse.Namespace, kind: str, weights: Path, files: list[Path]) -> int:
    """Answers into a file or a folder; those that were given already are taken from the journal beside it."""
    from labcore.answers import AnswerJournal, write_table, write_tracks
    from labcore.answers.asking import answers_of

    output = Path(arguments.output)
    files = list(dict.fromkeys(files))
    targets = track_files(arguments.files, files, output, kind) if kind in TRACKS else {}
    into_folder = kind in TRACKS and output not in targets.values()
    journal_file = output / ".answers.jsonl" if into_folder else output.with_name(f".{output.name}.answers.jsonl")
    try:
        journal_file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"{journal_file.parent} cannot be made: {error.strerror or error}", "Choose another --output"
        ) from error
    weights_file = weights / "weights.safetensors" if weights.is_dir() else weights
    from labcore.classifier import Classifier

    classifier = Classifier.load(weights, arguments.device)
    journal = AnswerJournal(journal_file, f"{sha256_of(weights_file)} {arguments.hop}")
    waiting = [file for file in files if not journal.has(file)]
    done, bad, began, told = 0, [], time.monotonic(), time.monotonic()
    with stop_on_signals(lambda: say_raw("stopping after this file; once more ends at once\n")) as stopping:
        answers = answers_of(classifier, waiting, arguments.hop)
        with contextlib.closing(answers):
            for file, answer in answers:
                journal.add(file, answer)
                done += 1
                if "error" in answer:
                    bad.append(answer["error"])
                line = f"{len(files) - len(waiting) + done}/{len(files)} files, {done / (time.monotonic() - began + 1e-9):.1f} files/s"
                live(line)
                if not sys.stderr.isatty() and time.monotonic() - told > EVERY_SECONDS:
                    told = time.monotonic()
                    say(line)
                if stopping.is_set():
                    break
        known = ((file, found) for file in files if (found := journal.get(file)) is not None)
        if kind in TRACKS:
            write_tracks(((targets[file], found) for file, found in known), kind, arguments.threshold)
        else:
            found_all = (found for _, found in known)
            write_table(output, kind, found_all, classifier.labels, arguments.per, arguments.threshold)
    for reason in bad[:20]:
        say(f"bad: {reason}")
    if len(bad) > 20:
        say(f"and {len(bad) - 20} more")
    stopped = done < len(waiting)
    skipped = len(files) - len(waiting)
    say(f"{done} files in {duration(time.monotonic() - began)}, {skipped} answered before, {len(bad)} bad")
    if stopped:
        say("stopped; the same command goes on")
    if arguments.json:
        facts = {"output": str(output.absolute()), "files": len(files), "done": done - len(bad), "skipped": skipped}
        emit_json({**facts, "bad": len(bad), "stopped": stopped})
    else:
        emit(str(output))
    return INTERRUPTED if stopped else FAILED if bad else DONE


def format_of(arguments: argparse.Namespace) -> str:
    """What to write: the format that is given, else by the ending of the output.

    Raises:
        ConfigError: none is given and the ending tells none, or it cannot be had this way.
    """
    kind: str = arguments.format or ""
    if arguments.output is None:
        if kind == "parquet":
            raise ConfigError("Parquet does not go to stdout", "Name a file with --output")
        if arguments.json and kind not in ("", "jsonl"):
            raise ConfigError(
                f"stdout cannot take both --json and {kind}", "Leave one of them out, or name a file with --output"
            )
        return "jsonl" if arguments.json else kind or "text"
    kind = kind or BY_ENDING.get(Path(arguments.output).suffix.lower(), "")
    if not kind:
        raise ConfigError(f"the format of {arguments.output} is not known", f"Give --format {', '.join(FORMATS)}")
    if kind not in TRACKS and Path(arguments.output).is_dir():
        raise ConfigError(f"{arguments.output} is a folder", "Name a file in it")
    return kind


def track_files(names: list[str], files: list[Path], output: Path, kind: str) -> dict[Path, Path]:
    """Where each recording's label track goes: the output itself for one recording, else a file at its place in that folder.

    Raises:
        ConfigError: two recordings would share one.
    """
    if len(files) == 1 and not output.is_dir() and Path(names[0]) == files[0]:
        return {files[0]: output}
    folders = [Path(name) for name in names if Path(name).is_dir()]
    targets: dict[Path, Path] = {}
    for file in files:
        above = next((folder for folder in folders if file.is_relative_to(folder)), None)
        inner = Path(file.name) if above is None else file.relative_to(above)
        if above is not None and len(folders) > 1:
            inner = above.resolve().name / inner
        targets[file] = output / f"{inner}{ENDINGS[kind]}"
    if len(set(targets.values())) < len(targets):
        raise ConfigError(
            "two recordings of the same name would share a label track", "Classify them into folders of their own"
        )
    return targets


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


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
