"""``labcore restore``: a workspace back from a backup."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from labcore.cli.backup import PASSPHRASE, interruptible
from labcore.cli.output import DONE, emit, emit_json, say
from labcore.cli.parser import Parser, add_json
from labcore.errors import BackupError
from labcore.texts import counted
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore restore",
        description="Bring back what `labcore backup` wrote, into an empty workspace or one that is in use. All checksums are verified "
        "before anything changes. Runs that were at work come back as interrupted ones, which `labcore resume` goes on with. Where age "
        "encrypted it with a passphrase: age -d FILE | labcore restore -",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="the backup; - is stdin")
    parser.add_argument(
        "--check", action="store_true", help="verify that it can be restored into an empty workspace, and write nothing"
    )
    parser.add_argument(
        "--replace", action="store_true", help="let runs and other things of the backup replace those of the same name; without, any such "
        "one is a refusal, and nothing changes",
    )  # fmt: skip
    parser.add_argument(
        "--identity",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="secret key of age or SSH, for a backup that is encrypted to it; may be given again",
    )
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    from labcore.backup import restore

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
    say(f"{runs}, {counted(restored.files, 'file')}, {restored.bytes / 1e6:.1f} MB, all checksums right")
    if restored.replaced:
        say(f"replaced: {', '.join(restored.replaced[:5])}{' and more' if len(restored.replaced) > 5 else ''}")
    if arguments.json:
        facts = {"runs": restored.runs, "units": restored.units, "replaced": restored.replaced, "files": restored.files}
        emit_json({**facts, "bytes": restored.bytes, "encrypted": restored.encrypted, "checked_only": arguments.check})
    else:
        emit(arguments.file if arguments.check else str(workspace.home))
    return DONE


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
