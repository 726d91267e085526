"""``labcore runs hidden``: hide each class of a run in turn, and tell how well sounds of it are noticed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from labcore.cli.foreground import work_on
from labcore.cli.jobs import reporter_of
from labcore.cli.output import DONE, Content, duration, percent, say, table, tell
from labcore.cli.parser import Parser, add_json, add_run, run_named, share
from labcore.cli.progress import Bar, bars
from labcore.errors import RunError
from labcore.evaluation.refusal import REFUSED
from labcore.events import Event
from labcore.hidden.events import ClassHidden, ClassProgress, mean_auroc, mean_noticed
from labcore.hidden.job import HiddenClasses
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

HELP = "train once without each class, and tell how well sounds of that class are noticed as unknown"


def add_to(parser: Parser) -> None:
    add_run(parser)
    parser.add_argument(
        "--class", dest="classes", action="append", default=[], metavar="LABEL", help="hide this class only; repeatable"
    )
    parser.add_argument(
        "--refuse", metavar="SHARE", type=share, default=REFUSED,
        help=f"share of clips of known classes that may be refused wrongly (default: {REFUSED:g})",
    )  # fmt: skip
    parser.add_argument("--show", action="store_true", help="show the results of the run's newest test instead")
    add_json(parser, "lines of JSON")


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.hidden.recipe import seconds_of

    chosen = Run.open(workspace, run_named(arguments))
    if arguments.show:
        return _show(chosen, as_json=arguments.json)
    test = HiddenClasses.create(workspace, chosen, arguments.classes, arguments.refuse, by=shell_user())
    runs = len(test.members())
    cost = seconds_of(chosen)
    about = f", about {duration(cost * runs)} in all on one device" if cost else ""
    say(f"training {counted(runs, 'run')}, each without one class{about}")
    stops = "stopping the runs after their batch"
    status = work_on(test, reporter_of(test), stops, as_json=arguments.json, resume="labcore jobs resume")
    if status == DONE:
        tell({"type": "hidden_classes", **facts(test)}, "", *lines(test), as_json=arguments.json)
    return status


def tell_event(event: Event) -> None:
    """Tell people of how far a run is, and of a result."""
    if isinstance(event, ClassProgress):
        bars.show(Bar(f"without {event.label}", event.epoch, event.epochs, f"epoch {event.epoch}/{event.epochs}"))
    elif isinstance(event, ClassHidden):
        interval = _interval(event)
        say(
            f"{event.label}: AUROC {event.auroc:.3f}{f' ({interval})' if interval else ''}, noticed {event.refused_unknown} of "
            f"{counted(event.unknown, 'clip')}"
        )


def lines(test: HiddenClasses) -> list[Content]:
    """The results as a table, a line a class, and their means."""
    results = list(test.results.values())
    head = ["hidden class", "AUROC", "95 % interval", "noticed", "clips", "recordings", "otherwise predicted as"]
    rows = [
        [
            each.label,
            f"{each.auroc:.3f}",
            _interval(each),
            percent(each.noticed),
            each.unknown,
            each.recordings,
            predicted_as(each.predicted_as),
        ]
        for each in results
    ]
    auroc, noticed = mean_auroc(results), mean_noticed(results)
    if auroc is None:
        return ["no class has been looked at yet"]
    wanted = percent(test.plan.refused)
    return [
        table(head, rows),
        "",
        f"mean over {counted(len(results), 'class', 'classes')}: AUROC {auroc:.3f}, noticed {percent(noticed)} "
        f"where {wanted} of known clips may be refused",
    ]


def predicted_as(classes: dict[str, int]) -> str:
    """``rain 5, sea_waves 1``: the two classes that hidden clips are predicted as."""
    return ", ".join(f"{label} {count}" for label, count in list(classes.items())[:2])


def facts(test: HiddenClasses) -> dict[str, Any]:
    """A test as a line of JSON."""
    results, status = list(test.results.values()), test.status()
    return {
        "hidden_id": test.id,
        "run_id": test.plan.run,
        "state": status.state,
        "refused": test.plan.refused,
        "mean_auroc": mean_auroc(results),
        "mean_noticed": mean_noticed(results),
        "classes": _facts(results),
        "error": status.error,
    }


def _facts(results: Iterable[ClassHidden]) -> list[dict[str, Any]]:
    return [each.model_dump(exclude={"type", "time"}) | {"noticed": each.noticed} for each in results]


def _interval(result: ClassHidden) -> str | None:
    return None if result.low is None or result.high is None else f"{result.low:.3f} to {result.high:.3f}"


def _show(chosen: Run, *, as_json: bool) -> int:
    tests = HiddenClasses.of_run(chosen)
    if not tests:
        raise RunError(
            f"no class of run {chosen.id} was hidden yet",
            f"Do it with `labcore runs hidden {chosen.id}`; it trains runs",
        )
    told = facts(tests[0])
    return tell(told, f"hidden-class test {tests[0].id}  {told['state']}", "", *lines(tests[0]), as_json=as_json)
