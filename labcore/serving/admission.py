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
        self.max_clips, self.max_bytes = settings.max_clips, settings.memory_bytes
        self.share_clips = settings.max_clips - settings.max_clips // 4
        self.share_bytes, self.share_coming = settings.memory_bytes * 3 // 4, settings.memory_bytes // 4
        self.lock = threading.Lock()
        self.clips = self.bytes = self.begun = 0
        self.clips_of, self.bytes_of, self.coming_of = Counter[str](), Counter[str](), Counter[str]()

    def enter(self, address: str = "") -> Reservation:
        """Let a request in, whose body is to come.

        Raises:
            Overloaded: as many clips as there may be are in hand.
        """
        with self.lock:
            self.check_places(1)
        return Reservation(self, address_group(address))

    def check_places(self, clips: int) -> None:
        """Raise Overloaded where so many more clips would be too many. To be called with the lock held."""
        if self.clips + clips > self.max_clips:
            raise Overloaded(f"{self.clips} clips are being processed; the maximum is {self.max_clips}", AGAIN)

    def count(self, reservation: Reservation, clips: int = 0, bytes_: int = 0) -> None:
        """Add to what a reservation has, below nothing too. To be called with the lock held."""
        self.clips += clips
        self.bytes += bytes_
        _add(self.clips_of, reservation.address, clips)
        _add(self.bytes_of, reservation.address, bytes_)
        if not reservation.whole:
            _add(self.coming_of, reservation.address, bytes_)
        reservation.clips += clips
        reservation.bytes += bytes_


class Reservation:
    """What one request has in hand. Given back when it ends; a thread that is still running for it gets no more then."""

    def __init__(self, admission: Admission, address: str) -> None:
        self._all, self.address = admission, address
        self.clips = self.bytes = 0
        self.whole = self.closed = False
        self._first = -1  # of all clips that were begun; -1 where it met others in hand

    @property
    def alone(self) -> bool:
        """Whether no clip of another request was in hand since this one began."""
        with self._all.lock:
            return self._first >= 0 and self._all.begun == self._first + self.clips

    def begin(self, clips: int) -> None:
        """The whole body is there: take the places of its clips.

        Raises:
            Overloaded: there is no room now.
            RequestTooLarge: there will never be so much room.
        """
        every = self._all
        with every.lock:
            self._look()
            if not self.whole:
                _add(every.coming_of, self.address, -self.bytes)
                self.whole = True
            if self.clips + clips > every.max_clips:
                raise RequestTooLarge(f"a request can have {every.max_clips} clips at most", "Send fewer at once")
            every.check_places(clips)
            here = every.clips_of[self.address]
            if here > self.clips and here + clips > every.share_clips:
                raise Overloaded(
                    f"{here} clips of this address are being processed; the maximum is {every.share_clips}", AGAIN
                )
            if not self.clips:
                self._first = -1 if every.clips else every.begun
            every.begun += clips
            every.count(self, clips=clips)

    def take(self, bytes_: int) -> None:
        """Take more memory.

        Raises:
            Overloaded: there is no room now. What was taken before stays.
            RequestTooLarge: there will never be so much room.
        """
        every = self._all
        with every.lock:
            self._look()
            if self.bytes + bytes_ > every.max_bytes:
                raise RequestTooLarge(
                    "the clips need more memory than the service has for requests", "Send shorter ones, or fewer"
                )
            full = every.bytes + bytes_ > every.max_bytes or self._over(every.bytes_of, every.share_bytes, bytes_)
            full = full or (not self.whole and self._over(every.coming_of, every.share_coming, bytes_))
            if full and bytes_ > 0:
                raise Overloaded("the memory for requests is used up", "Try again shortly, or send shorter clips")
            every.count(self, bytes_=bytes_)

    def _over(self, held: Counter[str], share: int, more: int) -> bool:
        """Whether its address would have more than its share, with other requests of it in hand."""
        here = held[self.address]
        return here > self.bytes and here + more > share

    def _look(self) -> None:
        if self.closed:
            raise Overloaded("the request has ended")

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        with self._all.lock:
            if not self.closed:
                self._all.count(self, -self.clips, -self.bytes)
                self.closed = True


def _add(counter: Counter[str], address: str, change: int) -> None:
    counter[address] += change
    if counter[address] <= 0:
        del counter[address]
