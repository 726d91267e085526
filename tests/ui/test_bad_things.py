"""Deep links that lead to nothing, and things that cannot be read: each page says so and stays usable."""

from __future__ import annotations

import os

import pytest

from labcore.benchmark.job import Benchmark
from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.crossval.job import CrossValidation
from labcore.datasets import read_dataset
from labcore.datasets.record import ClipRecord
from labcore.events import RunFinished
from labcore.search.folder import Search
from labcore.search.settings import make_settings
from labcore.search.space import Range

from . import bench_reports
from .conftest import words

NOT_UTF8 = os.fsdecode(b"20261127-M\x84dchen")
PAGES = {
    "pages/train.py": ("run", "run"),
    "pages/classify.py": ("run", "run"),
    "pages/tune.py": ("search", "search"),
    "pages/crossval.py": ("crossval", "cross-validation"),
    "pages/benchmark.py": ("report", "report"),
}


@pytest.fixture
def full(workspace, dataset, trained):
    """A workspace with one sound thing of each kind."""
    config = RunConfig().replace({"data.dataset": "small", "audio.sample_rate": 8000})
    Search.create(workspace, make_settings(workspace, config, (Range("optim.lr", 0.01, 0.3),)))
    CrossValidation.create(
        workspace, preset("quick").replace({"data.dataset": "small"}), folds=["1", "2"], queued=False
    )
    Benchmark.keep(workspace, bench_reports.report("cpu"))
    return workspace


def damage(workspace):
    """Put every kind of damage beside the sound things."""
    for room, marker in (
        ("runs", "config.json"),
        ("searches", "search.json"),
        ("experiments", "experiment.json"),
        ("reports", "plan.json"),
    ):
        folder = workspace.home / room
        (folder / "20990101-a-file").write_text("x")
        (folder / "20990102-link").symlink_to(folder / "nowhere")
        for name, content in ((NOT_UTF8, "{}"), ("20990103-damaged", '{"config": '), ("20990104-types", '[3, "x"]')):
            (folder / name).mkdir()
            (folder / name / marker).write_text(content)
    run = workspace.runs / "20990103-damaged"
    (run / "events.jsonl").write_text('{"type": "run_queued", "time": "never"}\n[]\n')
    (run / "weights.safetensors").write_bytes(b"no weights")


@pytest.mark.parametrize("there", [False, True], ids=["empty", "full"])
@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_what_is_gone_says_so_and_the_page_stays_usable(open_page, workspace, page, there, request):
    if there:
        request.getfixturevalue("full")
    query, what = PAGES[page]
    app = open_page(page, **{query: "GONE"})
    assert not app.exception
    (error,) = app.error
    assert f"no {what} 'GONE' in this workspace" in error.value.replace("\\", "")
    assert "Something went wrong" not in words(app)
    if there:
        assert app.get("selectbox") or app.get("multiselect")


def test_classify_takes_no_other_network_silently(open_page, trained):
    app = open_page("pages/classify.py", run="GONE")
    assert app.selectbox(key="classify-run").value is None
    assert not app.get("file_uploader")
    app.selectbox(key="classify-run").select(trained.id).run()
    assert not app.error
    assert trained.id in app.query_params["run"]
    assert app.get("file_uploader")


def test_classify_says_that_a_run_has_no_weights_yet(open_page, trained, make_run):
    waiting = make_run("queued")
    app = open_page("pages/classify.py", run=waiting.id)
    assert "has no weights yet" in words(app)


def test_one_gone_report_beside_one_that_is_there(open_page, full):
    there = next(full.room("reports").iterdir()).name
    app = open_page("pages/benchmark.py", report=f"GONE,{there}")
    assert "there is no report 'GONE'" in words(app).replace("There", "there")
    assert app.multiselect(key="speed-reports").value == [there]


@pytest.mark.parametrize("page", ["streamlit_app.py", *PAGES, "pages/runs.py", "pages/explore.py"])
def test_what_cannot_be_read_is_told_and_takes_nothing_down(open_page, full, page):
    damage(full)
    app = open_page(page)
    assert not app.exception
    assert not app.error
    if page == "pages/explore.py":
        return
    shown = words(app)
    for name in ("20990101-a-file", "20990102-link", r"20261127-Mx84dchen"):
        assert name in shown, name


@pytest.mark.parametrize("name", ["20990103-damaged", "20990104-types"])
@pytest.mark.parametrize("page", [page for page in PAGES if page != "pages/classify.py"])
def test_a_damaged_one_that_is_looked_at_says_why(open_page, full, page, name):
    damage(full)
    app = open_page(page, **{PAGES[page][0]: name})
    assert not app.exception
    assert "cannot be read" in words(app)
    assert "Something went wrong inside the lab" not in words(app)


def test_the_new_place_of_a_data_set_is_named_on_the_page(open_page, dataset, make_run, manager, tmp_path, monkeypatch):
    run = make_run("stopped")
    clips = read_dataset(dataset)
    ClipRecord.of(clips, clips.table).save(run)
    run.checkpoint.touch()
    assert "resume-at" not in {button.key for button in open_page("pages/train.py", run=run.id).button}
    dataset.rename(tmp_path / "elsewhere")
    run.append(RunFinished(state="stopped", error="it lay at X", remedy="Name it", details={"kind": "DatasetError"}))
    asked = []
    monkeypatch.setattr(manager, "resume", lambda job, **words: asked.append((job.id, words["dataset"])))
    app = open_page("pages/train.py", run=run.id)
    assert "It lay at X" in words(app)
    app.text_input(key=f"place-{run.id}").set_value(str(tmp_path / "elsewhere"))
    app.button("resume-at").click().run()
    assert asked == [(run.id, str(tmp_path / "elsewhere"))]
    app.text_input(key=f"place-{run.id}").set_value("")
    app.button("resume-at").click().run()
    assert "No path was given" in words(app)


@pytest.mark.parametrize("page", ["streamlit_app.py", "pages/train.py"])
def test_what_cannot_be_read_can_be_removed(open_page, full, page):
    damage(full)
    app = open_page(page)
    names = {path.name for path in full.runs.iterdir()}
    app.button("discard-run-0").click().run()
    assert not app.error
    assert len(names - {path.name for path in full.runs.iterdir()}) == 1


@pytest.mark.parametrize(("page", "room"), [("pages/tune.py", "searches"), ("pages/crossval.py", "experiments")])
def test_a_damaged_one_that_is_looked_at_can_be_removed(open_page, full, page, room):
    damage(full)
    app = open_page(page, **{PAGES[page][0]: "20990103-damaged"})
    app.button("discard-this").click().run()
    assert not (full.home / room / "20990103-damaged").exists()
    assert "no " in words(app)
