"""Parsing arguments: one clear line for a mistake, and a flag for every setting of the configuration."""

from __future__ import annotations

import argparse
import math
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from labcore.errors import ConfigError
from labcore.texts import closest, printable

if TYPE_CHECKING:
    from labcore.config import RunConfig, Setting
    from labcore.workspace import Workspace

EVERYDAY = ("dataset", "fold", "model", "epochs", "batch-size", "lr", "device", "seed")
"""The settings that the help shows first."""


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake in one line, and suggests the flag that was meant.

    Args:
        description: what the command does; from a paragraph ``Examples:`` on it ends the help. Commands give their docstrings.
    """

    def __init__(self, *, description: str | None = None, **options: Any) -> None:
        description, examples, rest = (description or "").strip().partition("Examples:\n")
        options = {"formatter_class": _Formatter, "epilog": examples + rest, "allow_abbrev": False, **options}
        super().__init__(**options, description=description.strip(), add_help=False)
        self._positionals.title = "arguments"
        self.add_argument("-h", "--help", action="help", help="show this help and exit")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:  # the base's overloads say no more
        known, rest = self.parse_known_args(args, namespace)
        flags = [word.split("=")[0] for word in rest if word.startswith("-") and word != "--"]
        if flags:
            asked = self._asked(known)
            asked.error(f"there is no flag {flags[0]}{closest(flags[0], asked.flags())}")
        if rest:
            self.error(f"unexpected argument {rest[0]!r}")
        return known

    def _asked(self, known: Any) -> Parser:
        """The parser of the subcommand that was asked for, where there are any; else this one."""
        second = next((action for action in self._actions if isinstance(action, argparse._SubParsersAction)), None)
        asked: Parser = self if second is None else second.choices[getattr(known, second.dest)]
        return asked

    def flags(self) -> list[str]:
        """All flags that the help shows."""
        return [flag for flag, action in self._option_string_actions.items() if action.help != argparse.SUPPRESS]

    def options_last(self) -> None:
        """Show the options that belong to no group below the groups made so far."""
        self._action_groups.remove(self._optionals)
        self._action_groups.append(self._optionals)

    def error(self, message: str) -> NoReturn:
        stop = "" if message.endswith("?") else "."
        self.exit(2, f"{self.prog}: {message}{stop} `{self.prog} --help` lists what there is.\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            print(printable(message), end="", file=sys.stderr)
        sys.exit(status)


class _Formatter(argparse.HelpFormatter):
    """A usage line of what has to be given, help beside short flags and below long ones, paragraphs and examples as they are."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=26, **options)

    def _format_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None) -> str:
        if usage is None:
            actions = [action for action in actions if action.required or not action.option_strings]
            prog, self._prog = self._prog, f"{self._prog} [options]"
            try:
                return super()._format_usage(None, actions, [], prefix)
            finally:
                self._prog = prog
        return super()._format_usage(usage, actions, groups, prefix)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            each if "\n  " in each else textwrap.indent("\n".join(self._split_lines(each, width)), indent)
            for each in paragraphs
        )


def add_config_flags(parser: Parser, without: Collection[str] = ()) -> None:
    """A flag for every setting: the everyday ones first and under their short names, then all others by part.

    Args:
        without: settings that the command chooses itself.
    """
    from labcore.config import RunConfig, all_settings
    from labcore.config.presets import PRESETS

    everyday = parser.add_argument_group("common settings")
    parser.options_last()
    start = everyday.add_mutually_exclusive_group()
    listed = " ".join(f"{name}: {preset.summary}" for name, preset in PRESETS.items())
    start.add_argument("--preset", choices=tuple(PRESETS), help=f"recipe to start from. {listed}")
    start.add_argument("--config", metavar="FILE", help="settings to start from: a config.json, or the folder of a run")
    groups = {
        part: parser.add_argument_group(f"{part} settings", (field.annotation.__doc__ or "").strip())
        for part, field in RunConfig.model_fields.items()
    }
    order = {flag: number for number, flag in enumerate(EVERYDAY)}
    for path, setting in sorted(all_settings().items(), key=lambda item: order.get(item[1].flag, len(order))):
        if path in without:
            continue
        add_setting(everyday if setting.flag in order else groups[path.partition(".")[0]], setting)
        if path == "runtime.device":
            everyday.add_argument(
                "--gpu", dest=path, action="store_const", const="cuda", default=argparse.SUPPRESS, help=GPU
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
    from labcore.config.presets import preset

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
    return {"int": "N", "float": "X", "text": "TEXT", "list": "NAME,…"}[setting.kind]


def _help(setting: Setting) -> str:
    from labcore.config.setting import as_text

    default = (
        f"{setting.default:g}" if setting.kind == "float" and setting.default is not None else as_text(setting.default)
    )
    default = default or setting.unset
    facts = [setting.bounds, f"default: {default}"]
    text = f"{setting.title}. {setting.help} ({'; '.join(fact for fact in facts if fact)})"
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
seed = number(int, lambda value: 0 <= value < 2**31, "a whole number from 0 to 2147483647")


def named(text: str) -> str:
    """Reads a name that is not empty, as a variable of the shell is that nobody set: it stands for no default."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def add_json(parser: argparse._ActionsContainer, what: str = "the result as a line of JSON") -> None:
    """The flag with which stdout holds JSON alone."""
    parser.add_argument("--json", action="store_true", help=f"print {what} on stdout, and nothing else")


def add_csv(parser: argparse._ActionsContainer, what: str) -> None:
    """The flag that writes a table as CSV; :func:`labcore.cli.output.emit_csv` does it."""
    parser.add_argument(
        "--csv", metavar="FILE", nargs="?", const="-", help=f"write {what} as CSV to this file; without one, or for -, to stdout"
    )  # fmt: skip


def add_device(parser: argparse._ActionsContainer, what: str = "auto, cpu, cuda or cuda:N (default: auto)") -> None:
    """The device to compute on, and the short way to ask for a GPU."""
    parser.add_argument("--device", default="auto", help=what)
    parser.add_argument("--gpu", dest="device", action="store_const", const="cuda", help=GPU)


def add_dataset(parser: argparse._ActionsContainer) -> None:
    """Which clips of which data set a classifier is evaluated on."""
    parser.add_argument(
        "--dataset", metavar="NAME", type=named, help="data set by name or path (default: the run's own)"
    )
    parser.add_argument(
        "--fold", metavar="FOLD", help="fold, or the word all (default: the run's test fold; all of another data set)"
    )


def add_route(parser: argparse._ActionsContainer) -> None:
    """How the network is computed; the names are those of :data:`labcore.inference.routes.WORDS`, which loads torch."""
    parser.add_argument(
        "--route", choices=("auto", "eager", "bf16", "onnx", "compile", "compare"), default="auto",
        help="how the network is computed on a CPU: auto (the fastest correct route, found once and remembered), eager (PyTorch), bf16, "
        "onnx (ONNX Runtime), compile (torch.compile), or compare (time all of them now, which takes a minute) (default: auto)",
    )  # fmt: skip


def add_time_again(parser: argparse._ActionsContainer) -> None:
    """The flag that forgets what was timed on this machine; :func:`labcore.cli.inputs.time_again` does it."""
    parser.add_argument(
        "--time-again", action="store_true",
        help="measure again which precision (of training) and which route (of use) is the fastest on this machine",
    )  # fmt: skip


def add_existing(
    parser: argparse.ArgumentParser, jobs: str, what: str = "results", metavar: str = "ID"
) -> argparse._MutuallyExclusiveGroup:
    """``--list`` and ``--show`` for jobs that consist of runs; returns their group, for flags that exclude them.

    Args:
        jobs: what they are called.
        what: of one is shown.
    """
    group = parser.add_argument_group(f"existing {jobs}").add_mutually_exclusive_group()
    group.add_argument("--list", action="store_true", help="list them")
    group.add_argument(
        "--show", metavar=metavar, help=f"show the {what} of one: its id or a part of it, or the word last"
    )
    return group


def add_anyone(parser: argparse._ActionsContainer, what: str) -> None:
    """The flag without which another person's work is left alone."""
    parser.add_argument("--anyone", action="store_true", help=f"{what} even if it is another person's")


def add_engine(parser: argparse._ActionsContainer, what: str) -> None:
    """Who works on the runs of a command: the flags that :func:`labcore.runs.ray_queue.connected` reads.

    Args:
        what: what each run is, as "fold".
    """
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="this machine or a Ray cluster (default: local)"
    )
    parser.add_argument(
        "--ray-address", metavar="ADDRESS", help="Ray cluster to use (default: RAY_ADDRESS, else Ray on this machine)"
    )
    parser.add_argument(
        "--cores", type=count, metavar="N", help=f"CPU cores per {what} without a GPU, with --engine ray"
    )


Act = Callable[["Workspace", argparse.Namespace], int]
"""What a second word of a command does; it returns the exit status."""
GPU = "same as --device cuda: fail where there is no GPU"
RUN = "id of a run or a part of it, its name, its folder, or the word last"
WEIGHTS = (
    "id of a run or a part of it, its name, its folder, a weights file, the zip of a run, last for the newest run with weights (default), "
    "or builtin for the demo network that comes with the lab"
)


def add_run(
    parser: argparse._ActionsContainer, what: str = RUN, *, default: str | None = None, many: bool = False
) -> None:
    """A run, named as ``RUN`` or as ``--run RUN``: every command that takes one takes both. :func:`runs_named` tells which.

    Args:
        default: the run where none is named; without one, naming it is a must.
        many: whether there may be several.
    """
    parser.add_argument("runs", metavar="RUN", nargs="*" if many else "?", action=_Several, help=what)
    parser.add_argument("--run", metavar="RUN", dest="runs", action=_Several, default=[], help="same as RUN")
    parser.set_defaults(default_run=default, many=many)


class _Several(argparse.Action):
    """Collects values, those without a flag and those with one."""

    def __call__(self, parser: Any, namespace: Any, values: Any, flag: Any = None) -> None:
        named = [values] if isinstance(values, str) else values or []
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), *named])


def runs_named(arguments: argparse.Namespace) -> list[str]:
    """The runs that the arguments of :func:`add_run` name, in order.

    Raises:
        ConfigError: none is named, or two where one is wanted.
    """
    named: list[str] = arguments.runs or [arguments.default_run]
    if not arguments.many and len(set(named)) > 1:
        raise ConfigError(f"two runs are named: {named[0]} and {named[1]}", "Name one")
    if named == [None]:
        how = "Give RUN or --run RUN, an id or the word last; `labcore runs list` shows them"
        raise ConfigError("no run is named", how)
    return named


def run_named(arguments: argparse.Namespace) -> str:
    """The one run that the arguments name, as :func:`runs_named` tells it."""
    return runs_named(arguments)[0]


def subcommands(parser: Parser, names: Mapping[str, tuple[Act, str]]) -> dict[str, Parser]:
    """A parser for each second word of a command, by its name; with what it ``does``, and its help."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, title="actions", prog=parser.prog)
    made = {}
    for name, (does, what) in names.items():
        made[name] = actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        made[name].set_defaults(does=does)
    return made
