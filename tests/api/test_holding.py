"""What a client can hold of the service: no place while its body comes, and the memory of an answer only as long as it may."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response

from labcore.access.proxies import trusted_proxies
from labcore.api import classify
from labcore.api.classify import _Work
from labcore.api.metrics import Metrics
from labcore.api.middleware import PIECE, ServiceMiddleware, ServiceState
from labcore.api.problems import Problem
from labcore.api.schemas import ClassifyRequest
from labcore.inference.classifier import Classifier
from labcore.inference.prediction import Shares
from labcore.serving.admission import Admission
from labcore.serving.settings import ServiceSettings
from tests.coroutines import finish

RAW = {"content-type": "audio/wav"}


def gate(settings: ServiceSettings, answer: bytes = b"{}") -> tuple[ServiceMiddleware, Admission]:
    """A gate before what takes a clip and answers so."""

    async def app(scope, receive, send):
        await Request(scope, receive).body()
        reservation = scope["state"]["context"].reservation
        reservation.begin(clips=1)
        reservation.take(len(answer))
        await Response(answer)(scope, receive, send)

    admission = Admission(settings)
    proxies, _ = trusted_proxies({"LABCORE_TRUSTED_PROXIES": "10.0.0.1"})
    return ServiceMiddleware(app, settings, admission, Metrics(), ServiceState(), proxies=proxies), admission


def scope(address: str = "203.0.113.1", **headers: str) -> dict:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "method": "POST", "path": "/v1/classify", "query_string": b"", "headers": pairs, "scheme": "http",
        "server": ("localhost", 80), "client": (address, 1),
    }  # fmt: skip


class Client:
    """Sends a body, maybe not to its end, and takes the answer once it is let."""

    def __init__(self, whole: bool = True, takes: bool = True) -> None:
        self._rest = [b"x" * 10]
        self._whole = whole
        self.takes = asyncio.Event()
        if takes:
            self.takes.set()
        self.said: list[dict] = []

    async def receive(self):
        if not self._rest:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": self._rest.pop(), "more_body": not self._whole}

    async def send(self, message):
        if message["type"] == "http.response.body":
            await self.takes.wait()
        self.said.append(message)

    @property
    def status(self) -> int:
        return self.said[0]["status"]


async def until(true) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to pass")


def test_stalled_bodies_hold_no_place():
    async def run():
        service, admission = gate(ServiceSettings(max_clips=4, max_files=4))
        stalled = [
            asyncio.ensure_future(service(scope(), (one := Client(whole=False)).receive, one.send)) for _ in range(64)
        ]
        await until(lambda: admission.bytes == 640)
        assert admission.clips == 0
        client = Client()
        await service(scope(), client.receive, client.send)
        assert client.status == 200
        for each in stalled:
            each.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        assert admission.bytes == 0

    finish(run())


def test_where_all_places_are_at_work_a_body_is_not_read():
    async def run():
        service, admission = gate(ServiceSettings(max_clips=1, max_files=1))
        with admission.enter("another") as reservation:
            reservation.begin(clips=1)
            client = Client(whole=False)
            await service(scope(content_length="10"), client.receive, client.send)
        assert client.status == 503

    finish(run())


def test_shares_are_those_of_the_visitors_behind_a_named_proxy():
    async def run():
        service, admission = gate(ServiceSettings(max_clips=4, max_files=4))
        held = [admission.enter("198.51.100.7") for _ in range(3)]
        for reservation in held:
            reservation.begin(clips=1)
        statuses = []
        for address, told in (("10.0.0.1", "198.51.100.7"), ("10.0.0.1", "198.51.100.8"), ("10.0.0.2", "198.51.100.7")):
            client = Client()
            await service(scope(address, x_forwarded_for=told), client.receive, client.send)
            statuses.append(client.status)
        assert statuses == [503, 200, 200]

    finish(run())


def test_the_memory_of_an_answer_is_in_hand_until_it_is_taken():
    async def run():
        answer = bytes(range(256)) * 1000
        service, admission = gate(ServiceSettings(), answer)
        client = Client(takes=False)
        asking = asyncio.ensure_future(service(scope(), client.receive, client.send))
        await until(lambda: client.said)
        assert admission.bytes == len(answer) + 10
        client.takes.set()
        await asking
        assert admission.bytes == 0
        pieces = [message["body"] for message in client.said[1:]]
        assert b"".join(pieces) == answer
        assert max(map(len, pieces)) == PIECE
        assert [message["more_body"] for message in client.said[1:]] == [True] * (len(pieces) - 1) + [False]

    finish(run())


# --- answers


def work(windows: str, **settings: int) -> tuple[_Work, Admission]:
    admission = Admission(ServiceSettings(**settings))
    return _Work(ClassifyRequest(windows=windows), admission.enter("a"), 0.0), admission


def test_windows_are_leased_before_the_network_sees_them():
    doing, admission = work("labels")
    doing.take_on(5000, 527)
    assert 15e6 < admission.bytes < 30e6
    doing.take_on(10, 527)
    full, admission = work("full")
    full.take_on(900, 527)
    assert 70e6 < admission.bytes < 100e6
    for _ in range(2):
        with pytest.raises(Problem, match="too many for one response"):
            full.take_on(100, 527)  # of all clips of a request together


def test_the_probabilities_of_windows_are_rows_of_numbers_and_not_texts_with_numbers(service, wav, monkeypatch):
    seen = []
    answer = Classifier.prediction_of

    def noted(*arguments, **options):
        seen.append(answer(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(Classifier, "prediction_of", noted)
    assert service().post("/v1/classify", content=wav(2.0), headers=RAW).status_code == 200
    (told,) = seen
    assert len(told.windows) > 3
    assert all(isinstance(window.probabilities, Shares) for window in told.windows)


def test_too_much_is_refused_before_the_network_works(service, wav, monkeypatch):
    monkeypatch.setattr(classify, "MOST_PROBABILITIES", 5)
    monkeypatch.setattr(Classifier, "predict_proba", lambda *_: pytest.fail("it worked"))
    answer = service().post("/v1/classify?windows=full", content=wav(2.0), headers=RAW)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:labcore:problem:windows")


def test_what_is_no_number_is_no_answer(service, wav, monkeypatch):
    def nothing(self, windows):
        return np.full((len(windows), len(self.labels)), np.nan, dtype=np.float32)

    client = service()
    monkeypatch.setattr(Classifier, "predict_proba", nothing)
    answer = client.post("/v1/classify", content=wav(), headers=RAW)
    assert answer.status_code == 422
    assert "not finite" in answer.json()["detail"]
    assert "NaN" not in answer.text
