from __future__ import annotations

import io
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.audio import Limits, decode, encode_wav, probe, resample
from labcore.audio import blocks as blocks_module
from labcore.errors import AudioError


def encoded(waveform: np.ndarray, rate: int = 16000, container: str = "WAV", codec: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format=container, subtype=codec)
    return buffer.getvalue()


LOSSLESS = [("WAV", "PCM_U8", 0.01), ("WAV", "PCM_16", 1e-4), ("WAV", "PCM_24", 1e-6), ("WAV", "PCM_32", 1e-6)]
LOSSLESS += [("WAV", "FLOAT", 1e-6), ("WAV", "DOUBLE", 1e-6), ("WAV", "ALAW", 0.03), ("WAV", "ULAW", 0.03)]
LOSSLESS += [("WAVEX", "PCM_24", 1e-6), ("AIFF", "PCM_16", 1e-4), ("AIFF", "FLOAT", 1e-6), ("RF64", "PCM_16", 1e-4)]
LOSSLESS += [("FLAC", "PCM_16", 1e-4), ("FLAC", "PCM_24", 1e-6)]


@pytest.mark.parametrize(("container", "codec", "tolerance"), LOSSLESS)
@pytest.mark.parametrize("from_bytes", [True, False])
def test_every_sample_format_gives_the_waveform(container, codec, tolerance, from_bytes, tone, tmp_path):
    wanted = tone(440, 0.5)
    content = encoded(wanted, 16000, container, codec)
    source: Path | bytes = content
    if not from_bytes:
        source = tmp_path / "clip.audio"
        source.write_bytes(content)
    waveform, rate = decode(source)
    assert rate == 16000
    assert waveform.dtype == np.float32
    assert waveform.shape == wanted.shape
    np.testing.assert_allclose(waveform, wanted, atol=tolerance)


@pytest.mark.parametrize(("container", "codec"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
def test_lossy_formats_keep_the_pitch(container, codec, tone):
    waveform, rate = decode(encoded(tone(1000, 1, 48000), 48000, container, codec))
    assert rate == 48000
    assert abs(len(waveform) - 48000) < 2400
    assert np.abs(np.fft.rfft(waveform[:48000], 48000)).argmax() == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000])
def test_channels_are_averaged_and_rates_changed(channels, rate, tone):
    mono = tone(500, 0.2, rate)
    levels = np.linspace(0.2, 1, channels)
    waveform, out = decode(encoded(mono[:, None] * levels, rate, codec="FLOAT"), 16000)
    assert out == 16000
    assert len(waveform) == pytest.approx(3200, abs=1)
    middle = slice(800, 2400)
    np.testing.assert_allclose(waveform[middle], (tone(500, 0.2) * levels.mean())[middle], atol=2e-3)


def test_a_long_recording_is_read_in_blocks_to_the_same_result(noise, monkeypatch):
    stereo = np.stack([noise(3, 44100), noise(3, 44100, seed=1)], axis=1)
    content = encoded(stereo, 44100, codec="FLOAT")
    at_once = {rate: decode(content, rate)[0] for rate in (44100, 32000, 48000)}
    monkeypatch.setattr(blocks_module, "ONE_GO", 1000)
    monkeypatch.setattr(blocks_module, "BLOCK", 9000)
    for rate, wanted in at_once.items():
        in_blocks, _ = decode(content, rate)
        assert in_blocks.shape == wanted.shape
        np.testing.assert_allclose(in_blocks, wanted, atol=1e-6)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_part_of_a_file(container, tone):
    sound = np.concatenate([tone(500, 1, 44100), tone(3000, 1, 44100)])
    content = encoded(sound, 44100, container)
    part, _ = decode(content, start_s=1.25, end_s=1.75)
    assert len(part) == 22050
    assert np.abs(np.fft.rfft(part)).argmax() * 2 == pytest.approx(3000, abs=4)
    to_the_end, _ = decode(content, start_s=1.5, end_s=99)
    assert len(to_the_end) == pytest.approx(22050, abs=3000)


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, None), (5.0, 6.0), (-1.0, None), (0.5, 0.5), (0.5, 0.2)])
def test_a_part_that_is_not_there(start_s, end_s, tone):
    with pytest.raises(AudioError, match=r"clip\.wav"):
        decode(encoded(tone()), name="clip.wav", start_s=start_s, end_s=end_s)


def test_probe_reads_the_header(tone, tmp_path):
    path = tmp_path / "clip.flac"
    path.write_bytes(encoded(np.stack([tone()] * 2, axis=1), container="FLAC"))
    info = probe(path)
    assert (info.container, info.codec, info.sample_rate, info.channels) == ("FLAC", "PCM_16", 16000, 2)
    assert (info.frames, info.seconds) == (16000, 1.0)


NOT_AUDIO = {
    "empty": (b"", "empty"),
    "text": (b"path,label\na.wav,dog\n" * 30, "text file"),
    "text beyond ASCII": (("Grüße aus Köln\n" * 60).encode(), "text file"),
    "web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "zeros": (bytes(4000), "zeros"),
    "noise": (np.random.default_rng(5).bytes(3000), "not audio"),
    "m4a": (b"\x00\x00\x00\x20ftypM4A " + bytes(50), "M4A"),
    "lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "archive": (b"PK\x03\x04" + bytes(90), "archive"),
    "header alone": (b"RIFF\x10\x00\x00\x00WAVE", "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_AUDIO)
@pytest.mark.parametrize("function", [decode, probe])
def test_what_is_not_audio_is_named_as_what_it_is(kind, function, tmp_path):
    content, message = NOT_AUDIO[kind]
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    for source, name in ((path, ""), (content, "clip.wav")):
        with pytest.raises(AudioError, match=message) as caught:
            function(source, name=name)
        assert "clip.wav" in caught.value.what
        assert caught.value.remedy


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_name_may_be_of_any_bytes(container, tone, tmp_path):
    path = tmp_path / os.fsdecode(b"M\x84dchen \xff.wav")
    path.write_bytes(encoded(tone(440, 1, 22050), 22050, container))
    assert len(decode(path)[0]) == pytest.approx(22050, abs=2000)
    assert probe(str(path)).sample_rate == 22050


def test_no_file_a_folder_and_a_raw_file(tmp_path):
    (tmp_path / "x.raw").write_bytes(bytes(range(200)))
    for path, message in (
        (tmp_path / "no.wav", "does not exist"),
        (tmp_path, "folder"),
        (tmp_path / "x.raw", "not audio"),
    ):
        with pytest.raises(AudioError, match=message):
            decode(path)


@pytest.mark.parametrize("container", ["WAV", "AIFF", "RF64", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_file_that_is_cut_off(container, share, noise):
    content = encoded(noise(3, 44100), 44100, container)
    with pytest.raises(AudioError, match=r"clip .*(cut off|damaged)"):
        decode(content[: int(len(content) * share)], name="clip")


def test_a_few_missing_bytes_do_no_harm(tone):
    assert len(decode(encoded(tone())[:-20])[0]) == 15990


def test_the_open_length_of_a_stream_is_understood(tone):
    content = bytearray(encoded(tone()))
    content[4:8] = content[40:44] = b"\xff" * 4
    assert len(decode(bytes(content))[0]) == 16000


@pytest.mark.parametrize("claimed", [0x70000000, 0xF0000000, 0x10000000])
def test_a_wav_header_that_claims_hours_allocates_nothing(claimed, tone):
    content = bytearray(encoded(tone()))
    content[40:44] = struct.pack("<I", claimed)
    tracemalloc.start()
    with pytest.raises(AudioError, match=r"clip\.wav is cut off"):
        decode(bytes(content), name="clip.wav")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


@pytest.mark.parametrize("frames", [2**36 - 1, 16000 * 3600 * 5])
def test_a_flac_header_that_claims_hours_allocates_little(frames, tone):
    content = bytearray(encoded(tone(), container="FLAC"))
    fields = int.from_bytes(content[18:26], "big") >> 36 << 36 | frames
    content[18:26] = fields.to_bytes(8, "big")
    tracemalloc.start()
    with pytest.raises(AudioError, match=r"clip\.flac"):
        decode(bytes(content), name="clip.flac")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32e6


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(max_seconds=0.5), "claims to be 1 s"),
        (Limits(max_bytes=1000), "MB"),
        (Limits(max_channels=1), "channels"),
        (Limits(max_rate=8000), "sample rate"),
    ],
)
def test_limits(limits, message, tone):
    with pytest.raises(AudioError, match=message):
        decode(encoded(np.stack([tone()] * 2, axis=1)), name="clip", limits=limits)


@pytest.mark.parametrize(
    ("variable", "value"), [("LABCORE_AUDIO_MAX_SECONDS", "0.5"), ("LABCORE_AUDIO_MAX_MB", "0.001")]
)
def test_the_users_own_limits_are_named(variable, value, tone, monkeypatch):
    with pytest.raises(AudioError) as strangers:
        decode(encoded(tone()), limits=Limits(max_seconds=0.5))
    assert "LABCORE" not in str(strangers.value)
    monkeypatch.setenv(variable, value)
    with pytest.raises(AudioError, match=f"Split it.*; {variable} in the environment is another limit"):
        decode(encoded(tone()))


def test_the_limit_of_samples_bounds_what_resampling_makes(noise, monkeypatch):
    monkeypatch.setattr(blocks_module, "ONE_GO", 1000)
    with pytest.raises(AudioError, match="samples at 96000 Hz"):
        decode(encoded(noise(2, 8000), 8000), 96000, limits=Limits(max_samples=50_000))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e20])
@pytest.mark.parametrize("blocks", [False, True])
def test_samples_that_are_no_numbers(value, blocks, tone, monkeypatch):
    waveform = tone()
    waveform[777] = value
    if blocks:
        monkeypatch.setattr(blocks_module, "ONE_GO", 1000)
    with pytest.raises(AudioError, match=r"clip.wav holds .*samples"):
        decode(encoded(waveform, codec="FLOAT"), 8000, name="clip.wav")


def test_a_file_without_samples():
    with pytest.raises(AudioError, match=r"clip\.wav contains no samples"):
        decode(encoded(np.zeros(0, np.float32)), name="clip.wav")


def test_files_at_full_scale_and_beyond_keep_their_levels(tone):
    loud = 3 * tone(level=1.0)
    waveform, _ = decode(encoded(loud, codec="FLOAT"))
    assert np.abs(waveform).max() == pytest.approx(3, abs=0.01)


def test_a_wav_that_the_lab_wrote_comes_back(tone):
    waveform, rate = decode(encode_wav(tone(), 16000))
    assert rate == 16000
    np.testing.assert_allclose(waveform, tone(), atol=1e-4)


def test_real_clips(esc10):
    path = next(iter(sorted((esc10 / "audio").iterdir())))
    native, rate = decode(path)
    assert rate == 44100
    assert len(native) == pytest.approx(5 * 44100, rel=0.01)
    np.testing.assert_array_equal(decode(path, 32000)[0], resample(native, rate, 32000))
    np.testing.assert_array_equal(decode(path.read_bytes())[0], native)
