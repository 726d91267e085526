"""Passwords as Argon2id hashes. A password itself is never kept, logged or compared as text."""

from __future__ import annotations

import functools
import hashlib

from labcore.errors import ConfigError

SHORTEST = 10
LONGEST = 256
"""In characters. Longer ones would only feed the hash."""


def hash_password(password: str) -> str:
    """The hash to put into ``LABCORE_PASSWORD_HASH`` or secrets.toml: Argon2id with the library's defaults (RFC 9106, low memory).

    Raises:
        ConfigError: the password is too short, too long, or the same character over and over.
    """
    if len(password) < SHORTEST:
        raise ConfigError(
            f"the password has {len(password)} characters, at least {SHORTEST} are needed",
            "Use several words, or a password manager",
        )
    if len(password) > LONGEST:
        raise ConfigError(f"the password has more than {LONGEST} characters", "Use a shorter one")
    if len(set(password)) < 4:
        raise ConfigError("the password has fewer than four different characters", "Use several words")
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def check_password(hashed: str, password: str) -> bool:
    """Whether a password is the one of a hash. Takes tens of milliseconds and 64 MB: callers bound how many run at once.

    An empty ``hashed`` (nobody of that name) takes as long as a real one and is False, so that names cannot be told apart by time.
    """
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > LONGEST:
        return False
    try:
        return PasswordHasher().verify(hashed or _nobody(), password) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def trouble_with(hashed: str) -> str:
    """What is wrong with a text as a hash, without showing it; empty where nothing is."""
    from argon2 import extract_parameters
    from argon2.exceptions import InvalidHashError

    try:
        parameters = extract_parameters(hashed)
    except (InvalidHashError, ValueError, IndexError):
        return "is not an Argon2 hash"
    if parameters.memory_cost > 2**20 or parameters.time_cost > 32 or parameters.parallelism > 16:
        return "needs more than 1 GB or 32 rounds per attempt"
    return ""


@functools.cache
def _nobody() -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(hashlib.sha256(b"nobody").hexdigest())
