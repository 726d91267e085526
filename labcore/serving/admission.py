"""Who is let in: clips and memory in hand at once are bounded, so that a service answers "not now" promptly and nothing piles up."""

from __future__ import annotations

import threading
from types import TracebackType

from labcore.errors import LabError
from labcore.serving.engine import Busy
from labcore.serving.settings import ServiceSettings

RETRY_SECONDS = 1


class TooMuch(LabError):
    """One request asks for more than there is at the best of times."""


class Admission:
    """Counts the clips and bytes that a service has in hand."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._max_clips, self._max_bytes = settings.max_clips, settings.memory_bytes
        self._lock = threading.Lock()
        self.clips = self.bytes = 0

    def enter(self) -> Lease:
        """Let a request in, with one clip.

        Raises:
            Busy: as many clips as there may be are in hand.
        """
        lease = Lease(self)
        lease.take(clips=1)
        return lease

    def _change(self, lease: Lease, clips: int, bytes_: int) -> None:
        with self._lock:
            if lease.closed:
                raise Busy("the request has ended")
            if lease.clips + clips > self._max_clips:
                raise TooMuch(f"more than {self._max_clips} clips at once are never taken", "Send fewer at once")
            if lease.bytes + bytes_ > self._max_bytes:
                raise TooMuch(
                    "the clips need more memory than the service has for requests", "Send shorter ones, or fewer"
                )
            if clips > 0 and self.clips + clips > self._max_clips:
                raise Busy(f"{self.clips} clips are in hand, of {self._max_clips} at most", "Ask again in a moment")
            if bytes_ > 0 and self.bytes + bytes_ > self._max_bytes:
                raise Busy("the memory for requests is used up", "Ask again in a moment, or send shorter clips")
            self._add(lease, clips, bytes_)

    def _close(self, lease: Lease) -> None:
        with self._lock:
            self._add(lease, -lease.clips, -lease.bytes)
            lease.closed = True

    def _add(self, lease: Lease, clips: int, bytes_: int) -> None:
        self.clips += clips
        self.bytes += bytes_
        lease.clips += clips
        lease.bytes += bytes_


class Lease:
    """What one request has in hand. Given back when it ends; a thread that is still at work for it gets no more then."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.clips = self.bytes = 0
        self.closed = False

    def take(self, clips: int = 0, bytes_: int = 0) -> None:
        """Take more.

        Raises:
            Busy: there is no room now. What was taken before stays.
            TooMuch: there will never be so much room.
        """
        self._admission._change(self, clips, bytes_)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission._close(self)
