"""Who is let in: clips and memory in hand at once are bounded, so that a service answers "not now" promptly and nothing piles up.

A clip's place is taken when the whole body is there, so that those who send slowly keep nobody out. No address has all there is.
"""

from __future__ import annotations

import threading
from collections import Counter

from labcore.access.proxies import address_group
from labcore.errors import LabError
from labcore.serving.batcher import Overloaded
from labcore.serving.settings import ServiceSettings

RETRY_SECONDS = 1
AGAIN = "Try again shortly"


class RequestTooLarge(LabError):
    """One request asks for more than there is at the best of times."""


class Admission:
    """Counts the clips and bytes that a service has in hand, in all and of each address.

    An address has three quarters of the places and of the memory at most, and a quarter of the memory for bodies that are still
    coming. One request alone may have more, where nothing else of its address is in hand.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._max_clips, self._max_bytes = settings.max_clips, settings.memory_bytes
        self._share_clips = settings.max_clips - settings.max_clips // 4
        self._share_bytes, self._share_coming = settings.memory_bytes * 3 // 4, settings.memory_bytes // 4
        self._lock = threading.Lock()
        self.clips = self.bytes = 0
        self._clips: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._coming: Counter[str] = Counter()

    def enter(self, address: str = "") -> Reservation:
        """Let a request in, whose body is to come.

        Raises:
            Overloaded: as many clips as there may be are in hand.
        """
        with self._lock:
            if self.clips >= self._max_clips:
                raise Overloaded(f"{self.clips} clips are being processed; the maximum is {self._max_clips}", AGAIN)
        return Reservation(self, address_group(address))

    def _begin(self, reservation: Reservation, clips: int) -> None:
        with self._lock:
            self._look(reservation)
            if not reservation.whole:
                _add(self._coming, reservation.address, -reservation.bytes)
                reservation.whole = True
            if reservation.clips + clips > self._max_clips:
                raise RequestTooLarge(f"a request can have {self._max_clips} clips at most", "Send fewer at once")
            if self.clips + clips > self._max_clips:
                raise Overloaded(f"{self.clips} clips are being processed; the maximum is {self._max_clips}", AGAIN)
            others = self._clips[reservation.address] - reservation.clips
            if others and others + reservation.clips + clips > self._share_clips:
                raise Overloaded(
                    f"{self._clips[reservation.address]} clips of this address are being processed; the maximum is {self._share_clips}",
                    AGAIN,
                )
            self._count(reservation, clips=clips)

    def _take_bytes(self, reservation: Reservation, bytes_: int) -> None:
        with self._lock:
            self._look(reservation)
            if reservation.bytes + bytes_ > self._max_bytes:
                raise RequestTooLarge(
                    "the clips need more memory than the service has for requests", "Send shorter ones, or fewer"
                )
            full = self.bytes + bytes_ > self._max_bytes
            for held, share in ((self._bytes, self._share_bytes), (self._coming, self._share_coming)):
                if held is self._coming and reservation.whole:
                    continue
                others = held[reservation.address] - reservation.bytes
                full = full or bool(others and others + reservation.bytes + bytes_ > share)
            if full and bytes_ > 0:
                raise Overloaded("the memory for requests is used up", "Try again shortly, or send shorter clips")
            self._count(reservation, bytes_=bytes_)

    def _close(self, reservation: Reservation) -> None:
        with self._lock:
            if not reservation.closed:
                self._count(reservation, -reservation.clips, -reservation.bytes)
                reservation.closed = True

    def _count(self, reservation: Reservation, clips: int = 0, bytes_: int = 0) -> None:
        self.clips += clips
        self.bytes += bytes_
        _add(self._clips, reservation.address, clips)
        _add(self._bytes, reservation.address, bytes_)
        if not reservation.whole:
            _add(self._coming, reservation.address, bytes_)
        reservation.clips += clips
        reservation.bytes += bytes_

    def _look(self, reservation: Reservation) -> None:
        if reservation.closed:
            raise Overloaded("the request has ended")


class Reservation:
    """What one request has in hand. Given back when it ends; a thread that is still running for it gets no more then."""

    def __init__(self, admission: Admission, address: str = "") -> None:
        self._admission, self.address = admission, address
        self.clips = self.bytes = 0
        self.whole = self.closed = False

    def begin(self, clips: int) -> None:
        """The whole body is there: take the places of its clips.

        Raises:
            Overloaded: there is no room now.
            RequestTooLarge: there will never be so much room.
        """
        self._admission._begin(self, clips)

    def take(self, bytes_: int) -> None:
        """Take more memory.

        Raises:
            Overloaded: there is no room now. What was taken before stays.
            RequestTooLarge: there will never be so much room.
        """
        self._admission._take_bytes(self, bytes_)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self._admission._close(self)


def _add(counter: Counter[str], address: str, change: int) -> None:
    counter[address] += change
    if counter[address] <= 0:
        del counter[address]
