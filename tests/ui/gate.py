"""The gate with a stand-in for Streamlit behind it, and a browser before it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from labcore.access import SessionCookies, read_access
from ui.auth.middleware import AccessMiddleware
from ui.auth.policy import AccessPolicy

PASSWORD = "correct horse battery"
PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}
FORM = {"sec-fetch-site": "same-origin"}


class Lab:
    """Stands in for Streamlit: answers everything, and notes what got through."""

    def __init__(self, base: str = "") -> None:
        self.asked: list[str] = []

        async def page(request):
            self.asked.append(request.url.path)
            await request.body()
            return HTMLResponse("the page") if request.method == "GET" else PlainTextResponse("taken")

        async def socket(websocket: WebSocket):
            await websocket.accept()
            try:
                while True:
                    await websocket.send_text(await websocket.receive_text())
            except WebSocketDisconnect:
                self.asked.append("closed")

        methods = ["GET", "POST", "PUT", "DELETE", "HEAD"]
        routes = [WebSocketRoute("/_stcore/stream", socket), Route("/{path:path}", page, methods=methods)]
        self.app = Starlette(routes=[Mount(base, routes=routes)] if base else routes)


def policy(hashed: str = "", address="0.0.0.0", secrets=None, base="", **environment) -> AccessPolicy:
    if hashed:
        environment["LABCORE_PASSWORD_HASH"] = hashed
    access = read_access(environment, secrets or {}, address)
    return AccessPolicy(access, SessionCookies(b"k" * 32, access.passwords), base)


def client(policy: AccessPolicy, lab: Lab | None = None, url: str = "http://localhost", **options) -> TestClient:
    lab = lab or Lab(policy.base)
    made = TestClient(AccessMiddleware(lab.app, policy), base_url=url, follow_redirects=False, **options)
    made.lab = lab
    return made


def sign_in(browser: TestClient, password: str = PASSWORD, name: str = "Ada", base: str = "", **fields):
    return browser.post(f"{base}/login", data={"name": name, "password": password, **fields}, headers=FORM)
