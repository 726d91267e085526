"""Restore a backup into an empty workspace or one in use.

All checksums are verified before anything changes. Runs that were training come back as interrupted; `labcore resume`
continues them. A backup that age encrypted with a passphrase goes through age first.

Examples:
  labcore restore lab.tar --check
  labcore restore lab.tar.age --identity key.txt
  age -d lab.tar.age | labcore restore -
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from labcore.cli.backup import PASSPHRASE, interruptible
from labcore.cli.output import say, tell
from labcore.cli.parser import Parser, add_json
from labcore.errors import BackupError
from labcore.texts import counted
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore restore", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="backup to restore; - is stdin")
    parser.add_argument("--check", action="store_true", help="verify that it can be restored, and write nothing")
    parser.add_argument(
        "--replace", action="store_true", help="replace runs and other things of the same name; without it, any such one stops the restore "
        "before anything changes",
    )  # fmt: skip
    parser.add_argument(
        "--identity", metavar="FILE", type=Path, action="append", default=[], help="age or SSH secret key; repeatable"
    )
    add_json(parser, "a summary as a line of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.backup.restoring import restore

    if arguments.check and arguments.replace:
        raise BackupError("--check writes nothing, so it replaces nothing", "Leave one of them out")
    from_stdin = arguments.file == "-"
    if from_stdin and sys.stdin.isatty():
        raise BackupError("a backup does not come from a terminal", "Send it in from a file or a pipe")
    workspace = Workspace.default()
    with interruptible("checking" if arguments.check else "restoring") as progress:
        restored = restore(
            sys.stdin.buffer if from_stdin else Path(arguments.file),
            workspace,
            identities=arguments.identity,
            passphrase=_passphrase(arguments.file),
            replace=arguments.replace,
            check_only=arguments.check,
            progress=progress,
        )
    runs = counted(len(restored.runs), "run")
    say(f"{runs}, {counted(restored.files, 'file')}, {restored.bytes / 1e6:.1f} MB, all checksums match")
    if restored.replaced:
        say(f"replaced: {', '.join(restored.replaced[:5])}{' and more' if len(restored.replaced) > 5 else ''}")
    facts = {"runs": restored.runs, "units": restored.units, "replaced": restored.replaced, "files": restored.files}
    facts |= {"bytes": restored.bytes, "encrypted": restored.encrypted, "checked_only": arguments.check}
    return tell(facts, arguments.file if arguments.check else str(workspace.home), as_json=arguments.json)


def _passphrase(file: str) -> str:
    """The passphrase of a backup that a former version encrypted with one: of the environment, or of a terminal, which does not show it."""
    from labcore.backup.former import made_with_passphrase

    known = os.environ.get(PASSPHRASE, "")
    if known or not sys.stdin.isatty() or not made_with_passphrase(Path(file)):
        return known
    try:
        return getpass.getpass("Passphrase: ", stream=sys.stderr)
    except EOFError as error:
        raise KeyboardInterrupt from error
