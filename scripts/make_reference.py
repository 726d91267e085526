"""Writes docs/configuration.md, the reference of all settings of a run, from their definitions in labcore/config/parts.py.

python scripts/make_reference.py
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from labcore.config import RunConfig, Setting, all_settings
from labcore.config.presets import PRESETS

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
WIDTH = 118
OPENING = """# Settings of a run

Each setting can be set in three ways:

- on the Train page;
- as a flag of `labcore train`: `--PATH VALUE`, for example `--optim.epochs 50`. The common ones also have a short flag;
- in a JSON file, as in a run's `config.json`: `labcore train --config FILE`.

*automatic* means that the lab chooses a value when the run starts; `config.json` then holds that value. On the command
line it is written `auto`. Settings marked **live** can be changed while a run trains (`labcore set`).

This page is generated from `labcore/config/parts.py` by `python scripts/make_reference.py`. Edit it there.
"""


def default(setting: Setting) -> str:
    """The default with its unit, as a reader would write it."""
    if setting.default is None:
        return f"*{setting.unset}*"
    if setting.default == ():
        return f"*{setting.unset}*"
    value = f"{setting.default:g}" if setting.kind == "float" else setting.default
    return f"`{value}`" + (f" {setting.unit}" if setting.unit else "")


def values(setting: Setting) -> str:
    """What may be chosen: choices, or a range with its unit."""
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.kind == "text":
        return "text"
    if setting.kind == "list":
        return "names with commas between them, as `dog,rain`; one that has a comma in quotes"
    return ("integer, " if setting.kind == "int" else "") + setting.bounds


def entry(setting: Setting) -> list[str]:
    """One setting: its path, what it does, and a line of facts."""
    facts = [f"Default: {default(setting)}.", f"Values: {values(setting)}."]
    facts += [f"Short flag: `--{setting.flag}`."] * bool(setting.flag) + ["**Live.**"] * setting.live
    text = textwrap.wrap(f"**{setting.title}.** {setting.help}", WIDTH)
    return [f"### `{setting.path}`", "", *text, "", " ".join(facts), ""]


def reference() -> str:
    """The page as Markdown."""
    lines = [OPENING]
    for part, field in RunConfig.model_fields.items():
        summary = (getattr(field.annotation, "__doc__", None) or "").strip().splitlines()[0]
        lines += [f"## {part}", "", summary, ""]
        for path, setting in all_settings().items():
            if path.startswith(f"{part}."):
                lines += entry(setting)
    lines += ["## Presets", "", "A preset changes these settings; all others keep their defaults.", ""]
    for name, preset in PRESETS.items():
        changed = ", ".join(f"`{path}={value}`" for path, value in preset.changes.items()) or "none"
        text = textwrap.wrap(f"**{preset.title}.** {preset.summary}", WIDTH)
        lines += [f"### `{name}`", "", *text, "", f"Changes: {changed}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"wrote {PAGE}")
