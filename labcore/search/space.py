"""Which settings a search varies, and over what: ranges from the settings' own bounds, or as the user says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labcore.config import RunConfig, Setting, all_settings, no_such_setting
from labcore.config.former import former_names, path_now
from labcore.config.setting import AUTO
from labcore.errors import ConfigError

DIGITS = 4
"""Significant digits of a value that is drawn: what is shown is then what was trained."""
USUAL_EPOCHS = 80
"""What a range of epochs lies around where they are automatic."""
FIXED = ("data.", "runtime.")
"""What is trained on and where is no matter of taste, and choosing among seeds would be choosing among accidents."""


@dataclass(frozen=True)
class Range:
    """What a setting may be: numbers from ``low`` to ``high``, or one of ``choices``.

    None among the choices leaves the setting to the lab, where it can be left.
    """

    path: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        setting = all_settings().get(self.path)
        if setting is None:
            raise no_such_setting(self.path, all_settings())
        if self.path.startswith(FIXED):
            raise ConfigError(f"{self.path} cannot be varied in a search", "Vary settings of the recipe or the network")
        if self.choices:
            for value in self.choices:
                if self.path.startswith(("features.", "audio.")):  # those of the front end hang together
                    _check(setting, value)
                else:
                    RunConfig().replace({self.path: value})
            if len(set(self.choices)) < 2:
                raise ConfigError(f"{self.path} has only one choice", "Give two or more")
            return
        if setting.kind not in ("int", "float"):
            raise ConfigError(f"{self.path} takes choices, not a range", "Give the choices, separated by commas")
        if self.low is None or self.high is None:
            raise ConfigError(f"{self.path} has no bounds of its own", f"Give them: {self.path}=LOW:HIGH")
        for value in (self.low, self.high):
            _check(setting, value)
        if self.low >= self.high:
            raise ConfigError(f"{self.path}: {self.low:g} is not below {self.high:g}", "Write LOW:HIGH")
        if self.log and self.low <= 0:
            raise ConfigError(f"{self.path}: a logarithmic range must be above 0", "Raise its lower end")

    @property
    def setting(self) -> Setting:
        return all_settings()[self.path]

    def value(self, sampled: Any) -> Any:
        """What a drawn number becomes in a configuration: rounded to a few digits, within the range."""
        if self.choices or self.setting.kind != "float" or self.low is None or self.high is None:
            return sampled
        return min(self.high, max(self.low, float(f"{sampled:.{DIGITS}g}")))

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn."""
        if self.choices:
            return value in self.choices
        if value is None or self.low is None or self.high is None or not self.low <= value <= self.high:
            return False
        return not self.step or (value - self.low) % self.step == 0

    @property
    def step(self) -> int | None:
        """The distance of whole numbers that can be drawn; None for other numbers."""
        if self.choices or self.setting.kind != "int":
            return None
        return 1 if self.log else int(self.setting.step or 1)

    def words(self) -> str:
        """As the command line takes it: ``optim.lr=0.01:0.3:log``."""
        if self.choices:
            listed = (AUTO if value is None else _number(value) for value in self.choices)
            return f"{self.path}={','.join(listed)}"
        return f"{self.path}={_number(self.low)}:{_number(self.high)}:{'log' if self.log else 'linear'}"

    def to_dict(self) -> dict[str, Any]:
        if self.choices:
            return {"path": self.path, "choices": list(self.choices)}
        return {"path": self.path, "low": self.low, "high": self.high, "log": self.log}

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> Range:
        return cls(**{**tree, "path": path_now(tree["path"]), "choices": tuple(tree.get("choices", ()))})


def range_of(path: str, config: RunConfig) -> Range:
    """The range of a setting when none is given: what makes sense around a configuration, else the setting's own bounds.

    Raises:
        ConfigError: there is no such setting, or it has no bounds and no choices.
    """
    setting = all_settings().get(path)
    if setting is None or path.startswith(FIXED):
        return Range(path)  # tells what is wrong
    if setting.kind == "choice":
        return Range(path, choices=setting.choices)
    low, high = _around(path, config) or (setting.ge, setting.le)
    if setting.kind in ("int", "float") and low is not None and high is not None:
        base = base_value(path, config)
        low, high = min(low, base if base is not None else low), max(high, base if base is not None else high)
        low, high = (
            low if setting.ge is None else max(low, setting.ge),
            high if setting.le is None else min(high, setting.le),
        )
        return Range(path, low, high, log=setting.log and low > 0)
    return Range(path, low, high)


def default_ranges(config: RunConfig) -> tuple[Range, ...]:
    """What is varied where nobody says: the settings of the recipe that matter most on new data, around a configuration."""
    paths = ("optim.lr", "optim.weight_decay", "model.dropout", "augment.mixup", "augment.time_mask")
    return tuple(range_of(path, config) for path in paths)


def read_range(text: str, config: RunConfig) -> Range:
    """A range from ``PATH=LOW:HIGH``, ``PATH=LOW:HIGH:log``, ``PATH=A,B,C`` or ``PATH``; short flag names will do for paths.

    Raises:
        ConfigError: it says nothing that could be varied.
    """
    name, given, rest = text.partition("=")
    name = name.strip().lstrip("-")
    table = all_settings()
    path = next((path for path in table if name in (path, table[path].flag, *former_names(path))), name)
    if not given:
        return range_of(path, config)
    setting = all_settings().get(path)
    if setting is None:
        return Range(path)
    if "," in rest or setting.kind in ("text", "choice"):
        return Range(path, choices=tuple(_read(setting, word.strip()) for word in rest.split(",") if word.strip()))
    pieces = [piece.strip() for piece in rest.split(":")]
    scale = pieces.pop() if len(pieces) == 3 else ""
    if len(pieces) != 2 or scale not in ("", "log", "lin", "linear"):
        raise ConfigError(f"{text!r} is not a range", f"Write {path}=LOW:HIGH, {path}=LOW:HIGH:log or {path}=A,B,C")
    low, high = (_read(setting, piece) for piece in pieces)
    log = scale == "log" or (not scale and setting.log and low is not None and low > 0)
    return Range(path, low, high, log=log)


def read_ranges(texts: Iterable[str], config: RunConfig) -> tuple[Range, ...]:
    """Several of them, each setting once; the default set where there are none.

    Raises:
        ConfigError: one says nothing that could be varied, or a setting comes twice.
    """
    ranges = tuple(read_range(text, config) for text in texts)
    return distinct(ranges) if ranges else default_ranges(config)


def distinct(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The ranges, each setting once.

    Raises:
        ConfigError: a setting comes twice, or there is none.
    """
    kept = tuple(ranges)
    paths = [each.path for each in kept]
    if not paths:
        raise ConfigError("nothing is varied", "Choose at least one setting")
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice:
        raise ConfigError(f"{twice} is varied twice", "Give one range for each setting")
    return kept


def base_value(path: str, config: RunConfig) -> Any:
    """What a configuration says about a setting; "automatic" worked out where that needs no data."""
    if path == "optim.lr":
        return config.optim.peak_lr
    if path in ("audio.sample_rate", "features.f_min", "features.f_max"):
        return getattr(config, path.partition(".")[2])
    return config.value(path)


def _around(path: str, config: RunConfig) -> tuple[float, float] | None:
    """Ranges narrower than the bounds, which hold all that can work anywhere."""
    known = {
        "optim.lr": (_round(config.optim.peak_lr / 10), min(2.0, _round(config.optim.peak_lr * 4))),
        "optim.weight_decay": (5e-5, 5e-3),
        "model.dropout": (0.0, 0.6),
        "augment.time_mask": (0.0, 0.3),
        "augment.freq_mask": (0.0, 0.3),
        "optim.label_smoothing": (0.0, 0.2),
        "optim.batch_size": (8, 128),
        "optim.epochs": _whole(config.optim.epochs or USUAL_EPOCHS),
        "optim.budget": _whole(config.optim.budget),
        "model.width": (0.5, 2.0),
    }
    return known.get(path)


def _whole(value: int) -> tuple[int, int]:
    """From a quarter to twice: what takes longer has to be asked for."""
    return max(5, value // 4), max(10, 2 * value)


def _read(setting: Setting, text: str) -> Any:
    try:
        return setting.read(text)
    except ConfigError as error:
        raise ConfigError(f"{setting.path}: {error.what}", "Correct the range") from None


def _check(setting: Setting, value: Any) -> None:
    if value is None and setting.optional:
        return
    low, high = setting.ge, setting.le
    if setting.kind == "choice":
        good = value in setting.choices
    else:
        number = isinstance(value, (int, float)) and math.isfinite(value)
        good = number and (low is None or value >= low) and (high is None or value <= high)
    if not good:
        bounds = ", ".join(setting.choices) if setting.kind == "choice" else f"{_number(low)} to {_number(high)}"
        raise ConfigError(f"{setting.path}: {value} is out of bounds", f"It takes {bounds}")


def _round(value: float) -> float:
    return float(f"{value:.2g}")


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
