"""Files of annotations, and folders of recordings with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labcore.datasets.timed.formats import read_timed_file, recognised
from labcore.datasets.timed.labels import TimedFile

Lay = Callable[..., Path]
RATE = 4000


@pytest.fixture
def lay(tmp_path: Path, write_wav) -> Lay:
    """lay({"a.wav": 20.0, "a.txt": "1\\t2\\tdog"}) → a folder with silent recordings of so many seconds, and texts."""

    def make(held: dict[str, float | str | bytes]) -> Path:
        root = tmp_path / "set"
        for name, content in held.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, float):
                hum = np.full(round(content * RATE), 1e-3 * (1 + len(name) + ord(name[0])), dtype=np.float32)
                write_wav(root / name, hum, RATE)
            else:
                (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return make


@pytest.fixture
def read(tmp_path: Path):
    """read(content, name="x.txt", column=None, encoding="utf-8") → the format's name and what was read."""

    def file(
        content: str | bytes, name: str = "x.txt", column: str | None = None, encoding: str = "utf-8"
    ) -> tuple[str, TimedFile]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        format = recognised(path)
        assert format, "no format was recognised"
        return format, read_timed_file(path, format, column)

    return file


def spans(found: TimedFile) -> list[tuple[float, float, str]]:
    return [(label.start_s, label.end_s, label.label) for label in found.labels]
