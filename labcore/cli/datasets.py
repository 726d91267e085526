"""``labcore datasets``: list the data sets, make the demo set, import your own, check, rename or remove one."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from labcore.cli.output import DONE, duration, emit, emit_json, live_count, live_look, say, table
from labcore.cli.parser import Parser, add_json, subcommands
from labcore.config import RunConfig
from labcore.texts import counted, shown
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.datasets.health import Health
    from labcore.datasets.table import DataProblem

RATE = "audio.sample_rate"

SHOWN = 5
"""How many files of a kind are named."""


def parser() -> Parser:
    parser = Parser(
        prog="labcore datasets",
        description="List the data sets, make the demo set, import, check, rename and remove your own.",
        epilog="Recognised by themselves: UrbanSound8K, ESC-50, Speech Commands, a folder a class (also under train/ val/ test/, under "
        "audio_train/ audio_test/ and the like, or under fold1/ …), and a CSV file with the columns path,label and optionally fold, group "
        "(speaker, recording), and start,end or start,duration: in seconds, or as the column's name says (start_ms, Begin Time (s), "
        "end_sample). Other usual names of columns are understood. `labcore datasets check` tells what was taken for what. "
        "Paths may stand in quotes, as file:// addresses, or begin with ~.",
    )
    actions = subcommands(
        parser,
        [
            ("list", "list the data sets of the workspace"),
            ("demo", "make the demo set: 400 synthetic city sounds of ten classes, in about ten seconds"),
            ("check", "look through a data set for what would harm the training"),
            ("import", "remember a folder or a CSV file as a data set of the workspace; nothing is copied"),
            ("rename", "call a data set otherwise; its runs still find it"),
            ("remove", "forget a data set; your own files stay where they are"),
        ],
    )
    actions["demo"].add_argument("--seed", type=int, default=0, help="another seed makes another set (default 0)")
    actions["check"].add_argument(
        "dataset", metavar="NAME", help="a data set by name, or the path of a folder or CSV file"
    )
    actions["import"].add_argument("path", metavar="PATH", help="a folder or a CSV file")
    actions["import"].add_argument(
        "--name", default="", help="what to call it; the folder's or file's own name by default"
    )
    actions["rename"].add_argument("dataset", metavar="OLD", help="a data set of the workspace by name")
    actions["rename"].add_argument("to", metavar="NEW", help="what to call it")
    actions["remove"].add_argument("dataset", metavar="NAME", help="a data set of the workspace by name")
    actions["remove"].add_argument(
        "--yes",
        action="store_true",
        help="also one whose files lie in the workspace, as the demo set's do: they are deleted",
    )
    actions["check"].add_argument(
        f"--{RATE}",
        dest="sample_rate",
        type=int,
        metavar="HZ",
        help="the sample rate you will train with, to be told what it does not hear (default: that of `labcore train`)",
    )
    for action in actions.values():
        add_json(action, "lines of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    match arguments.action:
        case "list":
            return show_list(workspace, arguments.json)
        case "demo":
            return demo(workspace, arguments.seed, arguments.json)
        case "import":
            return take_in(workspace, arguments.path, arguments.name, arguments.json)
        case "rename":
            return rename(workspace, arguments.dataset, arguments.to, arguments.json)
        case "remove":
            return remove(workspace, arguments.dataset, arguments.yes, arguments.json)
        case _:
            return check(workspace, arguments.dataset, arguments.json, arguments.sample_rate)


def show_list(workspace: Workspace, as_json: bool) -> int:
    from labcore.datasets.glance import list_datasets

    infos = list_datasets(workspace)
    if as_json:
        for info in infos:
            emit_json(asdict(info))
        return DONE
    rows = [
        [info.name, info.layout or "?", str(info.clips), str(info.classes), info.error or info.path] for info in infos
    ]
    for line in table(["data set", "layout", "clips", "classes", "where"], rows):
        emit(line)
    if not rows:
        say("there are no data sets yet; `labcore datasets demo` makes one")
    return DONE


def demo(workspace: Workspace, seed: int, as_json: bool) -> int:
    from labcore.datasets.demo import make_demo

    path = make_demo(workspace.datasets / "demo", seed=seed, progress=live_count("making the demo set"))
    if as_json:
        emit_json({"name": path.name, "path": str(path)})
    else:
        emit(str(path))
        say("`labcore train --preset quick` trains on it")
    return DONE


def take_in(workspace: Workspace, path: str, name: str, as_json: bool) -> int:
    from labcore.datasets.registry import register

    info = register(workspace, path, name, live_look("reading headers"))
    if as_json:
        emit_json(asdict(info))
    else:
        emit(
            f"{info.name}: {counted(info.clips, 'clip')} of {counted(info.classes, 'class', 'classes')} ({info.layout}) at {info.path}"
        )
        for sentence in info.warnings:
            say(f"warning: {sentence}")
    return DONE


def rename(workspace: Workspace, name: str, to: str, as_json: bool) -> int:
    from labcore.datasets.keeping import rename

    use = rename(workspace, name, to)
    if as_json:
        emit_json({"name": use.name, "path": shown(use.path or ""), "runs": [run.id for run, _ in use.runs]})
    else:
        emit(use.name)
        if use.runs:
            say(f"{use.sentence}; they find it by its old name too")
    return DONE


def remove(workspace: Workspace, name: str, yes: bool, as_json: bool) -> int:
    from labcore.datasets.keeping import remove, use_of

    use = use_of(workspace, name)
    if use.runs:
        say(use.sentence)
    use = remove(workspace, name, delete=yes)
    if as_json:
        runs = [run.id for run, _ in use.runs]
        emit_json({"name": use.name, "path": shown(use.path or ""), "deleted": use.own, "runs": runs})
        return DONE
    emit(f"{use.name}: {'deleted' if use.own else f'forgotten; its files stay at {use.path}'}")
    if use.open:
        say(
            f"{counted(len(use.open), 'run')} can only go on where it is named again: labcore resume RUN --dataset PATH"
        )
    return DONE


def check(workspace: Workspace, name: str, as_json: bool, sample_rate: int | None = None) -> int:
    from labcore.datasets.health import check_dataset
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.walk import looking

    config = RunConfig() if sample_rate is None else RunConfig().replace({RATE: sample_rate})
    with looking(live_look("checking")):
        dataset = find_dataset(workspace, name)
    health = check_dataset(dataset, live_count("checking"), config)
    if as_json:
        emit_json(health.to_dict())
    else:
        for line in report(health):
            emit(line)
    return DONE


def report(health: Health) -> list[str]:
    """What ``datasets check`` prints: the facts, clips by class and fold, then each finding with its first files."""
    facts = health.to_dict()
    lines = [
        f"{health.name}: {counted(health.clips, 'clip')}, {duration(health.total_seconds)} in all ({health.layout})"
    ]
    if health.rates:
        shortest, median, longest = health.seconds
        lines.append(f"clips of {shortest:.2f} to {longest:.2f} s, half of them up to {median:.2f} s")
        lines.append("sample rates: " + ", ".join(f"{rate} Hz ({count})" for rate, count in health.rates.items()))
    if health.passed_over:
        lines.append(f"files passed over that are not audio: {health.passed_over}")
    folds = [str(fold) for fold in health.counts.columns]
    rows = [
        [label, *(str(counts[fold]) for fold in folds), str(sum(counts.values()))]
        for label, counts in facts["counts"].items()
    ]
    lines += [f"folds: {health.fold_note}", "", *table(["class", *folds, "all"], rows), ""]
    for heading, found in (
        ("unreadable", [told(problem) for problem in health.unreadable]),
        ("silent", [problem.path for problem in health.silent]),
        ("in several folds", [" = ".join(same) for same in health.duplicates]),
        ("under several labels", [" = ".join(same) for same in health.mislabelled]),
        ("recordings in several folds", health.straddling),
        *((finding.kind, list(finding.files)) for finding in health.findings if finding.level == "warning"),
    ):
        lines += [f"{heading}: {entry}" for entry in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"{heading}: and {len(found) - SHOWN} more; --json lists them all")
    lines += [f"note: {sentence}" for sentence in health.notes]
    return lines + ([f"warning: {sentence}" for sentence in health.warnings] or ["all is well"])


def told(problem: DataProblem) -> str:
    """A file that is left out, with the number of its clips where it holds several."""
    return f"{problem.path}: {problem.what}" + (f" ({problem.clips} clips)" if problem.clips > 1 else "")
