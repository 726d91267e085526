"""Who holds the connections of a server. A new one always finds a place while others are silent: they are closed for it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from labcore.access.proxies import address_group

SPARE = 16
"""Places beyond all others, for those who ask whether the server is well."""


@dataclass(eq=False)
class Place:
    """A connection.

    Attributes:
        address: that its share is counted for.
        close: ends it at once.
        spare: beyond all others; who asks over it is told whether the server is well, and nothing else.
    """

    address: str
    close: Callable[[], object]
    spare: bool = False


class Places:
    """The connections of a server, and of each address. For the thread of the event loop alone.

    Where there are too many, the one that has been silent the longest is closed, first of those that never asked anything. One at
    work is never closed for another.

    Args:
        most: connections at a time.
    """

    def __init__(self, most: int) -> None:
        self.most, self.share = most, max(1, most // 4)
        self.spare = 0
        self._of: Counter[str] = Counter()
        self._silent: OrderedDict[Place, None] = OrderedDict()  # never asked; the longest first
        self._resting: OrderedDict[Place, None] = OrderedDict()  # between two requests
        self._held: set[Place] = set()

    def __len__(self) -> int:
        return len(self._held)

    def of(self, address: str) -> int:
        """How many connections an address has."""
        return self._of[address_group(address)]

    def enter(self, address: str, close: Callable[[], object]) -> Place | None:
        """A place for a new connection, maybe a spare one; None where even by closing a silent one there is none."""
        place = Place(address_group(address), close)
        place.spare = not (self._room_for(place.address) and self._room_in_all())
        if place.spare:
            if self.spare >= SPARE and not self._close_one(lambda other: other.spare):
                return None
            self.spare += 1
        else:
            self._of[place.address] += 1
        self._held.add(place)
        self._silent[place] = None
        return place

    def ask(self, place: Place, address: str) -> bool:
        """A request came over a connection, which is at work from now on; whether its address may have so many.

        Args:
            address: of who asks, which behind a proxy is not that of the connection.
        """
        self._silent.pop(place, None)
        self._resting.pop(place, None)
        if place not in self._held:
            return False  # closed a moment ago
        group = address_group(address)
        if place.spare or group == place.address:
            return True
        if not self._room_for(group):
            return False
        self._count(place.address, -1)
        self._count(group, 1)
        place.address = group
        return True

    def rest(self, place: Place) -> None:
        """A request was answered."""
        if place in self._held:
            self._resting[place] = None

    def leave(self, place: Place) -> None:
        """A connection has ended. It may leave twice."""
        if place not in self._held:
            return
        self._held.remove(place)
        self._silent.pop(place, None)
        self._resting.pop(place, None)
        if place.spare:
            self.spare -= 1
        else:
            self._count(place.address, -1)

    def _room_for(self, address: str) -> bool:
        return self._of[address] < self.share or self._close_one(lambda it: not it.spare and it.address == address)

    def _room_in_all(self) -> bool:
        return len(self._held) - self.spare < self.most or self._close_one(lambda it: not it.spare)

    def _close_one(self, one_of: Callable[[Place], bool]) -> bool:
        """Close the longest silent connection of a kind; whether there was one."""
        for row in (self._silent, self._resting):
            for place in row:
                if one_of(place):
                    self.leave(place)
                    place.close()
                    return True
        return False

    def _count(self, address: str, change: int) -> None:
        self._of[address] += change
        if self._of[address] <= 0:
            del self._of[address]
