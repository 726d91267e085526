"""The list of runs: what stands in it, and under what."""

from __future__ import annotations

import pytest

from labcore.catalogue import catalogue
from labcore.evaluation.intervals import wilson_interval
from labcore.events import SettingsChanged
from labcore.jobs import glances as module
from labcore.jobs.about import change_about
from labcore.runs import Run


def test_a_run_is_told_by_its_name_figures_and_marks(workspace, make):
    run = make(0.8, "Ada", **{"data.fold": "3"})
    change_about(run.path, tags=["a"], note="n", star=True)
    (row,) = catalogue(workspace)
    assert (row.name, row.fold, row.network, row.dataset, row.by) == (
        "demo · balanced · fold 3",
        "3",
        "compact",
        "demo",
        "Ada",
    )
    assert (row.accuracy, row.low, row.high, row.seconds) == (0.8, 0.8 - 0.1, 0.8 + 0.1, 61.0)
    assert (row.about.tags, row.about.note, row.about.star) == (("a",), "n", True)
    assert row.size == sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())


def test_folds_stand_under_their_cross_validation_with_figures_of_all_clips(workspace, crossval, make):
    alone = make()
    rows = {row.id: row for row in catalogue(workspace)}
    assert set(rows) == {alone.id, crossval.id}
    parent = rows[crossval.id]
    assert [part.part for part in parent.children] == ["fold 1", "fold 2"]
    assert (parent.accuracy, parent.state, parent.seconds) == (30 / 50, "finished", 122.0)
    assert (parent.low, parent.high) == pytest.approx(wilson_interval(30, 50))
    assert parent.name == "demo · balanced · 2 folds"


def test_what_ended_before_the_epochs_of_its_settings_says_so_and_so_does_what_it_is_a_fold_of(workspace, crossval):
    first, second = crossval.children()
    for run, planned in ((first, 8), (second, 3)):
        run.append(SettingsChanged(epoch=2, number=0, changes={"optim.epochs": 3}, by="page"))
        run.save_config(run.config.replace({"optim.epochs": planned}))
    (parent,) = catalogue(workspace)
    assert [row.shortened for row in parent.every()] == [True, True, False]
    assert [row.figure for row in parent.every()] == ["60.0 % (finished early)", "50.0 % (finished early)", "100.0 %"]


def test_a_fold_that_is_gone_keeps_it_from_being_finished(workspace, crossval):
    crossval.children()[0].delete()
    (parent,) = catalogue(workspace)
    assert (parent.state, crossval.status().state) == ("stopped", "stopped")


def test_folds_whose_cross_validation_is_gone_stand_by_themselves(workspace, crossval):
    crossval.delete()
    assert [len(row.children) for row in catalogue(workspace)] == [0, 0]


def test_what_is_damaged_hides_nothing(workspace, make, crossval):
    make()
    broken = make()
    (broken.path / "config.json").write_text("{")
    (crossval.path / "experiment.json").write_text("{")
    states = sorted(row.state for row in catalogue(workspace))
    assert states == ["finished", "unreadable", "unreadable"]


def test_the_index_is_made_again_and_never_believed_over_the_folders(workspace, make, monkeypatch):
    monkeypatch.setattr(module, "SETTLED_SECONDS", -1.0)
    run = make(0.5)
    change_about(run.path, name="before")
    for content in (None, "", '{"format": 4}'):
        catalogue(workspace)
        if content is not None:
            (workspace.cache / module.INDEX).write_text(content)
        monkeypatch.setattr(module, "_index", module._Index())
        assert catalogue(workspace)[0].name == "before"
    change_about(run.path, name="after, by hand")
    monkeypatch.setattr(module, "_index", module._Index())
    assert catalogue(workspace)[0].name == "after, by hand"


def test_the_next_process_reads_no_run(workspace, make, crossval, monkeypatch):
    monkeypatch.setattr(module, "SETTLED_SECONDS", -1.0)
    make()
    before = catalogue(workspace)
    monkeypatch.setattr(module, "_index", module._Index())
    for owner, name in ((module, "log_of"), (module, "_bytes_in"), (module, "read_about"), (Run, "asked")):
        monkeypatch.setattr(owner, name, lambda *_, name=name: pytest.fail(f"{name} was asked"))
    assert catalogue(workspace) == before
