"""The configuration: bounds, errors that name the setting, and the same settings on every face."""

from __future__ import annotations

import contextlib
import itertools
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from labcore.cli import train
from labcore.cli.parser import config_from
from labcore.config import RunConfig, Setting, all_settings, parse
from labcore.config.framing import framing
from labcore.config.names import by_path
from labcore.config.presets import PRESETS, preset
from labcore.config.setting import as_text
from labcore.errors import ConfigError
from labcore.export import command_line

KNOBS = all_settings()


def from_flags(*words: str) -> RunConfig:
    return config_from(train.parser().parse_args(list(words)))


def another_value(setting: Setting) -> Any:
    """A valid value that is not the default."""
    if setting.kind == "choice":
        return next(choice for choice in setting.choices if choice != setting.default)
    if setting.kind == "text":
        return "other"
    if setting.kind == "list":
        return ("other", 'a, "b"')
    assert setting.ge is not None
    if setting.optional:
        return {"int": max(2, int(setting.ge)), "float": max(0.5, setting.ge)}[setting.kind]
    step = int(setting.step or 1) if setting.kind == "int" else setting.default / 8 + 0.0625
    for value in (setting.default + step, setting.default - step):
        with contextlib.suppress(ConfigError):
            RunConfig().replace({setting.path: value})
            return value
    raise AssertionError(f"{setting.path} has no room beside its default")


class TestBounds:
    @pytest.mark.parametrize("path", [path for path, setting in KNOBS.items() if setting.kind in ("int", "float")])
    def test_figures_have_bounds_that_hold(self, path: str) -> None:
        setting = KNOBS[path]
        assert setting.ge is not None
        assert setting.le is not None
        assert setting.optional or setting.ge <= setting.default <= setting.le
        for value in (setting.ge - 1, setting.le + 1):
            with pytest.raises(ConfigError, match=path.replace(".", r"\.")):
                RunConfig().replace({path: value})

    @pytest.mark.parametrize("value", ["many", 3.5, float("nan"), [], {}])
    def test_wrong_kinds(self, value: Any) -> None:
        with pytest.raises(ConfigError, match=r"optim\.epochs"):
            RunConfig().replace({"optim.epochs": value})

    @pytest.mark.parametrize("path", ["optim.epoch", "epochs", "optim", "", "optim.epochs.more", "x.y"])
    def test_settings_that_do_not_exist(self, path: str) -> None:
        with pytest.raises(ConfigError, match="there is no setting"):
            RunConfig().replace({path: 1})

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"features.win_length": 2048, "features.n_fft": 1024}, "features.win_length"),
            ({"features.hop_length": 2000, "features.win_length": 1024}, "features.hop_length"),
            ({"features.f_max": 17000, "audio.sample_rate": 22050}, "features.f_max"),
            ({"features.f_min": 5000, "audio.sample_rate": 8000}, "features.f_min"),
        ],
    )
    def test_combinations(self, changes: dict[str, Any], named: str) -> None:
        with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
            RunConfig().replace(changes)

    @pytest.mark.parametrize("tree", [None, [], 3, {"optim": 3}, {"optim": {"unknown": 1}}, {"unknown": {}}])
    def test_trees_that_are_none(self, tree: Any) -> None:
        with pytest.raises(ConfigError):
            parse(tree)

    def test_parts_are_frozen(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            RunConfig().optim.epochs = 3  # type: ignore[misc]


class TestFaces:
    def test_every_setting_is_described(self) -> None:
        for path, setting in KNOBS.items():
            assert setting.path == path
            assert setting.title
            assert setting.help.endswith("."), path

    def test_short_flags_are_unique(self) -> None:
        flags = [setting.flag for setting in KNOBS.values() if setting.flag]
        assert len(set(flags)) == len(flags)

    @pytest.mark.parametrize("path", KNOBS)
    def test_from_flag_to_json_and_back(self, path: str) -> None:
        value = another_value(KNOBS[path])
        config = from_flags(f"--{path}", as_text(value))
        part, _, name = path.partition(".")
        assert getattr(getattr(config, part), name) == value
        assert parse(json.loads(config.model_dump_json())) == config
        assert config == RunConfig().replace({path: value})
        if KNOBS[path].flag:
            assert from_flags(f"--{KNOBS[path].flag}", as_text(value)) == config

    @pytest.mark.parametrize("path", [path for path, setting in KNOBS.items() if setting.optional])
    def test_auto_is_a_word(self, path: str, tmp_path: Path) -> None:
        file = tmp_path / "config.json"
        file.write_text(RunConfig().replace({path: another_value(KNOBS[path])}).model_dump_json())
        assert from_flags("--config", str(file), f"--{path}", "auto") == RunConfig()

    def test_all_turned_at_once(self) -> None:
        changes = {path: another_value(setting) for path, setting in KNOBS.items()} | {
            "audio.sample_rate": 32000,
            "features.f_max": 9000.0,
        }
        config = RunConfig().replace(changes)
        words = itertools.chain(*((f"--{path}", as_text(value)) for path, value in changes.items()))
        assert from_flags(*words) == config
        assert parse(json.loads(config.model_dump_json())) == config

    @pytest.mark.parametrize(
        "changes", [{}, {path: another_value(setting) for path, setting in KNOBS.items() if path != "features.f_max"}]
    )
    def test_the_printed_command_does_the_same_run(self, changes: dict[str, Any]) -> None:
        config = RunConfig().replace(changes)
        words = shlex.split(command_line(config))
        assert words[:2] == ["labcore", "train"]
        assert from_flags(*words[2:]) == config


class TestPresets:
    @pytest.mark.parametrize("name", PRESETS)
    def test_valid_and_on_the_command_line(self, name: str) -> None:
        config = preset(name)
        assert from_flags("--preset", name) == config
        assert PRESETS[name].title
        assert PRESETS[name].summary
        for path, value in PRESETS[name].changes.items():
            part, _, setting = path.partition(".")
            assert getattr(getattr(config, part), setting) == value

    def test_balanced_is_the_default(self) -> None:
        assert preset("balanced") == RunConfig()

    def test_flags_win_over_the_preset(self) -> None:
        assert from_flags("--preset", "quick", "--epochs", "3").optim.epochs == 3

    def test_unknown(self) -> None:
        with pytest.raises(ConfigError, match="quick"):
            preset("slow")


class TestFraming:
    @pytest.mark.parametrize(
        ("rate", "expected"),
        [
            (8000, (384, 384, 192)),
            (11025, (512, 512, 256)),
            (16000, (768, 768, 384)),
            (22050, (1024, 1024, 512)),
            (32000, (1536, 1536, 768)),
            (44100, (2048, 2048, 1024)),
            (48000, (2048, 2048, 1024)),
        ],
    )
    def test_follows_the_sample_rate(self, rate: int, expected: tuple[int, int, int]) -> None:
        for seconds in (None, 2.4, 5.0, 60.0):
            config = RunConfig().replace({"audio.sample_rate": rate, "audio.clip_seconds": seconds})
            assert config.framing == expected

    @pytest.mark.parametrize(
        ("rate", "highest"), [(22050, 9922.5), (48000, 14000), (96000, 14000), (192_000, 86_400), (500_000, 225_000)]
    )
    def test_the_highest_frequency_follows_the_sample_rate_and_ultrasound_is_heard(
        self, rate: int, highest: float
    ) -> None:
        config = RunConfig().replace({"audio.sample_rate": rate})
        assert (config.f_max, config.f_min) == (highest, 50.0 if rate <= 96000 else highest / 20)

    @pytest.mark.parametrize("rate", [4000, 8000, 12345, 16000, 22050, 44100, 48000, 96000, 192_000, 384_000, 500_000])
    @pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 1.0, 1.7, 2.3])
    def test_short_clips_have_frames_enough(self, rate: int, seconds: float) -> None:
        config = RunConfig().replace({"audio.sample_rate": rate, "audio.clip_seconds": seconds})
        n_fft, window, hop = config.framing
        assert n_fft == RunConfig().replace({"audio.sample_rate": rate}).framing.n_fft
        scale = min(1.0, 14_400 / config.f_max)  # of all times, for ultrasound
        assert 0.021 * scale <= window / rate <= 0.054 * scale
        assert hop <= window / 2
        assert seconds * rate / hop >= 100 or hop / rate <= 0.007 * scale
        setting = KNOBS["features.hop_length"]
        assert setting.ge is not None
        assert hop >= setting.ge

    def test_the_frames_of_a_bat_are_those_of_a_bird_that_sings_eight_times_slower(self) -> None:
        config = RunConfig().replace({"audio.sample_rate": 256_000, "audio.clip_seconds": 5.0})
        assert config.framing == (1536, 1536, 768)

    def test_without_a_rate_the_front_end_is_the_usual_one(self) -> None:
        config = RunConfig()
        assert config.audio.sample_rate is None
        assert (config.sample_rate, config.f_min, config.f_max, *config.framing) == (
            22050,
            50.0,
            9922.5,
            1024,
            1024,
            512,
        )
        assert preset("quick").sample_rate == 16000

    def test_a_spoken_word_at_8_khz(self) -> None:
        config = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 1.0})
        assert config.framing == (384, 192, 80)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"n_fft": 2048}, (2048, 1024, 512)),
            ({"n_fft": 400}, (400, 400, 200)),
            ({"win_length": 2000}, (2048, 2000, 512)),
            ({"hop_length": 1500}, (1536, 1536, 1500)),
            ({"hop_length": 100}, (1024, 1024, 100)),
            ({"n_fft": 4096, "win_length": 3000, "hop_length": 7}, (4096, 3000, 7)),
        ],
    )
    def test_what_is_given_is_kept_and_the_rest_makes_room(
        self, given: dict[str, int], expected: tuple[int, int, int]
    ) -> None:
        assert framing(22050, None, **given) == expected

    def test_every_size_is_quick_to_transform(self) -> None:
        for rate in range(4000, 96001, 250):
            for size in framing(rate, 1.0):
                odd = size >> ((size & -size).bit_length() - 1)
                assert odd in (1, 3, 5), (rate, size)


class TestWorkedOut:
    def test_automatic_values(self) -> None:
        config = RunConfig()
        assert (config.optim.peak_lr, config.f_max) == (0.1, 9922.5)
        assert config.replace({"audio.sample_rate": 48000}).f_max == 14000.0
        assert config.replace({"optim.optimizer": "adamw"}).optim.peak_lr == 0.002
        assert config.replace({"audio.sample_rate": 16000}).f_max == 7200.0
        assert config.replace({"audio.clip_seconds": 0.5}).clip_samples == 11025
        with pytest.raises(ConfigError, match="clip_seconds"):
            _ = config.clip_samples


class TestNames:
    def test_every_setting_is_found_by_its_path_its_short_name_and_its_flag(self) -> None:
        for path, setting in KNOBS.items():
            names = [path, path.rpartition(".")[2], *([setting.flag] if setting.flag else [])]
            value = another_value(setting)
            assert [by_path([(name, value)]) for name in names] == [{path: value}] * len(names)

    def test_texts_are_read_as_flags_are_and_folds_may_be_numbers(self) -> None:
        named = {"epochs": "auto", "lr": "0.01", "fold": 3, "batch-size": None}
        assert by_path(named.items()) == {
            "optim.epochs": None,
            "optim.lr": 0.01,
            "data.fold": "3",
            "optim.batch_size": None,
        }


class TestFormerNames:
    def test_a_configuration_of_the_version_before_is_read(self) -> None:
        config = parse({"optim": {"optimiser": "adamw"}, "runtime": {"out_of_memory": "divide"}})
        assert (config.optim.optimizer, config.runtime.out_of_memory) == ("adamw", "split")
        assert "optimiser" not in config.to_json()

    def test_a_change_by_the_former_path_and_choice(self) -> None:
        config = RunConfig().replace({"optim.optimiser": "adamw", "runtime.out_of_memory": "divide"})
        assert (config.optim.optimizer, config.runtime.out_of_memory) == ("adamw", "split")
        assert all_settings()["runtime.out_of_memory"].read("divide") == "split"
