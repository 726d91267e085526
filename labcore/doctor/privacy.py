"""Takes out of a text what would tell who, where or which one it was: paths, names, addresses of cards."""

from __future__ import annotations

import re
from pathlib import Path

KEPT = ("/dev/", "/proc/", "/sys/", "/etc/")
"""Places that are the same on every machine."""
_PATH = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:[\\/]|~/|/)(?:[^\s\"'():;,<>|]+[\\/])*[^\s\"'():;,<>|]+")
_UUID = re.compile(r"\b(GPU|MIG)-[0-9a-fA-F]{4,}[-0-9a-fA-F/]*")


def scrub(text: str, limit: int = 300) -> str:
    """The text in one line, a path as its last part, a card's UUID as ``GPU-…``, the user's and the machine's name gone."""
    text = " ".join(text.split())
    text = _UUID.sub(r"\1-…", text)
    text = _PATH.sub(_last_part, text)
    for name in _names():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "…", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _last_part(match: re.Match[str]) -> str:
    path = match.group(0)
    return path if path.startswith(KEPT) else "…/" + re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def _names() -> list[str]:
    """Names of the user and of the machine; short and common ones would tear holes into sentences and tell nothing."""
    import platform

    told = {platform.node(), Path.home().name}
    return [name for name in told if len(name) > 3 and name not in ("root", "user", "home", "localhost")]
