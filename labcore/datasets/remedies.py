"""What can be done about a finding, as data: which clips are left out, get another label, or are heard by one channel alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Action = Literal["exclude", "relabel", "merge", "channel"]


class ClipAt(NamedTuple):
    """A clip by its file and its start in it, in seconds."""

    path: str
    start_s: float


@dataclass(frozen=True)
class Remedy:
    """Something that can be done about a finding; :func:`labcore.datasets.mending.mend` does it.

    Attributes:
        action: ``exclude`` leaves clips out of training and of every figure; ``relabel`` gives them a label; ``merge`` puts a label in
            the place of others; ``channel`` has one channel of them heard alone.
        title: what it does, a full sentence without the final stop.
        clips: those that it changes.
        label: the new one, of ``relabel`` and ``merge``; of ``exclude`` the class that is left out, where it is one.
        channel: counted from 1, of ``channel``.
    """

    action: Action
    title: str
    clips: tuple[ClipAt, ...]
    label: str = ""
    channel: int = 0

    @property
    def name(self) -> str:
        """Its name on the command line: ``exclude``, ``exclude=dog``, ``relabel=dog``, ``left``, ``channel=3`` and the like."""
        if self.action == "channel":
            return {1: "left", 2: "right"}.get(self.channel, f"channel={self.channel}")
        return f"{self.action}={self.label}" if self.label else self.action

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "name": self.name,
            "action": self.action,
            "title": self.title,
            "clips": [list(clip) for clip in self.clips],
            "label": self.label,
            "channel": self.channel,
        }


def exclude(clips: tuple[ClipAt, ...] | list[ClipAt], title: str = "Exclude them") -> tuple[Remedy, ...]:
    """The remedy that leaves clips out; none where there are none."""
    return (Remedy("exclude", title, tuple(clips)),) if clips else ()
