"""Measure a classifier's accuracy as noise increases: `labcore robustness --of noise`.

Ctrl-C stops; the results so far are kept.

Examples:
  labcore noise
  labcore noise last --colour white --levels 20 10 0
"""

from __future__ import annotations

import argparse
from typing import Any

from labcore.cli import robustness
from labcore.cli.output import DONE, emit_json, nothing_yet, tell_list
from labcore.cli.parser import Parser, number
from labcore.evaluation.robustness import DISTURBANCES, RobustnessTest
from labcore.jobs.glances import glances
from labcore.jobs.status import JobStatus
from labcore.workspace import Workspace

decibels = number(float, lambda ratio: -100 <= ratio <= 100, "between -100 and 100 dB")


def parser() -> Parser:
    parser = Parser(prog="labcore noise", description=__doc__)
    robustness.add_clips(parser)
    usual = DISTURBANCES["noise"].levels
    parser.add_argument(
        "--levels", "--snr", metavar="DB", dest="snr", type=decibels, nargs="+", default=usual,
        help=f"signal-to-noise ratios in dB (default: {' '.join(f'{ratio:g}' for ratio in usual)})",
    )  # fmt: skip
    robustness.add_rest(parser, "noise tests")
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    job, status = robustness.tested(workspace, arguments, "noise", tuple(dict.fromkeys(arguments.snr)))
    if arguments.json and status == DONE:
        emit_json(_facts(job, job.status()))
    else:
        robustness.tell(job)
    return status


def _list(workspace: Workspace, *, as_json: bool) -> int:
    tests = [
        (job, status)
        for job, status in glances(workspace, RobustnessTest)
        if job.load("noise", {}).get("disturbance", "noise") == "noise"
    ]
    facts = [_facts(job, status) for job, status in tests]
    rows = [[value or None for value in each.values()][:7] for each in facts]
    head, none = ["noise test", "state", "run", "fold", "class", "colour", "by"], nothing_yet(workspace, "noise tests")
    return tell_list(facts, head, rows, RobustnessTest.unreadable(workspace), "noise_id", none=none, as_json=as_json)


def _facts(job: RobustnessTest, status: JobStatus) -> dict[str, Any]:
    """A noise test as a line of JSON. What was asked for is null where it cannot be read."""
    asked, chosen, results = job.load("noise", {}), job.chosen, job.results
    return {
        "noise_id": job.id,
        "state": status.state,
        "run": asked.get("run"),
        "fold": chosen.fold if chosen else asked.get("fold"),
        "class": asked.get("class"),
        "colour": asked.get("colour"),
        "by": status.by,
        "dataset": chosen.dataset if chosen else asked.get("dataset"),
        "clips": chosen.clips if chosen else None,
        "result": [each.model_dump(exclude={"type", "time"}) for each in results],
        "error": status.error,
    }
