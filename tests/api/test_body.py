import asyncio

import pytest

from labcore.api.middleware import Body
from labcore.api.problems import Problem
from labcore.serving.admission import Admission
from labcore.serving.settings import ServiceSettings
from tests.coroutines import finish


def pieces(*parts, then_silence=False):
    rest = list(parts)

    async def receive():
        if not rest:
            await asyncio.sleep(60 if then_silence else 0)
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest) or then_silence}

    return receive


def test_a_client_that_falls_silent_is_told():
    async def read():
        body = Body(pieces(b"a", then_silence=True), ServiceSettings(body_timeout_s=0.02))
        await body()
        with pytest.raises(Problem) as caught:
            await body()
        assert (caught.value.status, caught.value.headers) == (408, {"Connection": "close"})

    finish(read())


def test_memory_is_taken_as_bytes_come_and_not_by_what_is_claimed():
    async def read():
        admission = Admission(ServiceSettings())
        with admission.enter() as reservation:
            body = Body(pieces(b"x" * 10, b"y" * 5), ServiceSettings())
            body.reservation = reservation
            body.expect("1000000")
            assert admission.bytes == 0
            await body()
            assert admission.bytes == 10
            await body()
            assert (admission.bytes, body.complete) == (15, True)
            await body.gone()

    finish(read())


def test_a_claim_that_is_too_large_is_refused_at_once():
    body = Body(pieces(b"x"), ServiceSettings())
    with pytest.raises(Problem) as caught:
        body.expect(str(2**40))
    assert caught.value.status == 413
    assert "--max-mb" in caught.value.remedy
