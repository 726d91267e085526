"""``labcore password``: the hash of a password, to be set for the lab."""

from __future__ import annotations

import argparse
import getpass
import sys

from labcore.cli.output import DONE, emit, say
from labcore.cli.parser import Parser
from labcore.errors import ConfigError


def parser() -> Parser:
    return Parser(
        prog="labcore password",
        description="Ask for a password twice, or read it from stdin, and print its Argon2id hash. It goes into LABCORE_PASSWORD_HASH, "
        "into a file that LABCORE_PASSWORD_HASH_FILE names, or into .streamlit/secrets.toml; docs/network.md tells more. "
        "The password is kept nowhere.",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from labcore.access.passwords import hash_password

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise ConfigError("the two passwords differ", "Try again")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    hashed = hash_password(password)
    emit(hashed)
    if sys.stdout.isatty():
        say("Set it as LABCORE_PASSWORD_HASH, in single quotes: a shell would replace what follows a $.")
    return DONE
