"""Paths as people type and paste them: in quotes, as ``file://`` addresses, with blanks around, from the home folder, or nearly right."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from labcore.allowed_paths import allowed_paths, is_open
from labcore.texts import shown

_FILE_HOST = re.compile(r"^file:(//[^/?#]*)?", re.IGNORECASE)
QUOTES = "`“”„‟‘’‚‛«»‹›"
TRIES = 3
"""So many names like the one that was typed are followed, in each folder."""
MOST_LISTED = 60
NAMED = 8
"""So many folders are named where nothing is like what was typed."""
_DRIVE, _SHARE = re.compile(r"([A-Za-z]):[\\/]"), re.compile(r"[\\/]{2}wsl(\$|\.localhost)[\\/]+[^\\/]+", re.IGNORECASE)


def plain_path(text: str) -> str:
    """A path without what surrounds it: blanks, quotes, ``file://`` and ``~`` undone. "" for nothing at all."""
    text = text.strip().strip("\"'").strip()
    while len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:  # a name may begin with such a sign
        text = text[1:-1].strip()
    if text.casefold().startswith("file:"):
        # what stands after ? and # belongs to the name where whoever wrote the address did not escape it
        text = unquote(_FILE_HOST.sub("", text), errors="surrogateescape")
        text = text[1:] if text[2:3] == ":" else text  # file:///C:/clips/a.wav
    if text.startswith("~"):
        text = os.path.expanduser(text)  # noqa: PTH111 (a user that is not known raises nothing)
    return text


def typed_path(text: str | Path) -> Path:
    """Where a typed path leads. Says nothing about whether anything is there.

    What is there as it was typed is meant so. Otherwise quotes, blanks, ``file://``, ``~`` and the backslashes of a shell are undone, and
    a path that begins nowhere is looked for in the current folder, in the home folder, and in those that the lab opens for visitors.
    """
    asked = str(text)
    if exists(asked) and (os.path.isabs(asked) or is_open(Path(asked))):  # noqa: PTH117 (of a text)
        return Path(asked)
    plain = plain_path(asked)
    readings = dict.fromkeys([plain, _in_wsl(plain), re.sub(r"\\(.)", r"\1", plain)])
    places = [Path(), Path(os.path.expanduser("~")), *(allowed_paths() or ())]  # noqa: PTH111 (raises nothing)
    for reading in filter(None, readings):
        for place in places:
            if exists(path := place / reading) and is_open(path):
                return path
    return Path(plain)


def _in_wsl(text: str) -> str:
    """A path that was copied in Windows, as Linux on Windows (WSL) reaches it; "" for any other."""
    if drive := _DRIVE.match(text):
        return f"/mnt/{drive[1].lower()}/" + text[drive.end() :].replace("\\", "/")
    share = _SHARE.match(text)
    return text[share.end() :].replace("\\", "/") if share else ""


def exists(path: str | Path) -> bool:
    """Whether something is there; False for what is too long for a path, holds a zero byte, or may not be looked at."""
    return bool(str(path)) and os.path.exists(path)  # noqa: PTH110 (raises nothing)


def hint(text: str | Path) -> str:
    """What to do about a path that leads nowhere, a sentence without the final stop: what is like it, or how far it leads.

    Nothing is told of folders that the lab opens for nobody.
    """
    plain = plain_path(str(text))
    path = Path(os.path.abspath(_in_wsl(plain) or plain))  # noqa: PTH100 (tidies "..", keeps links)
    near = next(_near(Path(path.anchor), list(path.parts[1:]), [MOST_LISTED]), None)
    if near is not None:
        return f"Did you mean {shown(near)}? Give that path"
    known = next((folder for folder in path.parents if exists(folder)), None)
    if known is None or known == Path(path.anchor) or not is_open(known):
        return "Check the path"
    inside = sorted(shown(name) for name in names_in(known))
    more = f" and {len(inside) - NAMED} more" if len(inside) > NAMED else ""
    return f"{shown(known)} is there; it holds {', '.join(inside[:NAMED]) + more if inside else 'nothing'}"


def _near(folder: Path, rest: list[str], room: list[int]) -> Iterator[Path]:
    """Paths that are there and written almost so, likely ones first. Each part may be written in another way.

    ``room`` holds how many folders may still be listed.
    """
    if not rest:
        if is_open(folder):
            yield folder
        return
    wanted, behind = rest[0], rest[1:]
    if exists(folder / wanted):
        yield from _near(folder / wanted, behind, room)
    room[0] -= 1
    names = names_in(folder) if room[0] >= 0 and (is_open(folder) or _leads_to_allowed(folder)) else []
    by_face = {_face(name): name for name in names}
    like = [by_face[_face(wanted)]] if _face(wanted) in by_face else []
    like += [by_face[face] for face in difflib.get_close_matches(_face(wanted), by_face, TRIES, 0.6)]
    for name in dict.fromkeys(like):
        if name != wanted:
            yield from _near(folder / name, behind, room)


def _face(name: str) -> str:
    """A name without what people mistake: case, blanks, dashes, underscores."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name


def names_in(folder: Path) -> list[str]:
    """What a folder holds and does not hide; nothing where it cannot be listed."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208
    except (OSError, ValueError):
        return []


def _leads_to_allowed(folder: Path) -> bool:
    """Whether one of the folders that are open lies below: its name may be told."""
    return any(root.is_relative_to(folder) for root in allowed_paths() or ())
