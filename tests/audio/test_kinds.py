"""Which kinds of files reach libsndfile, and what becomes of what it prints."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import random
import threading

import numpy as np
import pytest
import soundfile

from labcore.audio import decode, files, joined, probe
from labcore.audio.containers import FORMATS
from labcore.audio.limits import Limits
from labcore.audio.overview import overview
from labcore.audio.quiet import STREAMS, QuietFile
from labcore.errors import AudioError

TONE = (np.sin(np.arange(4000) / 5) / 2).astype(np.float32)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # libsndfile leaves the resources of an SD2 beside where it stands


def encoded(container: str, codec: str = "", endian: str = "FILE") -> bytes:
    buffer = io.BytesIO()
    codec = codec or soundfile.default_subtype(container) or next(iter(soundfile.available_subtypes(container)))
    soundfile.write(buffer, TONE, 8000, format=container, subtype=codec, endian=endian)
    return buffer.getvalue()


def tag(content: bytes, *, foot: bool = False) -> bytes:
    size = bytes(len(content) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00" + (b"\x10" if foot else b"\x00") + size + content


@pytest.fixture
def unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a decoder was opened")

    for module in (files, joined):
        monkeypatch.setattr(module, "QuietFile", opened)


OTHERS = sorted(set(soundfile.available_formats()) - FORMATS - {"RAW", "SD2"})


@pytest.mark.parametrize("container", OTHERS)
@pytest.mark.parametrize("read", [decode, probe, overview], ids=lambda read: read.__name__)
def test_what_the_docs_do_not_name_reaches_no_decoder(container, read, unopened):
    for codec in soundfile.available_subtypes(container):
        for endian in ("LITTLE", "BIG"):
            try:
                content = encoded(container, codec, endian)
            except (soundfile.SoundFileError, ValueError):
                continue
            with pytest.raises(AudioError) as error:
                read(content, name="old.wav")
            assert "old.wav" in error.value.what
            assert "not read" in error.value.what or "known kind" in error.value.what
            assert "onvert" in error.value.remedy


@pytest.mark.parametrize(
    ("container", "named"), [("NIST", "NIST SPHERE"), ("VOC", "Creative Voice"), ("SVX", "8SVX"), ("IRCAM", "IRCAM")]
)
def test_the_better_known_are_called_by_their_names(container, named):
    with pytest.raises(AudioError, match=named):
        decode(encoded(container))


@pytest.mark.parametrize("container", sorted(FORMATS & set(soundfile.available_formats())))
def test_what_the_docs_name_is_read(container):
    assert len(decode(encoded(container))[0]) >= 4000


@pytest.mark.parametrize("inner", ["NIST", "VOC", "PAF"])
@pytest.mark.parametrize("foot", [False, True])
def test_no_tag_hides_another_kind(inner, foot, unopened):
    """Where the tag ends is a matter of opinion: neither place may hold what is not read."""
    hidden = encoded(inner)
    for content in (tag(b"", foot=foot) + hidden, tag(bytes(20)) + hidden, tag(bytes(5)) + tag(hidden[:100]) + hidden):
        with pytest.raises(AudioError):
            decode(content)


def test_a_beginning_of_another_kind_is_not_given_to_the_decoder():
    """Frames of MP3 behind it are what is used, and all that the decoder gets."""
    sound = encoded("MP3")
    for start in (encoded("NIST")[:1024], b"Creative Voice File\x1a" + bytes(400), tag(bytes(10), foot=True)):
        file = files.opened(start + sound, "mixed", Limits())
        with file as found:
            assert found.format == "MP3"
            assert isinstance(found, joined.JoinedFile)


@pytest.mark.parametrize("container", ["FLAC", "WAV", "OGG", "AIFF"])
def test_tags_before_another_kind_are_passed_over(container):
    plain, _ = decode(encoded(container))
    for before in (tag(b"title" * 9), tag(b"x", foot=True) + b"3DI\x04\x00\x10\x00\x00\x00\x01", tag(b"a") + tag(b"b")):
        assert np.array_equal(decode(before + encoded(container))[0], plain)


# --- what decoders print


def loud_mp3() -> bytes:
    """An MP3 over whose damage the decoder complains."""
    content, draw = bytearray(encoded("MP3")), random.Random(3)
    for _ in range(40):
        content[draw.randrange(60, len(content))] = draw.randrange(256)
    return bytes(content)


def complains(read) -> None:
    with contextlib.suppress(AudioError, soundfile.SoundFileError):
        read(loud_mp3())
    ctypes.CDLL(None).fflush(None)


def test_what_a_decoder_prints_goes_nowhere(capfd):
    complains(lambda content: soundfile.read(io.BytesIO(content)))
    assert "Note" in capfd.readouterr().err  # else there is nothing to be turned away
    complains(lambda content: QuietFile(io.BytesIO(content)).read())
    complains(decode)
    assert capfd.readouterr() == ("", "")
    complains(lambda content: soundfile.read(io.BytesIO(content)))
    assert "Note" in capfd.readouterr().err  # and all is as it was


def test_what_others_print_meanwhile_is_not_lost(capfd):
    with STREAMS:
        print("a line", flush=True)
        thread = threading.Thread(target=lambda: print("another", flush=True))
        thread.start()
        thread.join()
        ctypes.CDLL(None).puts(b"noise")
        ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == "a line\nanother\n"


def test_many_threads_put_the_streams_back(capfd):
    def work() -> None:
        for _ in range(200):
            with STREAMS, STREAMS:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ctypes.CDLL(None).puts(b"heard")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == "heard\n"


def test_a_file_that_the_garbage_collector_closes_does_not_wait_for_itself(monkeypatch):
    """It closes wherever Python makes an object, inside of the lock too."""
    held = [QuietFile(io.BytesIO(encoded("WAV")))]
    monkeypatch.setattr(STREAMS, "_put_back", lambda real=STREAMS._put_back: (held.clear(), gc.collect(), real()))
    with STREAMS:
        pass
    assert STREAMS._depth == 0
    assert not STREAMS._kept
