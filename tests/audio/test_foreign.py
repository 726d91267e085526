"""Files that only torchcodec reads, with a fake one in its place: what is sent to it and what is made of its answers."""

from __future__ import annotations

import os
import sys
import types
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from labcore.audio import Limits, Recording, decode, foreign, probe
from labcore.audio.overview import overview
from labcore.errors import AudioError

M4A = b"\x00\x00\x00\x20ftypM4A " + bytes(50)
WEBM = b"\x1a\x45\xdf\xa3" + bytes(60)
AAC = b"\xff\xf1\x50\x80" + bytes(60)
KINDS = [(M4A, "M4A or MP4"), (WEBM, "WebM or Matroska"), (AAC, "AAC")]


@dataclass
class Samples:
    data: torch.Tensor
    sample_rate: int


class Decoder:
    """As torchcodec.decoders.AudioDecoder answers."""

    sound = torch.zeros(2, 0)
    rate = 48000
    claimed_s: float | None = None
    error: Exception | None = None

    def __init__(self, source: str | bytes) -> None:
        assert isinstance(source, str | bytes)
        if self.error:
            raise self.error
        self.metadata = types.SimpleNamespace(
            sample_rate=self.rate,
            num_channels=len(self.sound),
            duration_seconds_from_header=self.claimed_s,
            codec="aac",
        )

    def get_samples_played_in_range(self, start_seconds: float = 0.0, stop_seconds: float | None = None) -> Samples:
        assert start_seconds == 0.0
        assert stop_seconds is not None
        return Samples(self.sound[:, : round(stop_seconds * self.rate)], self.rate)


@pytest.fixture
def torchcodec(monkeypatch: pytest.MonkeyPatch, noise) -> type[Decoder]:
    class Fresh(Decoder):
        sound = torch.from_numpy(np.stack([noise(2, 48000), noise(2, 48000, seed=1)]))

    package, decoders = types.ModuleType("torchcodec"), types.ModuleType("torchcodec.decoders")
    decoders.AudioDecoder = Fresh
    monkeypatch.setitem(sys.modules, "torchcodec", package)
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", decoders)
    monkeypatch.setattr(foreign, "find_spec", lambda name: object())
    return Fresh


@pytest.fixture
def no_torchcodec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "find_spec", lambda name: None)


@pytest.mark.parametrize(("content", "kind"), KINDS)
@pytest.mark.parametrize(
    "function", [decode, lambda *given, **more: Recording(*given, **more).channels(), probe, overview]
)
def test_without_torchcodec_the_error_names_the_format_and_the_remedy(content, kind, function, no_torchcodec) -> None:
    with pytest.raises(AudioError, match=kind) as caught:
        function(content, name="memo.m4a")
    assert "memo.m4a" in caught.value.what
    assert 'pip install "audio-gpu-lab[torchcodec]"' in caught.value.remedy
    assert "ffmpeg -i" in caught.value.remedy


@pytest.mark.parametrize(("content", "kind"), KINDS)
def test_with_torchcodec_it_is_a_file_like_others(content, kind, torchcodec, tmp_path) -> None:
    wanted = torchcodec.sound.numpy()
    path = tmp_path / "memo"
    path.write_bytes(content)
    for source in (content, path):
        np.testing.assert_array_equal(Recording(source).channels()[0], wanted)
        mono, rate = decode(source)
        assert rate == 48000
        np.testing.assert_allclose(mono, wanted.mean(axis=0), atol=1e-7)
        assert decode(source, 16000)[0].shape == (32000,)
        np.testing.assert_array_equal(Recording(source, start_s=0.5, end_s=0.75).channels()[0], wanted[:, 24000:36000])
    facts, picture = overview(content)
    assert (facts.info.container, facts.info.codec, facts.info.bits) == (kind, "AAC", None)
    assert (facts.info.channels, facts.info.seconds) == (2, 2.0)
    assert picture.high.max() == wanted.max()


def test_a_name_that_is_not_utf_8_is_no_hindrance(torchcodec, tmp_path) -> None:
    path = tmp_path / os.fsdecode(b"M\x84dchen.m4a")
    path.write_bytes(M4A)
    assert len(decode(path)[0]) == 96000


def test_long_files_are_read_in_blocks(torchcodec, monkeypatch) -> None:
    from labcore.audio import blocks

    monkeypatch.setattr(blocks, "ONE_GO", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 9000)
    np.testing.assert_array_equal(Recording(M4A).channels()[0], torchcodec.sound.numpy())


@pytest.mark.parametrize("claimed_s", [7200.0, None])
def test_one_that_is_too_long_is_refused_whether_its_header_says_so_or_not(claimed_s, torchcodec) -> None:
    torchcodec.claimed_s = claimed_s
    with pytest.raises(AudioError, match="min long"):
        decode(M4A, limits=Limits(max_seconds=1.0))


@pytest.mark.parametrize(
    "error", [RuntimeError("no audio stream"), ValueError("no audio stream\nat 0x1"), IndexError()]
)
def test_what_it_cannot_decode_is_told(error, torchcodec) -> None:
    torchcodec.error = error
    with pytest.raises(
        AudioError, match=r"memo is an M4A or MP4 file that cannot be decoded: (no audio stream|Index)"
    ) as caught:
        decode(M4A, name="memo")
    assert "0x1" not in caught.value.what


def test_a_torchcodec_that_does_not_load_is_told(monkeypatch) -> None:
    class Broken(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("Could not load libtorchcodec. Likely causes:\n1. FFmpeg is not installed")

    monkeypatch.setitem(sys.modules, "torchcodec", types.ModuleType("torchcodec"))
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", Broken("torchcodec.decoders"))
    monkeypatch.setattr(foreign, "find_spec", lambda name: object())
    with pytest.raises(AudioError, match="does not load: Could not load libtorchcodec") as caught:
        decode(M4A)
    assert "FFmpeg" in caught.value.remedy


def test_one_without_sound(torchcodec) -> None:
    torchcodec.sound = torch.zeros(2, 0)
    with pytest.raises(AudioError, match="contains no samples"):
        decode(M4A)
