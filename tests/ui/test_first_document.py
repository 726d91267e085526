"""The document of a visit carries the lab's name and the place of the page to come."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.gate import headers
from ui.gate.compression import Compressed
from ui.gate.first_page import FirstPage, dressed, style

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()


def client(body: bytes, media_type: str = "text/html") -> TestClient:
    async def answer(request):
        if "gzip" in request.headers.get("accept-encoding", ""):  # as Streamlit does under some addresses
            return Response(gzip.compress(body), media_type=media_type, headers={"Content-Encoding": "gzip"})
        return Response(body, media_type=media_type)

    routes = [Route("/{path:path}", answer)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Compressed), Middleware(FirstPage)]))


@pytest.mark.parametrize("path", ["/", "/train"])
def test_each_page_begins_with_the_labs_document(path):
    answer = client(INDEX).get(path, headers={"accept": "text/html,*/*", "accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "<title>Audio GPU Lab</title>" in answer.text
    assert f"<style>{style()}</style>" in answer.text
    assert '<div id="root"></div>' in answer.text


def test_streamlits_document_is_as_it_was_thought_to_be():
    assert dressed(INDEX).count(b"<style>") == INDEX.count(b"<style>") + 1
    assert b"<title>Streamlit</title>" not in dressed(INDEX)


def test_its_scripts_stay_those_that_the_policy_lets_run():
    scripts = [part.split(b"</script>")[0] for part in INDEX.split(b"<script>")[1:]]
    assert scripts
    for script in scripts:
        assert script in dressed(INDEX)
        assert headers._digest(script.decode()) in headers.pages_policy()


def test_other_documents_and_files_pass():
    assert dressed(b"<html><head></head><p>Sign in</p></html>") == b"<html><head></head><p>Sign in</p></html>"
    answer = client(INDEX, "text/plain").get("/", headers={"accept-encoding": "identity"})
    assert answer.content == INDEX
