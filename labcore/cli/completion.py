"""Print the script with which a shell completes commands, options, choices, runs, jobs and data sets.

Examples:
  labcore completion bash >> ~/.bash_completion
  labcore completion zsh >> ~/.zshrc
  labcore completion fish >> ~/.config/fish/config.fish
"""

# argcomplete has a script for each shell; each runs `labcore` with _ARGCOMPLETE set and reads what could follow. Nothing heavy is
# loaded for it: the names of jobs and data sets are read off the workspace's folders.

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
from collections.abc import Callable
from pathlib import Path

from labcore.cli.main import COMMANDS
from labcore.cli.output import DONE, emit
from labcore.cli.parser import Parser
from labcore.jobs.kind import TABLE
from labcore.workspace import Workspace

SHELLS = ("bash", "zsh", "fish")
Completer = Callable[..., list[str]]


def parser() -> Parser:
    parser = Parser(prog="labcore completion", description=__doc__)
    parser.add_argument("shell", choices=SHELLS, help="shell to print it for")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    emit(shellcode(["labcore"], shell=arguments.shell).strip())
    return DONE


def complete() -> None:
    """Answer the shell's script, and leave. The words typed so far stand in ``COMP_LINE``."""
    import argcomplete
    from argcomplete.lexers import split_line

    line = os.environ.get("COMP_LINE", "")
    _, _, _, words, _ = split_line(line, int(os.environ.get("COMP_POINT", len(line))))
    parser = _parser_of(words[1]) if len(words) > 1 else None
    if parser is not None:
        os.environ["_ARGCOMPLETE"] = "2"  # the command is the program whose words follow
    argcomplete.autocomplete(parser or _commands(), always_complete_options="long")


def _commands() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="labcore")
    parser.add_argument("--version", action="store_true", help="print the version")
    actions = parser.add_subparsers()
    for name, what in COMMANDS.items():
        actions.add_parser(name, help=what, add_help=False)
    return parser


def _parser_of(command: str) -> argparse.ArgumentParser | None:
    """The parser of a command, its arguments with what completes them; None where there is no such command."""
    if command not in COMMANDS:
        return None
    parser: Parser = importlib.import_module(f"labcore.cli.{command}").parser()
    _equip(parser)
    return parser


def _equip(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _equip(below)
        elif completer := _completer_of(parser.prog, action):
            action.completer = completer  # type: ignore[attr-defined]


def _completer_of(program: str, action: argparse.Action) -> Completer | None:
    """What completes the value of an argument; None for choices, which it knows itself, and for files."""
    if action.dest in ("dataset", "data.dataset"):
        return _datasets
    if action.dest in ("device", "runtime.device"):
        return lambda **_: ["auto", "cpu", "cuda", "all"]
    match action.metavar:
        case "RUN":
            return lambda **_: ["last", *_ids("runs")]
        case "JOB":
            return lambda **_: ["last", *_ids(*TABLE)]
        case "SEARCH":
            return lambda **_: _ids("searches")
        case "REPORT":
            return lambda **_: _ids("reports")
        case "ID" if program == "labcore crossval":
            return lambda **_: _ids("experiments")
    return None


def _ids(*rooms: str) -> list[str]:
    """The ids of jobs by their folders' names, newest first."""
    return sorted((path.name for room in rooms for path in _entries(room) if path.is_dir()), reverse=True)


def _datasets(prefix: str, **_: object) -> list[str]:
    """The data sets of the workspace as their folders and lists are called, and files and folders, since a path will do."""
    from argcomplete.completers import FilesCompleter

    # the registry would load pandas
    entries = [path for path in _entries("datasets") if path.suffix != ".jsonl"]
    names = {path.name if path.is_dir() else path.stem for path in entries}
    return [*sorted(names), *FilesCompleter()(prefix)]


def _entries(room: str) -> list[Path]:
    """What lies in a folder of the workspace; nothing where there is none yet."""
    with contextlib.suppress(OSError):
        return [path for path in (Workspace.default().home / room).iterdir() if not path.name.startswith(".")]
    return []
