"""``labcore noise``: how a trained classifier holds out against noise."""

from __future__ import annotations

import argparse
from typing import Any

from labcore.cli.attend import attend_short
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
    parser = Parser(
        prog="labcore noise",
        description="Judge a trained classifier on clips of its data set with more and more noise. Ctrl-C stops it; the ratios that are "
        "done stay.",
    )
    add_run(parser, WEIGHTS, "last")
    parser.add_argument(
        "--fold", metavar="FOLD", help="the fold to judge on, or all; the one that was held out where not given"
    )
    parser.add_argument("--class", dest="label", metavar="LABEL", help="clips of this class only")
    parser.add_argument(
        "--colour", choices=["white", "pink", "brown"], default="pink", help="of the noise (default pink)"
    )
    parser.add_argument(
        "--snr", metavar="DB", type=decibels, nargs="+", default=SNRS_DB,
        help=f"signal-to-noise ratios in dB (default {' '.join(f'{ratio:g}' for ratio in SNRS_DB)})",
    )  # fmt: skip
    add_device(parser)
    parser.add_argument("--list", action="store_true", help="list the noise tests there are, and judge nothing")
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
    status = attend_short(job)
    if arguments.json and status == DONE:
        emit_json(_facts(job, job.status()))
    elif job.there and job.chosen and job.results:
        say(f"on {job.chosen.sentence}")
        rows = [_row(each) for each in job.results]
        for line in table(["ratio", "accuracy", "95 % interval", "right", "clips"], rows):
            emit(line)
    return status


def tell_event(event: Event) -> None:
    """Tell people of a result."""
    if isinstance(event, InNoise):
        ratio, accuracy, interval, hits, clips = _row(event)
        say(f"{ratio}: accuracy {accuracy} (95 % interval {interval}), {hits} of {clips} clips right")


def _row(result: InNoise) -> list[str]:
    ratio = "no noise" if result.snr_db is None else f"{result.snr_db:g} dB"
    interval = f"{100 * result.low:.1f} to {100 * result.high:.1f} %"
    return [ratio, percent(result.accuracy), interval, str(result.hits), str(result.clips)]


def _list(workspace: Workspace, *, as_json: bool) -> int:
    facts = [_facts(job, status) for job, status in glances(workspace, NoiseTest)]
    head = ["noise test", "state", "run", "fold", "class", "colour", "by"]
    rows = [[str(value or "-") for value in list(each.values())[: len(head)]] for each in facts]
    return tell_list(facts, head, rows, NoiseTest.unreadable(workspace), "noise_id", as_json=as_json)


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
