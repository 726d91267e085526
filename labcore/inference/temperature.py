"""The temperature of a classifier's probabilities, as the header of its weights file tells it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from labcore.inference.kept import Kept


class Temperature(Kept):
    """What logits are divided by before the softmax: above 1 the probabilities are less sure.

    Attributes:
        clips: it was fitted on so many.
        source: what those were, as people read it.
    """

    key: ClassVar[str] = "temperature"
    title: ClassVar[str] = "temperature"

    value: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    clips: Annotated[int, Field(ge=0)] = 0
    source: Annotated[str, Field(max_length=500)] = ""
