"""Parsing arguments: one clear line for a mistake, and a flag for every setting of the configuration."""

from __future__ import annotations

import argparse
import difflib
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from labcore.errors import ConfigError
from labcore.texts import printable

if TYPE_CHECKING:
    from labcore.config import RunConfig, Setting

EVERYDAY = ("dataset", "fold", "model", "epochs", "batch-size", "lr", "device", "seed")
"""The flags that the help shows first; other short ones follow in the order of the configuration."""


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake with one line, and a mistyped flag with the one that was meant."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        super().__init__(**{"allow_abbrev": False, **options})

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:  # the base's overloads say no more
        known, rest = self.parse_known_args(args, namespace)
        flags = [word.split("=")[0] for word in rest if word.startswith("-") and word != "--"]
        if flags:
            self.error(f"there is no flag {flags[0]}{closest(flags[0], self.flags())}")
        if rest:
            self.error(f"unexpected argument {rest[0]!r}")
        return known

    def flags(self) -> list[str]:
        """All flags, those of subcommands too."""
        found = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found += [flag for parser in action.choices.values() for flag in parser.flags()]
        return found

    def error(self, message: str) -> NoReturn:
        stop = "" if message.endswith("?") else "."
        self.exit(2, f"{self.prog}: {message}{stop} `{self.prog} --help` lists what there is.\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help on a terminal that lacks some of its characters."""
        encoding = getattr(file or sys.stderr, "encoding", None) or "utf-8"
        super()._print_message(printable(message, encoding), file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            print(printable(message), end="", file=sys.stderr)
        sys.exit(status)


class _Formatter(argparse.HelpFormatter):
    """Flags on one line, what they do on the next: long names leave no room beside them."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=6, **options)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def closest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where something like the word is known."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """A flag for every setting: the everyday ones first and under their short names, then all others by part."""
    from labcore.config import RunConfig, all_settings
    from labcore.presets import PRESETS

    everyday = parser.add_argument_group("everyday flags")
    start = everyday.add_mutually_exclusive_group()
    listed = " ".join(f"{name}: {preset.summary}" for name, preset in PRESETS.items())
    start.add_argument("--preset", choices=tuple(PRESETS), help=f"Start from a recipe. {listed}")
    start.add_argument(
        "--config", metavar="FILE", help="Start from the configuration of a run: its config.json or its folder."
    )
    groups = {
        part: parser.add_argument_group(f"{part}: {(field.annotation.__doc__ or '').strip().rstrip('.')}")
        for part, field in RunConfig.model_fields.items()
    }
    order = {flag: number for number, flag in enumerate(EVERYDAY)}
    for path, setting in sorted(all_settings().items(), key=lambda item: order.get(item[1].flag, len(order))):
        group = everyday if setting.flag else groups[path.partition(".")[0]]
        add_setting(group, setting)
        if path == "runtime.device":
            group.add_argument(
                "--gpu",
                dest=path,
                action="store_const",
                const="cuda",
                default=argparse.SUPPRESS,
                help="The same as --device cuda: fail rather than fall back to the CPU.",
            )


def add_setting(group: argparse._ActionsContainer, setting: Setting) -> None:
    """A flag for a setting, by its path and its short name. Not given, it leaves nothing in the namespace."""
    from labcore.config.former import former_names

    names = [f"--{setting.flag}"] if setting.flag else []
    group.add_argument(
        *names,
        f"--{setting.path}",
        dest=setting.path,
        default=argparse.SUPPRESS,
        type=_reader(setting),
        metavar=_metavar(setting),
        help=_help(setting),
    )
    for name in former_names(setting.path):
        group.add_argument(
            f"--{name}", dest=setting.path, default=argparse.SUPPRESS, type=_reader(setting), help=argparse.SUPPRESS
        )


def config_from(arguments: argparse.Namespace) -> RunConfig:
    """The configuration that the flags of :func:`add_config_flags` describe.

    Raises:
        ConfigError: a file that cannot be read, a value out of bounds, or a combination that cannot work.
    """
    from labcore.config import RunConfig, all_settings
    from labcore.presets import preset

    config = RunConfig()
    if arguments.config is not None:
        config = read_config(Path(arguments.config))
    elif arguments.preset is not None:
        config = preset(arguments.preset)
    given = vars(arguments)
    return config.replace({path: given[path] for path in all_settings() if path in given})


def read_config(path: Path) -> RunConfig:
    """The configuration in a JSON file, or in the folder of a run.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    from labcore.config import parse
    from labcore.reading import parse_json

    file = path / "config.json" if path.is_dir() else path
    with ConfigError.on_os_error(
        f"the configuration {file} cannot be read", "Give the config.json of a run", ValueError
    ):
        tree = parse_json(file.read_bytes())
    try:
        return parse(tree)
    except ConfigError as error:
        raise ConfigError(f"in {file}: {error.what}", error.remedy) from error


def _reader(setting: Setting) -> Callable[[str], Any]:
    """Converts the text of a flag, within the bounds of the setting."""

    def read(text: str) -> Any:
        try:
            return setting.read(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(error.what) from None

    return read


def _metavar(setting: Setting) -> str:
    if setting.kind == "choice":
        return "{" + ",".join(setting.choices) + "}"
    return {"int": "N", "float": "X", "text": "TEXT"}[setting.kind]


def _help(setting: Setting) -> str:
    from labcore.config.setting import AUTO

    default = (
        AUTO if setting.default is None else f"{setting.default:g}" if setting.kind == "float" else str(setting.default)
    )
    facts = [setting.bounds, f"default {default}"]
    text = f"{setting.title}. {setting.help} [{', '.join(fact for fact in facts if fact)}]"
    return text.replace("%", "%%")


def number(kind: type[int] | type[float], within: Callable[[float], bool], what: str) -> Callable[[str], Any]:
    """Reads the number of a flag. What is none, or is not within the bounds, is not ``what``."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not within(value):
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return value

    return read


positive = number(float, lambda value: 0 < value < math.inf, "more than zero")
share = number(float, lambda value: 0 <= value <= 1, "between 0 and 1")
count = number(int, lambda value: value >= 1, "1 or more")


def add_json(parser: argparse._ActionsContainer, what: str = "a line of JSON") -> None:
    """The flag with which stdout holds JSON alone."""
    parser.add_argument("--json", action="store_true", help=f"{what} on stdout, and nothing else there")


def add_device(parser: argparse._ActionsContainer, what: str = "auto (the default), cpu, cuda or cuda:N") -> None:
    """The device to compute on, and the short way to ask for a GPU."""
    parser.add_argument("--device", default="auto", help=what)
    parser.add_argument("--gpu", dest="device", action="store_const", const="cuda", help="the same as --device cuda")


def add_anyone(parser: argparse._ActionsContainer, what: str) -> None:
    """The flag without which another person's work is left alone."""
    parser.add_argument("--anyone", action="store_true", help=f"{what} also where it is another person's")


def refuse_recipe(arguments: argparse.Namespace, what: str, own: Sequence[str] = ()) -> None:
    """What goes on keeps the settings it began with; the place of its data set alone may be given.

    Args:
        own: flags of the command that say what is to be done, as "folds".

    Raises:
        ConfigError: others were given.
    """
    from labcore.config import all_settings

    given = [path for path in all_settings() if path in vars(arguments) and path != "data.dataset"]
    if given or any(vars(arguments)[name] for name in (*own, "config", "preset")):
        raise ConfigError(f"a {what} that goes on keeps its settings", f"Leave the flags out, or start a new {what}")


def add_engine(parser: argparse._ActionsContainer, what: str) -> None:
    """Who works on the runs of a command: the flags that :func:`labcore.ray_queue.connected` reads.

    Args:
        what: what each run is, as "fold".
    """
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help=f"who works on the {what}s: this machine's job "
                        "manager, or a Ray cluster [default local]")  # fmt: skip
    parser.add_argument("--ray-address", metavar="ADDRESS", help="the cluster's address; where not given, the one RAY_ADDRESS names, else "
                        "a Ray of this machine alone")  # fmt: skip
    parser.add_argument(
        "--cores", type=int, metavar="N", help=f"CPU cores for each {what} that has no GPU, with --engine ray"
    )


RUN = "a run's id or a part of it, its folder, or the word last"
LAST = f"{RUN} (the default)"
HOW = "Give RUN or --run RUN, an id or the word last; `labcore runs list` shows them"
WEIGHTS = (
    "a run's id or a part of it, its folder, the word last (the default; no trial and no fold where there is another), a weights "
    "file, the zip of a run, or the word builtin (the demo network that travels with the lab)"
)


def add_run(parser: argparse._ActionsContainer, what: str = RUN, default: str | None = None) -> None:
    """A run, named as ``RUN`` or as ``--run RUN``: every command that takes one takes both. :func:`run_named` tells which.

    Args:
        default: the run where none is named; without one, naming it is a must.
    """
    parser.add_argument("run", metavar="RUN", nargs="?", help=what)
    parser.add_argument("--run", metavar="RUN", dest="run_flag", default=None, help="the same")
    parser.set_defaults(run_default=default)


def add_runs(parser: argparse._ActionsContainer, what: str = RUN) -> None:
    """Runs, named as ``RUN …`` or as ``--run RUN``, several times; :func:`runs_named` gives them."""
    parser.add_argument("runs", metavar="RUN", nargs="*", help=what)
    parser.add_argument("--run", metavar="RUN", dest="run_flags", action="append", default=[], help="the same")


def run_named(arguments: argparse.Namespace) -> str:
    """The run that the arguments of :func:`add_run` name.

    Raises:
        ConfigError: none is named, or two.
    """
    if arguments.run is not None and arguments.run_flag not in (None, arguments.run):
        raise ConfigError(f"two runs are named: {arguments.run} and {arguments.run_flag}", "Name one")
    named: str | None = arguments.run or arguments.run_flag or arguments.run_default
    if named is None:
        raise ConfigError("no run is named", HOW)
    return named


def runs_named(arguments: argparse.Namespace) -> list[str]:
    """The runs that the arguments of :func:`add_runs` name, in order.

    Raises:
        ConfigError: none is named.
    """
    named: list[str] = [*arguments.runs, *arguments.run_flags]
    if not named:
        raise ConfigError("no run is named", HOW)
    return named


def subcommands(parser: Parser, names: Sequence[tuple[str, str]]) -> dict[str, Parser]:
    """A parser for each second word of a command: (name, help)."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    return {
        name: actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.") for name, what in names
    }
