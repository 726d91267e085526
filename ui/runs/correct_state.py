"""What a visitor is asked about and has decided, while labels are corrected: the clips of a list that are still open, and the way back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import streamlit as st

from labcore.datasets.annotations import (
    Annotation,
    Annotations,
    Key,
    Verdict,
    annotate,
    decided,
    file_of,
    read_annotations,
    take_back,
)
from labcore.datasets.class_folders import class_folders_of
from labcore.datasets.corrections import channels_by
from labcore.datasets.rows import Row
from labcore.errors import DatasetError
from labcore.evaluation.review import ReviewClip
from labcore.workspace import stamp_of
from ui.app import services
from ui.datasets import summary

Place = tuple[str, float]
"""A clip of a list: its path from the data set's folder on, and its start in seconds."""


@dataclass(frozen=True)
class KnownClips:
    """The clips of a data set of the workspace, each with what its annotations call it. ``labels`` are the classes to choose from."""

    name: str
    labels: list[str]
    rows: dict[Place, tuple[Row, Key]]


def known_clips(wanted: str, cut: str) -> KnownClips:
    """The clips of a data set by its name or path, with the labels that it gives them itself.

    Args:
        cut: how clips are cut by annotations, see :func:`ui.datasets.summary.cut_by`.

    Raises:
        DatasetError: it is not one of the workspace, or cannot be read.
    """
    from labcore.datasets.registry import name_of

    name = name_of(services.workspace(), wanted)
    return _known_clips(name, cut, class_folders_of(services.workspace(), name))


@st.cache_resource(ttl=300, max_entries=4, show_spinner="Reading the data set …")
def _known_clips(name: str, cut: str, class_folders: str) -> KnownClips:
    from labcore.datasets.corrections import keys_of
    from labcore.datasets.registry import find_uncorrected
    from labcore.datasets.rows import rows_of

    dataset = find_uncorrected(services.workspace(), name, summary.cutting(cut))
    pairs = zip(rows_of(dataset.table), keys_of(dataset), strict=True)
    return KnownClips(name, dataset.labels, {key[:2]: (row, key) for row, key in pairs})


@dataclass
class Sitting:
    """A visitor who goes through a list of clips.

    Attributes:
        key: of what is remembered in the browser session.
        why: stands in each annotation.
        blind: the visitor has not seen what the network predicts.
    """

    known: KnownClips
    clips: Sequence[ReviewClip]
    key: str
    why: str
    who: str = field(default_factory=services.visitor_name)
    blind: bool = True

    @cached_property
    def annotations(self) -> Annotations:
        return read_annotations(file_of(services.workspace(), self.known.name))

    @cached_property
    def by_clip(self) -> dict[Key, dict[str, Annotation]]:
        return self.annotations.latest()

    @property
    def there(self) -> list[ReviewClip]:
        """Those of the list that the data set still has."""
        return [clip for clip in self.clips if (clip.clip, clip.start_s) in self.known.rows]

    def row(self, clip: ReviewClip) -> Row:
        """The clip as it is heard by now, with the label that the data set itself gives it."""
        row, key = self.known.rows[clip.clip, clip.start_s]
        channels = channels_by(self.annotations, lambda other: stamp_of(row.path)[0] if other == key else -1)
        return row._replace(channel=channels.get(key, 0))

    def label_key(self, clip: ReviewClip) -> Key:
        return self.known.rows[clip.clip, clip.start_s][1]

    def own(self, clip: ReviewClip) -> Annotation | None:
        """What the visitor decided on a clip last."""
        return self.by_clip.get(self.label_key(clip), {}).get(self.who)

    @cached_property
    def open(self) -> list[ReviewClip]:
        """The clips that are still to be decided on, without those that were skipped."""
        passed = {place for kind, place in self.history if kind == "skipped"}
        return [clip for clip in self.there if not self.own(clip) and (clip.clip, clip.start_s) not in passed]

    @property
    def history(self) -> list[tuple[str, Place]]:
        """What was done in this browser session, the latest last: ``decided`` or ``skipped``, and on which clip."""
        done: list[tuple[str, Place]] = st.session_state.setdefault(f"{self.key}-history", [])
        return done

    @property
    def last(self) -> ReviewClip | None:
        """The clip that was decided on last; None after one that was skipped."""
        if not self.history or self.history[-1][0] != "decided":
            return None
        place = self.history[-1][1]
        return next((clip for clip in self.there if (clip.clip, clip.start_s) == place), None)

    def decide(self, clip: ReviewClip, verdict: Verdict, new: str = "") -> None:
        """Keep a decision under the visitor's own name.

        Raises:
            DatasetError: the clip's file is gone.
            WorkspaceError: the workspace cannot be written.
        """
        row, key = self.known.rows[clip.clip, clip.start_s]
        if new == key[2]:
            verdict, new = "right", ""
        with DatasetError.on_os_error(f"{row.path} cannot be read", "Skip it"):
            size = os.stat(row.path).st_size  # noqa: PTH116 (its name may be of any bytes)
        more = {"new": new} if new else {}
        made = decided(key, verdict, who=self.who, size=size, end_s=row.end_s, blind=self.blind, why=self.why, **more)
        annotate(services.workspace(), self._name_now(), made)
        self.history.append(("decided", key[:2]))

    def skip(self, clip: ReviewClip) -> None:
        self.history.append(("skipped", (clip.clip, clip.start_s)))

    @property
    def plays(self) -> str:
        """Under which name of the session it is counted how often a clip was to be heard again."""
        return f"{self.key}-plays"

    def play_again(self) -> None:
        """Have the player begin by itself: Streamlit lets one do so only once."""
        st.session_state[self.plays] = st.session_state.get(self.plays, 0) + 1

    def undo(self) -> None:
        """Take the last step back: of this browser session, else the visitor's newest decision.

        Raises:
            DatasetError: there is none.
            WorkspaceError: the workspace cannot be written.
        """
        self.play_again()  # the clip is shown a second time
        if not self.history:
            take_back(services.workspace(), self._name_now(), "last", self.who)
            return
        kind, place = self.history[-1]
        if kind == "decided":
            self._take_back(self.by_clip.get(self.known.rows[place][1], {}).get(self.who))
        self.history.pop()

    def withdraw(self, clip: ReviewClip) -> None:
        """Take back what the visitor decided on a clip, whenever that was.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        self._take_back(self.own(clip))
        self.history.clear()

    def _take_back(self, mine: Annotation | None) -> None:
        if mine is not None:
            take_back(services.workspace(), self._name_now(), mine.id, self.who)

    def _name_now(self) -> str:
        """The data set may have been renamed since the page was drawn."""
        from labcore.datasets.registry import name_of

        return name_of(services.workspace(), self.known.name)
