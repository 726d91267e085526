"""MP3 that does not count its frames, and streams that were joined: all of it is used, or it is told why not."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from labcore.audio import Recording, decode, mpeg, ogg, probe
from labcore.audio.overview import overview
from labcore.audio.raw import reader
from labcore.errors import AudioError

TAGS = {
    "nothing": b"",
    "ID3v1": b"TAG" + bytes(125),
    "Lyrics and ID3v1": b"LYRICSBEGIN" + b"la " * 400 + b"001211LYRICS200" + b"TAG" + bytes(125),
    "APE": b"APETAGEX" + struct.pack("<IIII", 2000, 32 + 40, 1, 1 << 31 | 1 << 29) + bytes(8) + b"x" * 40
    + b"APETAGEX" + struct.pack("<IIII", 2000, 72, 1, 1 << 31) + bytes(8),
    "ID3v2": b"ID3\x04\0\0\0\0\x02\0" + bytes(256),
    "zeros": bytes(5000),
}  # fmt: skip


def encoded(waveform: np.ndarray, rate: int, container: str, subtype: str | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format=container, subtype=subtype, **options)
    return buffer.getvalue()


def mp3(waveform: np.ndarray, rate: int = 22050) -> bytes:
    return encoded(waveform, rate, "MP3", bitrate_mode="VARIABLE", compression_level=0.5)


def without_header(content: bytes) -> bytes:
    """The frames of sound alone, as an encoder leaves them that writes into a pipe."""
    at = content.index(b"\xff")
    header = mpeg.header_of(content[at : at + 4])
    assert header is not None
    assert b"Xing" in content[at : at + header.length] or b"Info" in content[at : at + header.length]
    return content[at + header.length :]


@pytest.fixture(scope="module")
def sound(tone, noise) -> np.ndarray:
    """Three seconds at 22.05 kHz, silent, then loud, then soft, so that the bit rate varies."""
    return np.concatenate([np.zeros(22050, np.float32), noise(1, 22050, level=0.3), tone(900, 1, 22050, level=0.1)])


@pytest.mark.parametrize("behind", TAGS)
@pytest.mark.parametrize("before", ["nothing", "ID3v2"])
def test_without_a_header_the_length_is_that_of_the_frames(before, behind, sound) -> None:
    content = TAGS[before] + without_header(mp3(sound)) + TAGS[behind]
    waveform, rate = decode(content)
    assert abs(len(waveform) / rate - 3) < 0.1
    assert probe(content).frames == len(waveform)
    found = 20000 + int(np.correlate(waveform[20000:50000], sound[24050:26050]).argmax())
    assert np.corrcoef(waveform[found : found + 2000], sound[24050:26050])[0, 1] > 0.7
    assert found == pytest.approx(24050, abs=2500)
    assert np.abs(np.fft.rfft(waveform[-12000:-1000], 22050)).argmax() == pytest.approx(900, abs=3)


def test_every_reader_hears_the_same_length(sound, tmp_path) -> None:
    path = tmp_path / "pipe.mp3"
    path.write_bytes(without_header(mp3(np.stack([sound, sound[::-1]], axis=1))))
    planes, rate = Recording(path).channels()
    facts, picture = overview(path)
    assert facts.info.frames == planes.shape[1] == probe(path).frames
    assert picture.seconds == pytest.approx(planes.shape[1] / rate)
    part, _ = Recording(path, start_s=2.0, end_s=2.5).channels()
    assert np.abs(part - planes[:, 2 * rate : 2 * rate + part.shape[1]]).max() < 1e-3


def test_a_header_that_promises_more_is_cut_off_and_none_is_not(sound) -> None:
    whole = mp3(sound)
    for content, cut in ((whole, True), (without_header(whole), False)):
        half = content[: int(len(content) * 0.6)]
        if cut:
            with pytest.raises(AudioError, match="clip is cut off: its header states 3"):
                decode(half, name="clip")
        else:
            assert 0.5 < len(decode(half)[0]) / 22050 < 2.5


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
@pytest.mark.parametrize("between", ["nothing", "ID3v2", "ID3v1"])
def test_joined_mp3_is_heard_whole(first, second, between, sound) -> None:
    parts = [mp3(sound), mp3(sound[::-1])]
    parts = [part if header else without_header(part) for part, header in zip(parts, (first, second), strict=True)]
    waveform, rate = decode(parts[0] + TAGS[between] + parts[1])
    assert abs(len(waveform) / rate - 6) < 0.15
    assert np.abs(waveform[: rate // 2]).max() < 0.01
    assert np.abs(waveform[-rate // 2 :]).max() < 0.01
    loud = (np.abs(waveform[: len(waveform) // 10 * 10].reshape(10, -1)) > 0.2).any(axis=1)
    assert loud.nonzero()[0].tolist() == [2, 3, 6, 7] or loud.sum() >= 4


@pytest.mark.parametrize(("container", "subtype", "rate"), [("OGG", "VORBIS", 22050), ("OGG", "OPUS", 24000)])
def test_chained_ogg_is_heard_whole(container, subtype, rate, tone) -> None:
    parts = [
        encoded(tone(hertz, seconds, rate), rate, container, subtype)
        for hertz, seconds in ((500, 1), (1500, 2), (3000, 1))
    ]
    content = b"".join(parts)
    waveform, own = decode(content)
    assert len(waveform) == sum(len(decode(part)[0]) for part in parts)
    assert abs(len(waveform) / own - 4) < 0.05
    for start, hertz in ((0.3, 500), (2.0, 1500), (3.4, 3000)):
        part, _ = decode(content, start_s=start, end_s=start + 0.5)
        assert np.abs(np.fft.rfft(part, own)).argmax() == pytest.approx(hertz, abs=3)


@pytest.mark.parametrize("container", ["OGG", "MP3"])
def test_streams_that_do_not_fit_together_are_told(container, tone) -> None:
    content = encoded(tone(500, 1, 22050), 22050, container) + encoded(tone(500, 1, 44100), 44100, container)
    with pytest.raises(AudioError, match=r"with different formats: 22050 Hz .* then 44100 Hz"):
        decode(content, name="clip")


def test_an_ogg_whose_last_page_is_not_whole_is_cut_off_wherever_it_lies(tone) -> None:
    part = encoded(tone(500, 2, 22050), 22050, "OGG")
    with pytest.raises(AudioError, match="cut off"):
        decode(part + part[:-100], name="clip")


@pytest.mark.parametrize(
    ("packet", "codec"),
    [(b"Speex   1.2", "Speex"), (b"\x7fFLAC\x01\x00", "FLAC"), (b"\x80theora", "Theora"), (b"??", "unknown")],
)
def test_a_codec_in_ogg_that_is_not_read_is_named(packet, codec) -> None:
    page = b"OggS\0\x02" + bytes(20) + bytes([1, len(packet)]) + packet
    with pytest.raises(AudioError, match=codec) as caught:
        decode(page, name="clip.ogg")
    assert "damaged" not in str(caught.value)


def test_mp3_in_wav(sound) -> None:
    frames = without_header(mp3(sound))
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 22050, 8000, 1, 0, 12, 1, 2, 576, 1, 0)
    content = (
        b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(frames)) + frames
    )
    waveform, rate = decode(content)
    assert abs(len(waveform) / rate - 3) < 0.1


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_header_that_is_put_before_fits_every_kind_of_frame(rate, channels, noise) -> None:
    planes = np.stack([noise(1, rate, level=0.2, seed=seed) for seed in range(channels)], axis=1)
    content = without_header(encoded(planes, rate, "MP3"))
    (stream,) = mpeg.streams_of(reader(content), 0, len(content))
    assert probe(content).frames == pytest.approx(stream.frames * (1152 if rate > 24000 else 576), abs=1200)
    assert Recording(content).channels()[0].shape == (channels, probe(content).frames)


def test_noise_is_no_mp3() -> None:
    content = np.random.default_rng(0).bytes(1 << 18)
    assert mpeg.streams_of(reader(content), 0, len(content)) == []


@pytest.mark.parametrize(
    ("filler", "most"),
    [(b"\xff", 1000), (bytes.fromhex("fffb9000"), 4 * mpeg.TRIES + 1000), (b"ID3\x04" + bytes(6), 1000)],
    ids=["erased memory", "frames that are none", "tags"],
)
def test_what_a_recorder_leaves_behind_the_frames_is_looked_through_soon(filler, most, sound) -> None:
    content = mp3(sound) + filler * ((1 << 19) // len(filler))
    reads, read = 0, reader(content)

    def counted(at: int, count: int) -> bytes:
        nonlocal reads
        reads += 1
        return read(at, count)

    (stream,) = mpeg.streams_of(counted, 0, len(content))
    assert stream.keeps_its_promise
    assert reads < most


def test_frames_are_no_longer_looked_for_where_too_many_are_none(sound, monkeypatch) -> None:
    frames = without_header(mp3(sound))
    content = frames + bytes.fromhex("fffb9000") * 50 + frames
    monkeypatch.setattr(mpeg, "TRIES", 100)
    whole = sum(stream.frames for stream in mpeg.streams_of(reader(content), 0, len(content)))
    monkeypatch.setattr(mpeg, "TRIES", 20)
    assert sum(stream.frames for stream in mpeg.streams_of(reader(content), 0, len(content))) < whole


def test_pages_behind_damage_are_found_again(tone) -> None:
    content = encoded(tone(500, 1, 22050), 22050, "OGG")
    second = content.index(b"OggS", 4)
    links, codecs, whole = ogg.walk(reader(content[:second] + b"damage" + content[second:]), len(content) + 6)
    assert whole
    assert links == [[(0, len(content) + 6)]]
    assert codecs == [["Vorbis"]]


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_what_only_begins_like_pages_is_kept_from_the_decoder(subtype, tone) -> None:
    sound = encoded(tone(500, 1, 24000), 24000, "OGG", subtype)
    last, filler = sound.rindex(b"OggS"), b"OggS" * (1 << 16)
    for content in (sound + filler, sound[:last] + filler + sound[last:], (sound[:last] + filler + sound[last:]) * 2):
        streams, _, whole = ogg.walk(reader(content), len(content))
        given = sum(end - first for stream in streams for first, end in stream)
        fillers = content.count(filler)
        assert whole
        assert given == len(content) - fillers * (len(filler) - ogg.LONGEST)
    np.testing.assert_array_equal(decode(sound + filler)[0], decode(sound)[0])
