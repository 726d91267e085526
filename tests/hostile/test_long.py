"""Small files of very long recordings, and headers that promise too much: memory that does not grow, or a clear refusal."""

from __future__ import annotations

import gc
import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.audio import Limits, Recording, default_limits, probe
from labcore.audio.overview import overview
from labcore.batch.predicting import predict_files
from labcore.errors import AudioError, ConfigError, LabError

PEAK = Path("/proc/self")


def peak_mb() -> float:
    lines = (PEAK / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measured(classifier, path) -> tuple[float, float, int]:
    """MB that a recording adds to this process, its length, and its windows."""
    gc.collect()
    (PEAK / "clear_refs").write_text("5")  # the peak begins anew at what is in use
    own = peak_mb()
    answer = classifier.classify(path)
    return peak_mb() - own, answer.seconds, len(answer.windows)


@pytest.fixture
def classifier(make_classifier, monkeypatch):
    """One in which no network takes part."""
    made = make_classifier()
    monkeypatch.setattr(
        type(made), "predict_proba", lambda self, windows: np.full((len(windows), len(self.labels)), 0.5, np.float32)
    )
    return made


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak of a process")
@pytest.mark.parametrize(
    ("name", "rate", "frames"),
    [("silence.flac", 8000, 3600 * 8000), pytest.param("slow.wav", 100, 1 << 20, marks=pytest.mark.slow)],
)
def test_hours_in_a_small_file_take_the_memory_of_a_few_blocks(name, rate, frames, classifier, tmp_path):
    path = tmp_path / name
    with soundfile.SoundFile(path, "w", rate, 1, subtype="PCM_16") as file:
        for first in range(0, frames, 1 << 20):
            file.write(np.zeros(min(1 << 20, frames - first), np.int16))
    assert path.stat().st_size < 3_000_000
    added, seconds, windows = measured(classifier, path)
    assert seconds == pytest.approx(frames / rate)
    assert windows == pytest.approx(4 * seconds, abs=2)
    assert added < 60  # as one waveform alone: 110 MB and more


def wav_header(rate: int, channels: int, data: int, bits: int = 16) -> bytes:
    form = struct.pack(
        "<4sIHHIIHH",
        b"fmt ",
        16,
        1,
        channels,
        rate,
        rate * channels * bits // 8 & 0xFFFFFFFF,
        channels * bits // 8 & 0xFFFF,
        bits,
    )
    return b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, 36 + data)) + b"WAVE" + form + struct.pack("<4sI", b"data", data)


HEADERS = {
    "1 Hz": (wav_header(1, 1, 4000) + b"\1\2" * 2000, "sample rate of 1 Hz"),
    "99 Hz": (wav_header(99, 1, 4000) + b"\1\2" * 2000, "sample rate of 99 Hz"),
    "10 MHz": (wav_header(10_000_000, 1, 4000) + b"\1\2" * 2000, "sample rate of 10000000 Hz"),
    "1,000 channels": (wav_header(8000, 1000, 20_000) + b"\1\2" * 10_000, "1000 channels"),
    "1,025 channels": (wav_header(8000, 1025, 20_500) + b"\1\2" * 10_250, ""),
    "65,535 channels": (wav_header(8000, 65535, 131_070) + b"\1\2" * 65_535, ""),
    "2 GB promised": (wav_header(8000, 1, 2_000_000_000) + b"\1\2" * 2000, "cut off"),
    "a week promised": (wav_header(100, 1, 120_960_000) + b"\1\2" * 2000, ""),
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("way", ["whole", "blocks", "overview", "probe"])
def test_a_header_that_cannot_be_believed_is_an_error_of_the_file(name, way):
    content, told = HEADERS[name]
    ways = {
        "whole": lambda: Recording(content, 16000, name="clip").whole(),
        "blocks": lambda: list(Recording(content, 16000, name="clip").quantised()),
        "overview": lambda: overview(content, name="clip"),
        "probe": lambda: probe(content, name="clip"),
    }
    with pytest.raises(AudioError, match=r"^clip") as error:
        ways[way]()
    assert told in str(error.value)


def test_a_flac_that_promises_hours_is_read_to_its_end_and_told():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(80_000, np.int16), 8000, format="FLAC")
    content = bytearray(buffer.getvalue())
    content[21:26] = (content[21] & 0xF0 | 0).to_bytes(1, "big") + (5 * 3600 * 8000).to_bytes(4, "big")
    found = Recording(bytes(content), 16000, name="clip").quantised()
    with pytest.raises(AudioError, match=r"cut off|damaged"):
        list(found)


@pytest.mark.parametrize("rate", [100, 101, 999, 655_350, 1_000_000])
def test_the_rates_at_the_edges_are_read(rate, make_classifier, write_wav, noise, tmp_path):
    path = write_wav(tmp_path / "edge.wav", noise(1.0, rate, level=0.2), rate)
    ((_, answer),) = predict_files(make_classifier(), [path])
    assert answer["seconds"] == pytest.approx(1.0, abs=0.02)


def test_more_than_the_limit_is_refused_before_it_is_decoded(monkeypatch, tmp_path):
    path = tmp_path / "day.wav"
    path.write_bytes(wav_header(100, 1, 100 * 2 * 24 * 3600) + bytes(100 * 2 * 24 * 3600))
    monkeypatch.setattr("labcore.audio.recording.pieces", None)
    for ask in (lambda: next(Recording(path, 32000).quantised()), lambda: Recording(path, 32000).at_once()):
        with pytest.raises(AudioError, match="24 h long, more than the 6 h"):
            ask()
    monkeypatch.setenv("LABCORE_AUDIO_MAX_SECONDS", "100000")
    assert Recording(path, 32000).is_long()
    monkeypatch.setenv("LABCORE_AUDIO_MAX_MB", "1")
    with pytest.raises(AudioError, match="more than the 1 MB"):
        probe(path)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "six", "1e999", "9" * 400])
@pytest.mark.parametrize("variable", ["LABCORE_AUDIO_MAX_SECONDS", "LABCORE_AUDIO_MAX_MB"])
def test_a_limit_that_is_none_is_told(variable, value):
    with pytest.raises(ConfigError, match=variable):
        default_limits({variable: value})


def test_limits_of_the_environment():
    assert default_limits({}) == Limits()
    assert default_limits({"LABCORE_AUDIO_MAX_SECONDS": "86400", "LABCORE_AUDIO_MAX_MB": "4096"}) == Limits(
        max_seconds=86400.0, max_bytes=4 * 1024**3
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_seeded_damage_of_a_long_file_is_told_or_survived(seed, monkeypatch):
    monkeypatch.setattr("labcore.audio.blocks.ONE_GO", 20_000)
    monkeypatch.setattr("labcore.audio.blocks.BLOCK", 5_000)
    draw = np.random.default_rng(seed)
    container, codec = [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", None)][seed % 4]
    buffer = io.BytesIO()
    soundfile.write(buffer, draw.normal(0, 0.1, (40_000, 1 + seed % 2)), 8000, format=container, subtype=codec)
    content = bytearray(buffer.getvalue())
    for at in draw.integers(0, len(content), 12):
        content[at] = draw.integers(0, 256)
    told = ""
    try:
        blocks = list(Recording(bytes(content), 16000, name="clip").quantised())
    except LabError as error:
        told = str(error)
    assert told.startswith("clip") or all(block.samples.dtype == np.int16 for block in blocks)
