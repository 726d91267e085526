"""What `labcore datasets split` does: folds are drawn by group, looked at, and kept under a name."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from labcore.cli.output import Content, say, table, tell
from labcore.cli.parser import add_anyone, seed
from labcore.cli.refused import refuse_without
from labcore.owners import shell_user
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.cli.parser import Parser
    from labcore.datasets.drawing import GroupedFolds
    from labcore.datasets.table import Dataset

SHOWN, EXAMPLES = 20, 5
"""So many groups are listed, and so many clips with their group."""
FOLDS = 5
NEEDS = {
    "folds": ["by"],
    "shares": ["by"],
    "seed": ["by"],
    "together": ["file"],
    "name": ["by", "file", "rename"],
    "anyone": ["remove", "rename"],
}
"""What says nothing without one of these."""


def add_split(parser: Parser) -> None:
    parser.add_argument("dataset", metavar="NAME", help="name of the data set")
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument(
        "--by",
        metavar="WHAT",
        help="draw folds by source, speaker, site, day or folder, by a pattern of the files' names, as '{speaker}_*', or by what recorders "
        "write: recorder, night, place, or a field of GUANO",
    )
    wish.add_argument(
        "--from", dest="file", metavar="FILE", help="take the folds of a CSV file with the columns path and fold"
    )
    wish.add_argument(
        "--show", metavar="SPLIT", help="show who is in which fold of a split; official for the data set's own folds"
    )
    wish.add_argument("--remove", metavar="SPLIT", help="remove a split; runs that began with it keep it")
    wish.add_argument("--rename", metavar="SPLIT", help="call a split otherwise: --as gives the new name")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--folds", metavar="N", type=int, help="with --by: number of folds (default: 5)")
    parts.add_argument(
        "--shares",
        metavar="N,N,N",
        help="with --by: train, val and test by shares, as 70,15,15, or train and test, as 80,20",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="with --from: move what belongs together to the fold in which most of it is",
    )
    parser.add_argument("--seed", metavar="N", type=seed, help="with --by: draw other folds (default: 0)")
    parser.add_argument("--as", dest="name", metavar="SPLIT", help="keep it under this name (default: only show it)")
    add_anyone(parser, "with --remove or --rename: do it")


def split(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Draw, take, show, rename, remove or list splits."""
    refuse_without(arguments, NEEDS)
    arguments.seed, arguments.name = arguments.seed or 0, arguments.name or ""
    if arguments.by is not None or arguments.file is not None:
        return _make(workspace, arguments)
    if arguments.show is not None:
        return _show(workspace, arguments)
    from labcore.datasets import named_splits

    if arguments.rename is not None:
        made = named_splits.rename_split(
            workspace, arguments.dataset, arguments.rename, arguments.name, who=shell_user(), anyone=arguments.anyone
        )
        return tell({"split": made.split}, made.note.replace("split ", "", 1), as_json=arguments.json)
    if arguments.remove is not None:
        from labcore.datasets.split_use import forget_split, use_of_split

        if told := use_of_split(workspace, arguments.dataset, arguments.remove).sentence:
            say(f"{told}; those that began keep it")
        gone = forget_split(workspace, arguments.dataset, arguments.remove, who=shell_user(), anyone=arguments.anyone)
        return tell({"removed": gone.split}, f"removed: {gone.note}", as_json=arguments.json)
    from labcore.datasets.registry import find_dataset, name_of

    dataset = find_dataset(workspace, name_of(workspace, arguments.dataset))
    kept = named_splits.named_splits(workspace, dataset.name)
    facts = {"name": dataset.name, "official": dataset.fold_note, "splits": [_facts_of(each) for each in kept.values()]}
    lines = [f"official: {dataset.fold_note}", *(each.note.replace("split ", "", 1) for each in kept.values())]
    return tell(facts, *lines, as_json=arguments.json)


def _facts_of(each: Any) -> dict[str, Any]:
    return {
        "split": each.split,
        "by": each.by,
        "seed": each.seed,
        "who": each.who,
        "time": each.time,
        "folds": dict(sorted(Counter(clip.fold for clip in each.clips).items())),
        "groups": len({clip.group for clip in each.clips}),
    }


def _make(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.cli.timed_labels import cutting_of
    from labcore.datasets.health import known_health
    from labcore.datasets.named_splits import LIST, keep_split
    from labcore.datasets.registry import find_dataset, name_of

    dataset = find_dataset(workspace, name_of(workspace, arguments.dataset), cutting_of(arguments))
    made = _grouped(dataset, arguments)
    by, grouping, folds, notes = arguments.by or LIST, made.grouping, made.folds, made.notes
    if known_health(dataset) is None:
        notes.append(f"copies of sounds are not known before `labcore datasets check {quote(dataset.name)}`")
    if arguments.name:
        keep_split(
            workspace,
            dataset.name,
            arguments.name,
            folds,
            grouping.groups,
            by=by,
            seed=arguments.seed,
            who=shell_user(),
            dataset=dataset,
        )
        notes.append(
            f"kept: `labcore train --dataset {quote(dataset.name)} --named-split {quote(arguments.name)}` trains with it"
        )
    else:
        notes.append("not kept: --as NAME keeps it")
    examples = list(zip(grouping.ways, grouping.groups, strict=True))[:: max(1, len(folds) // EXAMPLES)][:EXAMPLES]
    lines = [f"{grouping.sentence}", *(f"  {way} → {group}" for way, group in examples)]
    unmatched = [grouping.ways[row] for row in grouping.unmatched]
    lines += [f"  {way} does not tell" for way in unmatched[:EXAMPLES]]
    facts = {"name": dataset.name, "split": arguments.name, "by": by, "seed": arguments.seed, "notes": notes}
    return _tell(dataset, folds, grouping.groups, facts | {"unmatched": unmatched}, lines, notes, arguments.json)


def _grouped(dataset: Dataset, arguments: argparse.Namespace) -> GroupedFolds:
    """The folds of a list, or folds and parts by shares that are drawn by group."""
    from labcore.datasets.drawing import make_folds
    from labcore.datasets.grouping import group_by
    from labcore.datasets.leaks import require_no_leak
    from labcore.datasets.listed_folds import grouped_list
    from labcore.datasets.named_splits import LIST
    from labcore.datasets.shares import make_parts, shares_of

    if arguments.file is not None:
        made = grouped_list(dataset, arguments.file, together=arguments.together)
        require_no_leak(dataset, made.folds, made.grouping.groups, arguments.name or LIST)
        return made
    found = group_by(dataset, arguments.by)
    if arguments.shares is not None:
        return make_parts(dataset, found, shares_of(arguments.shares), arguments.seed)
    return make_folds(dataset, found, FOLDS if arguments.folds is None else arguments.folds, arguments.seed)


def _show(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.cli.timed_labels import cutting_of
    from labcore.datasets.in_split import in_split
    from labcore.datasets.leaks import leaks_of
    from labcore.datasets.named_splits import OFFICIAL, split_named
    from labcore.datasets.registry import find_dataset, name_of

    dataset = official = find_dataset(workspace, name_of(workspace, arguments.dataset), cutting_of(arguments))
    if arguments.show != OFFICIAL:
        dataset = in_split(official, split_named(workspace, official.name, arguments.show))
    folds, groups = dataset.table["fold"].tolist(), dataset.table["group"].tolist()
    notes = [f"leaks: {each}" for each in leaks_of(official, folds, groups)] if len(dataset) == len(official) else []
    facts = {"name": dataset.name, "split": arguments.show, "notes": notes}
    return _tell(dataset, folds, groups, facts, [dataset.fold_note], notes, arguments.json)


def _tell(
    dataset: Dataset,
    folds: Sequence[str],
    groups: Sequence[str],
    facts: dict[str, Any],
    lines: list[str],
    notes: list[str],
    as_json: bool,
) -> int:
    """Who is in which fold: classes by fold, then groups by fold."""
    from labcore.datasets.sides import sides_of
    from labcore.datasets.table import fold_order

    found = sides_of(dataset, folds, groups)
    classes = [[label, *row.values()] for label, row in found.classes.items()]
    told: list[Content] = [*lines, "", table(["class", *found.folds], [*classes, ["all", *found.totals.values()]])]
    rows = [[side.group, side.total, ", ".join(fold_order(set(side.clips)))] for side in found.groups[:SHOWN]]
    told += ["", table(["group", "clips", "fold"], rows)]
    if len(found.groups) > SHOWN:
        told.append(f"and {len(found.groups) - SHOWN} more groups; --json lists them all")
    sides = {side.group: side.clips for side in found.groups}
    facts |= {"folds": found.classes, "groups": sides, "warnings": found.warnings}
    return tell(facts, *told, *(f"warning: {each}" for each in found.warnings), *notes, as_json=as_json)
