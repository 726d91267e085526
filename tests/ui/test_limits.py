"""What is accepted of visitors: counts, lengths, and names that are never paths; uploads at the gate."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from starlette.testclient import TestClient

from labcore.audio import decode, encode_wav
from labcore.errors import AudioError, ConfigError, LabError
from labcore.workspace import Workspace
from ui.app import limits
from ui.app.limits import UploadLimits
from ui.app.uploaded_files import put_aside
from ui.auth.policy import policy
from ui.classify import predicting
from ui.components.clip import Clip
from ui.train import tracked_clips

from .conftest import words
from .gate import client, sign_in
from .gate import policy as gate_policy

NASTY = [
    "../../x.wav",
    "a\x00b.wav",
    "/etc/cron.d/x.wav",
    "..",
    "~/x.wav",
    "x" * 500 + ".wav",
    "C:\\x.wav",
    "\u202egpj.wav",
]


@pytest.fixture(autouse=True)
def fresh():
    limits.uploads.cache_clear()
    policy.cache_clear()
    yield
    limits.uploads.cache_clear()


@pytest.fixture
def tone() -> bytes:
    return encode_wav(0.2 * np.sin(np.arange(8000) / 5).astype(np.float32), 8000)


def test_limits_come_from_the_environment():
    assert UploadLimits.of({}) == UploadLimits()
    changed = UploadLimits.of({"LABCORE_UPLOAD_MAX_FILES": "7", "LABCORE_UPLOAD_MAX_SECONDS": "1.5"})
    assert (changed.files, changed.seconds, changed.megabytes) == (7, 1.5, UploadLimits.megabytes)


def test_uploads_leave_half_of_the_memory():
    asked = {"LABCORE_UPLOAD_TOTAL_MB": "5000"}
    assert [UploadLimits.of(each, 6 * 2**30).total_megabytes for each in ({}, asked)] == [3072, 5000]


@pytest.mark.parametrize("value", ["0", "-3", "many", "nan", "1e99", "3.5"])
def test_nonsense_is_refused(value):
    with pytest.raises(ConfigError, match="LABCORE_UPLOAD_MAX_FILES"):
        UploadLimits.of({"LABCORE_UPLOAD_MAX_FILES": value})


def test_sounds_of_visitors_are_bounded(monkeypatch, tone):
    monkeypatch.setenv("LABCORE_UPLOAD_MAX_SECONDS", "0.5")
    assert limits.sound().max_seconds == 0.5
    with pytest.raises(AudioError):
        decode(tone, name="long.wav", limits=limits.sound())
    assert limits.sound().max_bytes == 1024**3


def test_classify_refuses_what_is_too_long(open_page, trained, monkeypatch, tone):
    monkeypatch.setenv("LABCORE_UPLOAD_MAX_SECONDS", "0.5")
    app = open_page("pages/classify.py", run=trained.id)
    app.get("file_uploader")[0].upload("long.wav", tone, "audio/wav").run()
    assert "long.wav" in words(app)
    assert [error.value for error in app.error]


def test_classify_takes_so_many_at_once(open_page, trained, monkeypatch, tone):
    monkeypatch.setenv("LABCORE_UPLOAD_MAX_FILES", "2")
    app = open_page("pages/classify.py", run=trained.id)
    for number in range(3):
        app.get("file_uploader")[0].upload(f"clip{number}.wav", tone, "audio/wav")
    app.run()
    assert not app.exception
    assert "At most 2 files at once" in words(app)
    assert len(app.dataframe[0].value) == 2


@pytest.mark.parametrize("name", NASTY)
def test_names_are_never_paths(open_page, trained, workspace: Workspace, make_run, tone, name):
    before = {path for path in workspace.home.parent.rglob("*") if path.is_file()}
    assert predicting.predict(trained, [Clip(name, tone, "key")])[0].error is None
    broken = predicting.predict(trained, [Clip(name, b"no sound", "other")])[0]
    assert isinstance(broken.error, LabError)
    run = make_run("queued")
    kept = tracked_clips.pin(run, name, tone)
    assert kept.parent == run.pinned
    new = {path for path in workspace.home.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(workspace.home) for path in new)


@pytest.mark.parametrize("name", NASTY)
def test_large_uploads_are_put_aside_under_a_name_of_the_labs(workspace: Workspace, name):
    class File:
        def getvalue(self) -> bytes:
            return b"content"

    upload = put_aside(name, File())  # the id itself comes from the browser
    assert upload.path.parent == workspace.cache / "uploads"
    assert upload.path.read_bytes() == b"content"


# --- uploads, at the gate


@pytest.fixture
def browser(hashed) -> TestClient:
    return client(gate_policy(hashed))


@pytest.fixture
def held(monkeypatch) -> dict:
    stored: dict = {}
    monkeypatch.setattr(limits, "stored", lambda: stored)
    return stored


def put(browser: TestClient, size: int, session: str = "s", file: str = "f", **headers):
    return browser.put(f"/_stcore/upload_file/{session}/{file}", content=b"x" * size, headers=headers)


def test_uploads_are_refused_to_strangers_and_bounded_for_visitors(browser, held):
    assert put(browser, 10).status_code == 401
    sign_in(browser)
    browser.app.uploads = limits.Uploads(UploadLimits(files=2, megabytes=1, total_megabytes=2))
    assert put(browser, 10).status_code == 200
    held["s"] = {"a": 10, "b": 10}
    answer = put(browser, 10)
    assert answer.status_code == 429
    assert "2 files" in answer.text
    assert put(browser, 10, file="a").status_code == 200  # the same file once more
    assert put(browser, 10, session="t").status_code == 200
    held["t"] = {"a": 900_000}
    assert put(browser, 200_000, session="t").status_code == 413
    held["u"] = {"a": 1_000_000}
    assert put(browser, 400_000, session="v").status_code == 429
    assert browser.delete("/_stcore/upload_file/s/f").status_code == 200


def test_an_upload_without_a_length_is_refused(browser, held):
    sign_in(browser)
    answer = browser.put("/_stcore/upload_file/s/f", content=iter([b"x"]))
    assert answer.status_code == 411


def test_what_is_on_its_way_counts():
    some = limits.Uploads(UploadLimits(files=2, megabytes=1, total_megabytes=2))
    with some.coming("s", "a", 600_000):
        assert some.refusal("s", "b", 300_000) is None
        assert some.refusal("s", "b", 600_000)[0] == 413
        assert some.refusal("t", "b", 600_000) is None
    assert some.refusal("s", "b", 600_000) is None


def test_the_store_of_streamlit_is_read_as_it_is(monkeypatch):
    from streamlit import runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    manager = MemoryUploadedFileManager("/x")
    manager.add_file("s", UploadedFileRec("f", "../../x.wav", "audio/wav", b"12345"))
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    assert limits.stored() == {"s": {"f": 5}}
    manager.remove_session_files("s")
    assert limits.stored() == {}
