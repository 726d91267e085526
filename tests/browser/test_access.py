"""A lab that others reach, in a real browser: nothing opens without the password, and the password opens what was asked for."""

from __future__ import annotations

import http.client
import re

import pytest

from labcore.access import hash_password
from labcore.access.throttle import FREE

from .conftest import PATIENCE_MS, ROOT, Server, free_port, running

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
PAGES = ["", *sorted(page.stem for page in (ROOT / "pages").glob("*.py"))]
QUERY = "?run=20260101-000000-demo&report=x&search=y"
CLOSED = [
    "/_stcore/host-config", "/_stcore/metrics", "/media/0.wav", "/static/js/index.js", "/component/x/index.html", "/favicon.png",
    "/train/_stcore/host-config", "/_stcore/script-health-check",
]  # fmt: skip
HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


def ask(server: Server, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
    """The status of an answer, by no browser."""
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1]), timeout=30)
    try:
        connection.request(method, path, body or None, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def sign_in(page, password: str, name: str = "Ada Lovelace") -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def only_the_form(page) -> None:
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.locator("#root, [data-testid=stApp]").count() == 0
    assert page.url.split("?")[0].endswith("/login")


def test_no_page_opens_without_the_password(browser, tmp_path):
    port, hashed = free_port(), hash_password(PASSWORD)
    settings = {"LABCORE_PASSWORD_HASH": hashed, "LABCORE_TRUSTED_PROXIES": "10.9.9.9"}
    beyond = ("--server.address", "0.0.0.0")
    log = tmp_path / "server.log"
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    with running(tmp_path / "home", log, port, *beyond, **settings) as server:
        # A deep link as the first request of this server; then every page, and every page as a deep link.
        page.goto(f"{server.url}/{PAGES[-1]}{QUERY}")
        only_the_form(page)
        browserless = {"Accept": "text/html"}
        assert {ask(server, "GET", f"/{name}{query}", browserless) for name in PAGES for query in ("", QUERY)} == {303}
        assert {ask(server, "GET", path, {}) for path in CLOSED} == {401}
        assert {ask(server, "GET", path, browserless) for path in CLOSED} == {303}
        assert ask(server, "GET", "/_stcore/stream", HANDSHAKE) == 403
        assert ask(server, "PUT", "/_stcore/upload_file/session/file", {"Content-Length": "4"}, b"RIFF") == 401
        assert ask(server, "GET", "/_stcore/health", {"Host": "10.1.2.3"}) == 200
        assert ask(server, "GET", "/login", {"Host": "evil.example"}) == 421

        # A deep link with its query opens after the wrong and then the right password.
        page.goto(f"{server.url}/train?run=nothing-of-that-name")
        sign_in(page, "a wrong password")
        page.get_by_role("alert").get_by_text("The password is wrong.").wait_for()
        only_the_form(page)
        sign_in(page, PASSWORD)
        page.get_by_text("There is no run 'nothing-of-that-name'").wait_for()
        assert page.url.endswith("/train?run=nothing-of-that-name")
        page.get_by_text("Signed in as").get_by_text("Ada Lovelace").wait_for()

        # A second window stays open while the first signs out: it gets nothing any more.
        other = context.new_page()
        other.set_default_timeout(PATIENCE_MS)
        other.goto(f"{server.url}/runs")
        other.get_by_text("Signed in as").wait_for()
        cookies = context.cookies()
        page.get_by_role("link", name="Sign out").click()
        page.get_by_text("You are signed out.").wait_for()
        other.get_by_role("link", name="Tune").click()
        other.get_by_text(re.compile("Connection error|CONNECTING", re.IGNORECASE)).first.wait_for()
        assert other.get_by_role("heading", name="Tune").count() == 0
        other.goto(f"{server.url}/runs")
        only_the_form(other)

        # Signing in again, to see whether the session cookie outlives a restart of the server.
        sign_in(other, PASSWORD)
        other.get_by_text("Signed in as").wait_for()
        guess = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        statuses = [
            ask(server, "POST", "/login", {**guess, "X-Forwarded-For": f"203.0.113.{n}"}, b"name=eve&password=guess")
            for n in range(FREE + 2)
        ]
        assert statuses == [*[401] * FREE, 429, 429]  # this machine is no proxy that was named

        # Nobody signs in from this address now but on a device that did before.
        other.get_by_role("link", name="Sign out").click()
        other.get_by_text("You are signed out.").wait_for()
        sign_in(other, PASSWORD)
        other.get_by_text("Signed in as").wait_for()
        cookies = context.cookies()
        for each in context.pages:
            each.goto("about:blank")  # nothing that the server would wait for

    stranger = browser.new_context().new_page()
    with running(tmp_path / "home", log, port, *beyond, **settings) as server:
        stranger.goto(f"{server.url}/classify?run=x")
        only_the_form(stranger)
        context.clear_cookies()
        context.add_cookies(cookies)
        page.goto(f"{server.url}/runs")
        page.get_by_text("Signed in as").get_by_text("Ada Lovelace").wait_for()
        page.goto("about:blank")
    told = log.read_text()
    assert "asks for a password" in told
    assert "Traceback" not in told
    for secret in (PASSWORD, hashed, "a wrong password\n", "guess"):
        assert secret not in told


def test_a_lab_that_others_reach_stays_closed_until_there_is_a_password(tmp_path):
    with running(tmp_path / "home", tmp_path / "log", free_port(), "--server.address", "0.0.0.0") as server:
        for name in (*PAGES, "train?run=x", "login"):
            assert ask(server, "GET", f"/{name}", {"Accept": "text/html"}) == 503
        assert ask(server, "GET", "/_stcore/stream", HANDSHAKE) == 403
        assert ask(server, "GET", "/_stcore/health", {}) == 200
    assert "CLOSED" in (tmp_path / "log").read_text()
