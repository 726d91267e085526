"""What a run is called as long as nobody named it: what it is made of, as ``demo · quick · fold 1 · 25 epochs``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import PurePath

from labcore.config import CUTTING, DataConfig, RunConfig, all_settings
from labcore.config.presets import PRESETS, preset
from labcore.texts import counted, shown

BESIDE = ("optim.epochs", "model.name")
"""Settings that make no recipe, or that the title tells by themselves; so are those of the data but :data:`CLIPS`, and of the machine."""
CLIPS = ("data.labels", *CUTTING)
"""Settings of the data that make other clips of the same recordings."""
MOST_CHANGES = 2
"""So many changed settings are told one by one."""
MOST_CHARACTERS = 28
"""Of the name of a data set."""


def title_of(config: RunConfig, *, fold: str = "", more: Sequence[str] = (), epochs: int | None = None) -> str:
    """The title of a run, from the settings that were asked for.

    Args:
        fold: what is told of the fold, by default the one that the settings name.
        more: words that come after the recipe.
        epochs: how many it has, where the settings leave that to the lab.
    """
    number = config.optim.epochs or epochs
    random = "random " if config.data.split == "random" else ""
    named = config.data.fold and f"{random}fold {config.data.fold}"
    words = [
        _data(config.data.dataset),
        f"split {config.data.named_split}" if config.data.named_split else "",
        *_recipe(config),
        *_clips(config),
        *more,
        *_sample(config.data),
        _without(config.data.exclude_classes),
        fold or named or random.strip(),
        counted(number, "epoch") if number else "",
        f"seed {config.runtime.seed}" if config.runtime.seed else "",
    ]
    return " · ".join(shown(word) for word in words if word)


def _data(dataset: str) -> str:
    name = PurePath(dataset.rstrip("/") or "data").name
    return name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 1]}…"


def _sample(data: DataConfig) -> list[str]:
    """What is told of a sample that is trained on in place of all clips."""
    if data.train_recordings is None:
        return []
    number = [f"sample {data.sample}"] if data.sample > 1 else []
    return [f"{counted(data.train_recordings, 'recording')} per class", *number]


def _without(classes: Sequence[str]) -> str:
    many = len(classes) > MOST_CHANGES
    return f"without {counted(len(classes), 'class', 'classes') if many else ', '.join(classes)}" if classes else ""


def _recipe(config: RunConfig) -> list[str]:
    """The preset, or the network where that is another one, and what else is changed."""
    changed, name = min(
        ((_changed(config, values), name) for name, values in _presets()), key=lambda each: len(each[0])
    )
    network, usual = config.model.name, RunConfig().model.name
    words = [name] if network == usual else [network, *([name] if name != "balanced" else [])]
    return [*words, *_told(config, changed, "changes")]


def _clips(config: RunConfig) -> list[str]:
    """What is changed of how clips are cut by annotations, and of which of their labels count."""
    usual = RunConfig()
    return _told(config, [path for path in CLIPS if config.value(path) != usual.value(path)], "changes of clips")


def _told(config: RunConfig, changed: Sequence[str], changes: str) -> list[str]:
    """Changed settings one by one, or how many there are."""
    if len(changed) > MOST_CHANGES:
        return [f"{len(changed)} {changes}"]
    table, words = all_settings(), list[str]()
    for path in changed:
        value = config.value(path)
        told = table[path].unset if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        words.append(f"{path.rpartition('.')[2].replace('_', ' ')} {told}")
    return words


def _changed(config: RunConfig, values: dict[str, object]) -> list[str]:
    return [path for path, value in values.items() if config.value(path) != value]


@cache
def _presets() -> list[tuple[str, dict[str, object]]]:
    """Each preset with the values of what makes a recipe; the recommended one first."""
    names = sorted(PRESETS, key=lambda name: name != "balanced")
    paths = [path for path in all_settings() if path not in BESIDE and not path.startswith(("data.", "runtime."))]
    return [(name, {path: preset(name).value(path) for path in paths}) for name in names]
