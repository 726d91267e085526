"""Texts that may hold anything, as names of files do: to be shown, hashed, or written as JSON without a stumble.

Python keeps a byte of a file name that is not UTF-8 as a lone surrogate (U+DC80 … U+DCFF). Such a text opens its file, but it cannot be
encoded as it is, neither for a terminal nor for a page. Whatever leaves the program goes through here.
"""

from __future__ import annotations

import json
import re
from typing import Any

_OTHER_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # those that stand for no byte


def shown(text: object, encoding: str = "utf-8") -> str:
    r"""A text as it can be printed anywhere: a byte of a name that is not UTF-8 becomes ``\x84``, what the encoding lacks ``\u20ac``.

    Args:
        encoding: of where it is printed; with utf-8 every proper text stays as it is.
    """
    text = str(text)
    if text.isascii():
        return text
    content = _OTHER_SURROGATES.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    text = content.decode("utf-8", "backslashreplace")
    return text if encoding == "utf-8" else text.encode(encoding, "backslashreplace").decode(encoding)


def as_bytes(text: str) -> bytes:
    """Any text as bytes, for a hash: UTF-8 where it is a proper text, and different bytes for different texts always."""
    return text.encode("utf-8", "surrogatepass")


def json_line(content: Any, encoding: str = "utf-8") -> str:
    """Plain data as one line of JSON that the encoding can hold. What it cannot hold is escaped, so that the text reads back as it was."""
    text = json.dumps(content, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(content)
    return text


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 clip``, ``12 clips``; ``many`` where the plural takes more than an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"
