"""Measure a classifier's accuracy as noise increases.

Ctrl-C stops; the results so far are kept.

Examples:
  labcore noise
  labcore noise last --colour white --snr 20 10 0
"""

from __future__ import annotations

import argparse
from typing import Any

from labcore.cli.foreground import run_short
from labcore.cli.inputs import weights_named
from labcore.cli.output import DONE, emit, emit_json, percent, say, table, tell_list
from labcore.cli.parser import WEIGHTS, Parser, add_device, add_json, add_run, number, run_named
from labcore.evaluation.jobs import SNRS_DB, InNoise, NoisePlan, NoiseTest
from labcore.events import Event
from labcore.jobs.glances import glances
from labcore.jobs.status import JobStatus
from labcore.workspace import Workspace

decibels = number(float, lambda ratio: -100 <= ratio <= 100, "between -100 and 100 dB")


def parser() -> Parser:
    parser = Parser(prog="labcore noise", description=__doc__)
    add_run(parser, WEIGHTS, default="last")
    parser.add_argument("--fold", metavar="FOLD", help="fold, or the word all (default: the run's test fold)")
    parser.add_argument("--class", dest="label", metavar="LABEL", help="use clips of this class only")
    parser.add_argument(
        "--colour", choices=["white", "pink", "brown"], default="pink", help="colour of the noise (default: pink)"
    )
    parser.add_argument(
        "--snr", metavar="DB", type=decibels, nargs="+", default=SNRS_DB,
        help=f"signal-to-noise ratios in dB (default: {' '.join(f'{ratio:g}' for ratio in SNRS_DB)})",
    )  # fmt: skip
    add_device(parser)
    parser.add_argument("--list", action="store_true", help="list the noise tests instead")
    add_json(parser, "lines of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    plan = NoisePlan(
        run=weights_named(workspace, run_named(arguments)),
        fold=arguments.fold,
        label=arguments.label,
        device=arguments.device,
        colour=arguments.colour,
        snrs_db=tuple(dict.fromkeys(arguments.snr)),
    )
    job = NoiseTest.create(workspace, plan)
    status = run_short(job)
    if arguments.json and status == DONE:
        emit_json(_facts(job, job.status()))
    elif job.there and job.chosen and job.results:
        say(f"on {job.chosen.sentence}")
        emit(table(["ratio", "accuracy", "95 % interval", "right", "clips"], [*map(_row, job.results)]))
    return status


def tell_event(event: Event) -> None:
    """Tell people of a result."""
    if isinstance(event, InNoise):
        ratio, accuracy, interval, hits, clips = _row(event)
        say(f"{ratio}: accuracy {accuracy} (95 % interval {interval}), {hits} of {clips} clips right")


def _row(result: InNoise) -> list[object]:
    ratio = "no noise" if result.snr_db is None else f"{result.snr_db:g} dB"
    interval = f"{100 * result.low:.1f} to {100 * result.high:.1f} %"
    return [ratio, percent(result.accuracy), interval, result.hits, result.clips]


def _list(workspace: Workspace, *, as_json: bool) -> int:
    facts = [_facts(job, status) for job, status in glances(workspace, NoiseTest)]
    rows = [[value or None for value in each.values()][:7] for each in facts]
    head, none = ["noise test", "state", "run", "fold", "class", "colour", "by"], "there are no noise tests yet"
    return tell_list(facts, head, rows, NoiseTest.unreadable(workspace), "noise_id", none=none, as_json=as_json)


def _facts(job: NoiseTest, status: JobStatus) -> dict[str, Any]:
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
        "clips": chosen.clips if chosen else None,
        "result": [each.model_dump(exclude={"type", "time"}) for each in results],
        "error": status.error,
    }
