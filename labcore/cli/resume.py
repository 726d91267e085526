"""Continue a run from its last checkpoint, if it was stopped, failed or interrupted, or waits in the queue.

On the same machine it ends with the same figures as a run that was never stopped.

Examples:
  labcore resume last
  labcore resume last --dataset /new/place/esc50
  labcore resume last --more 16
"""

from __future__ import annotations

import argparse

from labcore.cli.foreground import train_everywhere, train_here
from labcore.cli.jobs import own
from labcore.cli.parser import Parser, add_anyone, add_json, add_run, run_named
from labcore.errors import RunError
from labcore.jobs.status import RESUMABLE
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.training.pending import finish_early
from labcore.training.torchrun import take_part, under_torchrun
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore resume", description=__doc__)
    add_run(parser)
    parser.add_argument("--dataset", metavar="NAME", help="where its data set is now, by name or path, if it was moved")
    parser.add_argument(
        "--more",
        type=int,
        metavar="N",
        help="finish early: end after so many epochs more, over which the learning rate falls to its end",
    )
    add_anyone(parser, "resume it")
    add_json(parser, "each event as a line of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    if under_torchrun():
        return take_part(
            "auto",
            lambda: resumable(arguments),
            lambda run, together: train_here(run, as_json=arguments.json, train=together),
        )
    return train_everywhere(resumable(arguments), as_json=arguments.json)


def resumable(arguments: argparse.Namespace) -> Run:
    """The run that is named, ready to go on, with its data set at another place where one is given.

    Raises:
        DatasetError: its data set is not there, or other clips are. The run stays as it was.
        ConfigError: it is to end before it goes on.
        NotYoursError: it is another person's, and --anyone was not given.
        RunError: there is none, or it is running or finished.
    """
    chosen = Run.open(Workspace.default(), run_named(arguments))
    state = chosen.status().state
    if state not in (*RESUMABLE, "queued"):
        remedy = "Start a new run with `labcore train`" if state == "finished" else "Stop it first"
        raise RunError(f"run {chosen.id} is {state}", remedy)
    own([chosen], arguments, "resume")
    from labcore.datasets.resuming import ready

    with chosen.hold():
        ready(chosen, arguments.dataset)
        if arguments.more is not None:
            finish_early(chosen, arguments.more, by="command", who=shell_user())
    chosen.clear_stop()
    return chosen
