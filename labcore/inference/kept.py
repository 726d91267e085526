"""What is fitted to a classifier after its training and kept in the header of its weights file: read without the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from labcore.reading import parse_json

if TYPE_CHECKING:
    from typing import Self

    from labcore.models.safetensors_file import SafetensorsHeader


class Kept(BaseModel):
    """Something of the kind.

    Attributes:
        key: its name in the header.
        title: what sentences call it.
        on: whether it is applied.
    """

    model_config = ConfigDict(frozen=True)
    key: ClassVar[str]
    title: ClassVar[str]

    on: bool = True

    def switched(self, on: bool) -> Self:
        return self.model_copy(update={"on": on})

    @classmethod
    def told_by(cls, header: SafetensorsHeader) -> Self | None:
        """That of a file of weights; None where it has none.

        Raises:
            ValueError: what is there is none.
        """
        facts = parse_json(header.metadata["labcore"])
        return None if facts.get(cls.key) is None else cls.model_validate(facts[cls.key])

    @classmethod
    def of_file(cls, path: Path) -> Self | None:
        """The same of a file that nothing but the header is read of; None also where it cannot be read."""
        from labcore.models.safetensors_file import read_header

        try:
            with path.open("rb") as stream:
                return cls.told_by(read_header(stream, path.stat().st_size))
        except (OSError, ValueError, KeyError, AttributeError):
            return None
