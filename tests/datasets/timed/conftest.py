"""Folders of recordings with annotations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

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
