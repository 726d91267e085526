"""Named splits of a data set: ``datasets/<name>.splits.jsonl`` in the workspace, a line a split. The data set itself is never written to.

A line says of each clip which fold it is in and what it belongs together with. Lines are only appended, and one that removes or renames
a split is a line too. The folds of a split never change: other ones get another name. A run keeps the split that it began with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from labcore.datasets.annotations import SPLITS
from labcore.datasets.leaks import require_no_leak
from labcore.datasets.linefile import Line, held, read_lines, signed, write
from labcore.datasets.registry import find_dataset, name_of
from labcore.datasets.table import PARTS, Dataset, fold_order, ways_from
from labcore.errors import DatasetError
from labcore.owners import require_owner
from labcore.texts import all_shown, composed, counted, shown
from labcore.workspace import Workspace, slug

LIST = "list"
"""What the clips of a split are grouped by that a list named: clips that it does not name are used for nothing."""
OFFICIAL = "official"
TAKEN = (OFFICIAL, "new", "random", "none", "auto", "automatic")


class SplitClip(BaseModel):
    """A clip of a split: its path from the data set's folder on, its start in seconds, its fold, and what it belongs together with."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore")

    clip: str
    start_s: float = 0.0
    fold: Annotated[str, Field(min_length=1)]
    group: str


class NamedSplit(Line):
    """A split of a data set.

    Attributes:
        split: its name.
        by: what its clips were grouped by; "list" for folds that a list named.
        seed: that they were drawn with.
    """

    split: Annotated[str, Field(min_length=1)]
    by: str = ""
    seed: int = 0
    clips: list[SplitClip]

    @property
    def folds(self) -> dict[tuple[str, float], SplitClip]:
        return {(clip.clip, clip.start_s): clip for clip in self.clips}

    @property
    def note(self) -> str:
        """How its folds came about, a sentence without the final stop."""
        folds = {clip.fold for clip in self.clips}
        sides = ", ".join(fold_order(folds)) if folds <= {*PARTS} else counted(len(folds), "fold")
        return f"split {self.split}: {sides} by {self.by or 'source'}"


class _Removed(Line):
    """Removes the split of this name."""

    removed: str


class _Renamed(Line):
    """Gives the split of a name another one."""

    renamed: str
    to: Annotated[str, Field(min_length=1)]


_lines: TypeAdapter[NamedSplit | _Removed | _Renamed] = TypeAdapter(NamedSplit | _Removed | _Renamed)


def file_of(workspace: Workspace, name: str) -> Path:
    """The file of a data set of the workspace."""
    return workspace.datasets / f"{name}{SPLITS}"


def named_splits(workspace: Workspace, wanted: str) -> dict[str, NamedSplit]:
    """Name → split of a data set of the workspace, in the order in which they were made. A line that cannot be read counts for nothing.

    Raises:
        DatasetError: there is no such data set, or the file is there and cannot be read.
    """
    return _read(workspace, wanted)[0]


def _read(workspace: Workspace, wanted: str) -> tuple[dict[str, NamedSplit], dict[str, str]]:
    """The splits by their names, and former name → present one."""
    file = file_of(workspace, name_of(workspace, wanted))
    found: dict[str, NamedSplit] = {}
    former: dict[str, str] = {}
    for _, each in read_lines(file, _lines, "the splits", "move it away").kept:
        if isinstance(each, NamedSplit):
            found.setdefault(each.split, each)
            former.pop(each.split, None)
        elif isinstance(each, _Removed):
            found.pop(each.removed, None)
            former = {old: now for old, now in former.items() if now != each.removed}
        elif each.renamed in found and each.to not in found:
            found = {_now(name, each): known for name, known in found.items()}
            found[each.to] = found[each.to].model_copy(update={"split": each.to})
            former = {old: _now(name, each) for old, name in {**former, each.renamed: each.renamed}.items()}
            former.pop(each.to, None)
    return found, former


def _now(name: str, renamed: _Renamed) -> str:
    return renamed.to if name == renamed.renamed else name


def split_named(workspace: Workspace, wanted: str, split: str) -> NamedSplit:
    """A split of a data set by its name, also by one that it had before.

    Raises:
        DatasetError: there is none.
    """
    there, former = _read(workspace, wanted)
    split = composed(split)
    split = former.get(split, split)
    if split not in there:
        listed = (
            f"There are: {', '.join(there)}"
            if there
            else f"Draw one: `labcore datasets split {quote(wanted)} --by source --as NAME`"
        )
        raise DatasetError(f"the data set {wanted!r} has no split {split!r}", listed)
    return there[split]


def named_now(workspace: Workspace, wanted: str, split: str) -> str:
    """What a split is called by now, where it was renamed since; another name stays as it is.

    Raises:
        DatasetError: there is no such data set, or its splits cannot be read.
    """
    there, former = _read(workspace, wanted)
    split = composed(split)
    return split if split in there else former.get(split, split)


def keep_split(
    workspace: Workspace,
    wanted: str,
    split: str,
    folds: Sequence[str],
    groups: Sequence[str],
    *,
    by: str,
    seed: int = 0,
    who: str = "",
    dataset: Dataset | None = None,
) -> NamedSplit:
    """Keep a split of a data set under a name.

    Args:
        dataset: the clips that ``folds`` and ``groups`` are of; the data set as it is by now where not given.
        folds: of each clip; one without a fold ("") is not in it, and used for nothing.
        groups: what each clip belongs together with; "" for the recording that the data set tells.

    Raises:
        DatasetError: the split leaks; the name is taken, or none; there is no such data set.
        WorkspaceError: the workspace cannot be written.
    """
    name = name_of(workspace, wanted)
    dataset = find_dataset(workspace, name) if dataset is None else dataset
    split = _possible(split)
    require_no_leak(dataset, folds, groups, split)
    keys = zip(clip_keys(dataset), folds, groups, dataset.table["group"], strict=True)
    clips = [
        SplitClip(clip=way, start_s=start, fold=fold, group=shown(group or own))
        for (way, start), fold, group, own in keys
        if fold
    ]
    line = NamedSplit(**signed(who), split=split, by=by, seed=seed, clips=clips)
    with held(workspace):
        _require_free(workspace, name, split)
        write(file_of(workspace, name), line)
    return line


def _possible(split: str) -> str:
    split = composed(split.strip())
    if slug(split) != split or split in TAKEN:
        raise DatasetError(
            f"{split!r} cannot be the name of a split", "Use letters, digits, dots, dashes and underscores"
        )
    return split


def _require_free(workspace: Workspace, name: str, split: str) -> None:
    if split in named_splits(workspace, name):
        raise DatasetError(f"{name!r} has a split {split!r} already", "Choose another name, or remove that one first")


def rename_split(
    workspace: Workspace, wanted: str, split: str, to: str, *, who: str = "", anyone: bool = False
) -> NamedSplit:
    """Call a split otherwise, with a line that does. What asks for it by its old name finds it.

    Raises:
        DatasetError: there is none of that name, or the new name is taken or none.
        NotYoursError: it is another person's.
        WorkspaceError: the workspace cannot be written.
    """
    name, to = name_of(workspace, wanted), _possible(to)
    with held(workspace):
        known = split_named(workspace, wanted, split)
        if not anyone:
            require_owner(known.who, who, f"split {split}", "Add --anyone to rename it anyway")
        if to == known.split:
            return known
        _require_free(workspace, name, to)
        line = _Renamed(**signed(who), renamed=known.split, to=to)
        write(file_of(workspace, name), line)
    return known.model_copy(update={"split": to})


def remove_split(workspace: Workspace, wanted: str, split: str, *, who: str = "", anyone: bool = False) -> NamedSplit:
    """Forget a split, with a line that does. Runs that began with it keep it.

    Raises:
        DatasetError: there is none of that name.
        NotYoursError: it is another person's.
        WorkspaceError: the workspace cannot be written.
    """
    with held(workspace):
        known = split_named(workspace, wanted, split)
        if not anyone:
            require_owner(known.who, who, f"split {split}", "Add --anyone to remove it anyway")
        line = _Removed(**signed(who), removed=known.split)
        write(file_of(workspace, name_of(workspace, wanted)), line)
    return known


def clip_keys(dataset: Dataset) -> list[tuple[str, float]]:
    """What the clips of a data set are called in its splits, in the order of its table."""
    ways = all_shown(ways_from(dataset.folder, dataset.table["path"]))
    return list(zip(ways, dataset.table["start_s"].tolist(), strict=True))
