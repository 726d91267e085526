"""Pages in an empty workspace, a stand-in for the job manager, and runs in every state without a training."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from labcore.access import hash_password
from labcore.audio import encode_wav
from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.device import DeviceChoice
from labcore.doctor import examination
from labcore.doctor.report import DoctorReport
from labcore.events import Preparing, RunFinished, RunQueued, RunStarted, TrainingStarted
from labcore.jobs.folder import JobFolder
from labcore.jobs.manager import JobManager
from labcore.jobs.queue import QueueState
from labcore.jobs.trash import throw_away
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.jobs.inline import InlineChild
from tests.made_events import made_epoch, made_result
from tests.ui.gate import PASSWORD
from ui.app import services

ROOT = Path(__file__).parents[2]
LABELS = ["bark", "hum"]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged, of every level."""
    root, told = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(told), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield told
    root.setLevel(level)
    root.removeHandler(handler)


class Manager:
    """Stands in for the job manager: makes run directories and notes what it is asked for."""

    lacks_worker = False

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.submitted: list[RunConfig] = []
        self.asked: list[tuple[str, str]] = []

    def take(self, job: JobFolder) -> JobFolder:
        if isinstance(job, Run):
            self.submitted.append(job.config)
        return job

    def queue(self) -> list[JobFolder]:
        return QueueState(self.workspace).look()[0]

    def at_work(self) -> list[JobFolder]:
        return [job for job, _ in QueueState(self.workspace).look()[1]]

    def ahead_of(self, jobs: Sequence[JobFolder]) -> dict[Path, list[JobFolder]]:
        return QueueState(self.workspace).ahead_of(jobs)

    def stop(self, job: JobFolder, *, by: str = "") -> None:
        self.asked.append(("stop", job.id))

    def resume(self, job: JobFolder, *, by: str = "", dataset: str | None = None) -> None:
        self.asked.append(("resume", job.id))

    def remove(self, job: JobFolder, also: Sequence[JobFolder] = (), *, by: str = "", for_good: bool = False) -> None:
        for each in (*also, job):
            self.asked.append(("remove", each.id))
            throw_away(each, by)


@pytest.fixture(autouse=True, scope="session")
def _components_are_looked_for_once() -> Iterator[None]:
    """Streamlit reads what every installed package says of itself, for each page of a test anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def _main_stays(monkeypatch) -> None:
    """A page that runs is the main module, and the processes of a pool begin with that: those of later tests begin with the tests'."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    healthy = DoctorReport("green", "This machine is fine", "cpu", (), ())
    monkeypatch.setattr(examination, "examine", lambda workspace: iter([healthy]))
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABCORE_USER", "Ada")
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setattr(services, "known_device", lambda: DeviceChoice("cpu", "A CPU", "there is no GPU"))
    monkeypatch.setattr(services, "time_steps", lambda: None)  # it loads torch
    return Workspace.default()


@pytest.fixture
def manager(workspace, monkeypatch) -> Manager:
    stand_in = Manager(workspace)
    monkeypatch.setattr(services, "manager", lambda: stand_in)
    return stand_in


@pytest.fixture
def inline(manager, workspace, monkeypatch):
    """A job manager that works on short jobs in this process, whenever it is told to look."""
    made = JobManager(workspace, InlineChild, background=False)
    monkeypatch.setattr(services, "manager", lambda: made)
    yield made
    made.close()


@pytest.fixture
def open_page(manager):
    """Opens a page of the app: ``open_page("pages/train.py", run=ID)``."""

    def opened(page: str = "streamlit_app.py", /, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        if page != "streamlit_app.py":
            app.switch_page(page)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return opened


@pytest.fixture
def dataset(workspace) -> Path:
    """A folder of two classes with six half-second clips each, as a data set of the workspace called ``small``."""
    random = np.random.default_rng(0)
    for label in LABELS:
        folder = workspace.datasets / "small" / label
        folder.mkdir(parents=True)
        for number in range(6):
            noise = random.normal(0, 0.1, 4000).astype(np.float32)
            (folder / f"{label}{number}.wav").write_bytes(encode_wav(noise, 8000))
    return workspace.datasets / "small"


@pytest.fixture
def make_run(workspace):
    """Makes a run in a state: ``make_run("failed", epochs=3, by="Ada")``."""

    def made(state: str, epochs: int = 3, by: str = "", stopped_by: str = "", **changes) -> Run:
        config = preset("quick").replace(
            {"data.dataset": "small", "optim.epochs": 8, "audio.clip_seconds": 0.5, **changes}
        )
        run = Run.create(workspace, config)
        run.append(RunQueued(by=by))
        if state == "queued":
            return run
        run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
        run.append(Preparing(what="Decoding clips", done=6, total=12))
        if epochs:
            run.append(
                TrainingStarted(
                    labels=LABELS, train_clips=10, val_clips=2, fold="1", device="cpu", device_reason="asked for",
                    precision="fp32", memory_format="contiguous", precision_reason="asked for", parameters=1000,
                    epochs=8, first_epoch=1,
                )
            )  # fmt: skip
        for epoch in range(1, epochs + 1):
            run.append(made_epoch(
                epoch, train_loss=1 / epoch, val_loss=1.1 / epoch, val_accuracy=0.75, clips_per_second=1234.0,
                seconds_left=8.0 - epoch,
            ))  # fmt: skip
        if state == "finished":
            confusion = {"bark": {"bark": 6, "hum": 2}, "hum": {"bark": 0, "hum": 8}}
            figures = {label: {"precision": 0.9, "recall": 0.8, "f1": 0.85} for label in LABELS}
            run.append(made_result(
                0.875, accuracy_low=0.64, accuracy_high=0.965, macro_f1=0.87, per_class=figures, confusion=confusion,
                clips=16,
            ))  # fmt: skip
        if state == "failed":
            run.log.write_text("the worker said this last\n")
            run.append(
                RunFinished(state="failed", error="a batch of 64 does not fit", remedy="Take 32", epochs_done=epochs)
            )
        elif state in ("finished", "stopped"):
            run.append(RunFinished(state=state, epochs_done=epochs, seconds=61.0, by=stopped_by))
        return run

    return made


@pytest.fixture
def trained(make_run) -> Run:
    """A finished run with weights, of a network that has learnt nothing."""
    from labcore.inference.classifier import Classifier

    run = make_run("finished", **{"audio.sample_rate": 8000, "features.hop_length": 160})
    Classifier(run.config, LABELS).save(run.weights)
    run.save("labels", LABELS)
    return run


@pytest.fixture
def ticks(monkeypatch) -> list:
    """What the browser is told of fragments that run by themselves: ``fragment_id`` and ``interval`` in seconds."""
    from streamlit.runtime.scriptrunner_utils import script_run_context

    seen: list = []
    real = script_run_context.ScriptRunContext.enqueue

    def enqueue(context, message):
        if message.WhichOneof("type") == "auto_rerun":
            seen.append(message.auto_rerun)
        return real(context, message)

    monkeypatch.setattr(script_run_context.ScriptRunContext, "enqueue", enqueue)
    return seen


def words(app: AppTest) -> str:
    """All texts of a page as one, without the backslashes that keep Markdown quiet."""
    parts = [
        element.value
        for kind in (app.title, app.header, app.subheader, app.markdown, app.caption, app.code)
        for element in kind
    ]
    parts += [element.value for kind in (app.error, app.warning, app.info, app.success) for element in kind]
    parts += [bar.proto.text for bar in app.get("progress")]
    return "\n".join(str(part) for part in parts).replace("\\", "")


def held(app: AppTest) -> WidgetStates:
    """What the browser sends by itself of the widgets on view; the next run of the page may be later than that by then."""
    states = app._tree.get_widget_states()
    return WidgetStates(widgets=[each for each in states.widgets if each.WhichOneof("value") != "trigger_value"])


def unfold(app: AppTest, key: str) -> AppTest:
    """Open an expander that draws what is in it only when it is open."""
    app.session_state[key] = True
    return app.run()
