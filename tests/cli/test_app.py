"""``labcore app`` hands over to Streamlit, with the pages that belong to the package."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore import app_folder as place
from labcore.errors import LabError

ROOT = Path(__file__).parents[2]
Labcore = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], []),
        (["--port", "8600", "--address", "0.0.0.0"], ["--server.port=8600", "--server.address=0.0.0.0"]),
        (["--no-browser", "--", "--server.maxUploadSize", "9"], ["--server.headless=true", "--server.maxUploadSize", "9"]),
    ],
)  # fmt: skip
def test_streamlit_takes_over(
    labcore: Labcore, monkeypatch: pytest.MonkeyPatch, words: list[str], options: list[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: started.append(command))
    labcore("app", *words)
    assert started == [[sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), *options]]


def test_a_port_that_is_none_is_refused(labcore: Labcore) -> None:
    told = labcore("app", "--port", "65536")
    assert told.status == 2
    assert "65536 is not a port" in told.err


def test_the_pages_of_a_wheel_lie_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_PACKAGE", tmp_path / "labcore")
    with pytest.raises(LabError, match="not installed"):
        place.app_folder()
    inside = tmp_path / "labcore" / "_app"
    inside.mkdir(parents=True)
    (inside / place.ENTRY).touch()
    assert place.app_folder() == inside
