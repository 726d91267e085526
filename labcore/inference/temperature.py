"""The temperature of a classifier's probabilities, as the header of its weights file tells it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from labcore.reading import parse_json

if TYPE_CHECKING:
    from typing_extensions import Self

    from labcore.models.safetensors_file import SafetensorsHeader


class Temperature(BaseModel):
    """What logits are divided by before the softmax: above 1 the probabilities are less sure.

    Attributes:
        on: whether it is applied.
        clips: it was fitted on so many.
        source: what those were, as people read it.
    """

    model_config = ConfigDict(frozen=True)

    value: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    on: bool = True
    clips: Annotated[int, Field(ge=0)] = 0
    source: Annotated[str, Field(max_length=500)] = ""

    @classmethod
    def told_by(cls, header: SafetensorsHeader) -> Self | None:
        """That of a file of weights; None where it has none.

        Raises:
            ValueError: what is there is none.
        """
        facts = parse_json(header.metadata["labcore"])
        return None if facts.get("temperature") is None else cls.model_validate(facts["temperature"])

    @classmethod
    def of_file(cls, path: Path) -> Self | None:
        """The same of a file that nothing but the header is read of; None also where it cannot be read."""
        from labcore.models.safetensors_file import read_header

        try:
            with path.open("rb") as stream:
                return cls.told_by(read_header(stream, path.stat().st_size))
        except (OSError, ValueError, KeyError, AttributeError):
            return None
