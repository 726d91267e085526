"""Texts that may hold anything, as names of files do: to be shown, hashed, or written as JSON without a stumble. And counts of things.

Python keeps a byte of a file name that is not UTF-8 as a lone surrogate (U+DC80 … U+DCFF). Such a text opens its file, but it cannot be
encoded as it is, neither for a terminal nor for a page. Whatever leaves the program goes through here.
"""

from __future__ import annotations

import difflib
import html
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters of terminals, in seven bits and in eight, and those that turn the direction of writing."""
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


def all_shown(texts: Iterable[object]) -> list[str]:
    """:func:`shown` of many texts, at once where all of them are plain."""
    found = [str(text) for text in texts]
    return found if "".join(found).isascii() else [shown(text) for text in found]


def composed(text: str) -> str:
    """A name with its letters composed (NFC), as people type them: macOS gives files names whose accents are signs of their own, and the
    two spellings of ``Müller`` look alike and are not equal."""
    return unicodedata.normalize("NFC", text)


def is_mark(sign: str) -> bool:
    r"""Whether a sign belongs to the letter before it, as the vowels of many scripts do; ``\w`` knows none of them."""
    return unicodedata.category(sign) in ("Mn", "Mc")


def printable(text: object, encoding: str = "utf-8") -> str:
    r"""A text as a terminal shows it: with every character that a terminal obeys as ``\x1b``, but for tabs and ends of lines.

    Names of runs, files and classes come from anywhere: one may hold what clears the screen, renames the window or answers for the user.
    """
    return _OBEYED.sub(
        lambda match: f"\\x{ord(match[0]):02x}" if match[0] < "\u0100" else f"\\u{ord(match[0]):04x}",
        shown(text, encoding),
    )


def as_bytes(text: str) -> bytes:
    """Any text as bytes, for a hash: UTF-8 where it is a proper text, and different bytes for different texts always."""
    return text.encode("utf-8", "surrogatepass")


def as_utf8(text: str) -> bytes:
    r"""Any text as UTF-8 for a file: a byte of a name that is not UTF-8 as ``\udc84``, which JSON reads back as it was."""
    return text.encode("utf-8", "backslashreplace")


def json_line(content: Any, encoding: str = "utf-8", indent: int | None = None) -> str:
    """Plain data, or mappings of it, as JSON, one line without an indent, that the encoding can hold.

    What it cannot hold is escaped, and what a terminal obeys, so that the text reads back as it was. What is no number becomes null: JSON
    knows no NaN.
    """
    try:
        text = json.dumps(content, ensure_ascii=False, indent=indent, allow_nan=False, default=dict)
    except ValueError:
        return json_line(numbers_only(content), encoding, indent)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(content, indent=indent, default=dict)
    return json.dumps(content, indent=indent, default=dict) if _OBEYED.search(text) else text


def numbers_only(content: Any) -> Any:
    """Plain data with None in the place of every NaN and infinity."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: numbers_only(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [numbers_only(value) for value in content]
    return content


def counted(number: int, unit: str, units: str = "", *, figure: Callable[[int], str] = "{:,}".format) -> str:
    """``1 clip``, ``2 clips``, ``1,200 clips``.

    Args:
        units: of several, where it is not the unit with an s.
        figure: how the number is written.
    """
    return f"{figure(number)} {unit if number == 1 else units or unit + 's'}"


def times(number: int) -> str:
    """``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(number) or counted(number, "time")


def closest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where something like the word is known."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def whole_number(text: str) -> int | None:
    """A number from 0 on that a text writes in decimal digits; None for any other text, and for one of more than 18 digits."""
    return int(text) if len(text) <= 18 and text.isdecimal() else None


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """What texts are sorted by so that the numbers in them stand in their order: 2 before 10."""
    pieces = re.split(r"(\d+)", text)
    numbers = map(whole_number, pieces)
    return [
        (1, 0, piece.casefold()) if number is None else (0, number, "")
        for piece, number in zip(pieces, numbers, strict=True)
    ]


def megabytes(count: int) -> str:
    """Bytes for people, in MB or GB."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6)):,} MB"


def mean_ap_text(value: float | None) -> str:
    """A mean average precision as people write it: ``mAP 0.734``."""
    return "mAP –" if value is None else f"mAP {value:.3f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 as ``87.5 %``; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def plus_minus(mean: float, deviation: float | None) -> str:
    """A mean of shares of 1 and their standard deviation as ``95.6 ± 0.8 %``."""
    return percent(mean) if deviation is None else f"{100 * mean:.1f} ± {100 * deviation:.1f} %"


def points(difference: float) -> str:
    """A difference of shares of 1 in signed percentage points, as ``+2.5``; what rounds to nothing has no sign."""
    moved = round(100 * difference, 1)
    return f"{moved:+.1f}".replace("-", "−") if moved else "0.0"


def spread(low: float | None, high: float | None) -> str:
    """An interval of shares of 1 as ``41.2 to 92.9 %``; a dash where there is none."""
    return "–" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f} %"


def duration(seconds: float | None) -> str:
    """Two units at most: 48 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 and whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 >= 60 else "")


def moment(seconds: float) -> str:
    """A time in a recording, to a tenth of a second: ``0:07.5`` or ``1:04:07.5``."""
    minutes, tenths = divmod(round(10 * max(0.0, seconds)), 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{minutes:02}:{rest}" if hours else f"{minutes}:{rest}"


class ToldByFacts:
    """What shows itself by facts, name → value: in a line, and in a notebook as a small table."""

    def _facts(self) -> Mapping[str, str]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._facts().items())

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th><td style="text-align:left">{html.escape(shown(value))}</td></tr>'
            for name, value in self._facts().items()
        )
        return f"<table>{rows}</table>"
