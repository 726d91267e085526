"""A small standard set on a server of the test's own, which can do what servers do."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labcore.downloads import work as downloads
from labcore.downloads.job import Download, DownloadPlan
from labcore.events import Finished
from labcore.jobs.process import work
from labcore.standard_sets import SETS, StandardSet
from labcore.workspace import Workspace
from tests.datasets.made import esc50, wav, zipped

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass
class Served:
    """What a server gives, how it behaves, and what it was asked for.

    Attributes:
        files: path → content.
        cuts: of each of the next answers: so many bytes are sent, and the connection ends.
        stalls: the same, and the connection stays open until the test is over.
        codes: the next answers are these codes, and nothing else.
        ranges: whether it can go on in the middle of a file.
        off_by: so many bytes its ranges are off.
        tells_length: whether it says how long a file is.
        moved: path → where it is.
        asked: path and range of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    ranges: bool = True
    off_by: int = 0
    tells_length: bool = True
    kind: str = "application/zip"
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("LABCORE_MIRROR", raising=False)
    monkeypatch.setattr(downloads, "WAITS", (0.0, 0.0))
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, state)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.01))
    thread.start()
    yield state
    state.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def answer(request: BaseHTTPRequestHandler, state: Served) -> None:
    asked = request.headers.get("Range", "")
    state.asked.append((request.path, asked))
    if request.path in state.moved:
        request.send_response(302)
        request.send_header("Location", state.moved[request.path])
        request.end_headers()
        return
    content = state.files.get(request.path)
    code = state.codes.pop(0) if state.codes else 200 if content is not None else 404
    if code != 200 or content is None:
        request.send_error(code)
        return
    mark = f'"{hashlib.md5(content).hexdigest()}"'
    start = int(re.sub(r"\D", "", asked)) if asked and state.ranges else 0
    if start and request.headers.get("If-Range") not in (None, mark):
        start = 0
    if start >= len(content):
        request.send_response(416)
        request.send_header("Content-Range", f"bytes */{len(content)}")
        request.end_headers()
        return
    request.send_response(206 if start else 200)
    if start:
        begins = start + state.off_by
        request.send_header("Content-Range", f"bytes {begins}-{len(content) - 1}/{len(content)}")
    if state.tells_length:
        request.send_header("Content-Length", str(len(content) - start))
    request.send_header("Content-Type", state.kind)
    request.send_header("ETag", mark)
    request.end_headers()
    waits = not state.cuts and bool(state.stalls)
    most = (state.cuts or state.stalls or [len(content)]).pop(0)
    request.wfile.write(content[start : start + most])
    request.wfile.flush()
    if waits:
        state.over.wait(30)


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    """ESC-50 with four clips, as GitHub packs it. 128 kB."""
    files = {name: wav(name, 2.0) if name.endswith(".wav") else content for name, content in esc50().files.items()}
    packed = {f"ESC-50-33c8/{name}": content for name, content in files.items()}
    return zipped(tmp_path / "made.zip", packed | {"ESC-50-33c8/esc50.gif": b"GIF89a"}).read_bytes()


Publish = Callable[..., StandardSet]


@pytest.fixture
def publish(served: Served, archive: bytes, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """publish(content=archive, checksum=True, name="esc50", file="ESC-50.zip") → the standard set, published by the test's server."""

    def make(
        content: bytes = archive, checksum: bool = True, name: str = "esc50", file: str = "ESC-50.zip"
    ) -> StandardSet:
        served.files[f"/{file}"] = content
        about = replace(
            SETS[name],
            url=f"{served.url}/{file}",
            file=file,
            bytes=len(content),
            unpacked=len(content),
            checksum=f"sha256:{hashlib.sha256(content).hexdigest()}" if checksum else "",
        )
        monkeypatch.setitem(SETS, name, about)
        return about

    return make


def downloaded(workspace: Workspace, about: StandardSet, **changes: object) -> Download:
    """A download that has come to its end. ``options`` of :func:`labcore.jobs.process.work` begin with an underscore."""
    options = {name[1:]: changes.pop(name) for name in [*changes] if name.startswith("_")}
    plan = {"dataset": about.name, "name": about.name, "licence": about.licence, **changes}
    job = Download.create(workspace, DownloadPlan.model_validate(plan))
    work(job, **options)  # type: ignore[arg-type]
    return job


def ending(job: Download) -> Finished:
    end = job.last_event(Finished)
    assert end is not None
    return end
