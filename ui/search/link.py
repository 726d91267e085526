"""The form of a new search in the address of its page, so that a reload and a copied link give it again: only what differs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import streamlit as st

from labcore.config import RunConfig, all_settings
from labcore.config.presets import PRESETS
from labcore.config.setting import AUTO
from labcore.errors import ConfigError, LabError
from labcore.search.objectives import OBJECTIVES
from labcore.search.space import Range, base_value, default_ranges, read_range
from labcore.texts import whole_number
from ui.app.shell import show_error
from ui.forms import url

OWN = "own"
USUAL = {"fold": None, "base": "quick", "objective": "accuracy", "pruning": True, "trials": 20, "seed": 0}
"""What the form begins with."""
CHOICES = {"base": (*PRESETS, OWN), "objective": tuple(OBJECTIVES), "pruning": ("off", "on")}
NUMBERS = {"trials": (1, 1000), "seed": (0, 2**31 - 1)}
RECIPE = {"model": "model.name", "epochs": "optim.epochs"}
"""Word of the address → setting."""
NAMES = {"base": "recipe", "objective": "judged"}
"""A value of the form → its word, where that is another one."""


def range_key(path: str, base: str) -> str:
    """The key of a range's widget, and of its values in the form."""
    return f"search-range-{path}-{base}"


def read(kept: dict[str, Any]) -> None:
    """Fill the form from the address, at the first look of a browser session. What that says wrongly is told and left out."""
    if kept:
        return
    for name in ("dataset", "fold", *CHOICES, *NUMBERS):
        word = NAMES.get(name, name)
        if word in st.query_params:
            with _ignored(word):
                kept[name] = _value(name, st.query_params[word])
    base = kept.get("base", USUAL["base"])
    changed = kept.setdefault(f"changed-{base}", {})
    for word, path in RECIPE.items():
        if word in st.query_params:
            with _ignored(word):
                changed[path] = all_settings()[path].read(st.query_params[word])
    ranges: list[Range] = []
    for text in st.query_params.get_all("vary"):
        with _ignored("vary"):
            each = read_range(text, RunConfig())
            if each.choices and each.setting.kind in ("int", "float"):
                raise ConfigError(f"{each.path} has a range here, and no choices", f"Write {each.path}=LOW:HIGH")
            ranges.append(each)
    if ranges:
        kept["paths"] = [each.path for each in ranges]
        held = kept.setdefault("ranges", {})
        for each in ranges:
            held[range_key(each.path, base)] = list(each.choices) or (each.low, each.high)


def write(kept: dict[str, Any], config: RunConfig, ranges: list[Range]) -> None:
    """Put what the form shows into the address.

    Args:
        config: the recipe before network and epochs of the form.
        ranges: what is varied.
    """
    words: dict[str, str | list[str] | None] = {"dataset": kept["dataset"]}
    for name, usual in USUAL.items():
        value = kept.get(name, usual)
        text = ("on" if value else "off") if name == "pruning" else str(value)
        words[NAMES.get(name, name)] = None if value == usual else text
    for word, path in RECIPE.items():
        value = kept[f"changed-{kept['base']}"].get(path)
        words[word] = None if value == base_value(path, config) else AUTO if value is None else str(value)
    usual_ranges = list(default_ranges(config))
    words["vary"] = None if ranges == usual_ranges else [each.words() for each in ranges]
    url.write(words, settings=kept["base"] == OWN)


@contextlib.contextmanager
def _ignored(word: str) -> Iterator[None]:
    """Tell what a word of the address says wrongly, and go on without it."""
    try:
        yield
    except LabError as error:
        show_error(ConfigError(f"the {word} of this link is ignored: {error.what}", error.remedy))


def _value(name: str, text: str) -> Any:
    if name in CHOICES and text not in CHOICES[name]:
        raise ConfigError(f"{text!r} is not one of {', '.join(CHOICES[name])}", "Choose one of these")
    if name in NUMBERS:
        low, high = NUMBERS[name]
        number = whole_number(text)
        if number is None or not low <= number <= high:
            raise ConfigError(
                f"{text!r} is not a whole number from {low} to {high}", "Give a value within these bounds"
            )
        return number
    return text == "on" if name == "pruning" else text
