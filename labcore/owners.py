"""Who asked for what: names of people as runs carry them, and whose a thing is.

A name is what somebody is called, not a proof of who it is. It keeps people who share a machine from stopping each other's work
by accident; it keeps nobody from doing so on purpose.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import unicodedata
from pathlib import Path

from labcore.errors import LabError
from labcore.reading import DamagedError, read_text
from labcore.texts import composed

VARIABLE = "LABCORE_USER"
"""Names whoever works in a shell, where the account does not: in a container, over a shared login."""
LONGEST = 64
"""So many characters a name has at most."""
MOST_BYTES = 65536
"""A file that holds a name is no larger."""


class NotYoursError(LabError):
    """Something of another person's was to be stopped, deleted, resumed or turned, and nobody said that this was meant."""


def clean(name: object) -> str:
    """A name from outside as it is kept: one line, without control and format characters, at most :data:`LONGEST` characters.

    "" for what is no text, or holds nothing that can be seen.
    """
    if not isinstance(name, str):
        return ""
    spaced = " ".join(composed(name[: 16 * LONGEST]).split())
    visible = "".join(letter for letter in spaced if not unicodedata.category(letter).startswith("C"))
    return visible[:LONGEST].strip()


def shell_user() -> str:
    """Who works in this shell or owns this process: what ``LABCORE_USER`` says, else the account, else its number (``uid 1000``)."""
    named = clean(os.environ.get(VARIABLE, ""))
    if named:
        return named
    try:
        account = clean(getpass.getuser())
    except (OSError, KeyError, ImportError):  # a number without an account, as in many a container
        account = ""
    return account or f"uid {os.getuid()}"


def is_anothers(owner: str, asker: str) -> bool:
    """Whether something belongs to another person than who asks. What has no known owner is everybody's own."""
    return bool(owner) and bool(asker) and owner != asker


def require_owner(owner: str, asker: str, what: str, remedy: str) -> None:
    """Refuse what would happen to another's work by accident.

    Args:
        what: the thing, as a sentence begins: "run 2026…".
        remedy: how to say that it is meant.

    Raises:
        NotYoursError: it is another's.
    """
    if is_anothers(owner, asker):
        raise NotYoursError(f"{what} belongs to {owner}, and you are {asker}", remedy)


def sign(file: Path, name: str) -> None:
    """Make a file that asks for something by being there, and write into it who asks. One that is there already stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileExistsError):
        file.touch(exist_ok=False)
        with contextlib.suppress(OSError):  # a full disk has room for an empty file still
            file.write_text(clean(name), encoding="utf-8")


def signer(file: Path) -> str:
    """Who made such a file; "" where it is not there, or nobody knows."""
    try:
        return clean(read_text(file, most=MOST_BYTES))
    except (OSError, DamagedError):
        return ""
