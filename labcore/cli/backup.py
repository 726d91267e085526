"""``labcore backup``: the workspace in one file."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.attend import say_raw, stop_on_signals
from labcore.cli.output import DONE, FAILED, emit, emit_json, live, say
from labcore.cli.parser import Parser, add_json
from labcore.errors import BackupError
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labcore.backup.snapshot import LeftOut

PASSPHRASE = "LABCORE_BACKUP_PASSPHRASE"


def parser() -> Parser:
    parser = Parser(
        prog="labcore backup",
        description="Write the workspace into one file: runs with their checkpoints and events, also while they are at work, searches, "
        "experiments, reports, and references to data sets. The cache is left out, since the lab makes it again. Every file has a "
        "checksum. To encrypt it with a passphrase: labcore backup - | age -p > FILE",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="where to, outside the workspace; - is stdout")
    parser.add_argument("--datasets", action="store_true", help="with the data sets that lie in the workspace itself")
    parser.add_argument("--passphrase", action="store_true", help=argparse.SUPPRESS)  # of former versions
    parser.add_argument(
        "--recipient",
        metavar="KEY",
        action="append",
        default=[],
        help="encrypt to a public key of age (age1…) or SSH; may be given again",
    )
    add_json(parser, "a line of JSON at the end")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.backup import back_up

    _refuse_passphrase(arguments)
    to_stdout = arguments.file == "-"
    if to_stdout and arguments.json:
        raise BackupError("stdout cannot take both the backup and --json", "Give a file")
    if to_stdout and sys.stdout.isatty():
        raise BackupError("a backup is not for a terminal", "Send it into a file or a pipe")
    target = sys.stdout.buffer if to_stdout else Path(arguments.file)
    with interruptible("writing") as progress:
        written = back_up(
            Workspace.default(), target, datasets=arguments.datasets, recipients=arguments.recipient, progress=progress
        )
    encrypted = bool(arguments.recipient)
    say(
        f"{counted(written.runs, 'run')}, {counted(written.files, 'file')}, {written.size / 1e6:.1f} MB{', encrypted' if encrypted else ''}"
    )
    for line in left_out_lines(written.left_out):
        say(line)
    if arguments.json:
        facts = {"file": str(Path(arguments.file).absolute()), "units": written.units, "files": written.files}
        emit_json({**facts, "bytes": written.size, "encrypted": encrypted, "unreadable": written.left_out.unreadable})
    elif not to_stdout:
        emit(arguments.file)
    return FAILED if written.left_out.unreadable else DONE


def _refuse_passphrase(arguments: argparse.Namespace) -> None:
    """Who asks for a passphrase as former versions had it is told the way of today, and gets no backup that is not encrypted."""
    remedy = "make a pipe, labcore backup - | age -p > FILE, or give a public key with --recipient"
    if arguments.passphrase:
        raise BackupError("--passphrase is gone: a passphrase is age's own matter", f"Instead {remedy}")
    if os.environ.get(PASSPHRASE) and not arguments.recipient:
        raise BackupError(f"{PASSPHRASE} is set, and encrypts no backup any more", f"Unset it and {remedy}")


@contextlib.contextmanager
def interruptible(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress function that shows how far it is, and ends the work at the next piece after Ctrl-C or SIGTERM, so that it tidies up."""
    try:
        with stop_on_signals(lambda: say_raw("stopping\n")) as stopping:

            def progress(files: int, size: int) -> None:
                if stopping.is_set():
                    raise KeyboardInterrupt
                live(f"{what}  {counted(files, 'file')}, {size / 1e6:.0f} MB")

            try:
                yield progress
            except BackupError:
                if stopping.is_set():  # Ctrl-C ended what stands before or behind this command in a pipe
                    raise KeyboardInterrupt from None
                raise
    finally:
        live("")


def left_out_lines(left_out: LeftOut) -> list[str]:
    """For people: what a backup does not hold."""

    def some(names: list[str]) -> str:
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    lines = ["left out: the cache"]
    lines += (
        [f"left out: data sets {some(left_out.datasets)} (--datasets takes them along)"] if left_out.datasets else []
    )
    lines += [f"left out: links and special files {some(left_out.links)}"] if left_out.links else []
    lines += [f"NOT READABLE, and missing in the backup: {some(left_out.unreadable)}"] if left_out.unreadable else []
    return lines
