"""``labcore classify`` into files, for folders and long recordings."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from labcore.classifier import Classifier
from labcore.workspace import Workspace

Labcore = Callable[..., Any]


@pytest.fixture
def folder(tones: Path, tmp_path: Path) -> Path:
    """Two clips, a bad file, and a recording of a second: low tones, then high ones."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("low/low0.wav", "high/high0.wav"):
        shutil.copy(tones / name, tmp_path / "in")
    (tmp_path / "in" / "bad.wav").write_text("no sound")
    parts = [soundfile.read(tones / kind / f"{kind}{n}.wav")[0] for kind in ("low", "high") for n in range(5)]
    soundfile.write(tmp_path / "in" / "deep" / "long.wav", np.concatenate(parts), 8000)
    return tmp_path / "in"


def test_table_that_goes_on(
    trained: Workspace, labcore: Labcore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = labcore("classify", folder, "-o", tmp_path / "t.csv", "--json")
    assert told.status == 1
    assert told.lines[0] | {"output": ""} == {
        "output": "",
        "files": 4,
        "done": 3,
        "skipped": 0,
        "bad": 1,
        "stopped": False,
    }
    assert "bad.wav" in told.err
    first = (tmp_path / "t.csv").read_text()
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "classify_waveform", lambda *given, **more: pytest.fail("asked again"))
        told = labcore("classify", folder, "-o", tmp_path / "t.csv", "--json")
    assert told.lines[0]["skipped"] == 3
    assert (tmp_path / "t.csv").read_text() == first
    (plain,) = labcore("classify", folder / "low0.wav", "--json").lines
    row = next(row for row in csv.DictReader(io.StringIO(first)) if row["file"].endswith("low0.wav"))
    assert float(row["p_low"]) == pytest.approx(plain["probabilities"]["low"], abs=1e-5)
    labcore("classify", folder, "-o", tmp_path / "t.csv", "--hop", "0.2", "--json")
    (again,) = labcore("classify", folder, "-o", tmp_path / "t.csv", "--json").lines
    assert again["skipped"] == 3


def test_other_formats(trained: Workspace, labcore: Labcore, folder: Path, tmp_path: Path) -> None:
    assert labcore("classify", folder, "-o", tmp_path / "t.jsonl").status == 1
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert {"file", "error"} == set(lines[0])
    assert labcore("classify", folder, "-o", tmp_path / "t.parquet", "--per", "window").status == 1
    assert len(pd.read_parquet(tmp_path / "t.parquet")) == 3 + len(lines[1]["windows"])
    told = labcore("classify", folder / "low0.wav", "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(told.out)))) == 1


def test_label_tracks(trained: Workspace, labcore: Labcore, folder: Path, tmp_path: Path) -> None:
    assert labcore("classify", folder, "--format", "raven", "-o", tmp_path / "tracks").status == 1
    written = sorted(path.relative_to(tmp_path / "tracks").as_posix() for path in (tmp_path / "tracks").rglob("*.txt"))
    assert written == ["deep/long.wav.selections.txt", "high0.wav.selections.txt", "low0.wav.selections.txt"]
    long = folder / "deep" / "long.wav"
    assert (
        labcore("classify", long, "--format", "audacity", "-o", tmp_path / "long.txt", "--threshold", "0").status == 0
    )
    labels = [line.split("\t") for line in (tmp_path / "long.txt").read_text().splitlines()]
    assert float(labels[0][0]) == 0
    assert float(labels[-1][1]) == pytest.approx(2.0)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(labels))
    told = labcore("classify", long, "--format", "audacity", "--threshold", "0")
    assert told.out == (tmp_path / "long.txt").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "parquet"), "--output"),
        (("--format", "csv", "--json"), "both"),
        (("-o", "x.txt"), "--format"),
        (("--format", "raven"), "do not go into one"),
        (("--threshold", "2"), "between 0 and 1"),
        (("-o", ".", "--format", "csv"), "is a folder"),
    ],
)
def test_wrong_usage(trained: Workspace, labcore: Labcore, folder: Path, words: tuple[str, ...], message: str) -> None:
    told = labcore("classify", folder, *words)
    assert told.status == 2
    assert message in told.err


def test_no_two_recordings_share_a_track(trained: Workspace, labcore: Labcore, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "low0.wav", folder / "deep")
    told = labcore(
        "classify", folder / "low0.wav", folder / "deep" / "low0.wav", "--format", "raven", "-o", tmp_path / "x"
    )
    assert told.status == 2
    assert "share" in told.err
