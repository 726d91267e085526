"""What things are called in Python: a data set, a run, a model, a device, a file, as the rest of the lab names them."""

from __future__ import annotations

from pathlib import Path

from labcore.errors import ConfigError

DATASET_NAMES = (
    "Give its name or its path; write a table with the columns path and label to a file: "
    'table.to_csv("clips.csv", index=False)'
)
RUN_NAMES = "Give its id, a part of it, or its folder"
MODEL_NAMES = "Give a run, the id of one, last, builtin, or a file of weights"
FILE_NAMES = "Give its path"


def text_of(name: object, thing: str, remedy: str) -> str:
    """A name or a path as a text.

    Args:
        thing: what it names, as "a data set"; it begins the sentence of the error.

    Raises:
        ConfigError: it is neither.
    """
    if not isinstance(name, (str, Path)):
        raise ConfigError(f"{thing} cannot be found by {type(name).__name__}", remedy)
    return str(name)


def device_of(device: object) -> str:
    """A device by its name, as a text or as torch has it; None leaves it to the lab."""
    return "auto" if device is None else str(device)
