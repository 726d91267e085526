"""The command ``labcore``: finds the subcommand, and turns what goes wrong into one line and an exit status.

Exit status: 0 done, 1 failed, 2 wrong usage or bad input, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from labcore import __version__
from labcore.cli.output import DONE, FAILED, INTERRUPTED, PIPE_CLOSED, USAGE, mute_stdout, say
from labcore.cli.parser import Parser, closest
from labcore.device import THREAD_ENVIRONMENT
from labcore.errors import LabError, OutOfMemoryError, WorkspaceError

COMMANDS = {
    "doctor": "check the GPU, the driver, PyTorch and the machine, and say what to do",
    "datasets": "list the data sets, make the demo set, import, check, rename and remove your own",
    "train": "train a classifier",
    "turn": "turn settings of a run while it trains",
    "crossval": "train once for every fold, mean and deviation over all of them",
    "resume": "go on with a run that was stopped, failed or interrupted",
    "search": "look for better settings of chosen settings, trial by trial",
    "ensemble": "put the networks of several runs together as one classifier",
    "evaluate": "judge a trained classifier on clips of a data set",
    "noise": "judge a trained classifier with more and more noise",
    "classify": "say what is heard in sound files",
    "serve": "answer over HTTP what is heard in clips",
    "extract": "write log-mels, MFCC or embeddings of whole folders of sound files",
    "runs": "list, show, follow, stop and delete runs",
    "jobs": "list, show, stop, resume and delete jobs of every kind",
    "benchmark": "compare the CPU with every GPU: speed, where the time goes, from which batch on a GPU pays",
    "export": "write the zip with a run's weights and a script that uses them",
    "password": "print the hash of a password, for a lab that others reach",
    "backup": "write the workspace into one file, also while runs are at work",
    "restore": "bring a workspace back from such a file",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns its exit status."""
    for name, value in THREAD_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):  # what a terminal cannot encode is escaped, also in the help
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except LabError as error:
        say("labcore: " + " ".join(str(error).split()))
        return FAILED if isinstance(error, (WorkspaceError, OutOfMemoryError)) else USAGE
    except KeyboardInterrupt:
        say("labcore: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        mute_stdout()
        return PIPE_CLOSED


def _dispatch(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        module = importlib.import_module(f"labcore.cli.{words[0]}")
        parser: Parser = module.parser()
        status: int = module.run(parser.parse_args(words[1:]))
        sys.stdout.flush()
        return status
    parser = _overview()
    if not words:
        parser.print_help(sys.stderr)
        return USAGE
    if not words[0].startswith("-"):
        parser.error(f"there is no command {words[0]!r}{closest(words[0], COMMANDS)}")
    parser.parse_args(words)
    return DONE


def _overview() -> Parser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog="labcore",
        usage="labcore COMMAND …",
        description="Audio classification: from clips to a trained classifier.",
        epilog=f"commands:\n{listed}\n\n`labcore COMMAND --help` tells more. Data sets and runs lie in the folder "
        "that LABCORE_HOME names,\nelse in ./workspace.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"labcore {__version__}")
    return parser
