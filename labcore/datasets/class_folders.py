"""Which of two levels of folders are the classes of a data set: the outer ones, or the inner ones, whose outer folders are its groups.

Nothing in ``north/dog/1.wav`` says it. What somebody chose for a data set of the workspace stands in ``datasets/<name>.classes.jsonl``, a
line a choice, of which the last one counts. It says how the folder is read, whatever is put into it later, and goes with the data set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from labcore.datasets.annotations import CLASSES
from labcore.datasets.linefile import Line, append, read_lines, signed
from labcore.workspace import Workspace

ClassFolders: TypeAlias = Literal["outer", "inner"]
OUTER: ClassFolders = "outer"
INNER: ClassFolders = "inner"


class Choice(Line):
    """Which folders somebody chose."""

    class_folders: ClassFolders


_lines: TypeAdapter[Choice] = TypeAdapter(Choice)


def file_of(workspace: Workspace, name: str) -> Path:
    """The file of a data set of the workspace."""
    return workspace.datasets / f"{name}{CLASSES}"


def choice_of(workspace: Workspace, name: str) -> Choice | None:
    """The choice that counts for a data set of the workspace; None where nobody has made one.

    Raises:
        DatasetError: the file is there and cannot be read.
    """
    found = read_lines(file_of(workspace, name), _lines, "the choice of class folders", "move it away")
    return found.kept[-1][1] if found.kept else None


def class_folders_of(workspace: Workspace, name: str) -> ClassFolders:
    """The folders that are the classes of a data set of the workspace; "" is the name of none.

    Raises:
        DatasetError: as for :func:`choice_of`.
    """
    choice = choice_of(workspace, name) if name else None
    return choice.class_folders if choice is not None else OUTER


def keep_class_folders(workspace: Workspace, name: str, which: ClassFolders, who: str = "") -> None:
    """Keep a choice, where it is another one than that which counts.

    Raises:
        DatasetError: as for :func:`choice_of`.
        WorkspaceError: the workspace cannot be written.
    """
    if which != class_folders_of(workspace, name):
        append(workspace, file_of(workspace, name), Choice(**signed(who), class_folders=which))
