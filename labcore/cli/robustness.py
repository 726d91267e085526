"""Measure a classifier on worse recordings: with noise, louder or fainter, at a lower sample rate, as MP3 or Opus.

Ctrl-C stops; the results so far are kept.

Examples:
  labcore robustness --of mp3
  labcore robustness last --of gain --levels 20 -20 -40
"""

from __future__ import annotations

import argparse
from typing import Any, Literal

from labcore.cli.foreground import run_short
from labcore.cli.inputs import dataset_named, weights_named
from labcore.cli.output import DONE, emit, emit_json, nothing_yet, percent, say, table, tell_list
from labcore.cli.parser import WEIGHTS, Parser, add_dataset, add_device, add_json, add_run, run_named
from labcore.evaluation.robustness import DISTURBANCES, Disturbed, InNoise, Result, RobustnessPlan, RobustnessTest
from labcore.events import Event
from labcore.jobs.glances import glances
from labcore.jobs.status import JobStatus
from labcore.texts import spread
from labcore.workspace import Workspace

Colour = Literal["white", "pink", "brown"]
COLOURS: tuple[Colour, ...] = ("white", "pink", "brown")


def parser() -> Parser:
    parser = Parser(prog="labcore robustness", description=__doc__)
    add_clips(parser)
    usual = "; ".join(
        f"{name}: {' '.join(f'{level:g}' for level in about.levels)} {about.unit}"
        for name, about in DISTURBANCES.items()
    )
    parser.add_argument("--of", choices=list(DISTURBANCES), default="noise", help="disturbance (default: noise)")
    parser.add_argument(
        "--levels", metavar="LEVEL", type=float, nargs="+", default=(), help=f"its levels (default: {usual})"
    )
    add_rest(parser, "robustness tests")
    return parser


def add_clips(parser: Parser) -> None:
    """Which classifier on which clips."""
    add_run(parser, WEIGHTS, default="last")
    add_dataset(parser)
    parser.add_argument("--class", dest="label", metavar="LABEL", help="use clips of this class only")
    parser.add_argument("--colour", choices=COLOURS, default="pink", help="colour of the noise (default: pink)")


def add_rest(parser: Parser, tests: str) -> None:
    add_device(parser)
    parser.add_argument("--list", action="store_true", help=f"list the {tests} instead")
    add_json(parser, "lines of JSON")


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    job, status = tested(workspace, arguments, arguments.of, tuple(dict.fromkeys(arguments.levels)))
    if arguments.json and status == DONE:
        emit_json(_facts(job, job.status()))
    else:
        tell(job)
    return status


def tested(
    workspace: Workspace, arguments: argparse.Namespace, disturbance: str, levels: tuple[float, ...]
) -> tuple[RobustnessTest, int]:
    """Do a test here; the job and the exit status."""
    plan = RobustnessPlan.model_validate(
        {
            "run": weights_named(workspace, run_named(arguments)),
            "dataset": dataset_named(workspace, arguments.dataset),
            "fold": arguments.fold,
            "label": arguments.label,
            "device": arguments.device,
            "disturbance": disturbance,
            "colour": arguments.colour,
            "levels": levels,
        }
    ).check()
    job = RobustnessTest.create(workspace, plan)
    return job, run_short(job)


def tell(job: RobustnessTest) -> None:
    """The results of a test for people; nothing where there are none."""
    if job.there and job.chosen and job.results:
        say(f"on {job.chosen.dataset}: {job.chosen.sentence}")
        about = job.plan.about
        head = "ratio" if job.plan.disturbance == "noise" else about.title
        emit(table([head, "accuracy", "95 % interval", "right", "clips"], [*map(_row, job.results)]))


def tell_event(event: Event) -> None:
    """Tell people of a result."""
    if isinstance(event, (InNoise, Disturbed)):
        level, accuracy, interval, hits, clips = _row(event)
        say(f"{level}: accuracy {accuracy} (95 % interval {interval}), {hits} of {clips} clips right")


def _row(result: Result) -> list[object]:
    about = DISTURBANCES.get(result.of)
    level = about.words(result.level) if about is not None else str(result.level)
    return [level, percent(result.accuracy), spread(result.low, result.high), result.hits, result.clips]


def _list(workspace: Workspace, *, as_json: bool) -> int:
    facts = [_facts(job, status) for job, status in glances(workspace, RobustnessTest)]
    rows = [[value or None for value in each.values()][:8] for each in facts]
    head = ["robustness test", "state", "run", "fold", "class", "by", "of", "colour"]
    none = nothing_yet(workspace, "robustness tests")
    return tell_list(
        facts, head, rows, RobustnessTest.unreadable(workspace), "robustness_id", none=none, as_json=as_json
    )


def _facts(job: RobustnessTest, status: JobStatus) -> dict[str, Any]:
    """A robustness test as a line of JSON. What was asked for is null where it cannot be read."""
    asked, chosen = job.load("noise", {}), job.chosen
    of = asked.get("disturbance", "noise" if asked else None)
    results = [
        {"level": each.level, **each.model_dump(exclude={"type", "time", "snr_db", "of", "level"})}
        for each in job.results
    ]
    return {
        "robustness_id": job.id,
        "state": status.state,
        "run": asked.get("run"),
        "fold": chosen.fold if chosen else asked.get("fold"),
        "class": asked.get("class"),
        "by": status.by,
        "of": of,
        "colour": asked.get("colour") if of == "noise" else None,
        "dataset": chosen.dataset if chosen else asked.get("dataset"),
        "clips": chosen.clips if chosen else None,
        "result": results,
        "error": status.error,
    }
