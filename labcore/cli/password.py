"""Ask for a password twice, or read it from stdin, and print its Argon2id hash.

Set the hash as LABCORE_PASSWORD_HASH, put it into the file that LABCORE_PASSWORD_HASH_FILE names, or into
.streamlit/secrets.toml (docs/network.md). The password itself is stored nowhere.

Examples:
  labcore password
"""

from __future__ import annotations

import argparse
import getpass
import sys

from labcore.cli.output import DONE, emit, say
from labcore.cli.parser import Parser
from labcore.errors import ConfigError


def parser() -> Parser:
    return Parser(prog="labcore password", description=__doc__)


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
