"""Files of the pages are compressed once; what cannot or may not be compressed passes as it is."""

from __future__ import annotations

import gzip

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from ui.app import server
from ui.app.compression import Compressed

SCRIPT = b"export const answer = 42;\n" * 200
FOREVER = "public, immutable, max-age=31536000"


class Files:
    """An app with files as Streamlit serves them; counts what it is asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.looks = {"media_type": "text/javascript", "headers": {"Cache-Control": FOREVER, "ETag": '"abc"'}}
        self.body = SCRIPT
        self.status = 200

    def client(self) -> TestClient:
        async def file(request):
            self.asked += 1
            return Response(self.body, self.status, **self.looks)

        async def stream(request):
            return StreamingResponse(iter([SCRIPT]), media_type="text/plain")

        async def socket(websocket):
            await websocket.accept()
            await websocket.send_text("as it is")
            await websocket.close()

        routes = [Route("/static/{name}", file), Route("/stream", stream), WebSocketRoute("/socket", socket)]
        return TestClient(Starlette(routes=routes, middleware=[Middleware(Compressed)]))


@pytest.fixture
def files() -> Files:
    return Files()


def raw(client: TestClient, path: str, **headers: str) -> tuple[dict, bytes]:
    """Headers and body as they travel."""
    with client.stream("GET", path, headers={"accept-encoding": "gzip", **headers}) as answer:
        return dict(answer.headers), b"".join(answer.iter_raw())


def test_a_file_is_compressed_once_and_kept(files):
    client = files.client()
    first, again = raw(client, "/static/a.js"), raw(client, "/static/a.js")
    assert first == again
    headers, body = first
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["cache-control"] == FOREVER
    assert headers["etag"] == 'W/"abc"'
    assert int(headers["content-length"]) == len(body) < len(SCRIPT) / 10
    assert gzip.decompress(body) == SCRIPT
    assert files.asked == 1


def test_what_may_change_is_compressed_each_time(files):
    files.looks = {"media_type": "text/html", "headers": {"Cache-Control": "no-cache"}}
    client = files.client()
    assert gzip.decompress(raw(client, "/static/a.html")[1]) == SCRIPT
    files.body = SCRIPT + b"more"
    assert gzip.decompress(raw(client, "/static/a.html")[1]) == SCRIPT + b"more"


@pytest.mark.parametrize(
    "asked",
    [
        {"accept-encoding": "identity"},
        {"accept-encoding": "gzip;q=0, br"},
        {"range": "bytes=0-99"},
        {"if-none-match": '"abc"'},
    ],
)
def test_who_cannot_read_it_or_wants_a_part_gets_the_file_as_it_is(files, asked):
    client = files.client()
    raw(client, "/static/a.js")  # now it is kept
    headers, body = raw(client, "/static/a.js", **asked)
    assert "content-encoding" not in headers
    assert body == SCRIPT


@pytest.mark.parametrize(
    ("looks", "status"),
    [
        ({"media_type": "font/woff2"}, 200),
        ({"media_type": "audio/wav"}, 200),
        ({"media_type": "image/png"}, 200),
        ({"media_type": "text/plain", "headers": {"Content-Encoding": "br"}}, 200),
        ({"media_type": "text/plain", "headers": {"Cache-Control": "no-transform"}}, 200),
        ({"media_type": "text/plain"}, 404),
    ],
)
def test_what_is_compressed_already_or_no_file_passes(files, looks, status):
    files.looks, files.status = looks, status
    headers, body = raw(files.client(), "/static/a")
    assert headers.get("content-encoding") in (None, "br")
    assert body == SCRIPT


def test_small_answers_and_streams_pass(files):
    files.body = b"ok"
    client = files.client()
    assert "content-encoding" not in raw(client, "/static/a")[0]
    assert "content-encoding" not in raw(client, "/stream")[0]


def test_a_websocket_passes(files):
    with files.client().websocket_connect("/socket") as socket:
        assert socket.receive_text() == "as it is"


def test_the_app_compresses_behind_its_gate():
    names = [layer.cls.__name__ for layer in server.middleware()]
    assert names == ["AccessMiddleware", "Compressed", "FirstPage"]
