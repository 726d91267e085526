"""What was answered already, a line a file, so that an interrupted command goes on where it was."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labcore.outputs import writing
from labcore.reading import parse_json
from labcore.workspace import add_line, stamp_of

AGAIN = "run the same command again: finished predictions are kept"


@dataclass(frozen=True)
class _Place:
    offset: int
    length: int
    size: int
    mtime_ns: int
    failed: bool


class PredictionJournal:
    """Predictions by file, on disk; in memory is only where each one lies.

    Args:
        file: the journal; made with the first prediction.
        output: what is made of the predictions, as errors call it.
        key: what predictions depend on beside the file: those of another key are not taken.

    Attributes:
        added: how many predictions came since it was opened.
    """

    def __init__(self, file: Path, output: Path, key: str) -> None:
        self.file, self.output, self.key = file, output, key
        self.added = 0
        self._places: dict[str, _Place] = {}
        self._stamps: dict[
            str, tuple[int, int]
        ] = {}  # of files when they were looked at, which is before they are read
        with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
            offset = 0
            for line in lines:
                # a killed process may have left a line unfinished
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    facts = parse_json(line)
                    if facts["key"] == key:
                        place = _Place(offset, len(line), facts["size"], facts["mtime_ns"], "error" in facts["answer"])
                        self._places[facts["where"]] = place
                offset += len(line)

    def has(self, path: Path) -> bool:
        """Whether the file was answered, is as it was then, and could be read."""
        where = _where(path)
        place = self._places.get(where)
        stamp = self._stamps[where] = stamp_of(path)
        return place is not None and not place.failed and (place.size, place.mtime_ns) == stamp

    def add(self, path: Path, prediction: dict[str, Any]) -> None:
        """Keep a prediction, or ``{"file", "error"}``. Of a file that changed since :meth:`has` looked at it, as a recording that grows
        while it is read, it does not count the next time.

        Raises:
            WorkspaceError: it cannot be written.
        """
        where = _where(path)
        size, mtime_ns = self._stamps.get(where) or stamp_of(path)
        facts = {"where": where, "key": self.key, "size": size, "mtime_ns": mtime_ns, "answer": prediction}
        line = json.dumps(facts, default=dict)  # probabilities of windows are mappings of another kind
        with writing(self.output, AGAIN, folder=self.file.parent == self.output):
            add_line(self.file, line)
        self.added += 1
        length = len(line) + 1  # JSON without other letters than ASCII
        offset = self.file.stat().st_size - length
        self._places[where] = _Place(offset, length, size, mtime_ns, "error" in prediction)

    def get(self, path: Path) -> dict[str, Any] | None:
        """The prediction about a file; None where there is none."""
        place = self._places.get(_where(path))
        if place is None:
            return None
        with self.file.open("rb") as lines:
            lines.seek(place.offset)
            prediction: dict[str, Any] = parse_json(lines.read(place.length))["answer"]
        return {**prediction, "file": str(path)}


def _where(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 (keeps links)
