"""What clips hold: where there is anything at all, and where something stands out of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.audio import Recording, resample
from labcore.config import DataConfig
from labcore.datasets import bandwidths, find_dataset
from labcore.datasets.bandwidths import FILE, FORMAT, bandwidths_in, spectrum_of, training_rows
from labcore.datasets.caches import cache_of
from labcore.datasets.checks.measure import Span
from labcore.errors import AudioError
from labcore.workspace import Workspace

SECONDS = 1.0


def noise(rate: int, seed: int = 0) -> np.ndarray:
    return 0.05 * np.random.default_rng(seed).standard_normal(int(rate * SECONDS)).astype(np.float32)


def chirps(rate: int, start: float, end: float) -> np.ndarray:
    """Short sweeps with silence between them."""
    time = np.arange(int(rate * SECONDS)) / rate
    within = time * 8 % 1
    phase = 2 * np.pi * np.cumsum(start + (end - start) * within / 0.3) / rate
    return np.where(within < 0.3, 0.3 * np.sin(phase), 0.0).astype(np.float32)


def rounded(waveform: np.ndarray) -> np.ndarray:
    """As a file of 16 bits holds it."""
    return (np.round(waveform * 32768) / 32768).astype(np.float32)


def test_speech_of_a_telephone_in_a_file_of_a_higher_rate() -> None:
    clip = spectrum_of(rounded(resample(noise(8000), 8000, 44100)), 44100)
    assert clip is not None
    assert 3700 < clip.top < 4440  # nine tenths of which a rate of 8 kHz holds


def test_noise_is_there_at_all_frequencies_and_stands_out_nowhere() -> None:
    clip = spectrum_of(rounded(noise(44100)), 44100)
    assert clip is not None
    assert clip.top > 22_000
    assert clip.high == 0.0


def test_calls_stand_out_of_hiss_and_of_louder_wind() -> None:
    rate = 48_000
    wind = np.cumsum(noise(rate, 1)).astype(np.float32)
    clip = spectrum_of(chirps(rate, 10_500, 13_000) + noise(rate) / 5 + (wind - wind.mean()) / np.abs(wind).max(), rate)
    assert clip is not None
    assert 9500 < clip.quarter < 12_500
    assert 12_000 < clip.high < 14_000


def test_a_tone_that_lasts_stands_out() -> None:
    rate = 16_000
    hum = 0.3 * np.sin(2 * np.pi * 400 * np.arange(rate) / rate).astype(np.float32)
    clip = spectrum_of(hum + noise(rate) / 10, rate)
    assert clip is not None
    assert 350 < clip.high < 450


@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
@pytest.mark.parametrize("hertz", [20, 50, 57])
def test_low_tones_that_last_stand_out_at_any_rate(rate: int, hertz: int) -> None:
    hum = 0.3 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate).astype(np.float32)
    for clip in (spectrum_of(rounded(hum), rate), spectrum_of(hum + 0.1 + noise(rate) / 5, rate)):
        assert clip is not None
        assert hertz - 20 < clip.low <= clip.quarter <= clip.high < hertz + 20


@pytest.mark.parametrize("samples", [0, 1, 500, 1024, 1500])
def test_short_and_silent_clips(samples: int) -> None:
    assert spectrum_of(np.zeros(samples, np.float32), 8000) is None
    assert samples < 100 or spectrum_of(noise(8000)[:samples], 8000) is not None


class TestOfADataSet:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for number in range(8):
            file = tmp_path / "set" / f"fold{number % 2 + 1}" / "ab"[number // 4] / f"{number}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, noise(8000 if number % 2 else 16_000, number), 8000 if number % 2 else 16_000)
        return tmp_path / "set"

    def test_only_the_clips_that_are_asked_for_are_measured_and_kept(self, folder: Path, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path / "home")
        dataset = find_dataset(workspace, str(folder))
        rows = training_rows(dataset, DataConfig(fold="1"))
        found = bandwidths_in(workspace, dataset, rows)
        assert set(found.rates) == {8000}
        assert len(found.tops) == found.of == 4
        every = bandwidths_in(workspace, dataset, training_rows(dataset, DataConfig(fold="1"), all_folds=True))
        assert set(every.rates) == {8000, 16_000}

    def test_a_clip_is_decoded_once_for_all_folds_until_its_file_changes(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decoded: list[str] = []

        def recording(path: str, **span: float) -> Recording:
            decoded.append(Path(path).name)
            return Recording(path, **span)

        monkeypatch.setattr(bandwidths, "Recording", recording)
        workspace = Workspace(tmp_path / "home")
        dataset = find_dataset(workspace, str(folder))
        every = np.arange(8)

        def decodes(rows: np.ndarray) -> set[str]:
            decoded.clear()
            bandwidths_in(workspace, dataset, rows)
            return set(decoded)

        names = np.array([Path(path).name for path in dataset.table["path"]])
        assert decodes(every[:6]) == set(names[:6])
        assert decodes(every[2:]) == set(names[6:])  # the rest was known of another fold
        found = bandwidths_in(workspace, dataset, every)
        soundfile.write(dataset.table["path"].iat[0], noise(8000, 9)[:4000], 8000)
        assert decodes(every) == {names[0]}
        assert bandwidths_in(workspace, dataset, every) != found

    @pytest.mark.parametrize(
        "damaged", ["{", "[]", f'{{"format": {FORMAT}, "clips": {{"a": [1, 2]}}}}', '{"format": 0, "clips": {}}']
    )
    def test_a_damaged_memory_is_made_again(self, damaged: str, folder: Path, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path / "home")
        dataset = find_dataset(workspace, str(folder))
        file = cache_of(workspace, dataset.root) / FILE
        found = bandwidths_in(workspace, dataset, range(8))
        kept = file.read_text()
        file.write_text(damaged)
        assert bandwidths_in(workspace, dataset, range(8)) == found
        assert file.read_text() == kept

    def test_what_could_not_be_read_is_tried_again(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = Workspace(tmp_path / "home")
        dataset = find_dataset(workspace, str(folder))

        def refused(path: str) -> None:
            raise AudioError(f"{path} needs another decoder", "Install it")

        monkeypatch.setattr(bandwidths, "probe", refused)
        assert bandwidths_in(workspace, dataset, range(8)).rates == ()
        monkeypatch.undo()  # it is installed, and the files are as they were
        assert len(bandwidths_in(workspace, dataset, range(8)).rates) == 8

    def test_a_memory_that_goes_meanwhile_takes_nothing_away(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = Workspace(tmp_path / "home")
        dataset = find_dataset(workspace, str(folder))
        bandwidths_in(workspace, dataset, range(4))
        measure = bandwidths._measure

        def meanwhile(span: Span) -> object:
            (cache_of(workspace, dataset.root) / FILE).unlink(missing_ok=True)
            return measure(span)

        monkeypatch.setattr(bandwidths, "_measure", meanwhile)
        assert len(bandwidths_in(workspace, dataset, range(8)).rates) == 8

    def test_files_that_cannot_be_read_are_left_out(self, folder: Path, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path / "home")
        for file in (folder / "fold2").rglob("*.wav"):
            file.write_bytes(b"RIFF")
        dataset = find_dataset(workspace, str(folder))
        found = bandwidths_in(workspace, dataset, training_rows(dataset, DataConfig(fold="1")))
        assert found.rates == ()
        assert found.of == 4

    def test_the_fold_that_is_left_out_is_not_listened_to(self, folder: Path, tmp_path: Path) -> None:
        dataset = find_dataset(Workspace(tmp_path / "home"), str(folder))
        rows = training_rows(dataset, DataConfig(leave_out="2"), all_folds=True)
        assert set(dataset.table["fold"].iloc[rows]) == {"1"}
        dataset.table.loc[dataset.table["fold"] == "1", "group"] = list("abcd")
        dataset.table.loc[dataset.table["fold"] == "2", "group"] = list("dxyz")
        rows = training_rows(dataset, DataConfig(leave_out="2"), all_folds=True)
        assert set(dataset.table["group"].iloc[rows]) == set("abc")  # a recording on both sides is not, either
