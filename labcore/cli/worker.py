"""``labcore worker``: starts the queued jobs of the workspace until it is stopped."""

from __future__ import annotations

import argparse
import os

from labcore.cli.attend import say_raw, stop_on_signals
from labcore.cli.output import DONE, say
from labcore.cli.parser import Parser, number
from labcore.jobs.worker import STOP_SECONDS, Worker, resumes, stop_seconds
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore worker",
        description="Start the queued jobs of the workspace, one at a time on each device, until this is stopped. The pages of the lab "
        "do so as well while they run, unless LABCORE_WORKER=external is set for them; a worker goes on without them. One process "
        "at a time starts the jobs of a workspace: a second worker waits for the first one to end.",
        epilog="SIGTERM or Ctrl-C stops the jobs at work after their batch, and marks them: the next `labcore worker` goes on with them "
        "from their last epoch, before anything else in the queue. A second Ctrl-C ends the worker without waiting for them.",
    )  # fmt: skip
    parser.add_argument("--until-empty", action="store_true", help="end when no job waits or is at work")
    parser.add_argument(
        "--stop-seconds",
        type=number(float, lambda seconds: 1 <= seconds <= 3600, "1 to 3600"),
        metavar="SECONDS",
        help=f"how long a stop may take before jobs are killed (default: LABCORE_STOP_SECONDS, else {STOP_SECONDS:g})",
    )
    parser.add_argument(
        "--no-resume",
        action="store_true",
        help="neither mark jobs at a stop nor go on with marked ones at the start (the same as LABCORE_RESUME=off)",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    worker = Worker(
        Workspace.default(),
        say,
        stop_seconds=arguments.stop_seconds or stop_seconds(os.environ.get("LABCORE_STOP_SECONDS", "")),
        resumes=resumes() and not arguments.no_resume,
    )
    with stop_on_signals(lambda: say_raw("stopping the jobs at work\n")) as stopping:
        say(f"starting the queued jobs of {worker.workspace.home}")
        worker.run(stopping, until_empty=arguments.until_empty)
    return DONE
