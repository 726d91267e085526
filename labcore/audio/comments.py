"""What a recorder wrote into a WAV file about itself, the time and the place: the comment of an AudioMoth, and GUANO.

GUANO is a chunk ``guan`` of lines ``Key: value``, as bat detectors and others write it; an AudioMoth writes a sentence into the comment of
a LIST chunk: ``Recorded at 19:17:30 19/02/2019 (UTC) by AudioMoth 24A04F085FDF2DB2 at medium gain while battery was 4.2V``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from labcore.audio.chunks import walk
from labcore.audio.containers import container_of
from labcore.audio.raw import Read
from labcore.reading import DamagedError, open_file
from labcore.texts import printable

FIELDS = ("recorder", "time", "day", "night", "place", "temperature", "battery", "gain")
"""What is told whoever wrote it; the fields of GUANO follow by their own names."""
MOST_BYTES = 65536
MOST_FIELDS = 100
NOON = timedelta(hours=12)
_MOTH = re.compile(
    r"Recorded at (\d\d:\d\d:\d\d)(?:\.\d+)? (\d\d/\d\d/\d{4}) \(UTC([+-]\d\d?(?::?\d\d)?)?\)"
    r"(?: during deployment \w+)?(?: by AudioMoth (\w+))?"
)
_GAIN = re.compile(r"at ([\w-]+ gain|gain setting \d)")
_BATTERY = re.compile(r"battery (?:state )?was ((?:less than |greater than )?\d+\.\d+ ?V)")
_TEMPERATURE = re.compile(r"temperature was (-?\d+(?:\.\d+)?) ?C")


def comments_of(path: str) -> dict[str, str]:
    """Field → what the recorder wrote, :data:`FIELDS` first; empty for a file without such comments, or one that cannot be read.

    ``time`` is as the recorder's clock had it, ``day`` its date, ``night`` that of the evening before where it is before noon. ``place`` is
    latitude and longitude in degrees, ``temperature`` in degrees Celsius.
    """
    with contextlib.suppress(OSError, DamagedError), open_file(path) as file:

        def read(at: int, length: int) -> bytes:
            file.seek(at)
            return file.read(length)

        moth, guano = _chunks_of(read)
        found = _of_moth(moth) | _of_guano(guano)
        return {name: found[name] for name in FIELDS if found.get(name)} | guano
    return {}


def _chunks_of(read: Read) -> tuple[str, dict[str, str]]:
    """The comment of a WAV file, and its GUANO fields."""
    moth, guano = "", dict[str, str]()
    if container_of(head := read(0, 40)) != "WAV":
        return moth, guano
    for name, at, length in walk(read, 12, ">" if head[:4] == b"RIFX" else "<"):
        if name == b"guan":
            guano = _lines(read(at, min(length, MOST_BYTES)))
        elif name == b"LIST" and read(at, 4) == b"INFO":
            moth = next(_info(read(at + 4, min(length - 4, MOST_BYTES)), b"ICMT"), moth)
    return moth, guano


def _info(content: bytes, wanted: bytes) -> Iterator[str]:
    for name, at, length in walk(lambda at, size: content[at : at + size], 0, "<"):
        if name == wanted:
            yield content[at : at + length].split(b"\0")[0].decode("utf-8", "replace")


def _lines(content: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").replace("\0", "").splitlines()[:MOST_FIELDS]:
        key, colon, value = line.partition(":")
        if colon and key.strip() and value.strip() and key.strip() != "GUANO|Version":
            fields[printable(key.strip())] = printable(value.strip())
    return fields


def _of_moth(comment: str) -> dict[str, str]:
    found = _MOTH.match(comment)
    if found is None:
        return {}
    told = {"recorder": found[4] or ""}
    for name, pattern in (("gain", _GAIN), ("battery", _BATTERY), ("temperature", _TEMPERATURE)):
        if piece := pattern.search(comment):
            told[name] = piece[1]
    with contextlib.suppress(ValueError):
        told |= _moment(datetime.strptime(f"{found[2]} {found[1]}", "%d/%m/%Y %H:%M:%S"), f"UTC{found[3] or ''}")
    return told


def _of_guano(fields: dict[str, str]) -> dict[str, str]:
    told = {
        "recorder": fields.get("Serial") or fields.get("Model", ""),
        "place": " ".join(fields.get("Loc Position", "").replace(",", " ").split()),
        "temperature": fields.get("Temperature Ext") or fields.get("Temperature Int", ""),
    }
    with contextlib.suppress(ValueError):
        stamp = fields.get("Timestamp", "").replace("Z", "+00:00").replace(" ", "T", 1)
        told |= _moment(datetime.fromisoformat(stamp).replace(tzinfo=None), "")
    return {name: value for name, value in told.items() if value}


def _moment(moment: datetime, zone: str) -> dict[str, str]:
    return {
        "time": f"{moment:%Y-%m-%d %H:%M:%S} {zone}".strip(),
        "day": f"{moment:%Y-%m-%d}",
        "night": f"{moment - NOON:%Y-%m-%d}",
    }
