"""What a setting is: a field of the configuration with what each face of it needs, slider, flag and page of the reference."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from labcore.config.former import choice_now
from labcore.errors import ConfigError

AUTO = "auto"
"""What stands for "automatic" where a value is written as text."""


def setting(
    default: Any,
    title: str,
    help: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    unit: str = "",
    flag: str = "",
    advanced: bool = False,
    log: bool = False,
    live: bool = False,
    unset: str = "automatic",
) -> Any:
    """A field with what every face of it needs.

    Args:
        default: the value without a choice of the user's; None means that the lab works it out.
        title: a few words, as a label of a widget.
        help: what it does and when to change it, one or two sentences.
        ge, le: the bounds, inclusive.
        step: the step of a slider.
        unit: the unit of the value, "" for a pure number.
        flag: the short name on the command line, without dashes; every field also has its full path.
        advanced: shown folded away.
        log: a slider on a logarithmic scale makes sense.
        live: it can be changed while a run trains.
        unset: what None is called, or a list without entries.
    """
    ui: Any = {"step": step, "unit": unit, "flag": flag, "advanced": advanced, "log": log, "live": live, "unset": unset}
    return Field(default=default, title=title, description=help, ge=ge, le=le, json_schema_extra={"ui": ui})


class SettingGroup(BaseModel):
    """A group of settings. Frozen: a changed configuration is a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Setting(BaseModel):
    """One field of the configuration, described for whoever makes a face of it: widget, flag, page of the reference."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    path: str
    title: str
    help: str
    kind: Literal["int", "float", "text", "choice", "list"]
    default: Any
    optional: bool
    choices: Annotated[tuple[str, ...], Field(default=())]
    ge: float | None
    le: float | None
    step: float | None
    unit: str
    flag: str
    advanced: bool
    log: bool
    live: bool
    unset: str

    def read(self, text: str) -> Any:
        """The value that a text says, as flags, links and ranges write it (:func:`as_text`); "auto" where the setting may be left to the
        lab.

        Raises:
            ConfigError: it says none, or one out of bounds.
        """
        if self.optional and text == AUTO:
            return None
        if self.kind == "text":
            return text
        if self.kind == "list":
            row = next(csv.reader(io.StringIO(text), skipinitialspace=True), [])
            return tuple(dict.fromkeys(word for word in row if word))
        if self.kind == "choice":
            text = choice_now(self.path, text)
            if text not in self.choices:
                raise ConfigError(f"{text!r} is not one of {', '.join(self.choices)}", "Choose one of these")
            return text
        try:
            value = int(text) if self.kind == "int" else float(text)
        except ValueError:
            word = "a whole number" if self.kind == "int" else "a number"
            also = f" or {AUTO}" if self.optional else ""
            raise ConfigError(f"{text!r} is not {word}{also}", "Correct it") from None
        if not ((self.ge is None or value >= self.ge) and (self.le is None or value <= self.le)):
            raise ConfigError(f"{text} is out of bounds: {self.bounds}", "Give a value within them")
        return value

    @property
    def bounds(self) -> str:
        """Its bounds and unit in words, "" where it has neither."""
        unit = f" {self.unit}" if self.unit else ""
        if self.ge is None or self.le is None:
            return unit.strip()
        return f"{_number(self.ge)} to {_number(self.le)}{unit}"


def as_text(value: Any) -> str:
    """A value as flags and links write it: "auto" for None, a list with commas, as a line of CSV. :meth:`Setting.read` reads it."""
    if isinstance(value, tuple):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()
    return AUTO if value is None else str(value)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


_KINDS: dict[Any, Literal["int", "float", "text"]] = {int: "int", float: "float", str: "text"}


def describe(path: str, field: FieldInfo) -> Setting:
    """The setting at a path (``optim.epochs``) from its field."""
    annotation: Any = field.annotation
    optional = type(None) in get_args(annotation)
    if optional:
        annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    is_list = get_origin(annotation) is tuple
    bounds = {name: getattr(item, name) for item in field.metadata for name in ("ge", "le") if hasattr(item, name)}
    extra: Any = field.json_schema_extra
    return Setting(
        path=path,
        title=field.title or path,
        help=field.description or "",
        kind="choice" if choices else "list" if is_list else _KINDS[annotation],
        default=field.default,
        optional=optional,
        choices=choices,
        ge=bounds.get("ge"),
        le=bounds.get("le"),
        **extra["ui"],
    )
