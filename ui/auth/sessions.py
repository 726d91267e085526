"""Which sign-in a session of Streamlit's belongs to. Whoever asks for it by another one gets none: neither its state nor its uploads.

Streamlit takes the number of a session as the proof that it is one's own. The number comes to the browser in the first message of a
page, where it is read here.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable

from starlette.types import Message, Receive, Scope, Send

from ui.auth.policy import Visitor

MOST_LEFT = 1000
"""Sessions whose pages were closed are remembered, the last so many: Streamlit keeps each for two minutes."""
LOOKED_AT = 50
"""The number stands in one of the first messages of a WebSocket."""
POLICY_VIOLATION = 1008
PROTOCOLS = b"sec-websocket-protocol"


class Sessions:
    """Sessions and the sign-ins that they belong to."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._open: Counter[str] = Counter()
        self._left: OrderedDict[str, None] = OrderedDict()

    def bind(self, session: str, sign_in: str) -> None:
        """A page of a session is open, by this sign-in. The first one to open it counts."""
        self._of.setdefault(session, sign_in)
        self._open[session] += 1
        self._left.pop(session, None)

    def left(self, session: str) -> None:
        """That page is closed."""
        self._open[session] -= 1
        if self._open[session] <= 0:
            del self._open[session]
            self._left[session] = None
        while len(self._left) > MOST_LEFT:
            self._of.pop(self._left.popitem(last=False)[0], None)

    def belongs(self, session: str, sign_in: str) -> bool:
        """Whether a session was opened by this sign-in. One that Streamlit does not know may be asked for: it gives none."""
        owner = self._of.get(session)
        return owner == sign_in if owner is not None else not _is_active(session)


class OpenPage:
    """The WebSocket of a page, for as long as the sign-in holds by which it was opened.

    Signed out in another window or on another server, or the time is over: the page that is still open gets nothing any more.
    """

    def __init__(
        self, receive: Receive, send: Send, still: Callable[[], bool], all_sessions: Sessions, visitor: Visitor | None
    ) -> None:
        self._receive, self._send, self._still = receive, send, still
        self._sessions, self._visitor = all_sessions, visitor
        self._session, self._sent, self._closed = "", 0, False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive" and not self._still():
            await self._close()
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION} if self._closed else message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.send" and not self._still():
            await self._close()
        if self._closed:
            return
        if message["type"] == "websocket.send" and self._visitor and not self._session and self._sent < LOOKED_AT:
            self._sent += 1
            self._session = session_in(message.get("bytes") or b"")
            if self._session:
                self._sessions.bind(self._session, self._visitor.sign_in)
        await self._send(message)

    def left(self) -> None:
        if self._session:
            self._sessions.left(self._session)

    async def _close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION})


def session_in(message: bytes) -> str:
    """The number of the session in a message to the browser; empty where it holds none."""
    from google.protobuf.message import DecodeError
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    try:
        found = ForwardMsg.FromString(message)
    except DecodeError:
        return ""
    return str(found.new_session.initialize.session_id) if found.WhichOneof("type") == "new_session" else ""


def wanted(scope: Scope) -> str:
    """The session that a WebSocket asks to go on with; empty where it begins a new one."""
    entries = _entries(scope)
    return entries[2] if len(entries) > 2 else ""


def without_session(scope: Scope) -> Scope:
    """The same WebSocket, beginning a new session."""
    entries = _entries(scope)[:2]
    headers = [pair for pair in scope["headers"] if pair[0] != PROTOCOLS]
    headers.append((PROTOCOLS, ", ".join(entries).encode("latin-1")))
    return {**scope, "headers": headers, "subprotocols": [entry for entry in entries if entry]}


def _entries(scope: Scope) -> list[str]:
    """What Streamlit writes into the header of the subprotocols: its name, a token, and maybe the session."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == PROTOCOLS]
    return [entry.strip() for entry in ",".join(values).split(",")]


def _is_active(session: str) -> bool:
    from streamlit import runtime

    return runtime.exists() and runtime.get_instance().is_active_session(session)
