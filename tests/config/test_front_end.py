"""The automatic front end from what clips hold, without a file: what was measured of them is given."""

from __future__ import annotations

from typing import Any

import pytest

from labcore.config import RunConfig
from labcore.config.framing import shift_share
from labcore.config.front_end import Bandwidths, front_end
from labcore.config.presets import preset
from labcore.features import LogMel


def bandwidths(*clips: tuple[int, float, float, float, float]) -> Bandwidths:
    """Of clips: rate, top, low, quarter, high."""
    return Bandwidths(*zip(*clips, strict=True), of=len(clips))


WORD = (8000, 4000.0, 300.0, 700.0, 3000.0)
RECORDING = (44100, 20_000.0, 200.0, 800.0, 3000.0)
TELEPHONE = (44100, 3600.0, 300.0, 700.0, 2500.0)
GOLDCREST = (48000, 24_000.0, 10_200.0, 11_000.0, 12_500.0)
BAT = (256_000, 128_000.0, 27_000.0, 40_000.0, 88_000.0)
MAINS = (44100, 345.0, 0.0, 0.0, 0.0)
TONE = (22_050, 107.0, 0.0, 0.0, 0.0)
HUM = (16_000, 8000.0, 25.0, 50.0, 240.0)


@pytest.mark.parametrize(
    ("clips", "rate", "edges", "told"),
    [
        ([WORD] * 20, 8000, (50.0, 4000.0), "the rate of most clips"),
        ([RECORDING] * 20, 22050, (50.0, 9922.5), "the default rate"),
        ([(16_000, 8000.0, *RECORDING[2:])] * 20, 16_000, (50.0, 8000.0), "the rate of most clips"),
        ([(12_000, 6000.0, *RECORDING[2:])] * 20, 12_000, (50.0, 6000.0), "the rate of most clips"),
        ([(44_100, 16_000.0, *RECORDING[2:])] * 20, 22_050, (50.0, 9922.5), "hold sound above 11 kHz"),
        ([TELEPHONE] * 20, 8000, (50.0, 3600.0), "recorded at 44.1 kHz hold nothing above 3.6 kHz"),
        ([TELEPHONE] * 16 + [RECORDING] * 4, 22050, (50.0, 9922.5), "the default rate"),
        ([TELEPHONE] * 19 + [RECORDING], 8000, (50.0, 3600.0), "hold nothing above"),
        ([RECORDING] * 19 + [GOLDCREST], 22050, (50.0, 9922.5), "the default rate"),
        ([RECORDING] * 15 + [GOLDCREST] * 5, 32_000, (50.0, 14_400.0), "in 25 % of the clips"),
        ([BAT] * 20, 250_000, (13_500.0, 112_500.0), "up to 88 kHz"),
        ([HUM] * 20, 16_000, (10.0, 8000.0), "lies below 240 Hz"),
        ([(2000, 1000.0, 0.0, 0.0, 0.0)] * 20, 4000, (50.0, 1130.0), "recorded at 2 kHz"),
    ],
)
def test_rate_and_edges_follow_from_the_clips(clips: list[Any], rate: int, edges: Any, told: str) -> None:
    chosen = front_end(RunConfig(), bandwidths(*clips))
    config = RunConfig().replace(chosen.changes)
    assert (config.audio.sample_rate, (config.features.f_min, config.features.f_max)) == (rate, edges)
    assert told in chosen.reason
    assert chosen.reason.startswith(f"sample rate {rate / 1000:g} kHz")


def test_clips_that_hold_all_that_people_hear_have_the_front_end_of_the_recipe() -> None:
    config = RunConfig().replace(front_end(RunConfig(), bandwidths(*[RECORDING] * 20)).changes)
    assert (config.sample_rate, config.f_min, config.f_max, *config.framing) == (22050, 50.0, 9922.5, 1024, 1024, 512)


@pytest.mark.parametrize("changes", [{}, {"features.mel_scale": "slaney"}, {"features.f_min": 300.0}])
@pytest.mark.parametrize("clip", [MAINS, TONE, (44100, 345.0, 20.0, 40.0, 62.0), (2000, 1000.0, 0.0, 0.0, 0.0)])
def test_the_bands_of_clips_that_hold_little_are_narrowed_so_far_that_each_still_hears_something(
    clip: Any, changes: dict[str, Any]
) -> None:
    asked = RunConfig().replace(changes)
    config = asked.replace(front_end(asked, bandwidths(*[clip] * 20)).changes)
    assert LogMel(config).empty_bands == 0
    assert config.f_max < 1500


def test_a_rate_that_was_given_stays() -> None:
    config = RunConfig().replace({"audio.sample_rate": 22050})
    assert front_end(config, bandwidths(*[BAT] * 20)).changes == {}


@pytest.mark.parametrize(
    ("given", "clips", "rate", "edges"),
    [
        ({"features.f_max": 3000.0}, [RECORDING] * 20, 22050, (50.0, 3000.0)),
        ({"features.f_max": 15_000.0}, [RECORDING] * 20, 32_000, (50.0, 15_000.0)),
        ({"features.f_min": 300.0}, [WORD] * 20, 8000, (300.0, 4000.0)),
        ({"features.f_min": 20_000.0}, [WORD] * 20, 192_000, (20_000.0, 86_400.0)),
        ({"features.f_min": 500.0}, [MAINS] * 20, 8000, (500.0, 1400.0)),
        ({"features.f_min": 5000.0}, [MAINS] * 20, 16_000, (5000.0, 7200.0)),
        ({"features.n_mels": 8}, [TONE] * 20, 8000, (50.0, 200.0)),
        ({"features.f_max": 5000.0}, [BAT] * 20, 250_000, None),
    ],
)
def test_edges_that_were_given_stay(given: dict[str, float], clips: list[Any], rate: int, edges: Any) -> None:
    asked = RunConfig().replace(given)
    config = asked.replace(front_end(asked, bandwidths(*clips)).changes)
    assert config.audio.sample_rate == rate
    if edges:
        assert (config.f_min, config.f_max) == edges
    assert all(config.value(path) == value for path, value in given.items())


def test_the_quick_preset_takes_a_lower_rate_only_where_that_loses_nothing_else() -> None:
    quick = preset("quick")
    chosen = front_end(quick, bandwidths(*[RECORDING] * 20))
    assert chosen.changes["audio.sample_rate"] == 16_000
    assert "the rate of this preset, for clips" in chosen.reason
    assert front_end(quick, bandwidths(*[WORD] * 20)).changes["audio.sample_rate"] == 8000
    assert front_end(quick, bandwidths(*[BAT] * 20)).changes["audio.sample_rate"] == 250_000


def test_where_nothing_could_be_measured_the_usual_rate_is_taken() -> None:
    chosen = front_end(RunConfig(), Bandwidths())
    assert chosen.changes["audio.sample_rate"] == 22050
    assert "no clip could be measured" in chosen.reason


def test_lists_of_different_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="same clips"):
        Bandwidths(rates=(1,), tops=())


def test_short_clips_are_shifted_less():
    assert [shift_share(seconds, 10_000.0) for seconds in (30.0, 5.0, 4.0, 2.0, 1.0)] == [1.0, 1.0, 1.0, 1 / 4, 1 / 16]
    assert 2.5 * shift_share(0.55, 4_000.0) == pytest.approx(0.047, abs=0.001)
    assert shift_share(0.4, 200_000.0) == 1.0  # that much ultrasound holds as many calls as 4 s of birdsong
