"""What people decided on the labels of a data set's clips: ``datasets/<name>.annotations.jsonl`` in the workspace, a line a decision.

The data set itself is never written to. Lines are only appended, and one that takes a decision back is a line too, so that the first
lines of a file are what it was at an earlier time: their number is its revision. What follows for the labels is worked out in
:mod:`labcore.datasets.corrections`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from labcore.datasets.linefile import L, Line, Undo, append, chosen, held, read_lines, signed, undo
from labcore.datasets.remedies import Action
from labcore.owners import clean
from labcore.texts import counted
from labcore.workspace import Workspace, write_atomically

SUFFIX = ".annotations.jsonl"
SPLITS = ".splits.jsonl"
"""Of the file of a data set's named splits (:mod:`labcore.datasets.named_splits`)."""
EVENTS = ".events.jsonl"
"""Of the file of what was edited about a data set's events (:mod:`labcore.datasets.timed.edits`)."""
CLASSES = ".classes.jsonl"
"""Of the file that says which folders are its classes (:mod:`labcore.datasets.class_folders`)."""
NO_LABEL = ""
"""Stands for the label of a clip whose label is wrong and whose class nobody named."""
Verdict: TypeAlias = Literal["right", "wrong", "other", "unsure"]
Key: TypeAlias = tuple[str, float, str]
"""What a decision is about: the clip's path from the data set's folder on, its start in seconds, and the label it has there."""


class Annotation(Line):
    """What somebody decided on the label of a clip.

    Attributes:
        clip: its path from the data set's folder on.
        start_s, end_s: its span in the file; ``end_s`` is None for the file's end.
        bytes: the size of its file: the decision does not count for another recording of that name.
        old: the label that the data set gives it.
        verdict: ``right``: the label holds; ``other``: ``new`` is the right one; ``wrong``: it is neither, and no class was named;
            ``unsure``: the label stays.
        new: the label by this decision; "" where none was named.
        blind: the network's prediction was not shown before.
        why: what brought the clip up, or a remark.
    """

    clip: str
    start_s: float = 0.0
    end_s: float | None = None
    bytes: int
    old: str
    verdict: Verdict
    new: str = NO_LABEL
    blind: bool = False
    why: str = ""

    @model_validator(mode="after")
    def _labels_fit(self) -> Annotation:
        """Raises ValueError where the new label contradicts the verdict."""
        fits = {
            "right": self.new == self.old,
            "other": self.new not in (NO_LABEL, self.old),
            "wrong": self.new == NO_LABEL,
            "unsure": self.new == NO_LABEL,
        }
        if not fits[self.verdict]:
            raise ValueError(f"the label {self.new!r} does not fit the verdict {self.verdict}")
        return self

    @property
    def key(self) -> Key:
        return self.clip, self.start_s, self.old

    @property
    def sentence(self) -> str:
        """The decision in words, without the clip: ``dog is cat``."""
        told = {"right": f"{self.old} is right", "wrong": f"{self.old} is wrong", "unsure": f"unsure of {self.old}"}
        return told.get(self.verdict, f"{self.old} is {self.new}")


class MendedClip(BaseModel):
    """A clip that a remedy changes; ``clip``, ``start_s``, ``old`` and ``bytes`` as of an :class:`Annotation`."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore")

    clip: str
    start_s: float = 0.0
    old: str
    bytes: int

    @property
    def key(self) -> Key:
        return self.clip, self.start_s, self.old


class Mending(Line):
    """What somebody did about a finding of the check, for all its clips at once.

    Attributes:
        mend: ``exclude`` leaves the clips out, whatever anybody decides on their labels; ``relabel`` and ``merge`` give them the label
            ``label``, where nobody decided otherwise; ``channel`` has their channel ``channel``, counted from 1, heard alone.
        finding: the id of the finding.
        clips: those that it changes.
        why: the finding in a sentence.
    """

    mend: Action
    finding: str
    clips: list[MendedClip]
    label: str = NO_LABEL
    channel: Annotated[int, Field(ge=0, le=1024)] = 0
    why: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> Mending:
        """Raises ValueError where it does not say what to do."""
        if (self.mend in ("relabel", "merge")) != (self.label != NO_LABEL) or (self.mend == "channel") != (
            self.channel > 0
        ):
            raise ValueError(f"a label and a channel do not fit {self.mend}")
        return self

    @property
    def sentence(self) -> str:
        """What was done in words, with the finding: ``12 clips excluded (silent)``."""
        return f"{self.done} ({self.finding})"

    @property
    def done(self) -> str:
        """The same without it."""
        done = {"exclude": "excluded", "channel": f"heard by channel {self.channel} alone"}
        return f"{counted(len(self.clips), 'clip')} {done.get(self.mend, f'labelled {self.label}')}"


_lines: TypeAdapter[Annotation | Mending | Undo] = TypeAdapter(Annotation | Mending | Undo)


@dataclass(frozen=True)
class Annotations:
    """The annotations of a data set as they are at a moment.

    Attributes:
        name: of the data set.
        decisions: those that were not taken back, in the order of their lines.
        mendings: what was done about findings of the check, and not taken back, in the order of the lines.
        revision: so many lines the file has; 0 where there is none.
        digest: SHA-256 of these lines, "" for none.
        damaged: so many of them cannot be read, and count for nothing.
    """

    name: str
    decisions: tuple[Annotation, ...] = ()
    revision: int = 0
    digest: str = ""
    damaged: int = 0
    mendings: tuple[Mending, ...] = ()

    def latest(self) -> dict[Key, dict[str, Annotation]]:
        """What each person decided last on each clip: clip → person → decision."""
        found: dict[Key, dict[str, Annotation]] = {}
        for each in self.decisions:
            found.setdefault(each.key, {})[each.who] = each
        return found

    def last_of(self, who: str) -> Annotation | None:
        """The newest decision of a person; None where there is none."""
        return next((each for each in reversed(self.decisions) if each.who == who), None)


def file_of(workspace: Workspace, name: str) -> Path:
    """The file of a data set of the workspace."""
    return workspace.datasets / f"{name}{SUFFIX}"


def name_in(file: Path) -> str:
    """The name of the data set whose file it is."""
    return file.name.removesuffix(SUFFIX)


def read_annotations(file: Path) -> Annotations:
    """Read a data set's annotations. A line that cannot be read is counted; the last one, where it is being written, is passed over.

    Raises:
        DatasetError: the file is there and cannot be read.
    """
    name = name_in(file)
    found = read_lines(file, _lines, "the annotations", "move it away to use the labels without corrections")
    decisions = tuple(each for _, each in found.kept if isinstance(each, Annotation))
    mendings = tuple(each for _, each in found.kept if isinstance(each, Mending))
    return Annotations(name, decisions, found.revision, found.digest, found.damaged, mendings)


def annotate(workspace: Workspace, name: str, annotation: L) -> L:
    """Keep a decision on a clip of a data set of the workspace, or what was done about a finding.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    return append(workspace, file_of(workspace, name), annotation)


def take_back(workspace: Workspace, name: str, number: str, who: str, *, anyone: bool = False) -> Annotation | Mending:
    """Take a decision, or what was done about a finding, back, with a line that does.

    Args:
        number: the id of the decision, the beginning of one, or ``last`` for the newest of ``who``.
        who: takes it back.
        anyone: it is meant, whoever decided.

    Returns:
        What no longer counts.

    Raises:
        DatasetError: there is no such decision, or several begin so.
        NotYoursError: it is another person's.
        WorkspaceError: the workspace cannot be written.
    """
    who, known = clean(who), read_annotations(file_of(workspace, name))
    there: list[Annotation | Mending] = [*known.decisions, *known.mendings]
    listed = f"labcore datasets annotations {name}"
    found = chosen(there, number, known.last_of(who), what="annotation", who=who, name=name, listed=listed)
    return undo(workspace, file_of(workspace, name), found, "annotation", who, anyone=anyone)


def decided(key: Key, verdict: Verdict, *, who: str, size: int, **more: Any) -> Annotation:
    """A decision, with an id of its own.

    Args:
        size: of the clip's file in bytes.
        more: ``end_s``, ``new``, ``blind`` and ``why`` as of an :class:`Annotation`.
    """
    clip, start_s, old = key
    new = old if verdict == "right" else more.pop("new", NO_LABEL)
    facts: dict[str, Any] = {
        "clip": clip,
        "start_s": start_s,
        "old": old,
        "verdict": verdict,
        "new": new,
        "bytes": size,
    }
    return Annotation(**signed(who), **facts, **more)


def follow_name(workspace: Workspace, name: str, new: str) -> None:
    """Have what is kept beside a data set, its annotations, splits, edited events and class folders, go by its new name. Behind its lines
    come those that an earlier set of that name left; which class folders that had counts no more.

    Raises:
        OSError, WorkspaceError: the workspace cannot be written; they stay as they were.
    """
    with held(workspace):
        (workspace.datasets / f"{new}{CLASSES}").unlink(missing_ok=True)
        for suffix in (SUFFIX, SPLITS, EVENTS, CLASSES):
            before, after = (workspace.datasets / f"{each}{suffix}" for each in (name, new))
            if before.exists() and after.exists():
                write_atomically(after, before.read_bytes().rstrip(b"\n") + b"\n" + after.read_bytes())
                before.unlink()
            elif before.exists():
                before.rename(after)
