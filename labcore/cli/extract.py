"""Compute log-mels, MFCCs or embeddings of all sound files in a folder.

Writes one file each, at the same place in the output folder, and an index. Finished files are skipped, so the same
command continues after an interruption. Files that cannot be read are listed at the end; the exit status is then 1.

Examples:
  labcore extract recordings --output mels
  labcore extract recordings --output embeddings --embeddings last
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.inputs import weights_of
from labcore.cli.output import DONE, FAILED, INTERRUPTED, duration, say, say_some, tell
from labcore.cli.parser import Parser, add_device, add_json, add_setting, number, positive, read_config
from labcore.cli.progress import Bar, Pace, scanning
from labcore.cli.signals import stop_on_signals
from labcore.device import usable_cores
from labcore.errors import AudioError, ConfigError, RunError
from labcore.outputs import output_path
from labcore.texts import counted
from labcore.typed import typed_path
from labcore.workspace import sha256_of

if TYPE_CHECKING:
    from labcore.extract import Counts, ExtractSettings

FRONT_END = ("audio.sample_rate", "features.")


def parser() -> Parser:
    from labcore.config import all_settings

    parser = Parser(prog="labcore extract", description=__doc__)
    parser.add_argument("folder", metavar="DIR", nargs="?", help="folder of sound files, with its subfolders")
    parser.add_argument("--input", metavar="DIR", help="same as DIR")
    parser.add_argument(
        "--output", "-o", metavar="DIR", type=output_path, required=True, help="folder to write to; created if missing"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--features", choices=("log-mel", "mfcc"), default="log-mel", help="log-mels in dB (n_mels, frames) or MFCCs (n, frames) "
        "(default: log-mel)",
    )  # fmt: skip
    what.add_argument(
        "--embeddings", metavar="RUN", help="compute embeddings (windows, width) with the network of this run instead: its id or a part of "
        "it, its folder, the word last, or a weights file",
    )  # fmt: skip
    parser.add_argument("--mfcc", metavar="N", type=int, default=20, help="number of MFCC coefficients (default: 20)")
    parser.add_argument(
        "--hop", metavar="SECONDS", type=positive, help="step between windows of embeddings (default: half a clip)"
    )
    parser.add_argument(
        "--format", choices=("npy", "pt", "parquet"), default="npy", help="NumPy array, torch tensor, or Parquet with a row per frame or "
        "window (default: npy)",
    )  # fmt: skip
    parser.add_argument("--index", choices=("csv", "parquet"), default="csv", help="format of the index (default: csv)")
    add_device(parser, "auto, cpu, cuda or cuda:N (default: auto, a GPU for embeddings if there is one, else the CPU)")
    parser.add_argument(
        "--workers", metavar="N", type=number(int, lambda value: 1 <= value <= 1024, "between 1 and 1024"), default=usable_cores(),
        help="processes, or decoding threads for a GPU (default: one per core)",
    )  # fmt: skip
    add_json(parser, "a summary as a line of JSON")
    parser.add_argument("--config", metavar="FILE", help="front end to use: the config.json or folder of a run")
    front = parser.add_argument_group("front end of log-mels and MFCCs")
    for path, setting in all_settings().items():
        if path.startswith(FRONT_END):
            add_setting(front, setting)
    return parser


def run(arguments: argparse.Namespace) -> int:
    named = [each for each in (arguments.folder, arguments.input) if each is not None]
    if len(named) != 1:
        what = "no folder is named" if not named else f"two folders are named: {named[0]} and {named[1]}"
        raise ConfigError(what, "Name the one that holds the sound files")
    source, output = typed_path(named[0]), arguments.output
    if not os.path.isdir(source):  # noqa: PTH112 (never raises)
        raise AudioError(f"the input {source} is no folder", "Name the folder that holds the sound files")
    settings = settings_from(arguments)
    from labcore.datasets.walk import looking
    from labcore.extract import extract

    device = _device(arguments.device, settings)
    began = time.monotonic()
    pace = Pace(say)

    def at_work(counts: Counts) -> None:
        line = _line(counts, time.monotonic() - began)
        pace(Bar("extracting", counts.done + counts.skipped, counts.total, line))

    with (
        stop_on_signals("stopping after the current files; interrupt again to quit at once") as stopping,
        looking(_until(stopping.is_set)),
    ):
        counts = extract(
            source,
            output,
            settings,
            device=device,
            workers=arguments.workers,
            index=arguments.index,
            progress=at_work,
            should_stop=stopping.is_set,
        )
    seconds = time.monotonic() - began
    say_some("note", [f"{path}: {note}" for path, note in counts.notes], "the index has them all")
    say_some("bad", [error for _, error in counts.bad], "the index has them all")
    say(_line(counts, seconds))
    if counts.stopped:
        say("stopped; the same command continues")
    facts: dict[str, object] = {"files": counts.total, "done": counts.done - len(counts.bad), "skipped": counts.skipped}
    facts |= {"bad": len(counts.bad), "stopped": counts.stopped, "audio_seconds": round(counts.audio_seconds, 3)}
    facts |= {"seconds": round(seconds, 3), "device": device, "index": str(counts.index)}
    tell(facts, str(counts.index), as_json=arguments.json)
    return INTERRUPTED if counts.stopped else FAILED if counts.bad else DONE


def _until(stopped: Callable[[], bool]) -> Callable[[int, int], None]:
    """The progress of looking through folders, which a signal ends."""
    scan = scanning("reading")

    def report(done: int, total: int) -> None:
        if stopped():
            raise KeyboardInterrupt
        scan(done, total)

    return report


def settings_from(arguments: argparse.Namespace) -> ExtractSettings:
    """What the flags ask for.

    Raises:
        ConfigError: they do not go together, or a value is out of bounds.
        RunError: there is no such run, or it has no weights.
    """
    from labcore.config import RunConfig, all_settings
    from labcore.extract import ExtractSettings

    given = {path: value for path, value in vars(arguments).items() if path in all_settings()}
    if arguments.embeddings is None:
        if arguments.hop is not None:
            raise ConfigError("--hop is for embeddings", "The hop of frames is --features.hop_length, in samples")
        config = RunConfig() if arguments.config is None else read_config(Path(arguments.config))
        return ExtractSettings(arguments.features, arguments.format, config.replace(given), n_mfcc=arguments.mfcc)
    if given or arguments.config is not None:
        raise ConfigError(
            "embeddings take the front end of their run", "Leave out --config, --audio.… and --features.…"
        )
    weights = weights_of(arguments.embeddings)
    file = weights / "weights.safetensors" if weights.is_dir() else weights
    if not file.is_file():
        raise RunError(f"there are no weights at {file}", "Weights are written when a run finishes")
    return ExtractSettings(
        "embeddings",
        arguments.format,
        weights=str(weights.absolute()),
        weights_sha256=sha256_of(file),
        hop_seconds=arguments.hop,
    )


def _device(wanted: str, settings: ExtractSettings) -> str:
    if wanted == "cpu" or (wanted == "auto" and settings.kind != "embeddings"):
        return "cpu"
    from labcore.device import choose_device

    choice = choose_device(wanted)
    say(f"on {choice.device}: {choice.reason}")
    return choice.device


def _line(counts: Counts, seconds: float) -> str:
    rate = counts.done / max(1e-9, seconds)
    speed = counts.audio_seconds / max(1e-9, seconds)
    told = f"{counts.done + counts.skipped} of {counted(counts.total, 'file')}"
    parts = [told, f"{rate:.0f} files/s", f"{speed:.0f} times real time"]
    parts += [f"{counts.skipped} done before"] if counts.skipped else []
    parts += [f"{len(counts.bad)} bad"] if counts.bad else []
    left = counts.total - counts.done - counts.skipped
    parts += [] if left else [f"in {duration(seconds)}"]
    parts += [f"{duration(left / rate)} left"] if left and rate > 0.01 else []
    return ", ".join(parts)
