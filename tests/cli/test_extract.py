"""``labcore extract`` as a user gives it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from labcore.runs import list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
FRONT = ("--audio.sample_rate", "8000", "--features.n_mels", "16", "--workers", "1")


def test_embeddings_of_a_run(trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path) -> None:
    told = labcore(
        "extract",
        "--input",
        tones,
        "--output",
        tmp_path / "out",
        "--embeddings",
        "last",
        "--device",
        "cpu",
        "--workers",
        "1",
        "--json",
    )
    assert told.status == 0, told.err
    (facts,) = told.lines
    assert (facts["files"], facts["done"], facts["bad"]) == (20, 20, 0)
    assert np.load(tmp_path / "out" / "low" / "low0.wav.npy").shape == (1, 128)
    again = labcore(
        "extract", "--input", tones, "--output", tmp_path / "out", "--embeddings", list_runs(trained)[0].id, "--json"
    )
    assert again.lines[0]["skipped"] == 20
    told = labcore("extract", "--input", tones, "--output", tmp_path / "out", "--features", "mfcc")
    assert told.status == 2
    assert "--output" in told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--hop", "1"), "for embeddings"),
        (("--features", "mfcc", "--mfcc", "99"), "mel bands"),
        (("--embeddings", "last", "--features.n_mels", "8"), "front end of their run"),
        (("--workers", "0"), "between"),
        (("--device", "tpu"), "no device"),
    ],
)
def test_wrong_usage(
    trained: Workspace, labcore: Labcore, tones: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    told = labcore("extract", "--input", tones, "--output", tmp_path / "out", *words)
    assert told.status == 2
    assert message in told.err
    assert "Traceback" not in told.err


def test_no_such_input(workspace: Workspace, labcore: Labcore, tmp_path: Path) -> None:
    told = labcore("extract", tmp_path / "gone", "--output", tmp_path / "out")
    assert told.status == 2
    assert f"the input {tmp_path / 'gone'} is no folder" in told.err
    told = labcore("extract", "--output", tmp_path / "out")
    assert told.status == 2
    assert "no folder is named" in told.err
    told = labcore("extract", "a", "--input", "b", "--output", tmp_path / "out")
    assert told.status == 2
    assert "two folders are named: a and b" in told.err
    (tmp_path / "empty").mkdir()
    told = labcore("extract", "--input", tmp_path / "empty", "--output", tmp_path / "out")
    assert told.status == 2
    assert "no sound files" in told.err


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_the_next_time_goes_on(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, until: Callable[..., None], labcore: Labcore
) -> None:
    for number in range(400):
        (tmp_path / "in").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "in" / f"{number}.wav", np.random.default_rng(number).normal(0, 0.1, 80000), 16000)
    (tmp_path / "in" / "bad.wav").write_text("no sound")
    words = ("extract", "--input", tmp_path / "in", "--output", tmp_path / "out", *FRONT)
    process = start(*words)
    until(lambda: len(list((tmp_path / "out").glob("*.npy"))) > 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not list((tmp_path / "out").glob(".*.tmp"))
    before = len(list((tmp_path / "out").glob("*.npy")))
    assert before < 400
    told = labcore(*words, "--json")
    assert told.status == 1
    assert told.lines[0]["skipped"] == before
    assert "bad.wav" in told.err
