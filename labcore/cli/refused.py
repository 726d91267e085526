"""Flags that say nothing where they stand: refused, rather than left without effect."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from labcore.errors import ConfigError

CALLED = {"file": "from", "name": "as"}
"""Flags that are kept under another name than their own."""


def refuse_without(arguments: argparse.Namespace, flags: Mapping[str, Sequence[str]]) -> None:
    """Refuse flags that say nothing without another one.

    Args:
        flags: the destination of a flag, None or False where it was not given → those of the flags one of which it needs.

    Raises:
        ConfigError: one was given by itself.
    """
    given = vars(arguments)
    for flag, needs in flags.items():
        if _is_given(given[flag]) and not any(_is_given(given[need]) for need in needs):
            raise ConfigError(
                f"--{CALLED.get(flag, flag)} is only for --{' and --'.join(CALLED.get(need, need) for need in needs)}",
                "Leave it out, or add that",
            )


def _is_given(value: object) -> bool:
    return value is not None and value is not False


def refuse_recipe(arguments: argparse.Namespace, what: str, own: Sequence[str] = ()) -> None:
    """A resumed job keeps its settings; only the place of its data set may be given.

    Args:
        own: flags of the command that say what is to be done, as "folds".

    Raises:
        ConfigError: others were given.
    """
    from labcore.config import all_settings

    given = [path for path in all_settings() if path in vars(arguments) and path != "data.dataset"]
    if given or any(vars(arguments)[name] for name in (*own, "config", "preset")):
        raise ConfigError(f"a resumed {what} keeps its settings", f"Leave these flags out, or start a new {what}")
