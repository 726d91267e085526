"""Writes docs/configuration.md, the reference of all settings of a run, from their definitions in labcore/config/parts.py.

python scripts/make_reference.py
"""

from __future__ import annotations

from pathlib import Path

from labcore.config import RunConfig, Setting, all_settings
from labcore.config.presets import PRESETS

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
OPENING = """# The settings of a run

Made by `python scripts/make_reference.py` from `labcore/config/parts.py`: change it there.

Every setting is a slider or field on the Train page, a flag of `labcore train` by its path (`--optim.epochs 50`, the everyday ones
by a short name too), and an entry in a run's `config.json`. "automatic" is worked out when the run starts, and then stands in
`config.json` as a value.
"""


def default(setting: Setting) -> str:
    """The default with its unit, as a reader would write it."""
    return (
        "automatic"
        if setting.default is None
        else f"`{setting.default}`" + (f" {setting.unit}" if setting.unit else "")
    )


def values(setting: Setting) -> str:
    """What may be chosen."""
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.kind == "text":
        return "text"
    low, high = (None if bound is None else f"{bound:g}" for bound in (setting.ge, setting.le))
    kind = "whole number" if setting.kind == "int" else "number"
    span = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else "any"
    return f"{kind}, {span}"


def reference() -> str:
    """The page as Markdown."""
    lines = [OPENING]
    for part, field in RunConfig.model_fields.items():
        summary = (getattr(field.annotation, "__doc__", None) or "").strip().splitlines()[0]
        lines += [
            f"## {part}",
            "",
            summary,
            "",
            "| setting | flags | default | values | what it does |",
            "|---|---|---|---|---|",
        ]
        for setting in (setting for path, setting in all_settings().items() if path.startswith(f"{part}.")):
            flags = ", ".join(f"`--{flag}`" for flag in (setting.flag, setting.path) if flag)
            text = setting.help.replace("|", "\\|")
            lines.append(f"| {setting.title} | {flags} | {default(setting)} | {values(setting)} | {text} |")
        lines.append("")
    lines += [
        "## Presets",
        "",
        "What a preset does not name stays at its default.",
        "",
        "| preset | for | turns |",
        "|---|---|---|",
    ]
    for name, preset in PRESETS.items():
        turned = ", ".join(f"`{path}` = `{value}`" for path, value in preset.changes.items()) or "nothing"
        lines.append(f"| {preset.title} (`{name}`) | {preset.summary} | {turned} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"wrote {PAGE}")
