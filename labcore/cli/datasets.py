"""List, create, download, look at, import, check, mend, split, rename and remove data sets, and show their corrections.

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
  labcore datasets import ~/sites --class-folders inner
  labcore datasets check esc50
  labcore datasets mend esc50 silent
  labcore datasets split esc50 --by source --folds 4 --as four
  labcore datasets annotations esc50
  labcore datasets labels night/ --data.windows grid --data.window_seconds 3
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from labcore.cli import bring, checks, datasets_get, splits, timed_labels
from labcore.cli.output import nothing_yet, say, tell, tell_list
from labcore.cli.parser import Act, Parser, add_anyone, add_csv, add_json, add_setting, seed, subcommands
from labcore.cli.progress import counting
from labcore.cli.refused import refuse_without
from labcore.config import CUTTING, all_settings
from labcore.texts import counted, shown
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(prog="labcore datasets", description=__doc__)
    actions = subcommands(parser, ACTIONS)
    datasets_get.add(actions["get"])
    actions["demo"].add_argument("--seed", metavar="N", type=seed, default=0, help="seed of the synthesis (default: 0)")
    checks.add_check(actions["check"])
    checks.add_mend(actions["mend"])
    splits.add_split(actions["split"])
    bring.add_look(actions["look"])
    bring.add_import(actions["import"])
    bring.add_table(actions["table"])
    actions["rename"].add_argument("dataset", metavar="OLD", help="present name")
    actions["rename"].add_argument("to", metavar="NEW", help="new name")
    actions["remove"].add_argument("dataset", metavar="NAME", help="name of the data set")
    actions["remove"].add_argument(
        "--yes",
        "-y",
        action="store_true",
        help="delete its files too where they are in the workspace, as the demo set's",
    )
    timed_labels.add(actions["labels"])
    _add_windows(actions["labels"], actions["check"], actions["mend"], actions["split"])
    decisions = actions["annotations"]
    decisions.add_argument("dataset", metavar="NAME", help="name of the data set")
    wish = decisions.add_mutually_exclusive_group()
    add_csv(wish, "every decision that counts")
    wish.add_argument("--undo", metavar="ID", help="take an annotation back; last for your newest one")
    add_anyone(decisions, "with --undo: take it back")
    for name, each in actions.items():
        if name != "table":
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
    none = nothing_yet(workspace, "data sets", "datasets demo")
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
    from labcore.datasets.timed.edits import file_of as events_file

    use = use_of(workspace, arguments.dataset)
    if use.runs:
        say(use.sentence)
    use = remove(workspace, arguments.dataset, delete=arguments.yes)
    for what, kept in (
        ("annotations", file_of(workspace, use.name)),
        ("edited events", events_file(workspace, use.name)),
    ):
        if kept.exists():
            say(f"its {what} are kept: {kept}")
    if use.open:
        runs = counted(len(use.open), "run")
        say(f"{runs} can only be resumed with its new place: labcore resume RUN --dataset PATH")
    facts = {"name": use.name, "path": shown(use.path or ""), "deleted": use.own}
    done = "deleted" if use.own else f"removed from the workspace; its files stay at {use.path}"
    return tell({**facts, "runs": [run.id for run, _ in use.runs]}, f"{use.name}: {done}", as_json=arguments.json)


def annotated(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.cli import annotations as labels

    refuse_without(arguments, {"anyone": ["undo"]})
    if arguments.csv is not None:
        return labels.export(workspace, arguments.dataset, arguments.csv)
    if arguments.undo is not None:
        return labels.undo(workspace, arguments.dataset, arguments.undo, arguments.anyone, arguments.json)
    return labels.show(workspace, arguments.dataset, arguments.json)


ACTIONS: dict[str, tuple[Act, str]] = {
    "list": (show_list, "list the data sets of the workspace"),
    "get": (
        datasets_get.get,
        "download a standard data set by name: ESC-50, UrbanSound8K, Speech Commands, FSDD",
    ),
    "demo": (demo, "make the demo set: 400 synthetic city sounds of ten classes, in about 15 s"),
    "check": (checks.check, "check a data set for problems that would harm training"),
    "mend": (checks.mend, "list what a check found and what can be done about it, do it, or take it back"),
    "split": (
        splits.split,
        "draw folds by speaker, site, day or a pattern, keep them under a name, show, rename or remove them",
    ),
    "labels": (
        timed_labels.show,
        "show what becomes of time-stamped labels: used, merged or dropped, and why; write them, take edits back",
    ),
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
}
"""Second words of the command, each with what it does and its help."""
