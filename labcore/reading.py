"""The one reader of small files and of JSON: it gives plain data or an error that says why, soon and in bounded memory.

What lies in a workspace may be damaged, edited by hand, restored from a foreign backup, or be no file at all: a folder, a link to
nothing, a pipe that keeps whoever opens it waiting. JSON may be nested until Python's stack ends, or hold numbers that no float can.
None of it gets past here, so that readers have to look only at what they wanted to find.
"""

from __future__ import annotations

import json
import os
import stat
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from labcore.errors import LabError

MOST_BYTES = 64 * 2**20
"""The largest file that is read whole."""
MOST_DEEP = 64
"""So many levels of JSON lie within each other at most."""
LATEST = 253402214400.0
"""Times are before the year 10000, in seconds since 1970: what a calendar can show."""
LARGEST = 2**63
"""Whole numbers are smaller than this, positive and negative."""


class DamagedError(LabError, ValueError):
    """Something that is there and cannot be read; ``what`` says why and may follow the name of the thing: "it is no JSON"."""


def open_file(path: Path | str) -> BinaryIO:
    """Open a regular file to be read. Anything else is refused at once, and never waited for.

    Raises:
        OSError: it is not there, or may not be read.
        DamagedError: it is a folder, a pipe, a device.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except ValueError as error:  # a zero byte in the name
        raise FileNotFoundError(2, "there is no such file", str(path)) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedError(f"{os.path.basename(path)} is not a file")  # noqa: PTH119
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: Path | str, most: int = MOST_BYTES) -> bytes:
    """A file's bytes.

    Raises:
        OSError: it is not there, or may not be read.
        DamagedError: it is no regular file, or larger than ``most`` bytes.
    """
    with open_file(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise DamagedError(f"{os.path.basename(path)} is larger than {most / 2**20:.0f} MiB")  # noqa: PTH119
    return content


def read_text(path: Path | str, most: int = MOST_BYTES) -> str:
    """A file as UTF-8; what is none of it becomes a replacement character.

    Raises:
        OSError, DamagedError: as for :func:`read_file`.
    """
    return read_file(path, most).decode("utf-8", "replace")


def read_json(path: Path | str, most: int = MOST_BYTES) -> Any:
    """What a JSON file holds.

    Raises:
        OSError, DamagedError: as for :func:`read_file` and :func:`parse_json`.
    """
    return parse_json(read_file(path, most))


def read_object(path: Path | str, most: int = MOST_BYTES) -> dict[str, Any]:
    """What a JSON file holds, which is an object.

    Raises:
        OSError, DamagedError: as for :func:`read_json`; also where it holds something else.
    """
    content = read_json(path, most)
    if not isinstance(content, dict):
        raise DamagedError("it contains no JSON object")
    return content


def parse_json(content: str | bytes) -> Any:
    """Plain data from JSON: at most :data:`MOST_DEEP` levels deep, whole numbers that 64 bits hold, floats that are numbers.

    ``NaN`` and infinities, which Python writes and JSON does not know, are read as floats: whoever asks for a finite number
    has to look. A number that is written out and too large for a float is refused.

    Raises:
        DamagedError: it is no such thing.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        tree = _decoder.decode(text)
    except RecursionError:
        raise DamagedError("it is nested too deeply") from None
    except DamagedError:
        raise
    except ValueError as error:
        raise DamagedError(f"it is not JSON: {str(error)[:200]}") from None
    if text.count("[") + text.count("{") > MOST_DEEP and _deeper_than(tree, MOST_DEEP):
        raise DamagedError("it is nested too deeply")
    return tree


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) < 25 else LARGEST
    if not -LARGEST < number < LARGEST:
        raise DamagedError(f"it contains a number of {len(digits)} digits")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise DamagedError("it contains a number that is too large")
    return number


_decoder = json.JSONDecoder(parse_int=_whole, parse_float=_number)


def _deeper_than(tree: Any, most: int) -> bool:
    level = [tree] if isinstance(tree, (dict, list)) else []
    for _ in range(most + 1):
        inside = chain.from_iterable(each.values() if isinstance(each, dict) else each for each in level)
        level = [value for value in inside if isinstance(value, (dict, list))]
        if not level:
            return False
    return True
