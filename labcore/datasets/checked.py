"""The last check of a data set: when it was, what it left open, and whether it still holds. Nothing here decodes a clip."""

from __future__ import annotations

from dataclasses import dataclass

from labcore.config import RunConfig
from labcore.datasets.checks.going_through import Measurements
from labcore.datasets.checks.kept import Kept
from labcore.datasets.checks.kinds import by_weight
from labcore.datasets.health import Health, file_for, health_from
from labcore.datasets.table import Dataset, Finding, some
from labcore.texts import counted


@dataclass(frozen=True)
class LastCheck:
    """The last check of a data set, as it holds by now.

    Attributes:
        at: when it came to its end, in seconds since 1970; 0 where none has.
        unknown: so many clips were not measured: they are new, or their files have changed.
        health: its findings, with the labels that count by now; None where the data set has changed since, or was not checked.
    """

    at: float
    unknown: int
    health: Health | None

    @property
    def open(self) -> list[Finding]:
        """What should be looked at, the weightiest first, of what the check alone finds; how the list was read is told elsewhere."""
        found = self.health.found if self.health is not None else []
        warnings = [each for each in found if each.level == "warning" and each not in self.read]
        return [each for group in by_weight(warnings).values() for each in group]

    @property
    def read(self) -> list[Finding]:
        """What was found when the data set was read."""
        return self.health.findings if self.health is not None else []

    @property
    def clean(self) -> bool:
        """Whether it holds, and leaves nothing open."""
        return self.health is not None and not self.open

    @property
    def sentence(self) -> str:
        """What is open, in a sentence or two."""
        if not self.at:
            return "The data set was not checked yet."
        if self.health is None:
            return "The data set has changed since it was checked."
        if not self.open:
            return "The check found nothing that would harm training."
        told, many = self.open, len(self.open)
        listed = some([finding.what[:1].upper() + finding.what[1:] for finding in told], 2)
        return f"{counted(many, 'finding')} of the check {'is' if many == 1 else 'are'} open. {listed}."


def last_check(dataset: Dataset) -> LastCheck:
    """The last check of a data set of the workspace, for a training as usual; nothing is known of another one."""
    file = file_for(dataset)
    if file is None or not file.is_file():
        return LastCheck(0.0, len(dataset), None)
    measured = Measurements(dataset, Kept.load(file))
    if not measured.complete:
        return LastCheck(measured.kept.checked_at, measured.unknown, None)
    health = health_from(dataset, measured.found, measured.same(), RunConfig())
    return LastCheck(measured.kept.checked_at, 0, health)
