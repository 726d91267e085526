"""Restore a backup into an empty workspace or one in use.

All checksums are verified before anything changes. Runs that were training come back as interrupted; `labcore resume`
continues them. The passphrase of an encrypted backup is read from LABCORE_BACKUP_PASSPHRASE, or asked for.

Examples:
  labcore restore lab.tar --check
  labcore restore lab.tar
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from labcore.cli.backup import PASSPHRASE, ask, interruptible
from labcore.cli.output import say, tell
from labcore.cli.parser import Parser, add_json
from labcore.errors import BackupError
from labcore.texts import counted
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore restore", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="backup to restore")
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
    from labcore.backup import Key, restore
    from labcore.backup.encryption import kind_of

    source = Path(arguments.file)
    if arguments.check and arguments.replace:
        raise BackupError("--check writes nothing, so it replaces nothing", "Leave one of them out")
    passphrase = os.environ.get(PASSPHRASE, "")
    if not passphrase and source.is_file() and os.access(source, os.R_OK):
        with source.open("rb") as file:
            passphrase = ask("Passphrase: ") if kind_of(file) == "passphrase" else ""
    workspace = Workspace.default()
    with interruptible("checking" if arguments.check else "restoring") as progress:
        restored = restore(
            source,
            workspace,
            key=Key(passphrase, tuple(arguments.identity)),
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
    return tell(facts, str(source if arguments.check else workspace.home), as_json=arguments.json)
