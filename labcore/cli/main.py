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
from labcore.cli.output import DONE, FAILED, INTERRUPTED, PIPE_CLOSED, USAGE, complain, mute_stdout, say
from labcore.cli.parser import Parser
from labcore.cli.progress import bars
from labcore.device import THREAD_ENVIRONMENT
from labcore.errors import LabError, NetworkError, OutOfMemoryError, WorkspaceError
from labcore.texts import closest

GROUPS = {
    "Data": {
        "datasets": "List, create, import, check, rename and remove data sets",
        "extract": "Compute log-mels, MFCCs or embeddings of whole folders",
    },
    "Training": {
        "train": "Train a classifier",
        "set": "Change settings of a run while it trains",
        "resume": "Continue a run that was stopped, failed or interrupted",
        "runs": "List, show, name, archive, stop and delete runs",
        "crossval": "Cross-validate: train once per fold",
        "curve": "Learning curve: does more training data help?",
        "search": "Tune hyperparameters",
        "ensemble": "Combine several runs into one classifier",
    },
    "Using a classifier": {
        "evaluate": "Measure a classifier on clips of a data set",
        "noise": "Measure a classifier as noise increases",
        "robustness": "Measure a classifier on worse recordings",
        "alarms": "Count false alarms in recordings without targets, and choose thresholds",
        "classify": "Classify sound files",
        "export": "Write a trained network as a zip with a script, as safetensors or as ONNX",
        "serve": "Serve classifiers over HTTP",
    },
    "Machine": {
        "app": "Start the pages and open them in a browser",
        "doctor": "Check GPU, driver, PyTorch and machine",
        "benchmark": "Compare the speed of the CPU and every GPU",
        "jobs": "List, show, stop, resume and delete jobs of every kind",
        "worker": "Start the queued jobs of the workspace",
        "backup": "Write the workspace to one file",
        "restore": "Restore the workspace from a backup",
        "password": "Hash a password for the lab's sign-in",
        "completion": "Print the completion script of a shell",
    },
}
"""Commands with their summaries, as the help groups them. Each is a module of labcore.cli."""
COMMANDS = {name: summary for group in GROUPS.values() for name, summary in group.items()}
ALIASES = {"turn": "set"}
"""Former names of commands, understood for one version."""
EPILOG = """\
Examples:
  labcore datasets demo                 make a demo set of 400 city sounds
  labcore train --preset quick          train on it
  labcore classify clip.wav             classify a sound with the result

Run `labcore COMMAND --help` for the options of a command.
Data sets and runs are stored in the folder LABCORE_HOME, by default ./workspace."""


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
        complain(error)
        return FAILED if isinstance(error, (WorkspaceError, OutOfMemoryError, NetworkError)) else USAGE
    except KeyboardInterrupt:
        say("labcore: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        mute_stdout()
        return PIPE_CLOSED
    finally:
        bars.clear()


def _dispatch(words: list[str]) -> int:
    command = ALIASES.get(words[0], words[0]) if words else ""
    if command in COMMANDS:
        module = importlib.import_module(f"labcore.cli.{command}")
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
    groups = [
        "\n".join([f"{title}:", *(f"  {name:{width}}  {summary}" for name, summary in commands.items())])
        for title, commands in GROUPS.items()
    ]
    parser = Parser(
        prog="labcore",
        usage="labcore COMMAND [options]",
        description="Train sound classifiers and use them.\n\n" + "\n\n".join(groups),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"labcore {__version__}")
    return parser
