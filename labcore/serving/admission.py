"""Who is let in: clips and memory in hand at once are bounded, so that a service answers "not now" promptly and nothing piles up."""

from __future__ import annotations

import threading
from types import TracebackType

from labcore.serving.engine import Busy
from labcore.serving.settings import ServiceSettings

RETRY_SECONDS = 1


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

    def _change(self, clips: int, bytes_: int) -> None:
        with self._lock:
            if clips > 0 and self.clips + clips > self._max_clips:
                raise Busy(f"{self.clips} clips are in hand, of {self._max_clips} at most", "Ask again in a moment")
            if bytes_ > 0 and self.bytes + bytes_ > self._max_bytes:
                raise Busy("the memory for requests is used up", "Ask again in a moment, or send shorter clips")
            self.clips += clips
            self.bytes += bytes_


class Lease:
    """What one request has in hand. Given back when it ends."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._clips = self._bytes = 0

    def take(self, clips: int = 0, bytes_: int = 0) -> None:
        """Take more.

        Raises:
            Busy: there is no room. What was taken before stays.
        """
        self._admission._change(clips, bytes_)
        self._clips += clips
        self._bytes += bytes_

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission._change(-self._clips, -self._bytes)
        self._clips = self._bytes = 0
