"""``labcore turn``: settings of a run, changed while it trains."""

from __future__ import annotations

import argparse

from labcore.cli.output import DONE, say
from labcore.cli.parser import Parser, add_anyone, add_run, add_setting, run_named
from labcore.config import all_settings
from labcore.errors import ConfigError
from labcore.owners import require_owner, shell_user
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore turn",
        usage="labcore turn RUN [--epoch N] [flags]",
        description="Turn settings of a run while it trains. They count from the beginning of the next epoch on, are marked on the "
        "curves, and are replayed when the run is resumed.",
        epilog='The same by file: a line like {"model.dropout": 0.4} at the end of overrides.jsonl in the run\'s folder.',
    )
    add_run(parser)
    parser.add_argument("--epoch", type=int, metavar="N", help="count from epoch N on instead of the next one")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for the record")
    add_anyone(parser, "turn it")
    group = parser.add_argument_group("what can be turned")
    for setting in all_settings().values():
        if setting.live:
            add_setting(group, setting)
    return parser


def run(arguments: argparse.Namespace) -> int:
    given = vars(arguments)
    changes = {path: given[path] for path in all_settings() if path in given}
    if not changes:
        raise ConfigError("there is nothing to turn", "Name a setting and its value, for example --dropout 0.4")
    chosen = Run.open(Workspace.default(), run_named(arguments))
    epochs = chosen.config.optim.epochs
    if arguments.epoch is not None and not 1 <= arguments.epoch <= (epochs or arguments.epoch):
        raise ConfigError(f"run {chosen.id} has no epoch {arguments.epoch}", f"Give one from 1 to {epochs}")
    me = shell_user()
    if not arguments.anyone:
        require_owner(chosen.status().by, me, f"run {chosen.id}", "Add --anyone to turn it all the same")
    chosen.override(changes, by="command", who=me, epoch=arguments.epoch, reason=arguments.reason)
    listed = ", ".join(f"{path} {value:g}" for path, value in changes.items())
    when = "from the next epoch on" if arguments.epoch is None else f"from epoch {arguments.epoch} on"
    resumed = "" if chosen.status().active else "; the run is not at work, so it counts when it is resumed"
    say(f"{chosen.id}: {listed} {when}{resumed}")
    return DONE
