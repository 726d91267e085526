"""The bytes that a decoder is given."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from labcore.audio import Recording, raw
from labcore.audio.raw import in_memory_file
from tests.audio.test_recording import encoded

needs_memory_files = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files in memory are Linux's")


@pytest.fixture(autouse=True)
def no_file_yet(monkeypatch) -> None:
    monkeypatch.setattr(raw, "_of_thread", threading.local())


def whole(descriptor: int) -> bytes:
    return os.read(descriptor, 10_000)


@needs_memory_files
def test_a_buffer_becomes_a_file() -> None:
    for content in (b"abc" * 1000, b"de", b"fgh" * 2000):  # one after the other in the same file
        with in_memory_file(content) as descriptor:
            assert whole(descriptor) == content
            assert os.fstat(descriptor).st_size == len(content)


@needs_memory_files
def test_two_at_a_time_are_two_files() -> None:
    with in_memory_file(b"abc") as first, in_memory_file(b"de") as second:
        assert (whole(first), whole(second)) == (b"abc", b"de")


@needs_memory_files
def test_no_file_is_kept_of_a_large_one_and_of_a_thread_that_has_ended(monkeypatch) -> None:
    monkeypatch.setattr(raw, "KEPT", 2)

    def kept(content: bytes) -> bool:
        seen = []

        def work() -> None:
            with in_memory_file(content) as descriptor:
                seen.append(descriptor)
            seen.append("file" in raw._of_thread.__dict__)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(seen[0])
        return seen[1]

    assert kept(b"ab")
    assert not kept(b"abc")


@needs_memory_files
def test_a_forked_process_has_a_file_of_its_own(monkeypatch) -> None:
    with in_memory_file(b"abc") as parents:
        pass
    monkeypatch.setattr(os, "getpid", lambda: -1)
    kept = raw._of_thread.file
    with in_memory_file(b"de") as childs:
        assert childs != parents
        assert whole(childs) == b"de"
    assert os.fstat(kept.descriptor).st_size == 3


def test_a_large_one_does_not(monkeypatch) -> None:
    monkeypatch.setattr(raw, "IN_MEMORY", 2)
    with in_memory_file(b"abc") as descriptor:
        assert descriptor == -1


@needs_memory_files
@pytest.mark.parametrize("call", ["memfd_create", "pwrite"])
def test_where_there_is_no_room_for_it_the_buffer_is_read(monkeypatch, noise, call) -> None:
    def full(*arguments):
        raise OSError("no room")

    content = encoded(noise(0.1, 16000), 16000)
    expected = Recording(content, 16000).whole()
    monkeypatch.setattr(raw, "_of_thread", threading.local())
    opened = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        found = Recording(content, 16000).at_once()
    assert (found.waveform == expected.waveform).all()
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


@needs_memory_files
@pytest.mark.parametrize(("container", "codec"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")])
def test_a_decoder_reads_short_sounds_without_the_interpreter(monkeypatch, noise, container, codec) -> None:
    content = encoded(noise(0.5, 16000), 16000, container, codec)
    expected = Recording(content, 16000).at_once()
    monkeypatch.delattr(raw.Spliced, "readinto")
    assert (Recording(content, 16000).at_once().waveform == expected.waveform).all()
