"""A file over HTTP, from where it broke off. pooch and requests do the transfer; proxies of the environment are theirs to find."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labcore import __version__
from labcore.downloads.checksums import begun_megabytes
from labcore.downloads.places import ArchivePlace, plain_url
from labcore.errors import NetworkError, WorkspaceError
from labcore.jobs.following import OnProgress

if TYPE_CHECKING:
    from requests import Response

CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
"""How long is waited for a connection, and for the next bytes."""
REACH_SECONDS = 6.0
"""How long is waited until it is clear that there is no way to a server, names and all of its addresses tried."""
PIECE = 16 * 1024
"""Bytes at a time. A piece that is cut off is lost: requests hands over whole ones."""
MOST, SLACK_BYTES = 2, 10**8
"""So many times as long as expected, and so many bytes, a file may be; one that is longer is another file, or has no end."""
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others in a moment."""
BEHIND_A_PROXY = "Behind a proxy, set HTTPS_PROXY"


class BrokenOffError(NetworkError):
    """A transfer that broke off, and can go on with what came."""


def require_reachable(url: str) -> None:
    """Find out soon whether there is a way to a server, or to the proxy that leads there. Waits :data:`REACH_SECONDS` at most.

    Raises:
        NetworkError: there is none.
    """
    host, port, is_proxy = _first_hop(url)
    trouble: list[str] = ["it does not answer"]

    def connect() -> None:
        try:
            socket.create_connection((host, port), CONNECT_SECONDS).close()
        except OSError as error:
            trouble[0] = error.strerror or str(error)
        except Exception as error:
            trouble[0] = str(error)
        else:
            trouble.clear()

    thread = threading.Thread(target=connect, name="reach", daemon=True)  # a resolver may hang for long
    thread.start()
    thread.join(REACH_SECONDS)
    if trouble:
        raise NetworkError(f"{'the proxy ' * is_proxy}{host} cannot be reached: {trouble[0]}", BEHIND_A_PROXY)


def _first_hop(url: str) -> tuple[str, int, bool]:
    """Host and port that a request goes to first, and whether that is a proxy."""
    from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy

    proxy = None
    try:
        proxy = select_proxy(url, get_environ_proxies(url))
        parts = urlsplit(prepend_scheme_if_needed(proxy, "http") if proxy else url)
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError as error:
        raise NetworkError(f"{plain_url(proxy or url)} is no address: {error}", "Set it anew") from error
    if not parts.hostname or parts.scheme not in ("http", "https", "socks5", "socks5h", "socks4"):
        raise NetworkError(f"{plain_url(proxy or url)} is no address", "Give one that begins with https://")
    return parts.hostname, port, bool(proxy)


def transfer(url: str, place: ArchivePlace, expected: int, progress: OnProgress) -> bool:
    """Download what is not there yet of a file into ``place.part``, which stays whatever happens.

    Args:
        expected: bytes of the whole file, about, where the server does not tell.
        progress: called with megabytes that are there, and all. What it raises ends the work.

    Returns:
        Whether it went on from where it was; False where the server gave all of it from its beginning.

    Raises:
        BrokenOffError: the connection broke, or the server is busy: to be tried again.
        NetworkError: the server cannot be reached, or does not give it.
        WorkspaceError: the disk is full.
    """
    from pooch import HTTPDownloader

    if place.facts.get("url") not in (None, plain_url(url)):  # of another place: it may be another edition
        place.drop()
    with WorkspaceError.on_os_error(f"{place.part} cannot be written"):
        part = place.part.open("ab")
    with part as file:
        sink = _Sink(url, file, place, expected, progress)
        download = HTTPDownloader(
            chunk_size=PIECE,
            headers=sink.request_headers(),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            hooks={"response": sink.answered},
        )
        with contextlib.closing(sink), _telling(url, sink):
            download(url, sink, None)
    return sink.went_on


class _WholeAlready(Exception):
    """The server has no more than is there."""


class _Sink:
    """What pooch writes to: the part of a file, which the server's answer may have begin anew."""

    def __init__(self, url: str, file: IO[bytes], place: ArchivePlace, expected: int, progress: OnProgress) -> None:
        self.url, self.file, self.place, self.progress = plain_url(url), file, place, progress
        self.start = self.done = file.seek(0, 2)
        self.total, self.began, self.went_on = expected, False, False
        self.most = MOST * expected + SLACK_BYTES
        self.response: Response | None = None

    def request_headers(self) -> dict[str, str]:
        """Those of the request. A file comes as it is, not packed anew for the way; of one that changed since, all is wanted."""
        headers = {"Accept-Encoding": "identity", "User-Agent": f"audio-gpu-lab/{__version__}"}
        if self.start:
            headers["Range"] = f"bytes={self.start}-"
            if mark := self.place.facts.get("mark"):
                headers["If-Range"] = str(mark)
        return headers

    def answered(self, response: Response, *args: Any, **options: Any) -> None:
        """Called with every answer, redirections among them, before anything is written."""
        if response.is_redirect:
            return
        self.response = response
        _, _, whole = response.headers.get("Content-Range", "").rpartition("/")
        if response.status_code == 416 and whole == str(self.start):
            self.went_on = True
            raise _WholeAlready
        if response.status_code in (206, 416) and not self._fits(response):
            self._begin_anew()
            raise BrokenOffError(f"{self.url} is another file than what was downloaded of it")
        if response.status_code >= 400:
            return  # pooch raises it
        if response.headers.get("Content-Type", "").startswith("text/html"):
            remedy = "A sign-in page or a proxy may stand between"
            raise NetworkError(f"{self.url} is a web page and no archive", remedy)
        self._begin(response, whole)

    def _fits(self, response: Response) -> bool:
        """Whether an answer is the rest of the file, and no other part of it."""
        there = response.headers.get("Content-Range", "")
        return response.status_code == 206 and there.startswith(f"bytes {self.start}-")

    def _begin(self, response: Response, whole: str) -> None:
        """Be ready for what comes: the rest of the file, which has so many bytes as a whole, or all of it."""
        self.went_on = response.status_code == 206
        length = whole if self.went_on else response.headers.get("Content-Length", "")
        self.total = int(length) if length.isdecimal() else self.total
        if self.start and not self.went_on:
            self._begin_anew()
        etag = response.headers.get("ETag", "")
        mark = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        self.place.note(url=self.url, mark=mark)
        self.began = True
        self._tell()

    def write(self, piece: bytes) -> None:
        with WorkspaceError.on_os_error(
            f"{self.place.part} cannot be written", "Free some space, then call the same command again: it goes on"
        ):
            self.file.write(piece)
            self.file.flush()
        self.done += len(piece)
        if self.done > self.most:
            self._begin_anew()
            raise NetworkError(f"{self.url} is another file: it has more than {self.most:,} bytes")
        self._tell()

    def flush(self) -> None:
        """Written already."""

    def close(self) -> None:
        if self.response is not None:
            self.response.close()

    def _begin_anew(self) -> None:
        self.file.truncate(0)
        self.start = self.done = 0

    def _tell(self) -> None:
        self.progress(begun_megabytes(self.done), begun_megabytes(max(self.total, self.done)))


@contextlib.contextmanager
def _telling(url: str, sink: _Sink) -> Iterator[None]:
    """What goes wrong on the way, for people.

    Raises:
        BrokenOffError, NetworkError: as :func:`transfer`.
    """
    from requests import exceptions as wrong

    host = urlsplit(url).hostname or plain_url(url)
    try:
        yield
    except _WholeAlready:
        pass
    except wrong.HTTPError as error:
        _refused(sink.url, error)
    except wrong.SSLError as error:
        remedy = "Where your institute signs its own certificates, name them with REQUESTS_CA_BUNDLE"
        raise NetworkError(f"the connection to {host} is not to be trusted: {_reason(error)}", remedy) from error
    except wrong.RequestException as error:
        if sink.began or sink.start or isinstance(error, wrong.ReadTimeout):
            raise BrokenOffError(f"{host} broke off: {_reason(error)}", "Try again later: it goes on") from error
        raise NetworkError(f"{host} cannot be reached: {_reason(error)}", BEHIND_A_PROXY) from error


def _refused(url: str, error: Any) -> None:
    code, why = error.response.status_code, error.response.reason or "refused"
    what = f"{url} cannot be downloaded: the server answers {code} {why}"
    if code in BUSY:
        raise BrokenOffError(what, "Try again later: it goes on") from error
    raise NetworkError(what) from error


def _reason(error: BaseException) -> str:
    """The innermost reason, without the objects that the layers above print with it."""
    reason: Any = error
    for _ in range(8):
        inner = getattr(reason, "reason", None)
        inner = (
            inner
            if isinstance(inner, BaseException)
            else next((a for a in reason.args if isinstance(a, BaseException)), None)
        )
        if inner is None:
            break
        reason = inner
    text = getattr(reason, "strerror", None) or str(reason).rpartition(">: ")[2] or type(reason).__name__
    return " ".join(str(text).split()).rpartition("): ")[2][:200]
