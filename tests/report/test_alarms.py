"""The section of false alarms in a run's report."""

from __future__ import annotations

from labcore import keeping
from labcore.alarms.choice import AlarmFigures
from labcore.report import html, markdown
from labcore.report.make import report_of
from tests.alarms.hours import heard_by, hour
from tests.judged import drawn, finished_run


def section(workspace, run):
    """The report as Markdown, and the titles of its sections."""
    made = report_of(workspace, [run.id])
    html.written(made)
    return markdown.written(made), [each.title for each in made.sections]


def test_false_alarms_are_told_at_the_thresholds_of_the_weights(workspace, make_classifier):
    run = finished_run(workspace, drawn(60))
    assert "False alarms an hour" not in section(workspace, run)[1]
    noted = hour(("cat", 0.9), ("cat", 0.8), ("dog", 0.7)) | {"notes": ["channel 2 is silent"]}
    job = heard_by(run, {"/a.wav": noted, "/b.wav": {"error": "/b.wav is a text."}})
    told, titles = section(workspace, run)
    assert titles.index("False alarms an hour") == titles.index("Mistakes") + 1
    assert (
        "With the thresholds for 1 an hour in all, which are not kept in the weights: 3 false alarms an hour in new"
        in told
    )
    assert "| cat | 80.0 % | 1 | 2 | 0.24 to 5.6 |" in told
    assert "Skipped: /b.wav is a text." in told
    assert "To be known: /a.wav: channel 2 is silent." in told
    assert "Recall of 60 held-out clips of the run." in told
    make_classifier(labels=("cat", "dog", "owl")).save(run.weights)
    keeping.keep(run, AlarmFigures.of(job).kept(3))
    told, _ = section(workspace, run)
    assert (
        "With the thresholds of the weights, chosen for 3 false alarms an hour in all: 3 false alarms an hour" in told
    )
    job.windows.unlink()
    assert "The false alarm test cannot be read: " in section(workspace, run)[0]
