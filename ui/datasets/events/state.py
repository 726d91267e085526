"""The events of a data set as they are by now, which of them is chosen, and what a visitor does to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from labcore.datasets.timed.edits import EventEdits
from labcore.datasets.timed.edits import file_of as events_file
from labcore.workspace import stamp_of
from ui.app import services
from ui.charts.colours import KINDS

if TYPE_CHECKING:
    from labcore.datasets.table import Dataset
    from labcore.datasets.timed.dataset import Annotated
    from labcore.datasets.timed.gathering import Gathered, LabelRow
    from labcore.datasets.timed.listing import EventRecording

Stamp = tuple[int, int]


@dataclass(frozen=True)
class OpenedEvents:
    """A data set before its clips are cut. ``version`` changes whenever it was read anew; none of it is to be changed."""

    dataset: Dataset
    found: Gathered
    recordings: list[EventRecording]
    version: str

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def source(self) -> Annotated:
        assert self.dataset.annotated is not None
        return self.dataset.annotated

    @property
    def edits(self) -> EventEdits:
        return self.source.edits

    @cached_property
    def colours(self) -> dict[str, str]:
        """Label → its colour, the frequent ones first; they come again where there are many."""
        counts = Counter(row.label for each in self.recordings for row in each.events)
        return {label: KINDS[at % len(KINDS)] for at, (label, _) in enumerate(counts.most_common())}


def opened(name: str) -> OpenedEvents:
    """The events of a data set of the workspace, as people edited them.

    Raises:
        DatasetError: it is gone, cannot be read, or has no time-stamped annotations.
    """
    from labcore.datasets.caches import memory_of
    from labcore.datasets.names import place_named

    home = services.workspace()
    path = place_named(home, name)
    return _opened(name, stamp_of(memory_of(home, name, path)) if path else (0, 0), stamp_of(events_file(home, name)))


@st.cache_resource(max_entries=4, ttl=300, show_spinner="Reading the annotations …")
def _opened(name: str, changed: Stamp, edited: Stamp) -> OpenedEvents:
    from labcore.config import DataConfig
    from labcore.datasets.registry import find_uncut
    from labcore.datasets.timed.listing import recordings_of

    dataset = find_uncut(services.workspace(), name)
    assert dataset.annotated is not None
    found = dataset.annotated.gathered(DataConfig())
    return OpenedEvents(dataset, found, recordings_of(found, dataset.annotated.recordings), f"{changed}-{edited}")


@dataclass(frozen=True)
class Sitting:
    """A visitor at a recording."""

    there: OpenedEvents
    recording: EventRecording

    @property
    def key(self) -> str:
        """Of what is remembered in the browser session."""
        return f"events-{self.there.name}-{self.recording.way}"

    @property
    def chosen(self) -> LabelRow | None:
        """The event that is chosen; None for none."""
        wanted = st.session_state.get(f"{self.key}-chosen")
        return next((row for row in self.recording.events if wanted and row.event == wanted), None)

    @property
    def presses(self) -> int:
        """So many times an event was chosen or let go: what was shown before does not count any more."""
        return int(st.session_state.get(f"{self.key}-presses", 0))

    def choose(self, event: str) -> None:
        """Choose an event by its id, "" for none."""
        st.session_state[f"{self.key}-chosen"] = event
        st.session_state[f"{self.key}-presses"] = self.presses + 1

    def select(self) -> None:
        """Let the event go that was chosen, since a stretch was selected: what is selected stays."""
        st.session_state[f"{self.key}-chosen"] = ""

    def edit(self, what: Literal["add", "change", "delete"], **facts: Any) -> None:
        """Add an event, or change or delete one, under the visitor's name.

        Raises:
            DatasetError: it is no event.
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.datasets.timed.edits import edit_event

        made = edit_event(
            services.workspace(),
            self.there.name,
            self.there.source.root,
            self.recording.path,
            what,
            who=services.visitor_name(),
            **facts,
        )
        if made.label:
            st.session_state[f"events-{self.there.name}-label"] = made.label
        self.choose({"add": made.id, "change": made.event, "delete": ""}[what])

    def say_complete(self, complete: bool) -> None:
        """Say whether all is labelled in the recording.

        Raises:
            DatasetError: it is gone.
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.datasets.timed.edits import say_complete

        root, who = self.there.source.root, services.visitor_name()
        say_complete(services.workspace(), self.there.name, root, self.recording.path, complete, who=who)


def take_back(name: str, number: str) -> None:
    """Take an edit of the visitor's back: ``last``, or one by its id.

    Raises:
        DatasetError: there is none.
        NotYoursError: it is another person's.
        WorkspaceError: the workspace cannot be written.
    """
    from labcore.datasets.timed.edits import take_back

    take_back(services.workspace(), name, number, services.visitor_name())
