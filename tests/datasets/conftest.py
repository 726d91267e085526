from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from labcore.datasets import Dataset


@pytest.fixture
def lay_out(tmp_path: Path) -> Callable[..., Path]:
    """lay_out("train/dog/1.wav", …, labels="a,b\\n1,2") → a folder with these files of different contents, and lists by their names."""

    def make(*files: str, lists: dict[str, str] | None = None) -> Path:
        root = tmp_path / "set"
        for name in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(name.encode())
        for name, text in (lists or {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return root

    return make


@pytest.fixture
def told() -> Callable[..., list[str]]:
    """told(dataset, level="warning") → the sentences of its findings."""

    def sentences(dataset: Dataset, level: str = "warning") -> list[str]:
        return [finding.sentence for finding in dataset.findings if finding.level == level]

    return sentences


@pytest.fixture
def many() -> Callable[[Iterable[str], Iterable[str]], list[str]]:
    """many(("dog", "cat"), "ab") → dog/a.wav, dog/b.wav, cat/a.wav, …"""
    return lambda folders, names: [f"{folder}/{name}.wav" for folder in folders for name in names]
