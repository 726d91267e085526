"""Change settings of a run while it trains. They take effect at the next epoch and are marked on the curves. A resumed
run applies them again at the same epochs.

Examples:
  labcore set last --dropout 0.5
  labcore set last --epoch 80 --optim.lr_factor 0.3 --reason "loss has settled"
"""

from __future__ import annotations

import argparse

from labcore.cli.jobs import own
from labcore.cli.output import DONE, say
from labcore.cli.parser import Parser, add_anyone, add_run, add_setting, run_named
from labcore.config import all_settings
from labcore.errors import ConfigError
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore set", usage="labcore set RUN [--epoch N] --SETTING VALUE …", description=__doc__)
    add_run(parser)
    parser.add_argument("--epoch", type=int, metavar="N", help="first epoch they apply to (default: the next one)")
    parser.add_argument("--reason", metavar="TEXT", default="", help="note for the run's record")
    add_anyone(parser, "change it")
    group = parser.add_argument_group("settings")
    for setting in all_settings().values():
        if setting.live:
            add_setting(group, setting)
    return parser


def run(arguments: argparse.Namespace) -> int:
    given = vars(arguments)
    changes = {path: given[path] for path in all_settings() if path in given}
    if not changes:
        raise ConfigError("no setting is given", "Name one with its value, for example --dropout 0.4")
    chosen = Run.open(Workspace.default(), run_named(arguments))
    epochs = chosen.config.optim.epochs
    if arguments.epoch is not None and not 1 <= arguments.epoch <= (epochs or arguments.epoch):
        raise ConfigError(f"run {chosen.id} has no epoch {arguments.epoch}", f"Give one from 1 to {epochs}")
    own([chosen], arguments, "change")
    chosen.override(changes, by="command", who=shell_user(), epoch=arguments.epoch, reason=arguments.reason)
    listed = ", ".join(f"{path} {value:g}" for path, value in changes.items())
    when = "from the next epoch on" if arguments.epoch is None else f"from epoch {arguments.epoch} on"
    resumed = "" if chosen.status().active else "; the run is not training, so this applies when it is resumed"
    say(f"{chosen.id}: {listed} {when}{resumed}")
    return DONE
