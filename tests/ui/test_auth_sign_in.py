"""What belongs to one sign-in: its sessions and uploads, its end on every server; and tries of one's own."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from labcore.access import SessionCookies, read_access
from labcore.access.throttle import ALL_TRIES, FREE
from tests.coroutines import finish
from ui.auth import login, sessions
from ui.auth.middleware import AccessMiddleware
from ui.auth.policy import AccessPolicy
from ui.auth.request import patient, safe_next

from .gate import FORM, PAGE, PASSWORD

STREAM = "ws://lab.example.org/_stcore/stream"


@pytest.fixture(autouse=True)
def any_host(monkeypatch):
    real = config.get_option
    options = {"server.allowedHosts": ["*"]}
    monkeypatch.setattr(config, "get_option", lambda name: options.get(name, real(name)))


class Streamlit:
    """Stands in for Streamlit: gives each WebSocket the session it asks for, or a new one, and tells its number first."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.seen: dict = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            self.seen = {"client": scope["client"], "scheme": scope["scheme"]}
            await PlainTextResponse("the page")(scope, receive, send)
            return
        await receive()
        wanted = sessions.wanted(scope)
        self.asked.append(wanted)
        await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
        message = ForwardMsg()
        message.new_session.initialize.session_id = wanted or f"session-{len(self.asked)}"
        await send({"type": "websocket.send", "bytes": message.SerializeToString()})
        while (got := await receive())["type"] != "websocket.disconnect":
            with contextlib.suppress(Exception):
                await send({"type": "websocket.send", "text": got["text"]})


@pytest.fixture
def lab(hashed, tmp_path):
    """lab(**environment) → a browser at one more server of the same workspace."""

    def start(**environment: str) -> TestClient:
        access = read_access({"LABCORE_PASSWORD_HASH": hashed, **environment}, {}, "0.0.0.0")
        policy = AccessPolicy(access, SessionCookies(b"k" * 32, access.passwords, notes=tmp_path / "notes"))
        streamlit = Streamlit()
        made = TestClient(
            AccessMiddleware(streamlit, policy), base_url="http://lab.example.org", follow_redirects=False
        )
        made.streamlit = streamlit
        return made

    return start


def sign_in(browser: TestClient, password: str = PASSWORD, **headers: str):
    return browser.post("/login", data={"name": "Ada", "password": password}, headers={**FORM, **headers})


def opened(browser: TestClient, session: str = ""):
    asked = ["streamlit", "token", *([session] if session else [])]
    return browser.websocket_connect(STREAM, subprotocols=asked)


def session_of(socket) -> str:
    return ForwardMsg.FromString(socket.receive_bytes()).new_session.initialize.session_id


def other_browser(browser: TestClient) -> TestClient:
    made = TestClient(browser.app, base_url="http://lab.example.org", follow_redirects=False)
    made.streamlit = browser.streamlit
    return made


def test_a_session_is_taken_up_again_by_its_own_sign_in_alone(lab):
    browser = lab()
    sign_in(browser)
    with opened(browser) as socket:
        mine = session_of(socket)
    with opened(browser, mine) as socket:
        assert session_of(socket) == mine
    other = other_browser(browser)
    sign_in(other)
    with opened(other, mine) as socket:
        assert session_of(socket) != mine
        assert socket.accepted_subprotocol == "streamlit"
    assert browser.streamlit.asked == ["", mine, ""]
    browser.get("/logout", headers=PAGE)
    with pytest.raises(Exception), opened(browser, mine):  # noqa: B017, PT011
        pass
    sign_in(browser)
    with opened(browser, mine) as socket:  # another sign-in of the same browser
        assert session_of(socket) != mine


def test_uploads_go_to_sessions_of_the_own_sign_in_alone(lab, monkeypatch):
    browser = lab()
    sign_in(browser)
    other = other_browser(browser)
    sign_in(other)
    with opened(browser) as socket:
        path = f"/_stcore/upload_file/{session_of(socket)}/file"
        for method in ("PUT", "POST", "DELETE", "GET"):
            assert other.request(method, path, content=b"x").status_code == 403
        assert browser.put(path, content=b"x").status_code == 200
    monkeypatch.setattr(sessions, "_is_active", lambda session: True)
    assert browser.put("/_stcore/upload_file/one-that-nobody-opened-here/file", content=b"x").status_code == 403


def test_what_is_remembered_of_sessions_is_bounded(monkeypatch):
    monkeypatch.setattr(sessions, "MOST_LEFT", 3)
    monkeypatch.setattr(sessions, "_is_active", lambda session: True)
    some = sessions.Sessions()
    for number in range(5):
        some.bind(f"s{number}", "me")
    some.bind("s0", "you")  # the first one counts
    for number in range(1, 5):
        some.left(f"s{number}")
    assert [some.belongs(f"s{number}", "me") for number in range(5)] == [True, False, True, True, True]
    assert len(some._of) == 4
    some.left("s0")
    assert some.belongs("s0", "me")
    assert sessions.session_in(b"\xff no message") == ""


def test_signing_out_holds_on_every_server_and_for_open_pages(lab):
    browser, beside = lab(), lab()
    sign_in(browser)
    beside.cookies = browser.cookies
    assert beside.get("/", headers=PAGE).status_code == 200
    with opened(beside) as socket:
        session_of(socket)
        browser.get("/logout", headers=PAGE)
        socket.send_text("one")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    cookies = dict(beside.cookies)
    for server in (beside, lab()):
        server.cookies.update(cookies)
        assert server.get("/", headers=PAGE).status_code == 303


def test_a_page_that_is_open_is_told_nothing_after_the_end(lab):
    browser = lab()
    sign_in(browser)
    ticks = []

    async def run():
        scope = {
            "type": "websocket", "path": "/_stcore/stream", "headers": [
                (b"host", b"lab.example.org"), (b"cookie", "; ".join(f"{k}={v}" for k, v in browser.cookies.items()).encode())
            ], "subprotocols": [], "scheme": "ws", "server": ("lab.example.org", 80), "client": ("1.2.3.4", 1),
        }  # fmt: skip

        async def ticking(scope, receive, send):
            await send({"type": "websocket.send", "text": "before"})
            browser.get("/logout", headers=PAGE)
            await send({"type": "websocket.send", "text": "after"})
            await send({"type": "websocket.send", "text": "after"})

        async def send(message):
            ticks.append(message.get("text", message["type"]))

        gate = browser.app
        gate.app = ticking
        await gate(scope, lambda: None, send)

    finish(run())
    assert ticks == ["before", "websocket.close"]


def test_a_full_disk_is_told_where_signing_out_cannot_be_noted(lab, monkeypatch, logged):
    browser = lab()
    sign_in(browser)
    cookies = dict(browser.cookies)
    monkeypatch.setattr("os.pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    answer = browser.get("/logout", headers=PAGE)
    assert answer.headers["location"] == "/login?out=here"
    assert "could not save this" in browser.get("/login?out=here", headers=PAGE).text
    browser.cookies.update(cookies)
    assert browser.get("/", headers=PAGE).status_code == 303
    assert "No space left" in logged.getvalue()


@pytest.mark.parametrize("content", ["9" * 400, '{"e":' + "9" * 400 + "}", "[" * 400])
def test_a_forged_cookie_is_a_stranger_and_no_fault(lab, content):
    import base64

    browser = lab()
    name = browser.app.policy.session_cookies.name
    browser.cookies[name] = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=") + ".AAAA"
    assert browser.get("/", headers=PAGE).status_code == 303
    assert browser.get("/logout", headers=PAGE).status_code == 303


# --- tries


def test_who_signed_in_before_has_tries_of_ones_own(lab):
    browser = lab()
    assert sign_in(browser).status_code == 303
    browser.get("/logout", headers=PAGE)
    policy = browser.app.policy
    for number in range(ALL_TRIES):  # strangers use up what there is for strangers
        policy.pace.wait(f"203.0.113.{number}")
    for _ in range(FREE + 3):  # and somebody at the same address has given wrong passwords
        policy.pace.failed("testclient")
    stranger = other_browser(browser)
    assert sign_in(stranger).status_code == 429
    assert sign_in(browser).status_code == 303
    browser.get("/logout", headers=PAGE)
    for _ in range(FREE + 1):
        wrong = sign_in(browser, "a wrong password")
    assert wrong.status_code == 429
    assert sign_in(browser).status_code == 429


def test_a_full_queue_of_strangers_is_none_for_a_known_device(lab):
    browser = lab()
    sign_in(browser)
    browser.get("/logout", headers=PAGE)
    browser.app.login._waiting[False] = login.WAITING
    assert sign_in(other_browser(browser)).status_code == 429
    assert sign_in(browser).status_code == 303


def test_a_body_that_stalls_is_given_up():
    async def run():
        pieces = [{"type": "http.request", "body": b"x", "more_body": True}]

        async def receive():
            await asyncio.sleep(0 if pieces else 30)
            return pieces.pop()

        take = patient(receive, 0.01)
        return [(await take())["type"], (await take())["type"]]

    assert finish(run()) == ["http.request", "http.disconnect"]


# --- headers


def test_https_is_kept_where_a_trusted_proxy_says_that_it_is_there(lab):
    told = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    name = "strict-transport-security"

    def asked(browser, **headers):
        return browser.get("/login", headers={**PAGE, **told, **headers}).headers

    behind, outside = lab(LABCORE_TRUSTED_PROXIES="10.0.0.2"), lab(LABCORE_TRUSTED_PROXIES="10.0.0.2")
    behind._transport.client = ("10.0.0.2", 1)
    outside._transport.client = ("127.0.0.1", 1)  # not named, though on this machine
    assert asked(behind)[name].startswith("max-age=")
    assert name not in asked(outside)
    assert name not in asked(behind, **{"x-forwarded-proto": "http"})
    assert name not in asked(behind, host="localhost")
    assert asked(outside)["cross-origin-opener-policy"] == "same-origin"
    sign_in(behind)
    behind.get("/", headers={**PAGE, **told})
    assert behind.streamlit.seen == {"client": ("203.0.113.9", 0), "scheme": "https"}


@pytest.mark.parametrize(
    "wanted",
    ["/%6cogout", "/%6Cogin", "/%256cogout", "/%2e%2e/x", "/%2f%2fevil.example", "/%5cevil.example", "/auth%2flogout", "/%5fstcore/x",
     "/logout/", "/%2e%2e%2flogout"],
)  # fmt: skip
def test_an_escaped_way_out_is_none_to_go_on_to(wanted):
    assert safe_next(wanted, "") == "/"
    assert safe_next(f"/lab{wanted}", "/lab") == "/lab/"


# --- OpenID Connect


@pytest.fixture
def provider(monkeypatch, tmp_path):
    """provider(claims) → a policy with a provider, and the cookies that Streamlit gives somebody with these claims."""
    from streamlit.web.server import server_util
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    monkeypatch.setattr(server_util, "get_cookie_secret", lambda: "secret")
    secrets = {"auth": {"client_id": "x"}, "access": {"anyone": True}}

    def start(long: bool = False) -> tuple[AccessPolicy, dict[str, str]]:
        access = read_access({}, secrets, "0.0.0.0")
        content = '{"is_logged_in": true, "email": "ada@example.org"}'
        parts = {"_streamlit_user": content}
        if long:
            parts = {
                "_streamlit_user": "chunks-2",
                "_streamlit_user_1": content[:20],
                "_streamlit_user_2": content[20:],
            }
        cookies = {name: create_signed_value("secret", name, part).decode() for name, part in parts.items()}
        return AccessPolicy(access, SessionCookies(b"k" * 32, {}, notes=tmp_path / "notes")), cookies

    return start


@pytest.mark.parametrize("long", [False, True])
def test_signing_out_of_a_provider_ends_copies_of_its_cookie(provider, monkeypatch, long):
    import itsdangerous

    now = 1_900_000_000
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda self: now)
    policy, cookies = provider(long)
    assert policy.visitor(cookies).name == "ada@example.org"
    assert policy.sign_out(cookies) == ""
    for copy in (
        cookies,
        {**cookies, "_streamlit_user_7": "x.y.z", **({} if long else {"_streamlit_user_1": "x.y.z"})},
    ):
        assert provider(long)[0].visitor(copy) is None
    now += 1
    policy, again = provider(long)
    assert policy.visitor(again) is not None  # the next sign-in of the same person
