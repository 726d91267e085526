"""How fast passwords may be tried: by one address, and by all together."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from labcore.access.proxies import address_group

FREE = 5
"""So many wrong passwords of an address cost no waiting."""
LONGEST_WAIT_SECONDS = 15 * 60.0
FORGET_SECONDS = 3600.0
MOST_ADDRESSES = 10_000
ALL_TRIES = 60
ALL_SECONDS = 60.0
"""All addresses together may try so often in so long."""


@dataclass
class _Record:
    failures: int = 0
    last: float = 0.0
    until: float = 0.0


class PasswordThrottle:
    """Counts wrong passwords. After :data:`FREE` of them an address waits 2 s, then 4, 8 … before the next is looked at.

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._tokens, self._filled = float(ALL_TRIES), clock()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Seconds to wait before this address may try again; 0 where it may now, and the try is then counted among all."""
        now = self._clock()
        with self._lock:
            record = self._records.get(address_group(address))
            if record is not None and now < record.until:
                return math.ceil(record.until - now)
            self._tokens = min(ALL_TRIES, self._tokens + (now - self._filled) * ALL_TRIES / ALL_SECONDS)
            self._filled = now
            if self._tokens < 1:
                return math.ceil((1 - self._tokens) * ALL_SECONDS / ALL_TRIES)
            self._tokens -= 1
            return 0

    def failed(self, address: str) -> int:
        """A wrong password; the seconds to wait from now on."""
        now, group = self._clock(), address_group(address)
        with self._lock:
            record = self._records.pop(group, None) or _Record()
            if now - record.last > FORGET_SECONDS:
                record = _Record()
            record.failures, record.last = record.failures + 1, now
            over = record.failures - FREE
            record.until = now + (min(LONGEST_WAIT_SECONDS, 2.0 ** min(over, 20)) if over > 0 else 0.0)
            self._records[group] = record
            while len(self._records) > MOST_ADDRESSES:
                self._records.popitem(last=False)
            return math.ceil(record.until - now)

    def passed(self, address: str) -> None:
        """The right password: what went wrong before is forgotten."""
        with self._lock:
            self._records.pop(address_group(address), None)
