"""Names of settings and choices in the version before. JSON, flags, links and ranges that hold them are still read."""

from __future__ import annotations

from typing import Any

PATHS = {"optim.optimiser": "optim.optimizer"}
"""Former path → path."""
CHOICES = {"runtime.out_of_memory": {"divide": "split"}}
"""Path → former choice → choice."""


def path_now(path: str) -> str:
    """The path that a setting has now, for one that it may have had before."""
    return PATHS.get(path, path)


def former_names(path: str) -> list[str]:
    """Path and short name that a setting had before."""
    return [name for old, now in PATHS.items() if now == path for name in (old, old.partition(".")[2])]


def choice_now(path: str, value: Any) -> Any:
    """The name that a choice of a setting has now, for one that it may have had before; any other value as it is."""
    return CHOICES.get(path, {}).get(value, value) if isinstance(value, str) else value


def tree_now(tree: Any) -> Any:
    """A configuration as nested dictionaries under today's names; what is no configuration stays as it is."""
    if not isinstance(tree, dict):
        return tree
    parts = {part: dict(values) if isinstance(values, dict) else values for part, values in tree.items()}
    for path in (*PATHS, *CHOICES):
        part, _, name = path.partition(".")
        values = parts.get(part)
        if isinstance(values, dict) and name in values:
            value = choice_now(path, values.pop(name))
            values.setdefault(path_now(path).partition(".")[2], value)
    return parts
