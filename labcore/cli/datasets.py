"""List, create, download, look at, import, check, rename and remove data sets, and show their labels and corrections.

Recognized layouts: UrbanSound8K, ESC-50, Speech Commands, GTZAN, FSD50K, AudioSet, BirdCLEF, FSDD, AudioMNIST, RAVDESS,
CREMA-D, TESS, Hugging Face audiofolder, one folder per class (also inside train/ val/ test/, audio_train/ audio_test/ or
fold1/ …), and a CSV file with the columns path,label and optionally fold, group (speaker
or recording), and start,end or start,duration in seconds, or in the unit of the column's name (start_ms, end_sample).
Other common column names work too; `labcore datasets look` shows how they were read. Recordings with time-stamped annotations:
Raven, Audacity, Sonic Visualiser, Label Studio, BirdNET, Kaleidoscope, AOEF (Whombat), DCASE, Praat. Zip and tar archives, WebDataset and
Parquet with sounds are unpacked into the workspace.

Examples:
  labcore datasets demo
  labcore datasets get esc50
  labcore datasets look ~/ESC-50
  labcore datasets import ~/ESC-50 --name esc50
  labcore datasets check esc50
  labcore datasets annotations esc50
  labcore datasets labels night/ --data.windows grid --data.window_seconds 3
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from labcore.cli import bring, datasets_get
from labcore.cli.output import Content, duration, say, table, tell, tell_list
from labcore.cli.parser import Parser, add_anyone, add_json, add_setting, subcommands
from labcore.cli.progress import counting, scanning
from labcore.config import CUTTING, RunConfig, all_settings
from labcore.texts import counted, shown
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.datasets.health import Health
    from labcore.datasets.table import DataProblem

RATE = "audio.sample_rate"

SHOWN = 5
"""How many files of a kind are named."""


def parser() -> Parser:
    parser = Parser(prog="labcore datasets", description=__doc__)
    actions = subcommands(
        parser,
        {
            "list": (show_list, "list the data sets of the workspace"),
            "get": (
                datasets_get.get,
                "download a standard data set by name: ESC-50, UrbanSound8K, Speech Commands, FSDD",
            ),
            "demo": (demo, "make the demo set: 400 synthetic city sounds of ten classes, in about ten seconds"),
            "check": (check, "check a data set for problems that would harm training"),
            "labels": (timed, "show what becomes of time-stamped labels: used, merged or dropped, and why"),
            "look": (bring.look, "show what a folder, CSV file or archive looks like, and what of it cannot be read"),
            "import": (
                bring.take_in,
                "add a folder or CSV file to the workspace, whose files stay where they are; unpack an archive into it",
            ),
            "table": (bring.write_table, "write the clips of a data set as a CSV file, with one label a clip or all"),
            "rename": (rename, "rename a data set; its runs still find it"),
            "remove": (remove, "remove a data set from the workspace; your own files stay where they are"),
            "annotations": (
                annotated,
                "show the corrected labels of a data set, who decided, and where people differ",
            ),
        },
    )
    datasets_get.add(actions["get"])
    actions["demo"].add_argument("--seed", metavar="N", type=int, default=0, help="seed of the synthesis (default: 0)")
    actions["check"].add_argument("dataset", metavar="NAME", help="data set by name, or path of a folder or CSV file")
    for looked_at in ("look", "import"):
        actions[looked_at].add_argument("path", metavar="PATH", help="folder, CSV file, or archive (zip, tar, Parquet)")
    actions["import"].add_argument(
        "--name", default="", help="name in the workspace (default: that of the folder or file)"
    )
    written = actions["table"]
    written.add_argument("dataset", metavar="NAME", help="data set by name, or path of a folder or CSV file")
    written.add_argument(
        "--labels", choices=("all", "first", "single"), default="all", help="of clips with several labels: all of them, the first "
        "one, or no such clip (default: all)",
    )  # fmt: skip
    written.add_argument("--output", "-o", metavar="FILE", default="-", help="file to write (default: stdout)")
    actions["rename"].add_argument("dataset", metavar="OLD", help="present name")
    actions["rename"].add_argument("to", metavar="NEW", help="new name")
    actions["remove"].add_argument("dataset", metavar="NAME", help="name of the data set")
    actions["remove"].add_argument(
        "--yes", action="store_true", help="delete its files too where they are in the workspace, as the demo set's"
    )
    actions["check"].add_argument(
        f"--{RATE}", dest="sample_rate", type=int, metavar="HZ", help="report sound that training at this sample rate would not hear "
        "(default: that of `labcore train`)",
    )  # fmt: skip
    actions["labels"].add_argument("dataset", metavar="NAME", help="data set by name, or path of a folder or file")
    actions["labels"].add_argument(
        "--csv", metavar="FILE", help="write every label as CSV to this file, with its row and its fate, - for stdout"
    )
    _add_windows(actions["labels"], actions["check"])
    decisions = actions["annotations"]
    decisions.add_argument("dataset", metavar="NAME", help="name of the data set")
    wish = decisions.add_mutually_exclusive_group()
    wish.add_argument("--csv", metavar="FILE", help="write every annotation as CSV to this file, - for stdout")
    wish.add_argument("--undo", metavar="ID", help="take an annotation back; last for your newest one")
    add_anyone(decisions, "with --undo: take it back")
    for each in actions.values():
        if each is not written:
            add_json(each, "lines of JSON")
    return parser


def _add_windows(*parsers: Parser) -> None:
    """The flags of how clips are cut by annotations."""
    for parser in parsers:
        windows = parser.add_argument_group("windows of annotated recordings")
        for path in CUTTING:
            add_setting(windows, all_settings()[path])


def run(arguments: argparse.Namespace) -> int:
    return arguments.does(Workspace.default(), arguments)


def show_list(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.datasets.glance import list_datasets

    infos = list_datasets(workspace)
    head = ["data set", "layout", "clips", "classes", "where"]
    rows = [[info.name, info.layout or "?", info.clips, info.classes, info.error or info.path] for info in infos]
    none = "there are no data sets yet; `labcore datasets demo` makes one"
    return tell_list(map(asdict, infos), head, rows, none=none, as_json=arguments.json)


def demo(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.datasets.demo import make_demo

    path = make_demo(workspace.datasets / "demo", seed=arguments.seed, progress=counting("making the demo set"))
    say("`labcore train --preset quick` trains on it")
    return tell({"name": path.name, "path": str(path)}, str(path), as_json=arguments.json)


def rename(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.datasets.keeping import rename

    use = rename(workspace, arguments.dataset, arguments.to)
    if use.runs:
        say(f"{use.sentence}; they find it by its old name too")
    facts = {"name": use.name, "path": shown(use.path or ""), "runs": [run.id for run, _ in use.runs]}
    return tell(facts, use.name, as_json=arguments.json)


def remove(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.datasets.annotations import file_of
    from labcore.datasets.keeping import remove, use_of

    use = use_of(workspace, arguments.dataset)
    if use.runs:
        say(use.sentence)
    use = remove(workspace, arguments.dataset, delete=arguments.yes)
    if (kept := file_of(workspace, use.name)).exists():
        say(f"its annotations are kept: {kept}")
    if use.open:
        runs = counted(len(use.open), "run")
        say(f"{runs} can only be resumed with its new place: labcore resume RUN --dataset PATH")
    facts = {"name": use.name, "path": shown(use.path or ""), "deleted": use.own}
    done = "deleted" if use.own else f"removed from the workspace; its files stay at {use.path}"
    return tell({**facts, "runs": [run.id for run, _ in use.runs]}, f"{use.name}: {done}", as_json=arguments.json)


def timed(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.cli import timed_labels

    return timed_labels.show(workspace, arguments)


def annotated(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.cli import annotations as labels

    if arguments.csv is not None:
        return labels.export(workspace, arguments.dataset, arguments.csv)
    if arguments.undo is not None:
        return labels.undo(workspace, arguments.dataset, arguments.undo, arguments.anyone, arguments.json)
    return labels.show(workspace, arguments.dataset, arguments.json)


def check(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.cli.timed_labels import cutting_of
    from labcore.datasets.health import check_dataset
    from labcore.datasets.registry import find_dataset
    from labcore.datasets.walk import looking

    rate = arguments.sample_rate
    config = RunConfig() if rate is None else RunConfig().replace({RATE: rate})
    with looking(scanning("checking")):
        dataset = find_dataset(workspace, arguments.dataset, cutting_of(arguments))
    health = check_dataset(dataset, counting("checking"), config)
    return tell(health.to_dict(), *report(health), as_json=arguments.json)


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
