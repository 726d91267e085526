"""The buttons for reports on the page of a run and of a comparison."""

from __future__ import annotations

from labcore.report import make
from tests.judged import drawn, finished_run

PAGE = "pages/runs.py"


def test_run_and_comparison_have_their_report(open_page, workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(make, "report_of", lambda workspace, ids: asked.append(list(ids)))
    one, other = finished_run(workspace, drawn(30)), finished_run(workspace, drawn(30, seed=2), {"optim.lr": 0.02})
    for query in ({"run": one.id}, {"compare": f"{one.id},{other.id}"}):
        app = open_page(PAGE, **query)
        assert not app.exception
        labels = [each.label for each in app.get("download_button")]
        assert {"Report", "Report as Markdown"} <= set(labels)
    assert asked == []  # none is made before somebody presses


def test_what_cannot_be_read_has_none(open_page, workspace):
    run = finished_run(workspace, drawn(30))
    (run.path / "config.json").write_text("{")
    app = open_page(PAGE, run=run.id)
    assert not app.exception
    assert "Report" not in [each.label for each in app.get("download_button")]
