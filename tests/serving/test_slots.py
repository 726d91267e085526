import threading

import pytest

from labcore.serving.slots import Slots


class _Unwanted(Exception):
    pass


def test_no_more_than_there_are_places_in_the_order_of_asking():
    places, order, most, now = Slots(2), [], 0, 0
    go, lock = threading.Semaphore(0), threading.Lock()
    taken = threading.Semaphore(0)

    def work(number: int) -> None:
        nonlocal most, now
        with places.taken():
            with lock:
                order.append(number)
                now += 1
                most = max(most, now)
            taken.release()
            go.acquire(timeout=30)
            with lock:
                now -= 1

    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        if number < 2:
            assert taken.acquire(timeout=30)
        else:
            while len(places._waiting) < number - 1:
                pass
    for _ in range(4):
        go.release()
        assert taken.acquire(timeout=30)
    go.release(2)
    for thread in threads:
        thread.join(timeout=30)
    assert order == list(range(6))
    assert most == 2


def test_who_is_no_longer_wanted_waits_no_longer_and_holds_up_nobody():
    places = Slots(1)

    def waits() -> None:
        raise _Unwanted

    with places.taken(), pytest.raises(_Unwanted), places.taken(waits):
        pytest.fail("there was no place")
    with places.taken(), pytest.raises(_Unwanted), places.taken(waits):
        pass
    with places.taken(waits):
        pass


def test_a_place_comes_back_after_a_failure():
    places = Slots(1)
    with pytest.raises(ValueError, match="x"), places.taken():
        raise ValueError("x")
    with places.taken():
        pass
