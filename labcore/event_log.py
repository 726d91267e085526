"""Reading a run's ``events.jsonl``: as the events come, and nothing but events."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class HasFolder(Protocol):
    """What is needed of a run."""

    @property
    def path(self) -> Path: ...


@dataclass
class EventReader:
    """Reads a run's events as they come: every call of :meth:`read` returns those since the last one."""

    run: HasFolder
    offset: int = 0

    def read(self) -> list[dict[str, Any]]:
        """The new events. A line without its end is left for the next call, an unreadable one is passed over."""
        try:
            with (self.run.path / "events.jsonl").open("rb") as file:
                file.seek(self.offset)
                content = file.read()
        except OSError:
            return []
        whole = content.rfind(b"\n") + 1
        self.offset += whole
        events = []
        for line in content[:whole].splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                event = json.loads(line)
                if _is_event(event):
                    events.append(event)
        return events


def _is_event(content: Any) -> bool:
    """Whether a line holds an event, as far as every reader relies on it."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("type"), str)
        and isinstance(content.get("time"), (int, float))
        and isinstance(content.get("state", ""), str)
        and isinstance(content.get("details", {}), dict)
        and isinstance(content.get("epoch", 0), int)
        and all(isinstance(content.get(name, ""), str) for name in ("error", "remedy"))
    )


def epochs_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The epoch events among ``events`` by number, each once: the last one wins."""
    return [
        event for _, event in sorted({e["epoch"]: e for e in events if e["type"] == "epoch" and "epoch" in e}.items())
    ]
