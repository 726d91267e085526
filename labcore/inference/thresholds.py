"""The least probability of an event of each class, as the header of a weights file tells it: chosen for a wanted rate of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from labcore.inference.kept import Kept

if TYPE_CHECKING:
    from labcore.inference.temperature import Temperature
    from labcore.inference.unknown import Threshold

NEVER = 2.0
"""The threshold of a class that is never reported: no probability reaches it."""


class Thresholds(Kept):
    """From which probability on a window is an event.

    Attributes:
        values: by class. Those that are not named have the usual one.
        rate: false alarms an hour that they were chosen for.
        each: whether that is of each class; else it is of all classes together.
        hours: of recordings without targets that they were measured on.
        temperature: that the probabilities were given with; 1 without one.
        refusal: the score above which sounds were refused as none of the classes; 0 where none were.
        source: what was heard, as people read it.
    """

    key: ClassVar[str] = "thresholds"
    title: ClassVar[str] = "thresholds for false alarms"

    values: dict[str, Annotated[float, Field(ge=0, le=NEVER, allow_inf_nan=False)]]
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    each: bool = False
    hours: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    temperature: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    refusal: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    source: Annotated[str, Field(max_length=500)] = ""

    def check(self, labels: Sequence[str]) -> None:
        """See that they are of these classes.

        Raises:
            ValueError: one is not.
        """
        if foreign := set(self.values) - set(labels):
            raise ValueError(f"it has a threshold for {min(foreign)[:80]!r}, which is none of its classes")

    @property
    def wanted(self) -> str:
        """The rate in words: ``1 false alarm an hour in all``."""
        return (
            f"{self.rate:g} false alarm{'' if self.rate == 1 else 's'} an hour {'a class' if self.each else 'in all'}"
        )


def in_force(temperature: Temperature | None, refusals: Threshold | None) -> tuple[float, float]:
    """The temperature that probabilities are given with, and the score above which sounds are refused; 1 and 0 where there are none.
    Thresholds hold for those that they were measured with."""
    return (
        temperature.value if temperature is not None and temperature.on else 1.0,
        refusals.value if refusals is not None and refusals.on else 0.0,
    )


def threshold_words(value: float) -> str:
    """A threshold as people read it: with more digits where it is nearly 1."""
    if value > 1:
        return "never"
    digits = next((digits for digits in (1, 3, 5) if value == 1 or round(100 * value, digits) < 100), 7)
    return f"{100 * value:.{digits}f} %"
