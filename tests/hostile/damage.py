"""Kinds of damage to a file and to a folder, as crashes, full disks, editors, foreign backups and people of ill will leave them behind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

DIGITS = "1" * 400
DEEP = 100_000

CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"{",
    "zeros": bytes(4096),
    "not utf-8": b"\xff\xfe\x00\x80",
    "utf-16": "{}".encode("utf-16"),
    "a BOM": b"\xef\xbb\xbf{}",
    "half": b'{"config": {"data": ',
    "null": b"null",
    "a number": b"3",
    "a text": b'"text"',
    "a list": b"[]",
    "an empty object": b"{}",
    "deep lists": b"[" * DEEP,
    "deep lists, closed": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "900 levels": b"[" * 900 + b"]" * 900,
    "400 digits": DIGITS.encode(),
    "5000 digits": b"9" * 5000,
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "1e999": b"1e999",
    "html": b"<html></html>",
    "lone surrogate": b'"\\ud800"',
    "many lines": b"{}\n" * 1000,
}
"""What may stand in a file in place of what is expected."""


def fifo(path: Path) -> None:
    clear(path)
    os.mkfifo(path)


def folder(path: Path) -> None:
    clear(path)
    path.mkdir()


def dead_link(path: Path) -> None:
    clear(path)
    path.symlink_to(path.parent / "nowhere")


def loop(path: Path) -> None:
    clear(path)
    path.symlink_to(path)


def device(path: Path) -> None:
    clear(path)
    path.symlink_to("/dev/zero")


def missing(path: Path) -> None:
    clear(path)


def clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


KINDS: dict[str, Callable[[Path], None]] = {
    "a fifo": fifo,
    "a folder": folder,
    "a dead link": dead_link,
    "a link to itself": loop,
    "a device": device,
    "missing": missing,
    **{f"content: {name}": lambda path, content=content: put(path, content) for name, content in CONTENTS.items()},
}
"""What may stand in the place of any file."""

FEW = (
    "a fifo", "a folder", "a dead link", "a device", "missing", "content: empty", "content: half", "content: a list",
    "content: a number", "content: deep lists", "content: not utf-8",
)  # fmt: skip
"""Those that are tried by default where all would take long."""

VALUES: dict[str, str] = {
    "a text": '"x"',
    "a long number": DIGITS,
    "minus a long number": f"-{DIGITS}",
    "too large a float": "1e999",
    "a huge float": "1e308",
    "minus a huge float": "-1e308",
    "NaN": "NaN",
    "infinity": "Infinity",
    "true": "true",
    "null": "null",
    "a list": "[1]",
    "an object": '{"a": {"b": 1}}',
    "deep": "[" * 500 + "]" * 500,
    "a surrogate": '"\\ud800"',
    "a zero byte": '"a\\u0000b"',
    "way up": '"../../../etc/passwd"',
    "negative": "-5",
    "nothing": '""',
}
"""What may stand in the place of any value of a JSON object, as JSON."""


def put(path: Path, content: bytes) -> None:
    clear(path)
    path.write_bytes(content)


def leaves(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value of a tree, those of objects and lists too."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [way for key, value in below for way in ((*above, key), *leaves(value, (*above, key)))]


def with_value(tree: Any, way: tuple[Any, ...], value: str) -> str:
    """A tree as JSON, with a piece of JSON in the place of one value."""
    mark = "\ue000here"
    copy = json.loads(json.dumps(tree))
    at = copy
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = mark
    return json.dumps(copy, ensure_ascii=False).replace(f'"{mark}"', value)


def without(tree: Any, way: tuple[Any, ...]) -> str:
    """A tree as JSON, with one value left out."""
    copy = json.loads(json.dumps(tree))
    at = copy
    for key in way[:-1]:
        at = at[key]
    del at[way[-1]]
    return json.dumps(copy)
