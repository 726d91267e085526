"""`labcore runs report`."""

from __future__ import annotations

from pathlib import Path

from tests.judged import drawn, finished_run


def test_a_report_is_written_by_its_ending(workspace, labcore, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = finished_run(workspace, drawn(30))
    assert labcore("runs", "report", "last").out == f"{run.id}.html\n"
    assert Path(f"{run.id}.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    (facts,) = labcore("runs", "report", run.id, "--output", "a.md", "--json").lines
    assert facts == {
        "title": "Run made · balanced · fold 1",
        "file": str(tmp_path / "a.md"),
        "bytes": Path("a.md").stat().st_size,
    }
    other = finished_run(workspace, drawn(30, seed=2), {"optim.lr": 0.02})
    assert labcore("runs", "report", run.id, other.id).out == f"{run.id}-compared.html\n"


def test_what_cannot_be_written_is_told(workspace, labcore, tmp_path):
    run = finished_run(workspace, drawn(30))
    told = labcore("runs", "report", run.id, "--output", tmp_path / "a.pdf")
    assert told.status == 2
    assert "ends with .html, .md or .zip" in told.err
    assert labcore("runs", "report", "nothing").status == 2
    assert labcore("runs", "report").status == 2
