"""Count the false alarms that a classifier gives in recordings without targets, and choose a threshold for each class.

Name hours of recordings that hold none of its classes. They are heard as `labcore classify` hears them. Without
recordings the newest test of the run is taken. With --keep the thresholds lie in the weights: events, label tracks and
the service then follow them.

Examples:
  labcore alarms last background/
  labcore alarms last --rate 0.5 --keep
  labcore alarms last --exclude night.wav 3605 3612
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore import builtin
from labcore.alarms.job import AlarmsPlan, AlarmTest, Exclusion
from labcore.cli.foreground import run_short
from labcore.cli.inputs import trained_run, weights_named
from labcore.cli.jobs import own
from labcore.cli.output import (
    DONE,
    FAILED,
    emit,
    emit_json,
    nothing_yet,
    percent,
    say,
    say_some,
    table,
    tell,
    tell_list,
)
from labcore.cli.parser import RUN, Parser, add_anyone, add_device, add_json, named, number, positive
from labcore.errors import ConfigError, RunError
from labcore.jobs.glances import glances
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.texts import counted, moment, spread
from labcore.typed import typed_path
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.alarms.choice import AlarmFigures, Choice, Rate
    from labcore.inference.thresholds import Thresholds

LOUDEST = 10
rate = number(float, lambda value: 0 <= value < math.inf, "zero or more")
lines = number(int, lambda value: value >= 0, "zero or more")


def parser() -> Parser:
    parser = Parser(prog="labcore alarms", description=__doc__)
    parser.add_argument("named", metavar="RUN", nargs="?", help=RUN)
    parser.add_argument("files", metavar="FILE", nargs="*", help="recordings without targets, or folders of them")
    parser.add_argument("--run", metavar="RUN", type=named, help="same as RUN; FILE comes first then")
    parser.add_argument(
        "--rate", metavar="N", type=rate, default=1.0, help="wanted false alarms an hour, of all classes together (default: 1)"
    )  # fmt: skip
    parser.add_argument("--each", action="store_true", help="--rate is of each class")
    parser.add_argument(
        "--exclude", metavar=("FILE", "FROM", "TO"), nargs=3, action="append", default=[],
        help="leave out a stretch of a recording, in seconds, since it holds a target; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--loudest", metavar="N", type=lines, default=LOUDEST, help="list so many of the most probable false alarms (default: 10)"
    )  # fmt: skip
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--keep", action="store_true", help="keep the thresholds in the weights of the run, switched on"
    )
    choice.add_argument("--off", dest="on", action="store_false", default=None, help="switch off those that were kept")
    choice.add_argument("--on", dest="on", action="store_true", help="switch on those that were kept")
    parser.add_argument("--hop", metavar="SECONDS", type=positive, help="step between windows (default: half a window)")
    add_device(parser)
    add_anyone(parser, "change")
    parser.add_argument("--list", action="store_true", help="list the false alarm tests instead")
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, as_json=arguments.json)
    name, files = arguments.named, arguments.files
    if arguments.run:
        name, files = arguments.run, [each for each in (arguments.named, *arguments.files) if each]
    if not name:
        raise ConfigError("no run is named", "Give RUN, an id or the word last; `labcore runs list` shows them")
    changes = arguments.keep or arguments.on is not None
    chosen = _changed(name, arguments) if changes else None
    if chosen is not None and arguments.on is not None:
        return _switch(chosen, arguments)
    named = weights_named(workspace, name)
    if files:
        sounds = tuple(str(typed_path(file).absolute()) for file in files)
        plan = AlarmsPlan(run=named, sounds=sounds, hop_seconds=arguments.hop, device=arguments.device)
        job = AlarmTest.create(workspace, plan)
        if (status := run_short(job)) != DONE:
            return status
    else:
        job = _last(workspace, named)
    return _told(job, chosen, arguments)


def _changed(name: str, arguments: argparse.Namespace) -> Run:
    """The run whose weights are to be changed."""
    if name == builtin.NAME:
        raise ConfigError("the built-in network stays as it is", "Train a run of your own")
    (chosen,) = own([trained_run(name)], arguments, "change")
    return chosen


def _switch(run: Run, arguments: argparse.Namespace) -> int:
    from labcore import keeping
    from labcore.inference.thresholds import Thresholds

    found = keeping.switch(run, Thresholds, arguments.on)
    return tell({"run_id": run.id, **found.model_dump()}, _kept_line(found), as_json=arguments.json)


def _kept_line(kept: Thresholds) -> str:
    return f"thresholds for {kept.wanted}: {'on' if kept.on else 'off'}; measured on {kept.source}"


def _last(workspace: Workspace, named: str) -> AlarmTest:
    """The newest test of a classifier that heard something."""
    for job, status in glances(workspace, AlarmTest):
        if status.state == "finished" and job.load("alarms", {}).get("run") == named:
            return job
    raise RunError(f"the false alarms of {named} were not measured yet", "Name recordings without targets")


def _told(job: AlarmTest, chosen: Run | None, arguments: argparse.Namespace) -> int:
    """What a test says; the thresholds go into the weights where that is wanted."""
    from labcore import keeping
    from labcore.alarms.choice import AlarmFigures

    for file, start, end in arguments.exclude:
        job.exclude(_exclusion(job, file, start, end))
    figures = AlarmFigures.of(job)
    choice = figures.wanted(arguments.rate, each=arguments.each)
    if chosen is not None:
        keeping.keep(chosen, figures.kept(arguments.rate, each=arguments.each))
    if arguments.json:
        emit_json(_facts(job, figures, choice, arguments, kept=chosen is not None))
    else:
        _tell(figures, choice, arguments)
        if chosen is not None:
            say(f"kept in the weights of run {chosen.id}; `labcore alarms {chosen.id} --off` switches them off")
    return FAILED if figures.background.skipped else DONE


def _exclusion(job: AlarmTest, file: str, start: str, end: str) -> Exclusion:
    """A stretch of a recording of a test, which may be named without its folder."""
    from labcore.alarms.background import lines_of

    files = list(lines_of(job.windows))
    found = [known for known in files if known in (file, str(typed_path(file).absolute()))]
    found = found or [known for known in files if Path(known).name == file]
    if len(found) != 1:
        many = f"{counted(len(found), 'recording')} of this test are called {file}"
        raise ConfigError(many if found else f"{file} is no recording of this test", "Give its whole path")
    try:
        start_s, end_s = float(start), float(end)
    except ValueError:
        start_s = end_s = math.nan
    if not 0 <= start_s < end_s < math.inf:
        raise ConfigError(f"{start} to {end} is no stretch of a recording", "Give two times in seconds")
    return Exclusion(file=found[0], start_s=start_s, end_s=end_s, by=shell_user())


def _tell(figures: AlarmFigures, choice: Choice, arguments: argparse.Namespace) -> None:
    from labcore.inference.thresholds import threshold_words

    say_some("skipped", list(figures.background.skipped.values()))
    say_some("note", figures.background.notes)
    if figures.trouble:
        say(f"warning: {figures.trouble}", "yellow")
    say(figures.sentence)
    say(f"recall: {figures.recall.source}" if figures.recall.source else f"no recall: {figures.recall.trouble}")
    rows: list[list[object]] = [
        [each.label, threshold_words(each.threshold), each.rate.alarms, each.rate.expected, each.rate.interval,
         _recall(each.recall)]
        for each in choice.classes
    ]  # fmt: skip
    total = choice.rate
    recall = percent(choice.recall) if choice.recall is not None else "-"
    rows.append(["in all", "", total.alarms, total.expected, total.interval, recall])
    emit(table(["class", "threshold", "alarms", "expected an hour", "95 % interval", "recall"], rows))
    if told := choice.sentence(figures.hours):
        say(told)
    loudest = figures.loudest(choice)[: arguments.loudest]
    if loudest:
        say("most probable alarms; --exclude FILE FROM TO leaves out what is a target after all:")
        thresholds = choice.thresholds
        rows = [
            [each.file, moment(each.start_s), moment(each.end_s), each.label, percent(each.highest),
             "reported" if each.highest >= thresholds[each.label] else ""]
            for each in loudest
        ]  # fmt: skip
        emit(table(["recording", "from", "to", "class", "highest", ""], rows))


def _recall(share: tuple[float, float, float] | None) -> str:
    if share is None:
        return "-"
    return f"{percent(share[0])} ({spread(*share[1:])})"


def _rate(rate: Rate) -> dict[str, float]:
    return {"alarms": rate.alarms, "rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}


def _facts(
    job: AlarmTest, figures: AlarmFigures, choice: Choice, arguments: argparse.Namespace, *, kept: bool
) -> dict[str, Any]:
    thresholds = choice.thresholds
    classes = [
        {
            "label": each.label,
            "threshold": each.threshold,
            **_rate(each.rate),
            "found": each.found,
            "clips": each.clips,
            "recall": each.recall,
        }
        for each in choice.classes
    ]
    loudest = [{**vars(each), "reported": each.highest >= thresholds[each.label]} for each in figures.loudest(choice)]
    return {
        "alarm_test_id": job.id,
        "run": job.plan.run,
        "hours": figures.hours,
        "recordings": len(figures.background.files),
        "least_rate": figures.least,
        "holds": not figures.trouble,
        "wanted": arguments.rate,
        "each": arguments.each,
        **_rate(choice.rate),
        "recall": choice.recall,
        "recall_of": figures.recall.source,
        "classes": classes,
        "loudest": loudest[: arguments.loudest],
        "skipped": [{"file": file, "error": error} for file, error in figures.background.skipped.items()],
        "notes": list(figures.background.notes),
        "excluded": [each.model_dump() for each in job.exclusions],
        "kept": kept,
    }


def _list(workspace: Workspace, *, as_json: bool) -> int:
    facts = [
        {
            "alarm_test_id": job.id,
            "state": status.state,
            "run": (asked := job.load("alarms", {})).get("run"),
            "sounds": asked.get("sounds"),
            "by": status.by,
            "error": status.error,
        }
        for job, status in glances(workspace, AlarmTest)
    ]
    rows = [[each["alarm_test_id"], each["state"], each["run"], each["by"] or None] for each in facts]
    head = ["false alarm test", "state", "run", "by"]
    none = nothing_yet(workspace, "false alarm tests")
    return tell_list(facts, head, rows, AlarmTest.unreadable(workspace), "alarm_test_id", none=none, as_json=as_json)
