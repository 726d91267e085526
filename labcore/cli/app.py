"""Start the pages and open them in a browser. Ctrl-C ends the server; trainings go on.

Examples:
  labcore app
  labcore app --port 8600
  labcore app -- --server.maxUploadSize 4096
"""

from __future__ import annotations

import argparse
import os
import sys

from labcore.app_folder import ENTRY, app_folder
from labcore.cli.parser import Parser, number

port = number(int, lambda value: 1 <= value <= 65535, "a port from 1 to 65535")


def parser() -> Parser:
    parser = Parser(
        prog="labcore app",
        usage="labcore app [--port N] [--address ADDRESS] [--no-browser] [-- OPTION ...]",
        description=__doc__,
    )
    parser.add_argument("--port", type=port, metavar="N", help="port to listen on (default: 8501)")
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="address to listen on; 0.0.0.0 lets other machines in and demands a password, see docs/network.md (default: localhost)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("options", nargs="*", metavar="OPTION", help="options of Streamlit")
    return parser


def run(arguments: argparse.Namespace) -> int:
    given = {"port": arguments.port, "address": arguments.address, "headless": "true" if arguments.no_browser else None}
    options = [f"--server.{name}={value}" for name, value in given.items() if value is not None]
    command = [sys.executable, "-m", "streamlit", "run", str(app_folder() / ENTRY), *options, *arguments.options]
    sys.stdout.flush()
    os.execv(command[0], command)  # signals reach the server itself
