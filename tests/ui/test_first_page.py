"""The document that a visit begins with carries the lab's style and script, and browsers may run that script."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.app.compression import Compressed
from ui.app.first_page import FirstPage, dressed, style
from ui.auth.headers import pages_policy

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()


def test_every_script_of_the_document_is_allowed_by_its_digest():
    scripts = re.findall(r"<script>(.*?)</script>", dressed(INDEX).decode(), re.DOTALL)
    assert len(scripts) == len(re.findall(rb"<script>", INDEX)) + 1
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in pages_policy()


def test_other_documents_stay_as_they_are():
    assert (
        dressed(b"<html><head></head><body>a component</body></html>")
        == b"<html><head></head><body>a component</body></html>"
    )


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


def test_a_file_that_is_no_document_passes():
    answer = client(INDEX, "text/plain").get("/", headers={"accept-encoding": "identity"})
    assert answer.content == INDEX


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_the_colours_of_the_style_can_be_read_on_the_grounds_of_the_themes(theme):
    """Also under the pointer and on the sidebar, where the browser tests do not go."""
    document = dressed(INDEX).decode()
    pairs = dict(re.findall(r"(--lab-\w+(?:-\w+)?): (light-dark\([^)]*\))", document))
    named = {name: re.findall(r"#[0-9a-f]{6}", pair)[theme] for name, pair in pairs.items()}
    option = f"theme.{('light', 'dark')[theme]}."
    grounds = [
        streamlit.get_option(option + name)
        for name in ("backgroundColor", "secondaryBackgroundColor", "sidebar.backgroundColor")
    ]
    for ground in grounds:
        assert contrast(named["--lab-soft"], ground) >= 4.5
        assert contrast(named["--lab-focus"], ground) >= 3
        assert contrast(streamlit.get_option(option + "primaryColor"), ground) >= 4.5
    hover = re.search(r"background-color: light-dark\((#\w+), (#\w+)\)", document).group(1 + theme)
    for fill in (streamlit.get_option(option + "primaryColor"), hover):
        assert contrast(named["--lab-on-primary"], fill) >= 4.5
    for colours in re.findall(r"\.token.*?light-dark\((#\w+), (#\w+)\)", document, re.DOTALL):
        assert contrast(colours[theme], streamlit.get_option(option + "codeBackgroundColor")) >= 4.5
