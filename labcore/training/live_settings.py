"""Settings changed while a run trains: wishes in ``overrides.jsonl``, taken at the beginning of an epoch.

A wish is a line of JSON, ``{"model.dropout": 0.4}``, with ``"epoch"`` where it is to count from a certain epoch on, and ``"by"``,
``"who"`` and ``"reason"`` for the record. What is taken is told as :class:`~labcore.events.SettingsChanged` before the epoch's first
step. From these events a resumed run knows what counted when: an epoch that is repeated gets the same changes, whatever was wished
for since.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labcore.config import RunConfig, live_config
from labcore.errors import ConfigError, LabError
from labcore.events import Event, Log, SettingsChanged, each_of
from labcore.owners import clean
from labcore.reading import DamagedError, parse_json, read_text
from labcore.runs import Run
from labcore.texts import counted

if TYPE_CHECKING:  # torch: a page reads wishes, too
    from labcore.training.distributed import DistributedContext

WORDS = ("epoch", "by", "who", "reason")
"""What a wish may hold beside paths and values."""


@dataclass(frozen=True)
class Wish:
    """A line of ``overrides.jsonl``: its number from 0 on, and what is to be changed from which epoch on (None: the next)."""

    number: int
    changes: dict[str, Any]
    epoch: int | None
    by: str
    reason: str
    who: str = ""


class LiveSettings:
    """What counts in each epoch of a run, from the wishes and from what was told of them before.

    Args:
        run: its wishes and its events are read.
        config: what the run was started with.
    """

    def __init__(self, run: Run, config: RunConfig) -> None:
        self.run, self.config = run, config
        events = run.events()
        self.told = each_of(events, SettingsChanged)
        self.warned = {event.message for event in each_of(events, Log)}

    def begin(self, epoch: int, take: Callable[[RunConfig], None], context: DistributedContext) -> Iterator[Event]:
        """Take up what counts in an epoch that is about to begin, and tell what is new.

        Args:
            take: is given the values that count in this epoch. A LabError of its says that a wish cannot be fulfilled.
            context: the processes that train together: process 0 reads the wishes for all.
        """
        counts, events = context.share(lambda: self._decide(epoch, take))
        take(counts)
        yield from events

    def counting(self, epoch: int) -> RunConfig:
        """The values that count in an epoch by what was told."""
        return live_config(self.config, self.told, epoch)

    def values(self, epoch: int) -> dict[str, Any]:
        """The values that counted in an epoch of all settings that had been changed by then: path → value."""
        counts = self.counting(epoch)
        return {path: counts.value(path) for change in self.told if change.epoch <= epoch for path in change.changes}

    def wished(self, by: str, epoch: int) -> bool:
        """Whether somebody has wished for something that counts from exactly this epoch on."""
        return any(isinstance(wish, Wish) and (wish.by, wish.epoch) == (by, epoch) for wish in self._wishes())

    def pending(self) -> dict[str, Any]:
        """What is wished for and was neither taken nor refused yet, from whichever epoch on it is to count: path → value."""
        asked: dict[str, Any] = {}
        for wish in self._due(math.inf):
            if isinstance(wish, Wish) and not any(
                f"line {wish.number + 1} of {self.run.overrides.name}" in told for told in self.warned
            ):
                asked |= wish.changes
        return asked

    def _decide(self, epoch: int, take: Callable[[RunConfig], None]) -> tuple[RunConfig, list[Event]]:
        """What counts in an epoch, and what is to be told of it."""
        counts, events = self.counting(epoch), list[Event]()
        for wish in self._due(epoch):
            if isinstance(wish, str):
                events += self._warn(wish)
                continue
            try:
                take(counts := _possible(counts.replace_live(wish.changes), epoch))
            except LabError as error:
                events += self._warn(f"line {wish.number + 1} of {self.run.overrides.name} is ignored: {error}")
                counts = self.counting(epoch)
                continue
            change = SettingsChanged(
                epoch=epoch, number=wish.number, changes=wish.changes, by=wish.by, reason=wish.reason, who=wish.who
            )
            self.told.append(change)
            events.append(change)
        return counts, events

    def _due(self, epoch: float) -> Iterator[Wish | str]:
        """Wishes that count from this epoch on and were not taken yet, in the order of the lines; a sentence for a wrong line."""
        taken = [(change.number, change.changes) for change in self.told]
        for wish in self._wishes():
            # a line that was edited after it was taken is a new wish
            if isinstance(wish, str) or ((wish.epoch or 0) <= epoch and (wish.number, wish.changes) not in taken):
                yield wish

    def _wishes(self) -> Iterator[Wish | str]:
        """All wishes, in the order of the lines; a sentence for a wrong line."""
        for number, line in enumerate(_lines(self.run)):
            try:
                if (wish := read_wish(number, line, self.config)) is not None:
                    yield wish
            except ConfigError as error:
                yield f"line {number + 1} of {self.run.overrides.name} is ignored: {error}"

    def _warn(self, message: str) -> list[Event]:
        if message in self.warned:
            return []
        self.warned.add(message)
        return [Log(level="warning", message=message)]


def _possible(wanted: RunConfig, epoch: int) -> RunConfig:
    """What is wished for from an epoch on, where the run does not end before it."""
    if wanted.epochs < epoch:
        raise ConfigError(
            f"epoch {epoch} begins, and it asks for {counted(wanted.epochs, 'epoch')} in all", "Ask for more"
        )
    return wanted


def read_wish(number: int, line: str, config: RunConfig) -> Wish | None:
    """A line of ``overrides.jsonl``; None for one without content.

    Raises:
        ConfigError: it is not a JSON object of settings and values, or of such that cannot be changed while a run trains.
    """
    if not line.strip():
        return None
    try:
        content = parse_json(line)
    except DamagedError as error:
        raise ConfigError(error.what, 'Write lines like {"model.dropout": 0.4}') from error
    if not isinstance(content, dict):
        raise ConfigError("it is not a JSON object", 'Write lines like {"model.dropout": 0.4}')
    changes = {path: value for path, value in content.items() if path not in WORDS}
    epoch = content.get("epoch")
    if epoch is not None and (type(epoch) is not int or not 1 <= epoch <= config.epochs):
        raise ConfigError(
            f"this run has no epoch {epoch!r}", f"Give one from 1 to {config.epochs}, or none for the next"
        )
    if not changes:
        raise ConfigError("it contains no setting", 'Write lines like {"model.dropout": 0.4}')
    wanted = config.replace_live(changes)
    values = {path: wanted.value(path) for path in changes}
    by, reason = str(content.get("by", "file")), str(content.get("reason", ""))
    return Wish(number, values, epoch, by, reason, clean(content.get("who")))


def _lines(run: Run) -> list[str]:
    """The lines of the file. A last one that is not JSON yet may still be being written: it is left for later."""
    try:
        content = read_text(run.overrides)
    except (OSError, DamagedError):
        return []
    lines = content.split("\n")
    try:
        parse_json(lines[-1])
    except DamagedError:
        lines.pop()
    return lines
