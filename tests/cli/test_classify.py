"""``labcore classify`` into files, for folders and long recordings."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import shutil
import types
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from labcore import builtin
from labcore.datasets import read_dataset
from labcore.inference.classifier import Classifier
from labcore.runs import Run, list_runs
from labcore.runs.origin import SEARCH as MARK
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


def test_what_is_written_is_read_back(trained: Workspace, labcore: Labcore, folder: Path, tmp_path: Path) -> None:
    """Selection tables, one each and one over all, and label tracks: the same spans in the same recordings."""
    (folder / "bad.wav").unlink()
    mono, rate = soundfile.read(folder / "deep" / "long.wav")
    stereo = np.stack([mono, np.zeros_like(mono)], 1)
    soundfile.write(folder / "a  b.wav", stereo, rate)  # two blanks, which a table cannot keep
    lines = labcore("classify", folder, "--json", "--threshold", "0").lines
    events = {line["file"]: [(e["start_s"], e["end_s"], e["label"]) for e in line.get("events", ())] for line in lines}
    for line in lines:
        if not events[line["file"]]:
            events[line["file"]] = [(0.0, line["seconds"], line["label"])]

    def read(place: Path) -> dict[str, list[tuple[float, float, str]]]:
        dataset = read_dataset(place)
        assert dataset.annotated is not None
        found: dict[str, list[tuple[float, float, str]]] = {}
        for row in dataset.annotated.rows:
            assert row.outcome == "used"
            found.setdefault(row.recording, []).append((row.start_s, row.end_s, row.label))
        return found

    def same(found: dict[str, list[tuple[float, float, str]]]) -> None:
        assert found.keys() == events.keys()
        for file, spans in found.items():
            assert [label for *_, label in spans] == [label for *_, label in events[file]]
            assert np.allclose([span[:2] for span in spans], [span[:2] for span in events[file]], atol=1e-5)

    options = ("--threshold", "0", "--format")
    assert labcore("classify", folder, *options, "raven", "--combined", "-o", tmp_path / "all.txt").status == 0
    same(read(tmp_path / "all.txt"))
    told = labcore("classify", folder, *options, "raven", "--combined")
    assert told.out == (tmp_path / "all.txt").read_text()
    assert "a  b.wav: channel 2 " in told.err
    for kind in ("raven", "audacity"):
        shutil.rmtree(folder / "tracks", ignore_errors=True)
        assert labcore("classify", folder, *options, kind, "-o", folder / "tracks").status == 0
        same(read(folder))
    head, first = (line.split("\t") for line in (tmp_path / "all.txt").read_text().splitlines()[:2])
    row = dict(zip(head, first, strict=True))
    assert (row["Low Freq (Hz)"], row["High Freq (Hz)"]) == ("50.0", "3600.0")
    assert row["Begin Path"] == next(iter(events)).replace("  ", " ")


def test_a_long_recording_is_answered_with_what_occurs_when(
    trained: Workspace, labcore: Labcore, folder: Path, tmp_path: Path
) -> None:
    long = folder / "deep" / "long.wav"
    (told,) = labcore("classify", long, "--json", "--threshold", "0").lines
    events = told["events"]
    assert events[0].keys() == {"start_s", "end_s", "label", "probability", "highest", "windows"}
    assert (events[0]["start_s"], events[-1]["end_s"]) == (0.0, pytest.approx(2.0))
    assert {each["label"]: each["count"] for each in told["summary"]} == Counter(event["label"] for event in events)
    assert told["probabilities"].keys() == {"low", "high"}  # the mean stays
    table = tmp_path / "t.jsonl"
    labcore("classify", long, "-o", table, "--threshold", "0")
    assert json.loads(table.read_text())["events"] == events
    labcore("classify", long, "-o", table, "--threshold", "1")  # from the journal, under another threshold
    assert json.loads(table.read_text())["events"] == []

    lines = labcore("classify", long, "--threshold", "0").out.splitlines()
    assert lines[0].startswith(f"{long}  0:02.0: ")
    assert len(lines) == 1 + len(events) + len(told["summary"])
    assert all(event["label"] in line for event, line in zip(events, lines[1:], strict=False))
    assert "nothing is more probable" in labcore("classify", long, "--threshold", "1").out
    (one,) = labcore("classify", folder / "low0.wav", "--json").lines
    assert "events" not in one


@pytest.fixture
def memos(tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clips, one of them among noises, and seven things that cannot be read, each for another reason."""
    root = tmp_path / "memos"
    for folder in ("_background_noise_", "locked", "deep"):
        (root / folder).mkdir(parents=True)
    shutil.copy(tones / "low" / "low0.wav", root / "ok.wav")
    shutil.copy(tones / "high" / "high0.wav", root / "_background_noise_")
    (root / "memo 12.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    (root / "deep" / "voice.AMR").write_bytes(b"#!AMR\n" + bytes(100))
    (root / "deep" / "clip.webm").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(100))
    (root / "page.wav").write_text("<!DOCTYPE html>")
    (root / "gone.mp3").symlink_to(tmp_path / "nowhere.mp3")
    (root / "card").symlink_to(tmp_path / "nowhere")
    scan = os.scandir

    def scandir(folder: Any) -> Any:  # permissions hold nobody off who is root
        if not isinstance(folder, int) and Path(folder).name == "locked":  # a number: tmp_path is being removed
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr("labcore.datasets.scan.os.scandir", scandir)
    monkeypatch.setattr("labcore.audio.foreign.find_spec", lambda name: None)
    return root


UNREAD = {
    "memo 12.m4a": "torchcodec",
    "voice.AMR": "torchcodec",
    "clip.webm": "torchcodec",
    "page.wav": "a web page",
    "gone.mp3": "is a broken link",
    "card": "is a broken link",
    "locked": "cannot be read",
}


def test_what_cannot_be_read_in_a_folder_is_told_however_it_is_answered(
    trained: Workspace, labcore: Labcore, memos: Path, tmp_path: Path
) -> None:
    told = labcore("classify", memos, "--json")
    assert told.status == 1
    errors = {Path(line["file"]).name: line["error"] for line in told.lines if "error" in line}
    assert errors.keys() == UNREAD.keys()
    assert all(UNREAD[name] in error for name, error in errors.items())
    assert {Path(line["file"]).name for line in told.lines if "label" in line} == {"ok.wav", "high0.wav"}

    for words in (
        (),
        ("--format", "csv"),
        ("-o", tmp_path / "t.parquet"),
        ("--format", "raven", "-o", tmp_path / "tracks"),
    ):
        told = labcore("classify", memos, *words)
        assert told.status == 1
        assert all(f"{name} " in told.err for name in UNREAD)
        assert "7 of 9 files" in told.err or "7 bad" in told.err
        assert "error" not in told.out or words == ("--format", "csv")
    assert set(pd.read_parquet(tmp_path / "t.parquet").dropna(subset="error")["error"]) == set(errors.values())
    (last,) = labcore("classify", memos, "-o", tmp_path / "t.parquet", "--json").lines
    assert (last["files"], last["done"], last["skipped"], last["bad"]) == (9, 0, 2, 7)


def test_what_the_optional_decoder_reads_is_tried(
    trained: Workspace, labcore: Labcore, memos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Decoder:
        metadata = types.SimpleNamespace(sample_rate=8000, num_channels=1, codec="aac")

        def __init__(self, source: str) -> None:
            if not source.endswith(".m4a"):
                raise RuntimeError("no such codec")

        def get_samples_played_in_range(self, start: float, end: float) -> Any:
            return types.SimpleNamespace(sample_rate=8000, data=torch.rand(1, 1600) - 0.5)

    monkeypatch.setattr("labcore.audio.foreign._decoder_class", lambda kind, called: Decoder)
    lines = {Path(line["file"]).name: line for line in labcore("classify", memos, "--json").lines}
    assert "label" in lines["memo 12.m4a"]
    assert "no such codec" in lines["voice.AMR"]["error"]


def test_one_name_that_leads_nowhere_does_not_take_the_others_along(
    trained: Workspace, labcore: Labcore, memos: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    told = labcore("classify", tmp_path / "empty", memos / "locked", memos / "ok.wav", memos / "ok.wav", "--json")
    assert told.status == 1
    assert ["error" in line for line in told.lines] == [True, True, False]
    for folder in (tmp_path / "empty", memos / "locked"):
        told = labcore("classify", folder, "--json")
        assert (told.status, told.out) == (2, "")
    assert labcore("classify", memos / "deep").status == 1
    assert labcore("classify", "x" * 5000, memos / "ok.wav").status == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "parquet"), "--output"),
        (("--format", "csv", "--json"), "both"),
        (("-o", "x.txt"), "--format"),
        (("--format", "raven"), "do not go into one"),
        (("--threshold", "2"), "between 0 and 1"),
        (("-o", ".", "--format", "csv"), "is a folder"),
        (("-o", ".", "--combined"), "is a folder"),
        (("-o", "x.csv", "--combined", "--format", "audacity"), "only selection tables"),
        (("--format", "raven"), "--combined"),
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


def test_channels_that_cancel_are_told_and_are_not_silence(
    trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path
) -> None:
    sound, rate = soundfile.read(tones / "low/low0.wav")
    file = tmp_path / "phase.wav"
    soundfile.write(file, np.stack([sound, -sound], axis=1), rate)
    told = labcore("classify", file, "--json")
    (plain,) = labcore("classify", tones / "low/low0.wav", "--json").lines
    assert told.lines[0]["probabilities"] == pytest.approx(plain["probabilities"], abs=1e-4)
    assert "cancel" in told.lines[0]["notes"][0]
    assert plain["notes"] == []
    assert "phase.wav: its channels cancel" in labcore("classify", file).err
    for per in ("file", "window"):
        rows = list(csv.DictReader(io.StringIO(labcore("classify", file, "--format", "csv", "--per", per).out)))
        assert all("cancel" in row["notes"] for row in rows)
        labcore("classify", file, tones / "low/low0.wav", "-o", tmp_path / "t.parquet", "--per", per)
        notes = pd.read_parquet(tmp_path / "t.parquet")["notes"]
        assert "cancel" in notes[0]
        assert pd.isna(notes.iloc[-1])
    for _ in range(2):  # the second time from the journal
        labcore("classify", file, "-o", tmp_path / "t.jsonl")
        assert "cancel" in json.loads((tmp_path / "t.jsonl").read_text())["notes"][0]


def test_without_a_run_the_built_in_network_answers_and_says_so(
    workspace: Workspace, labcore: Labcore, tmp_path: Path
) -> None:
    _, content, label = builtin.example(0)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(content)
    told = labcore("classify", clip, "--json")
    assert (told.status, told.lines[0]["label"]) == (0, label)
    assert "built-in demo network" in told.err
    assert "held-out clips right" in told.err
    assert labcore("classify", clip, "--run", "builtin", "--json").err == "", "it was asked for by name"
    named = labcore("classify", clip, "--run", "last")
    assert named.status == 2
    assert "no run has weights yet" in named.err


def test_last_is_no_trial_where_there_is_a_run_that_somebody_started(
    trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Workspace(tmp_path / "home")
    shutil.copytree(trained.home, home.home)
    monkeypatch.setenv("LABCORE_HOME", str(home.home))
    (own,) = list_runs(home)
    trial = Run(home.runs / "29991231-235959-tones-small_cnn-ffff")
    shutil.copytree(own.path, trial.path)
    trial.save(MARK, {"search": "s", "trial": 0})
    network = Classifier.load(trial.path)
    network.labels = ["bass", "treble"]
    network.save(trial.weights)
    assert list_runs(home)[0] == trial
    clip = tones / "low/low0.wav"
    assert labcore("classify", clip, "--json").lines[0]["label"] in ("low", "high")
    assert labcore("classify", clip, "--json", "--run", "last").lines[0]["label"] in ("low", "high")
    own.delete()
    assert labcore("classify", clip, "--json").lines[0]["label"] in ("bass", "treble")


def test_rows_are_for_tables(labcore, workspace, tmp_path):
    for words in ((), ("--json",), ("--format", "audacity"), ("-o", tmp_path / "t.jsonl")):
        told = labcore("classify", tmp_path, "--per", "window", *words)
        assert told.status == 2
        assert "--per window is for tables. Add --format csv" in told.err
