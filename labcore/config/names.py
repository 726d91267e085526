"""Settings by the names that people type: ``optim.batch_size``, ``batch_size`` or ``batch-size``."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable
from typing import Any

from labcore.config import all_settings, no_such_setting
from labcore.config.former import former_names
from labcore.errors import ConfigError


def by_path(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values of settings by their paths, for :meth:`labcore.config.RunConfig.replace`.

    Args:
        named: (name, value): a path, a short name, or the last part of a path. Texts are read as flags are: "auto" leaves a setting to the
            lab.

    Raises:
        ConfigError: there is no such setting, it is given twice, or a text is none of its values.
    """
    known = _names()
    found: dict[str, Any] = {}
    for name, value in named:
        path = known.get(str(name).replace("-", "_"))
        if path is None:
            raise no_such_setting(str(name), known)
        if path in found:
            raise ConfigError(f"the setting {path} is given twice", "Give it once")
        found[path] = _value(path, value)
    return found


def _value(path: str, value: Any) -> Any:
    setting = all_settings()[path]
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if isinstance(value, str):
        try:
            return setting.read(value)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error.what}", error.remedy) from error
    if setting.kind == "text" and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(value)  # folds are called "1", "2" and so on; of NumPy's numbers, too
    return value


def _names() -> dict[str, str]:
    """Name → path. The short name is the flag's; where two settings end alike, only their paths tell them apart."""
    table = all_settings()
    last: dict[str, str] = {}
    for path in table:
        name = path.rpartition(".")[2]
        last[name] = "" if name in last else path
    names = {name: path for name, path in last.items() if path}
    names |= {setting.flag.replace("-", "_"): path for path, setting in table.items() if setting.flag}
    names |= {former: path for path in table for former in former_names(path)}
    return names | {path: path for path in table}
