"""From threads to the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from labcore.api.crossing import Crossing
from tests.coroutines import finish


def test_what_is_done_at_once_wakes_the_loop_once() -> None:
    async def crossing() -> tuple[list[int], int]:
        loop, woken = asyncio.get_running_loop(), 0
        call = loop.call_soon_threadsafe

        def counted(*arguments, **options):
            nonlocal woken
            woken += 1
            return call(*arguments, **options)

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        made = Crossing(loop)
        for first in (0, 8):  # what comes later wakes it again
            futures = [Future[int]() for _ in range(8)]
            waiting = [made.awaitable(future) for future in futures]
            for number, future in enumerate(futures):
                future.set_result(first + number)
            found = await asyncio.gather(*waiting)
        return found, woken

    assert finish(crossing()) == (list(range(8, 16)), 2)


def test_a_result_of_another_thread_arrives() -> None:
    async def crossing() -> int:
        loop = asyncio.get_running_loop()
        future = Future[int]()
        waiting = Crossing(loop).awaitable(future)
        loop.run_in_executor(None, future.set_result, 7)
        return await asyncio.wait_for(waiting, 30)

    assert finish(crossing()) == 7


def test_an_error_arrives() -> None:
    async def crossing() -> None:
        future = Future[int]()
        waiting = Crossing(asyncio.get_running_loop()).awaitable(future)
        future.set_exception(ValueError("no"))
        await waiting

    with pytest.raises(ValueError, match="no"):
        finish(crossing())


def test_cancelling_goes_both_ways() -> None:
    async def crossing() -> tuple[bool, bool]:
        made, one, other = Crossing(asyncio.get_running_loop()), Future[int](), Future[int]()
        waiting, given_up = made.awaitable(one), made.awaitable(other)
        one.cancel()
        given_up.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return waiting.cancelled(), other.cancelled()

    assert finish(crossing()) == (True, True)
