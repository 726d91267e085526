"""What people changed about the events of annotated recordings: ``datasets/<name>.events.jsonl`` in the workspace, a line an edit.

The files of annotations themselves are never written to. Lines are only appended, and one that takes an edit back is a line too, so that
the first lines of a file are what it was at an earlier time: their number is its revision. A run keeps the edits that it began with.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from labcore.datasets.annotations import EVENTS
from labcore.datasets.labels import is_missing
from labcore.datasets.linefile import Line, Undo, append, chosen, read_lines, signed, undo
from labcore.datasets.table import way_from
from labcore.datasets.timed.recordings import Recordings
from labcore.errors import DatasetError
from labcore.owners import clean
from labcore.texts import counted, shown
from labcore.workspace import Workspace, size_of

Hertz = Annotated[float, Field(ge=0)]


class OfRecording(Line):
    """A line about a recording.

    Attributes:
        recording: its path from the folder of the data set on.
        bytes: the size of its file: the line does not count for another recording of that name.
    """

    recording: Annotated[str, Field(min_length=1)]
    bytes: int


class EventEdit(OfRecording):
    """An event that was added, changed or deleted.

    Attributes:
        event: the one that is changed or deleted: see :func:`event_key`; of one that was added the id of its line. "" where it is added.
        start_s, end_s: seconds from the start of the recording.
        low_hz, high_hz: its frequencies, None where none are given.
    """

    edit: Literal["add", "change", "delete"]
    event: str = ""
    start_s: Annotated[float, Field(ge=0)] = 0.0
    end_s: Annotated[float, Field(ge=0)] = 0.0
    label: str = ""
    low_hz: Hertz | None = None
    high_hz: Hertz | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> EventEdit:
        """Raises ValueError where it does not say what the event is."""
        if (self.edit == "add") != (not self.event):
            raise ValueError(f"the event {self.event!r} does not fit {self.edit}")
        if self.edit != "delete" and (
            trouble := wrong_with(self.start_s, self.end_s, self.label, self.low_hz, self.high_hz)
        ):
            raise ValueError(trouble)
        return self

    @property
    def sentence(self) -> str:
        """The edit in words: ``dog, 1.5 to 2.25 s, added in night.wav``."""
        done = {"add": "added", "change": "changed", "delete": "deleted"}[self.edit]
        what = f"{shown(self.label)}, {self.start_s:g} to {self.end_s:g} s," if self.label else "an event"
        return f"{what} {done} in {shown(self.recording)}"


class Completeness(OfRecording):
    """Whether every sound of interest in a recording is labelled, so that what is not is background."""

    complete: bool

    @property
    def sentence(self) -> str:
        return f"{shown(self.recording)} said to be {'complete' if self.complete else 'not complete'}"


class Begun(Line):
    """The recordings of a folder in which nothing else says what they are: people label their events."""

    begun: Literal["recordings"] = "recordings"


Edit = EventEdit | Completeness
_lines: TypeAdapter[EventEdit | Completeness | Begun | Undo] = TypeAdapter(EventEdit | Completeness | Begun | Undo)


class _Kept(BaseModel):
    """Edits as they stand in the folder of a run."""

    revision: int
    digest: str
    lines: list[tuple[int, EventEdit | Completeness]]


def wrong_with(start_s: float, end_s: float, label: str, low_hz: float | None, high_hz: float | None) -> str:
    """What is wrong with an event, in words; "" for nothing."""
    if not label.strip():
        return "the event has no label"
    if not 0 <= start_s <= end_s < math.inf:
        return f"the event ends ({end_s:g} s) before it begins ({start_s:g} s)"
    if (low_hz is None) != (high_hz is None):
        return "one of the two frequencies is missing"
    if low_hz is not None and high_hz is not None and not 0 <= low_hz < high_hz:
        return f"the low frequency ({low_hz:g} Hz) is not below the high one ({high_hz:g} Hz)"
    return ""


def event_key(start_s: float, end_s: float, label: str) -> str:
    """What an event of a file of annotations goes by within its recording, whatever its line is by now: ``1.5 to 2.25 dog``."""
    start, end = (f"{seconds:.6f}".rstrip("0").rstrip(".") for seconds in (start_s, end_s))
    return f"{start} to {end} {shown(label)}"


def _former_key(start_s: float, end_s: float, label: str) -> str:
    """What it went by before: with six digits, so that neighbours after some hours were one."""
    return f"{round(start_s, 6):g} to {round(end_s, 6):g} {shown(label)}"


@dataclass(frozen=True)
class EventEdits:
    """The edits of a data set as they are at a moment.

    Attributes:
        lines: those that were not taken back, each with its number from 1, in their order.
        revision: so many lines the file has; 0 where there is none.
        digest: SHA-256 of these lines, "" for none.
        damaged: so many of them cannot be read, and count for nothing.
        file: where they stand.
    """

    lines: tuple[tuple[int, Edit], ...] = ()
    revision: int = 0
    digest: str = ""
    damaged: int = 0
    file: Path = field(default=Path(), compare=False)

    @cached_property
    def sentence(self) -> str:
        """``events of revision 5: 2 added, 1 deleted, 1 recording complete``; "" where nothing was edited."""
        if not self.revision:
            return ""
        last = {(edit.recording, edit.event or edit.id): edit for _, edit in self.lines if isinstance(edit, EventEdit)}
        added = {edit.id for _, edit in self.lines if isinstance(edit, EventEdit) and edit.edit == "add"}
        done: Counter[str] = Counter()
        for (_, event), edit in last.items():
            if event not in added:
                done["deleted" if edit.edit == "delete" else "changed"] += 1
            elif edit.edit != "delete":
                done["added"] += 1
        complete = {edit.recording: edit.complete for _, edit in self.lines if isinstance(edit, Completeness)}
        told = [f"{done[what]} {what}" for what in ("added", "changed", "deleted") if done[what]]
        if many := sum(complete.values()):
            told.append(f"{counted(many, 'recording')} complete")
        return f"events of revision {self.revision}: {', '.join(told) or 'as in the files'}"

    def last_of(self, who: str) -> Edit | None:
        """The newest edit of a person; None where there is none."""
        return next((edit for _, edit in reversed(self.lines) if edit.who == who), None)

    def to_dict(self) -> dict[str, object]:
        """Plain data, for JSON."""
        lines = [(number, edit.model_dump()) for number, edit in self.lines]
        return {"revision": self.revision, "digest": self.digest, "lines": lines}

    @classmethod
    def from_dict(cls, known: object) -> EventEdits:
        """What :meth:`to_dict` made plain; none where it is not that."""
        try:
            kept = _Kept.model_validate(known)
        except ValidationError:
            return cls()
        return cls(tuple(kept.lines), kept.revision, kept.digest)

    def in_force(self, recordings: Recordings) -> InForce:
        """What they come to for the recordings of a data set by now."""
        found, sizes = InForce(), dict[str, int]()
        ways = {shown("/".join(parts)): parts for parts in recordings.files} if self.lines else {}
        for number, edit in self.lines:
            path = str(recordings.root.joinpath(*ways.get(edit.recording, (edit.recording,))).absolute())
            if path not in sizes:
                sizes[path] = size_of(path)
            if sizes[path] != edit.bytes:
                found.unused += 1
            elif isinstance(edit, Completeness):
                found.complete[path] = edit.complete
            elif edit.edit == "add":
                found.added[path].append((number, edit))
            else:
                found.changes[path][edit.event] = edit
        return found


@dataclass
class InForce:
    """Edits by recording, whose whole path is the key.

    Attributes:
        changes: of each event the last change or deletion.
        added: events that were added, each with the number of its line.
        complete: what was said last.
        unused: so many edits are on recordings that are gone, or are other files by now.
    """

    changes: dict[str, dict[str, EventEdit]] = field(default_factory=lambda: defaultdict(dict))
    added: dict[str, list[tuple[int, EventEdit]]] = field(default_factory=lambda: defaultdict(list))
    complete: dict[str, bool] = field(default_factory=dict)
    unused: int = 0
    _met: set[tuple[str, str]] = field(default_factory=set)

    def key_of(self, recording: str, start_s: float, end_s: float, label: str) -> str:
        """What an event goes by, see :func:`event_key`; as it went by before where it was edited then."""
        key, edited = event_key(start_s, end_s, label), self.changes.get(recording, {})
        if not edited or key in edited:
            return key
        former = _former_key(start_s, end_s, label)
        return former if former in edited else key

    def change_of(self, recording: str, event: str) -> EventEdit | None:
        """What was done to an event of a recording; None for nothing."""
        found = self.changes[recording].get(event) if recording in self.changes else None
        if found is not None:
            self._met.add((recording, event))
        return found

    @property
    def not_met(self) -> int:
        """So many edits are on events that nobody has asked for: they are not in the files any more."""
        return sum(len(events) for events in self.changes.values()) - len(self._met)


NO_EDITS = EventEdits()


def file_of(workspace: Workspace, name: str) -> Path:
    """The file of a data set of the workspace."""
    return workspace.datasets / f"{name}{EVENTS}"


def edits_of(workspace: Workspace, name: str) -> EventEdits:
    """The edits of a data set. A line that cannot be read is counted; the last one, where it is being written, is passed over.

    Raises:
        DatasetError: the file is there and cannot be read.
    """
    file = file_of(workspace, name)
    found = read_lines(file, _lines, "the edited events", "move it away to use the events as the files have them")
    kept = tuple((number, edit) for number, edit in found.kept if isinstance(edit, (EventEdit, Completeness)))
    return EventEdits(kept, found.revision, found.digest, found.damaged, file)


def begin(workspace: Workspace, name: str, who: str = "") -> None:
    """Have the recordings of a data set be one that people label, whatever else says of them; nothing where they did before.

    Raises:
        DatasetError: the file of edits is there and cannot be read.
        WorkspaceError: the workspace cannot be written.
    """
    if not edits_of(workspace, name).revision:
        append(workspace, file_of(workspace, name), Begun(**signed(who), begun="recordings"))


def edit_event(
    workspace: Workspace,
    name: str,
    root: Path,
    recording: str,
    edit: Literal["add", "change", "delete"],
    *,
    who: str = "",
    **facts: Any,
) -> EventEdit:
    """Add, change or delete an event of a recording.

    Args:
        name: of the data set in the workspace.
        root: the folder that its recordings are named from.
        recording: the whole path.
        facts: ``event`` of the one that is changed or deleted; ``start_s``, ``end_s``, ``label``, ``low_hz`` and ``high_hz``, as of an
            :class:`EventEdit`.

    Raises:
        DatasetError: the event is none, with what is wrong; the recording is gone.
        WorkspaceError: the workspace cannot be written.
    """
    label = str(facts.get("label", "")).strip()
    given = [facts.get(each) for each in ("start_s", "end_s")]
    if edit != "delete":
        start, end = (math.nan if each is None else float(each) for each in given)
        if trouble := wrong_with(start, end, label, facts.get("low_hz"), facts.get("high_hz")):
            raise DatasetError(trouble, "Correct it, and save it again")
        if is_missing(label):  # in files that are written, and read back, it would be none
            raise DatasetError(f"the label {label!r} stands for no label in lists", "Choose another, as 'no_event'")
    return append(
        workspace,
        file_of(workspace, name),
        EventEdit(**signed(who), **_about(root, recording), edit=edit, **{**facts, "label": label}),
    )


def say_complete(
    workspace: Workspace, name: str, root: Path, recording: str, complete: bool, *, who: str = ""
) -> Completeness:
    """Say whether every sound of interest in a recording is labelled.

    Raises:
        DatasetError: the recording is gone.
        WorkspaceError: the workspace cannot be written.
    """
    return append(
        workspace, file_of(workspace, name), Completeness(**signed(who), **_about(root, recording), complete=complete)
    )


def take_back(workspace: Workspace, name: str, number: str, who: str, *, anyone: bool = False) -> Edit:
    """Take an edit back, with a line that does.

    Args:
        number: the id of the edit, the beginning of one, or ``last`` for the newest of ``who``.
        who: takes it back.
        anyone: it is meant, whoever made it.

    Raises:
        DatasetError: there is no such edit, or several begin so.
        NotYoursError: it is another person's.
        WorkspaceError: the workspace cannot be written.
    """
    who, known = clean(who), edits_of(workspace, name)
    there, listed = [edit for _, edit in known.lines], f"labcore datasets labels {name}"
    found = chosen(there, number, known.last_of(who), what="edit", who=who, name=name, listed=listed)
    return undo(workspace, file_of(workspace, name), found, "edit", who, anyone=anyone)


def _about(root: Path, recording: str) -> dict[str, Any]:
    size = size_of(recording)
    if size < 0:
        raise DatasetError(f"the recording {recording} is not there any more", "Put it back")
    return {"recording": shown(way_from(str(root), recording)), "bytes": size}
