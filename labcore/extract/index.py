"""What is done: a journal that grows line by line while files are read, and the index that is made of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from labcore.extract.files import AGAIN, Entry, output_name
from labcore.extract.settings import ExtractSettings
from labcore.outputs import write_output, writing
from labcore.reading import parse_json
from labcore.sheets import csv_of_frame
from labcore.texts import shown
from labcore.workspace import add_line, stamp_of

JOURNAL = ".extract.jsonl"
COLUMNS = ("path", "output", "shape", "frames", "seconds", "sample_rate", "error", "note")


class Journal:
    """Entries by the path of their sound file; the last one of a path counts."""

    def __init__(self, output: Path) -> None:
        self.output, self.file = output, output / JOURNAL
        self.entries: dict[str, Entry] = dict(self._read())

    def _read(self) -> Iterator[tuple[str, Entry]]:
        with contextlib.suppress(FileNotFoundError), self.file.open("rb") as file:
            for line in file:
                with contextlib.suppress(ValueError, TypeError):  # a line that a killed process left unfinished
                    entry = Entry(**parse_json(line))
                    yield entry.path, entry

    def add(self, entries: Iterable[Entry]) -> None:
        """Raises WorkspaceError where the disk is full."""
        lines = []
        for entry in entries:
            self.entries[entry.path] = entry
            lines.append(json.dumps(asdict(entry)))
        if lines:
            with writing(self.output, AGAIN, folder=True):
                add_line(self.file, "\n".join(lines))

    def done(self, source: Path, path: str, settings: ExtractSettings) -> bool:
        """Whether a file's output is there, whole, and made from the file as it is now."""
        entry = self.entries.get(path)
        if entry is None or entry.error or (entry.size, entry.mtime_ns) != stamp_of(source / path):
            return False
        return stamp_of(self.output / output_name(path, settings))[0] == entry.bytes

    def write_index(self, paths: Iterable[str], kind: str) -> Path:
        """``index.csv`` or ``index.parquet`` of the files that were read so far, in the order of ``paths``.

        Raises:
            WorkspaceError: it cannot be written.
        """
        known = [asdict(self.entries[path]) for path in paths if path in self.entries]
        rows = [[shown(cell) if isinstance(cell := entry[name], str) else cell for name in COLUMNS] for entry in known]
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        file = self.output / f"index.{kind}"
        write_output(
            file, table.to_parquet(index=False) if kind == "parquet" else csv_of_frame(table).encode(), durable=False
        )
        return file
