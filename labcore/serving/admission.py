"""Who is let in: clips and memory in hand at once are bounded, so that a service answers "not now" promptly and nothing piles up.

A clip's place is taken when the whole body is there, so that those who send slowly keep nobody out. No address has all there is.
"""

from __future__ import annotations

import threading
from collections import Counter

from labcore.access.proxies import address_group
from labcore.errors import LabError
from labcore.serving.batcher import Busy
from labcore.serving.settings import ServiceSettings

RETRY_SECONDS = 1
AGAIN = "Ask again in a moment"


class TooMuch(LabError):
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

    def enter(self, address: str = "") -> Lease:
        """Let a request in, whose body is to come.

        Raises:
            Busy: as many clips as there may be are in hand.
        """
        with self._lock:
            if self.clips >= self._max_clips:
                raise Busy(f"{self.clips} clips are in hand, of {self._max_clips} at most", AGAIN)
        return Lease(self, address_group(address))

    def _begin(self, lease: Lease, clips: int) -> None:
        with self._lock:
            self._look(lease)
            if not lease.whole:
                _add(self._coming, lease.address, -lease.bytes)
                lease.whole = True
            if lease.clips + clips > self._max_clips:
                raise TooMuch(f"more than {self._max_clips} clips at once are never taken", "Send fewer at once")
            if self.clips + clips > self._max_clips:
                raise Busy(f"{self.clips} clips are in hand, of {self._max_clips} at most", AGAIN)
            others = self._clips[lease.address] - lease.clips
            if others and others + lease.clips + clips > self._share_clips:
                raise Busy(
                    f"{self._clips[lease.address]} clips of this address are in hand, of {self._share_clips} at most",
                    AGAIN,
                )
            self._count(lease, clips=clips)

    def _take_bytes(self, lease: Lease, bytes_: int) -> None:
        with self._lock:
            self._look(lease)
            if lease.bytes + bytes_ > self._max_bytes:
                raise TooMuch(
                    "the clips need more memory than the service has for requests", "Send shorter ones, or fewer"
                )
            full = self.bytes + bytes_ > self._max_bytes
            for held, share in ((self._bytes, self._share_bytes), (self._coming, self._share_coming)):
                if held is self._coming and lease.whole:
                    continue
                others = held[lease.address] - lease.bytes
                full = full or bool(others and others + lease.bytes + bytes_ > share)
            if full and bytes_ > 0:
                raise Busy("the memory for requests is used up", "Ask again in a moment, or send shorter clips")
            self._count(lease, bytes_=bytes_)

    def _close(self, lease: Lease) -> None:
        with self._lock:
            if not lease.closed:
                self._count(lease, -lease.clips, -lease.bytes)
                lease.closed = True

    def _count(self, lease: Lease, clips: int = 0, bytes_: int = 0) -> None:
        self.clips += clips
        self.bytes += bytes_
        _add(self._clips, lease.address, clips)
        _add(self._bytes, lease.address, bytes_)
        if not lease.whole:
            _add(self._coming, lease.address, bytes_)
        lease.clips += clips
        lease.bytes += bytes_

    def _look(self, lease: Lease) -> None:
        if lease.closed:
            raise Busy("the request has ended")


class Lease:
    """What one request has in hand. Given back when it ends; a thread that is still at work for it gets no more then."""

    def __init__(self, admission: Admission, address: str = "") -> None:
        self._admission, self.address = admission, address
        self.clips = self.bytes = 0
        self.whole = self.closed = False

    def begin(self, clips: int) -> None:
        """The whole body is there: take the places of its clips.

        Raises:
            Busy: there is no room now.
            TooMuch: there will never be so much room.
        """
        self._admission._begin(self, clips)

    def take(self, bytes_: int) -> None:
        """Take more memory.

        Raises:
            Busy: there is no room now. What was taken before stays.
            TooMuch: there will never be so much room.
        """
        self._admission._take_bytes(self, bytes_)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self._admission._close(self)


def _add(counter: Counter[str], address: str, change: int) -> None:
    counter[address] += change
    if counter[address] <= 0:
        del counter[address]
