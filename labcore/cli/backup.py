"""Write the workspace to one file, also while jobs are running.

Includes runs with checkpoints and events, searches, cross-validations, reports and references to data sets, each file
with a checksum. The cache is left out. To encrypt a backup with a passphrase, send it through age.

Examples:
  labcore backup lab.tar
  labcore backup lab.tar.age --recipient age1…
  labcore backup - | age -p > lab.tar.age
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.output import DONE, FAILED, say, tell
from labcore.cli.parser import Parser, add_json
from labcore.cli.progress import Bar, bars
from labcore.cli.signals import stop_on_signals
from labcore.errors import BackupError
from labcore.outputs import output_path
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labcore.backup.snapshot import LeftOut

PASSPHRASE = "LABCORE_BACKUP_PASSPHRASE"


def parser() -> Parser:
    parser = Parser(prog="labcore backup", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="file to write, outside the workspace; - is stdout")
    parser.add_argument(
        "--datasets", action="store_true", help="include the data sets that are in the workspace itself"
    )
    parser.add_argument("--passphrase", action="store_true", help=argparse.SUPPRESS)  # of former versions
    parser.add_argument(
        "--recipient", metavar="KEY", action="append", default=[], help="encrypt to a public key of age (age1…) or SSH; repeatable"
    )  # fmt: skip
    add_json(parser, "a summary as a line of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.backup.writing import back_up

    _refuse_passphrase(arguments)
    to_stdout = arguments.file == "-"
    if to_stdout and arguments.json:
        raise BackupError("stdout cannot take both the backup and --json", "Give a file")
    if to_stdout and sys.stdout.isatty():
        raise BackupError("a backup is not for a terminal", "Send it into a file or a pipe")
    target = sys.stdout.buffer if to_stdout else output_path(arguments.file)
    with interruptible("writing") as progress:
        written = back_up(
            Workspace.default(), target, datasets=arguments.datasets, recipients=arguments.recipient, progress=progress
        )
    encrypted = bool(arguments.recipient)
    size = f"{written.size / 1e6:.1f} MB{', encrypted' if encrypted else ''}"
    say(f"{counted(written.runs, 'run')}, {counted(written.files, 'file')}, {size}")
    for line in left_out_lines(written.left_out):
        say(line)
    facts = {"units": written.units, "files": written.files}
    facts |= {"bytes": written.size, "encrypted": encrypted, "unreadable": written.left_out.unreadable}
    if isinstance(target, Path):
        tell({"file": str(target.absolute()), **facts}, str(target), as_json=arguments.json)
    return FAILED if written.left_out.unreadable else DONE


def _refuse_passphrase(arguments: argparse.Namespace) -> None:
    """Refuse a passphrase given as to former versions, so that no backup is left unencrypted by mistake.

    Raises:
        BackupError: one is given.
    """
    remedy = "make a pipe, labcore backup - | age -p > FILE, or give a public key with --recipient"
    if arguments.passphrase:
        raise BackupError("--passphrase was removed: age itself asks for one", f"Instead {remedy}")
    if os.environ.get(PASSPHRASE) and not arguments.recipient:
        raise BackupError(f"{PASSPHRASE} is set, but no longer encrypts a backup", f"Unset it and {remedy}")


@contextlib.contextmanager
def interruptible(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress function that shows how far it is, and ends the work at the next piece after Ctrl-C or SIGTERM, so that it tidies up."""
    try:
        with stop_on_signals("stopping") as stopping:

            def progress(files: int, size: int) -> None:
                if stopping.is_set():
                    raise KeyboardInterrupt
                bars.show(Bar(what, detail=f"{counted(files, 'file')}, {size / 1e6:.0f} MB"))

            try:
                yield progress
            except BackupError:
                if stopping.is_set():  # Ctrl-C ended what stands before or behind this command in a pipe
                    raise KeyboardInterrupt from None
                raise
    finally:
        bars.clear()


def left_out_lines(left_out: LeftOut) -> list[str]:
    """For people: what a backup does not hold."""

    def some(names: list[str]) -> str:
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    lines = ["left out: the cache"]
    lines += [f"left out: data sets {some(left_out.datasets)} (--datasets includes them)"] if left_out.datasets else []
    lines += [f"left out: links and special files {some(left_out.links)}"] if left_out.links else []
    lines += [f"NOT READABLE, missing from the backup: {some(left_out.unreadable)}"] if left_out.unreadable else []
    return lines
