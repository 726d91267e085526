"""What `labcore datasets check` and `labcore datasets mend` do: a data set is checked, and findings are mended."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from labcore.cli.foreground import run_short
from labcore.cli.inputs import dataset_named
from labcore.cli.output import DONE, Content, duration, say, table, tell
from labcore.cli.parser import add_anyone, count
from labcore.cli.progress import counting, scanning
from labcore.errors import WorkspaceError
from labcore.events import Event
from labcore.owners import shell_user
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.cli.parser import Parser
    from labcore.datasets.annotations import Annotation, Mending
    from labcore.datasets.health import Health
    from labcore.datasets.table import DataProblem, Dataset, Finding

RATE = "audio.sample_rate"
SHOWN = 5
"""How many files of a kind are named."""


def add_check(parser: Parser) -> None:
    parser.add_argument("dataset", metavar="NAME", help="data set by name, or path of a folder or CSV file")
    parser.add_argument(
        f"--{RATE}", dest="sample_rate", type=count, metavar="HZ", help="report sound that training at this sample rate would not hear "
        "(default: that of `labcore train`)",
    )  # fmt: skip


def add_mend(parser: Parser) -> None:
    parser.add_argument("dataset", metavar="NAME", help="name of the data set")
    parser.add_argument(
        "finding",
        metavar="FINDING",
        nargs="?",
        default="",
        help="finding, as the list names it (default: list the open ones)",
    )
    parser.add_argument("--remedy", metavar="REMEDY", default="", help="what to do (default: the first remedy listed)")
    parser.add_argument(
        "--clip",
        metavar="PATH",
        dest="clips",
        nargs="+",
        help="change these clips only, of those that the remedy changes; exclude takes any of the finding",
    )
    parser.add_argument("--undo", action="store_true", help="take back what was done about the finding last")
    add_anyone(parser, "with --undo: take it back")


def check(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Check a data set as a job of its own, in this process."""
    from labcore.checking import Check, CheckPlan
    from labcore.cli.timed_labels import cutting_of
    from labcore.datasets.health import check_dataset, known_health
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.walk import looking

    cutting = cutting_of(arguments)
    with looking(scanning("checking")):
        dataset = find_dataset(workspace, arguments.dataset, cutting)
    named = dataset_named(workspace, arguments.dataset) or arguments.dataset
    plan = CheckPlan(dataset=named, sample_rate=arguments.sample_rate, cutting=cutting)
    config = plan.config
    try:
        job = Check.create(workspace, plan, by=shell_user())
    except WorkspaceError as trouble:
        say(f"warning: the check is not kept: {trouble.what}")
        return _tell(check_dataset(dataset, counting("checking"), config), dataset, as_json=arguments.json)
    status = run_short(job)
    if status != DONE:
        return status
    health = known_health(dataset, config, workspace) or check_dataset(dataset, counting("checking"), config, workspace)
    return _tell(health, dataset, as_json=arguments.json)


def _tell(health: Health, dataset: Dataset, *, as_json: bool) -> int:
    mendable = [finding for finding in health.found if finding.remedies]
    lines = report(health)
    if mendable and dataset.annotations is not None:
        lines.append(
            f"`labcore datasets mend {quote(dataset.name)}` lists what can be done about {counted(len(mendable), 'finding')}"
        )
    return tell(health.to_dict(), *lines, as_json=as_json)


def tell_event(event: Event) -> None:
    """Tell people of the result of a check."""
    from labcore.checking import Checked

    if isinstance(event, Checked):
        for sentence in event.warnings or ["nothing was found that would harm training"]:
            say(f"warning: {sentence}" if event.warnings else sentence)


def mend(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Mend a finding, take that back, or list the open ones."""
    from labcore.cli.timed_labels import cutting_of
    from labcore.datasets import mending

    cutting = cutting_of(arguments)
    if not arguments.finding:
        dataset, health = mending.health_of(workspace, arguments.dataset, cutting)
        mended = mending.mendings_of(workspace, dataset.name)
        facts = {
            "name": dataset.name,
            "findings": [finding.to_dict() for finding in health.found],
            "mended": [each.model_dump() for each in mended],
        }
        lines = [f"mended: {each.sentence}; --undo takes it back" for each in mended]
        return tell(facts, *_listed(health.found), *lines, as_json=arguments.json)
    done: Annotation | Mending
    if arguments.undo:
        done = mending.unmend(
            workspace, arguments.dataset, arguments.finding, who=shell_user(), anyone=arguments.anyone
        )
        return tell({"undone": done.model_dump()}, f"taken back: {done.sentence}", as_json=arguments.json)
    clips = mending.clips_named(workspace, arguments.dataset, arguments.clips, cutting) if arguments.clips else None
    done = mending.mend(
        workspace, arguments.dataset, arguments.finding, arguments.remedy, who=shell_user(), clips=clips, data=cutting
    )
    undo = f"`labcore datasets mend {quote(arguments.dataset)} {done.finding} --undo` takes it back"
    return tell({"mended": done.model_dump()}, done.sentence, undo, as_json=arguments.json)


def _listed(findings: Sequence[Finding]) -> list[Content]:
    """The findings that something can be done about, each with its remedies."""
    lines: list[Content] = []
    for finding in findings:
        if finding.remedies:
            lines.append(f"{finding.id}: {finding.sentence}")
            lines += [
                f"  --remedy {remedy.name}: {remedy.title} ({counted(len(remedy.clips), 'clip')})"
                for remedy in finding.remedies
            ]
    others = sum(not finding.remedies and finding.level == "warning" for finding in findings)
    if others:
        lines.append(f"{counted(others, 'other finding')} to be mended by hand: `labcore datasets check` tells them")
    return lines or ["nothing is open"]


def report(health: Health) -> list[Content]:
    """What ``datasets check`` prints: the facts, clips by class and fold, then each finding with its first files."""
    facts = health.to_dict()
    about = f"{counted(health.clips, 'clip')}, {duration(health.total_seconds)} in all ({health.layout})"
    lines: list[Content] = [f"{health.name}: {about}"]
    if health.rates:
        shortest, median, longest = health.seconds
        lines.append(f"clips of {shortest:.2f} to {longest:.2f} s, half of them up to {median:.2f} s")
        lines.append("sample rates: " + ", ".join(f"{rate} Hz ({count})" for rate, count in health.rates.items()))
    if health.passed_over:
        lines.append(f"files ignored (not audio): {health.passed_over}")
    folds = [str(fold) for fold in health.counts.columns]
    rows = [[label, *map(counts.get, folds), sum(counts.values())] for label, counts in facts["counts"].items()]
    lines += [f"folds: {health.fold_note}", "", table(["class", *folds, "all"], rows), ""]
    for heading, found in _files_of(health):
        lines += [f"{heading}: {entry}" for entry in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"{heading}: and {len(found) - SHOWN} more; --json lists them all")
    lines += [f"note: {sentence}" for sentence in health.notes]
    return lines + ([f"warning: {sentence}" for sentence in health.warnings] or ["all is well"])


def _files_of(health: Health) -> list[tuple[str, list[str]]]:
    """The files of each finding, under a heading."""
    special = {
        "unreadable": ("unreadable", [told(problem) for problem in health.unreadable]),
        "duplicates": ("in several folds", [" = ".join(same) for same in health.duplicates]),
        "straddling": ("recordings in several folds", health.straddling),
    }
    found = [
        special.get(each.kind, (each.kind, list(each.files)))
        for each in health.found
        if each.files or each.kind in special
    ]
    return found + (
        [("under several labels", [" = ".join(same) for same in health.mislabelled])] if health.mislabelled else []
    )


def told(problem: DataProblem) -> str:
    """A file that is left out, with the number of its clips where it holds several."""
    return f"{problem.path}: {problem.what}" + (f" ({problem.clips} clips)" if problem.clips > 1 else "")
