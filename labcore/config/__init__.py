"""Every setting of a run, defined once.

From the fields in :mod:`labcore.config.parts` come the sliders of the pages, the flags of the command line, the JSON in a
run's directory and the reference in ``docs/``.

Needs no torch: the first page and the command line read it before anything heavy is loaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any

from pydantic import ValidationError, model_validator

from labcore.config.former import path_now, tree_now
from labcore.config.framing import Framing, framing, lowest_hz, rate_for, usable_hz
from labcore.config.parts import AudioConfig as AudioConfig
from labcore.config.parts import AugmentConfig as AugmentConfig
from labcore.config.parts import DataConfig as DataConfig
from labcore.config.parts import FeaturesConfig as FeaturesConfig
from labcore.config.parts import ModelConfig as ModelConfig
from labcore.config.parts import OptimConfig as OptimConfig
from labcore.config.parts import RuntimeConfig as RuntimeConfig
from labcore.config.setting import Setting as Setting
from labcore.config.setting import SettingGroup, describe
from labcore.errors import ConfigError
from labcore.events import Event, SettingsChanged, each_of
from labcore.texts import json_line

CUTTING = tuple(
    f"data.{name}"
    for name in ("windows", "window_seconds", "window_overlap", "least_overlap", "overlap_of", "mixed_windows", "annotations",
                 "background_ratio", "least_confidence", "label_column")
)  # fmt: skip
"""The settings of how clips are cut from recordings with time-stamped annotations."""


class RunConfig(SettingGroup):
    """All settings of one run."""

    data: DataConfig = DataConfig()
    audio: AudioConfig = AudioConfig()
    features: FeaturesConfig = FeaturesConfig()
    augment: AugmentConfig = AugmentConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    @model_validator(mode="before")
    @classmethod
    def _former_names(cls, tree: Any) -> Any:
        return tree_now(tree)

    @model_validator(mode="after")
    def _combinations(self) -> RunConfig:
        rate, frame = self.sample_rate, self.framing
        if frame.win_length > frame.n_fft:
            raise ValueError(f"features.win_length {frame.win_length} is longer than features.n_fft {frame.n_fft}")
        if frame.hop_length > frame.win_length:
            raise ValueError(
                f"features.hop_length {frame.hop_length} is longer than features.win_length {frame.win_length}"
            )
        if self.f_max > rate / 2:
            raise ValueError(f"features.f_max {self.f_max:g} Hz is above half the sample rate, {rate / 2:g} Hz")
        if self.f_min >= self.f_max:
            raise ValueError(f"features.f_min {self.f_min:g} Hz is not below features.f_max {self.f_max:g} Hz")
        return self

    @property
    def sample_rate(self) -> int:
        """The sample rate in Hz; while it is automatic and no clips are known, the usual one, or what given edges of bands need."""
        audio, features = self.audio, self.features
        return audio.sample_rate or rate_for(audio.usual_rate, features.f_min, features.f_max)

    @property
    def f_min(self) -> float:
        """The lowest frequency of the mel bands in Hz, with "automatic" worked out."""
        return lowest_hz(self.sample_rate, self.f_max) if self.features.f_min is None else self.features.f_min

    @property
    def f_max(self) -> float:
        """The highest frequency of the mel bands in Hz, with "automatic" worked out."""
        return usable_hz(self.sample_rate) if self.features.f_max is None else self.features.f_max

    @property
    def cutting(self) -> DataConfig:
        """The settings of the data with the length of windows worked out where it is to be the clip length."""
        if self.data.window_seconds is not None:
            return self.data
        return self.data.model_copy(update={"window_seconds": self.audio.clip_seconds})

    @property
    def framing(self) -> Framing:
        """FFT size, window and hop of the front end in samples, with "automatic" worked out."""
        features, audio = self.features, self.audio
        sizes = features.n_fft, features.win_length, features.hop_length
        return framing(self.sample_rate, audio.clip_seconds, *sizes, f_max=self.f_max)

    @property
    def epochs(self) -> int:
        """How often every training clip is seen. Only for a configuration whose ``epochs`` have been worked out."""
        if self.optim.epochs is None:
            raise ConfigError("optim.epochs is still automatic", "Resolve the configuration with a data set first")
        return self.optim.epochs

    @property
    def clip_samples(self) -> int:
        """Samples in one input of the network. Only for a configuration whose ``clip_seconds`` has been worked out."""
        if self.audio.clip_seconds is None:
            raise ConfigError(
                "audio.clip_seconds is still automatic", "Resolve the configuration with a data set first"
            )
        return max(1, round(self.audio.clip_seconds * self.sample_rate))

    def replace(self, changes: dict[str, Any]) -> RunConfig:
        """A configuration with some settings replaced.

        Args:
            changes: path → value, e.g. ``{"optim.epochs": 50}``. Texts are converted as pydantic converts them.

        Raises:
            ConfigError: a path that does not exist, a value out of bounds, or a combination that cannot work.
        """
        tree = self.model_dump()
        for path, value in changes.items():
            part, _, name = path_now(path).partition(".")
            if part not in tree or name not in tree[part]:
                raise no_such_setting(path, all_settings())
            tree[part][name] = value
        return parse(tree)

    def replace_live(self, changes: dict[str, Any]) -> RunConfig:
        """The same for settings that may be changed while a run trains, and for no other.

        Raises:
            ConfigError: as :meth:`replace` does, also for a setting that cannot be changed by then.
        """
        live = [path for path, setting in all_settings().items() if setting.live]
        for path in changes:
            if path not in live and path in all_settings():
                raise ConfigError(f"{path} cannot be changed while a run trains", f"These can: {', '.join(live)}")
            if changes[path] is None:
                raise ConfigError(f"{path} cannot become automatic while a run trains", "Give a number")
        return self.replace(changes)

    def to_json(self, indent: int | None = None) -> str:
        """As JSON, whatever the paths in it are called: pydantic's own writer stumbles over names that are not UTF-8."""
        return json_line(self.model_dump(mode="json"), indent=indent)

    def value(self, path: str) -> Any:
        """The value of the setting at a path (``optim.epochs``), or a part of the configuration (``optim``)."""
        return attrgetter(path)(self)

    def values(self) -> dict[str, Any]:
        """The values of all settings by their paths."""
        return {path: self.value(path) for path in all_settings()}


def live_config(config: RunConfig, events: Iterable[Event], epoch: int | None = None) -> RunConfig:
    """The values that count now in a run whose settings were changed while it trained.

    Args:
        config: what the run was started with.
        events: the run's.
        epoch: leave out what counts only from a later epoch on.
    """
    told = [change for change in each_of(events, SettingsChanged) if epoch is None or change.epoch <= epoch]
    changes: dict[str, Any] = {}
    for change in sorted(told, key=lambda change: change.epoch):
        changes |= change.changes
    return config.replace(changes)


def no_such_setting(name: str, known: Iterable[str]) -> ConfigError:
    """The error for people where a name is that of no setting, with the known one that is nearest, by its name or by its title."""
    names = {each: each for each in known}
    for path, setting in all_settings().items():
        short = [each for each in (setting.flag.replace("-", "_"), path.rpartition(".")[2]) if each in names]
        names.setdefault(setting.title.lower().replace(" ", "_"), [*short, path][0])
    near = difflib.get_close_matches(name, list(names), 1)
    meant = f"Did you mean {names[near[0]]}? " if near else ""
    return ConfigError(f"there is no setting {name!r}", f"{meant}`labcore train --help` lists them all")


def parse(tree: Any) -> RunConfig:
    """A configuration from nested dictionaries (as JSON gives them), with errors that name the setting.

    Raises:
        ConfigError: an unknown setting, a value out of bounds, or a combination that cannot work.
    """
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        what = f"{where} = {first['input']!r}: {message}" if where else message
        raise ConfigError(what, "Change this setting") from error


@cache
def all_settings() -> Mapping[str, Setting]:
    """All settings by their path (``optim.epochs``), in the order of their definition."""
    return {
        f"{part}.{name}": describe(f"{part}.{name}", field)
        for part, part_field in RunConfig.model_fields.items()
        for name, field in part_field.annotation.model_fields.items()  # type: ignore[union-attr]
    }
