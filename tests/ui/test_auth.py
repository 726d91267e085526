"""The gate as the server calls it: nothing passes without a session cookie, and what passes is bounded."""

from __future__ import annotations

import time
from itertools import product

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from streamlit import config

from labcore.access import hash_password
from labcore.access.throttle import FREE

from .gate import FORM, PAGE, PASSWORD, client, policy, sign_in

PATHS = [
    "/", "/train", "/train?run=a%20b&x=1", "/classify", "/media/abc.wav", "/static/js/index.js", "/_stcore/host-config",
    "/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/upload_file/s/f", "/component/x/y", "/app/static/x", "/_stcore/health/",
    "/_stcore/health/../stream", "//", "//train", "/_stcore//health", "/LOGIN", "/login/", "/login/../train", "/_stcore/agent",
    "/%2e%2e/train", "/auth/login", "/oauth2callback", "/auth/logout",
]  # fmt: skip


@pytest.fixture(autouse=True)
def any_host(monkeypatch):
    options = {"server.allowedHosts": ["testserver", "localhost", "*.example.org"]}
    real = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: options.get(name, real(name)))
    return options


@pytest.fixture
def browser(hashed) -> TestClient:
    return client(policy(hashed))


# --- who gets in


@pytest.mark.parametrize("path", PATHS)
def test_nothing_opens_without_the_password(browser, path):
    for method, headers in product(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"], (PAGE, {})):
        answer = browser.request(method, path, headers=headers)
        assert answer.status_code in (303, 401)
        assert "the page" not in answer.text
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/login")
    assert browser.lab.asked == []


def test_a_websocket_is_refused_without_the_password(browser):
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        browser.websocket_connect("ws://localhost/_stcore/stream"),
    ):
        pass
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        browser.websocket_connect("ws://localhost/train/_stcore/stream"),
    ):
        pass


def test_health_alone_is_open_and_needs_no_name(browser):
    answer = browser.get("/_stcore/health", headers={"host": "10.0.0.7"})
    assert answer.status_code == 200
    assert browser.lab.asked == ["/_stcore/health"]
    assert browser.post("/_stcore/health").status_code == 401


def test_the_password_opens_the_page_that_was_asked_for(browser):
    asked = browser.get("/train?run=a%20b&x=1", headers=PAGE)
    assert asked.status_code == 303
    form = browser.get(asked.headers["location"])
    assert 'value="/train?run=a%20b&amp;x=1"' in form.text
    answer = sign_in(browser, next="/train?run=a%20b&x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/train?run=a%20b&x=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert "Max-Age" not in cookie
    assert browser.get("/train?run=a", headers=PAGE).text == "the page"
    assert browser.get("/login", headers=PAGE).status_code == 303
    with browser.websocket_connect("ws://localhost/_stcore/stream") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_keep_me_signed_in(browser):
    assert "Max-Age=2592000" in sign_in(browser, keep="yes").headers["set-cookie"]


def test_a_session_cookie_is_good_after_a_restart_and_no_more_after_a_new_password(browser, hashed):
    sign_in(browser)
    again = client(policy(hashed), cookies=dict(browser.cookies))
    assert again.get("/train", headers=PAGE).status_code == 200
    changed = client(policy(hash_password("another battery")), cookies=dict(browser.cookies))
    assert changed.get("/train", headers=PAGE).status_code == 303


def test_signing_out_closes_open_pages_too(browser):
    sign_in(browser)
    cookies = dict(browser.cookies)
    with browser.websocket_connect("ws://localhost/_stcore/stream") as socket:
        socket.send_text("one")
        assert socket.receive_text() == "one"
        assert browser.get("/logout", headers=PAGE).headers["location"] == "/login?out"
        assert browser.get("/", headers=PAGE).status_code == 303
        stolen = client(browser.app.policy, cookies=cookies)
        assert stolen.get("/", headers=PAGE).status_code == 303
        socket.send_text("two")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    assert browser.lab.asked[-1] == "closed"
    assert "signed out" in browser.get("/login?out", headers=PAGE).text


def test_another_site_cannot_sign_anybody_out_or_in(browser):
    sign_in(browser)
    browser.get("/logout", headers={**PAGE, "sec-fetch-site": "cross-site"})
    assert browser.get("/", headers=PAGE).status_code == 200
    other = client(browser.app.policy)
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {},
    ):
        assert other.post("/login", data={"name": "a", "password": PASSWORD}, headers=headers).status_code == 403
    assert (
        other.post(
            "/login", data={"name": "a", "password": PASSWORD}, headers={"origin": "http://localhost"}
        ).status_code
        == 303
    )


def test_a_websocket_of_another_site_is_refused(browser):
    sign_in(browser)
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        browser.websocket_connect("ws://localhost/_stcore/stream", headers={"origin": "http://evil.example"}),
    ):
        pass


# --- the form


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "train", "/a\r\nSet-Cookie: x=1",
     "/login", "/logout", "/auth/logout", "/_stcore/stream", "/..//evil.example", "/" + "x" * 2500, "/\tevil", "///evil"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(browser, wanted):
    assert sign_in(browser, next=wanted).headers["location"] == "/"


def test_a_wrong_password_waits_longer_and_longer(browser, logged):
    for _ in range(FREE):
        answer = sign_in(browser, "a wrong password")
        assert answer.status_code == 401
    assert "The password is wrong." in answer.text
    assert 'value="Ada"' in answer.text
    assert sign_in(browser, "a wrong password").status_code == 429
    held = sign_in(browser)
    assert held.status_code == 429
    assert int(held.headers["retry-after"]) in (1, 2)
    assert "Too many attempts" in held.text
    pace, now = browser.app.policy.pace, time.monotonic()
    pace._clock = lambda: now + 2.05
    assert sign_in(browser).status_code == 303
    assert PASSWORD not in logged.getvalue()
    assert "a wrong password" not in logged.getvalue().replace("a wrong password from", "")


@pytest.mark.parametrize(
    "body", [b"x" * 20_000, b"name=%ff&password=y", b"a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9", "näme=1".encode()]
)
def test_a_broken_form_is_told(browser, body):
    headers = {**FORM, "content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/login", content=body, headers=headers).status_code in (400, 401)
    assert browser.post("/login", json={"name": "a"}, headers=FORM).status_code == 400
    assert browser.put("/login", headers=FORM).status_code == 405


def test_what_was_typed_is_never_html(browser):
    text = sign_in(browser, "wrong wrong", name='"><script>alert(1)</script>').text
    assert "<script" not in text
    assert "<script" not in browser.get('/login?next=/"><script>').text


def test_people_have_their_own_passwords(hashed):
    people = {"access": {"people": {"ada": hashed}, "password_hash": hash_password("shared by the rest")}}
    gate = policy(secrets=people)
    one = client(gate)
    assert sign_in(one, "shared by the rest", name="ada").status_code == 401
    assert sign_in(one, PASSWORD, name="ada").status_code == 303
    assert gate.visitor(one.cookies).verified
    two = client(gate)
    assert sign_in(two, "shared by the rest", name="Grace").status_code == 303
    assert gate.visitor(two.cookies).name == "Grace"
    assert not gate.visitor(two.cookies).verified
    alone = client(policy(secrets={"access": {"people": {"ada": hashed}}}))
    assert "Name or password is wrong." in sign_in(alone, PASSWORD, name="eve").text
    assert sign_in(alone, PASSWORD, name="").status_code == 400


# --- settings that close, or open


def test_without_a_password_nothing_opens_and_the_page_says_why():
    browser = client(policy())
    for path in (*PATHS, "/login", "/logout"):
        answer = browser.get(path, headers=PAGE)
        assert answer.status_code == 503
        assert "labcore password" in answer.text
    assert browser.get("/_stcore/host-config").status_code == 503
    assert browser.get("/_stcore/health").status_code == 200
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        browser.websocket_connect("ws://localhost/_stcore/stream"),
    ):
        pass
    assert "OpenID" not in client(policy(LABCORE_ACCESS="no")).get("/", headers=PAGE).text
    assert "LABCORE_ACCESS is neither" in client(policy(LABCORE_ACCESS="no")).get("/", headers=PAGE).text


def test_on_its_own_machine_the_lab_is_open_but_not_through_a_proxy():
    browser = client(policy(address="localhost"))
    assert browser.get("/train", headers=PAGE).text == "the page"
    with browser.websocket_connect("ws://localhost/_stcore/stream") as socket:
        socket.send_text("x")
        assert socket.receive_text() == "x"
    for header in ("x-forwarded-for", "x-real-ip", "via", "forwarded", "x-forwarded-host"):
        answer = browser.get("/train", headers={**PAGE, header: "203.0.113.9"})
        assert answer.status_code == 403
        assert "LABCORE_ACCESS=open" in answer.text
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        browser.websocket_connect("ws://localhost/_stcore/stream", headers={"x-forwarded-for": "203.0.113.9"}),
    ):
        pass
    assert client(policy(address="localhost"), url="http://testserver").get("/", headers=PAGE).status_code == 403


def test_behind_an_authenticating_proxy_everything_is_passed_on():
    browser = client(policy(LABCORE_ACCESS="open"), url="http://testserver")
    assert browser.get("/", headers={**PAGE, "x-forwarded-for": "203.0.113.9"}).text == "the page"


def test_other_host_names_are_refused(browser):
    for host in ("evil.example", "localhost.evil.example", "localhost@evil.example", ""):
        answer = browser.get("/login", headers={**PAGE, "host": host})
        assert answer.status_code == 421
        assert "STREAMLIT_SERVER_ALLOWED_HOSTS" in answer.text
    assert browser.get("/login", headers={"host": "lab.example.org:8443"}).status_code == 200


def test_under_a_base_path(hashed):
    browser = client(policy(hashed, base="/lab"))
    for path in ("/lab", "/lab/", "/lab/train", "/", "/train", "/login", "/lablogin", "/_stcore/health", "/labx/login"):
        answer = browser.get(path, headers=PAGE)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/lab/login")
    assert browser.get("/lab/_stcore/health").status_code == 200
    assert 'action="/lab/login"' in browser.get("/lab/login").text
    answer = sign_in(browser, base="/lab", next="/lab/train?run=x")
    assert answer.headers["location"] == "/lab/train?run=x"
    assert "Path=/lab" in answer.headers["set-cookie"]
    assert sign_in(browser, base="/lab", next="/other").headers["location"] == "/lab/"
    assert browser.get("/lab/train", headers=PAGE).text == "the page"


def test_behind_a_trusted_proxy_the_cookie_is_secure_and_the_address_that_of_the_person(hashed):
    trusted = policy(hashed, LABCORE_TRUSTED_PROXIES=["10.0.0.0/8", "testclient-is-no-address"][0])
    proxy = {"x-forwarded-proto": "https", "x-forwarded-for": "6.6.6.6, 203.0.113.9"}
    behind = client(trusted, client=("10.0.0.2", 1))
    assert (
        "Secure"
        in behind.post("/login", data={"name": "a", "password": PASSWORD}, headers={**FORM, **proxy}).headers[
            "set-cookie"
        ]
    )
    for _ in range(FREE + 1):
        behind.post("/login", data={"name": "a", "password": "a wrong one"}, headers={**FORM, **proxy})
    assert trusted.pace.wait("203.0.113.9") > 0
    assert trusted.pace.wait("6.6.6.6") == 0
    outside = client(trusted, client=("198.51.100.1", 1))
    answer = outside.post("/login", data={"name": "a", "password": PASSWORD}, headers={**FORM, **proxy})
    assert answer.status_code == 303
    assert "Secure" not in answer.headers["set-cookie"]


# --- headers


@pytest.mark.parametrize("path", ["/", "/login", "/media/x.wav", "/_stcore/health", "/nowhere"])
def test_every_answer_carries_the_headers(browser, path):
    sign_in(browser)
    for answer in (browser.get(path, headers=PAGE), client(browser.app.policy).get(path)):
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] in ("SAMEORIGIN", "DENY")
        assert "frame-ancestors" in headers["content-security-policy"]
        assert (
            "object-src 'none'" in headers["content-security-policy"]
            or "default-src 'none'" in headers["content-security-policy"]
        )
        assert "http" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
        assert "microphone=(self)" in headers["permissions-policy"]
        assert "server" not in headers
    assert "no-store" in browser.get("/media/x.wav").headers["cache-control"]
    assert browser.get("/", headers=PAGE).headers["cache-control"] == "no-store"


def test_settings_of_the_server_stay_as_they_are():
    for name, value in {
        "server.address": "localhost",
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.hideWelcomeMessage": True,
        "server.fileWatcherType": "none",
    }.items():
        assert config.get_option(name) == value
