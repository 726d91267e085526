"""Thumbnails: made once, made again for another file, and nothing for what is no sound."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from labcore.audio import encode_wav
from labcore.datasets import find_dataset
from labcore.datasets.rows import rows_of
from labcore.explore.clips import thumbnails as made


def test_pictures_are_made_once(workspace, class_folders, monkeypatch):
    dataset = find_dataset(workspace, class_folders)
    rows = rows_of(dataset.table)
    first = made.thumbnails(workspace, dataset, rows)
    assert Image.open(io.BytesIO(first[0])).size == (made.WIDTH, made.HEIGHT)
    drawn = []
    real = made.render
    monkeypatch.setattr(made, "render", lambda row: drawn.append(row) or real(row))
    assert made.thumbnails(workspace, dataset, rows) == first
    assert drawn == []
    with open(rows[0].path, "wb") as file:  # noqa: PTH123
        file.write(encode_wav(np.zeros(9000, np.float32), 16000))
    with open(rows[1].path, "wb") as file:  # noqa: PTH123
        file.write(b"no sound")
    again = made.thumbnails(workspace, dataset, rows)
    assert again[0] != first[0]
    assert again[1] is None
    assert again[2:] == first[2:]


def test_low_bands_lie_below_and_the_oldest_pictures_go(workspace, tmp_path, write_wav, monkeypatch):
    time = np.arange(16000) / 16000
    for number in range(3):
        write_wav(
            tmp_path / "set" / "low" / f"{number}.wav",
            (0.5 * np.sin(2 * np.pi * (100 + number) * time)).astype(np.float32),
        )
    write_wav(tmp_path / "set" / "other" / "x.wav", np.zeros(800, np.float32))
    dataset = find_dataset(workspace, tmp_path / "set")
    rows = rows_of(dataset.table)
    monkeypatch.setattr(made, "MOST_KEPT", 2)
    image = made.thumbnails(workspace, dataset, rows)[0]
    lightness = np.asarray(Image.open(io.BytesIO(image)).convert("L"), dtype=float)
    assert lightness[made.HEIGHT // 2 :].mean() > lightness[: made.HEIGHT // 2].mean() + 20
    assert len(list((workspace.cache / "looks").rglob("*.png"))) == 2
