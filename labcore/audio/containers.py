"""What the bytes of an audio file say before a decoder is asked: what it is, and whether all of it is there.

libsndfile shortens a WAV or AIFF file whose header promises more than there is to what is there, and says nothing. A clip
that was cut off in a download should not be trained on unnoticed, so that promise is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

UNKNOWN_LENGTH = (0, 0xFFFFFFFF)  # what encoders that write into a pipe leave in the size fields

AUDIO_SUFFIXES = frozenset(
    ".wav .wave .aif .aiff .aifc .flac .ogg .oga .opus .mp3 .au .snd .caf .w64 .rf64".split()  # noqa: SIM905
)
"""File name endings of what :func:`labcore.audio.decode` reads."""

FOREIGN_SUFFIXES = frozenset(".m4a .aac .wma .mp4 .webm .mka .amr .ape .wv .m4b .3gp".split())  # noqa: SIM905
"""Endings of audio that it does not read."""

INSTALL = 'Install it with `pip install "audio-gpu-lab[torchcodec]"` (it needs FFmpeg, too)'
CONVERT = "ffmpeg -i FILE clip.wav"

FOREIGN_STARTS = {
    b"\x1a\x45\xdf\xa3": "a WebM or Matroska file",
    b"\x30\x26\xb2\x75": "a WMA file",
    b"#!AMR": "an AMR file",
    b"wvpk": "a WavPack file",
    b"MAC ": "a Monkey's Audio file",
}

Read = Callable[[int, int], bytes]  # (offset, bytes) → what is there


def missing_share(read: Read, size: int) -> float:
    """The share of the audio data that the container promises and the file lacks; 0 where it promises nothing.

    Args:
        read: reads bytes at an offset.
        size: of the whole file in bytes.
    """
    head = read(0, 12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:] == b"WAVE":
        return _chunk_missing(read, size, head, ">" if head[:4] == b"RIFX" else "<", b"data")
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return _chunk_missing(read, size, head, ">", b"SSND")
    if head[:4] == b"OggS":
        return _ogg_missing(read, size)
    return 0.0


def _chunk_missing(read: Read, size: int, head: bytes, order: str, wanted: bytes) -> float:
    """For containers of chunks (four letters, a 32-bit length, the content padded to an even length)."""
    (whole,) = struct.unpack(order + "I", head[4:8])
    at, long_length = 12, 0
    for _ in range(200):  # a file of audio has a handful of chunks; no walk through a forged one
        header = read(at, 8)
        if len(header) < 8:
            return 0.0
        (length,) = struct.unpack(order + "I", header[4:])
        if header[:4] == b"ds64":  # RF64: the true sizes in 64 bits, of the whole and of the data
            long_length = int.from_bytes(read(at + 16, 8), "little")
        if header[:4] == wanted:
            length = long_length or length
            if length in UNKNOWN_LENGTH and whole in UNKNOWN_LENGTH:
                return 0.0
            there = size - at - 8
            return max(0.0, 1 - there / length) if length else 0.0
        at += 8 + length + (length & 1)
    return 0.0


def _ogg_missing(read: Read, size: int) -> float:
    """The share of the file that its last page makes up, where that page is not whole.

    A file that is cut exactly between two pages cannot be told from a recorded stream.
    """
    for span in (8192, 70000):
        tail = read(max(0, size - span), span)
        at = tail.rfind(b"OggS")
        while at >= 0:
            page = tail[at:]
            if len(page) < 27:
                return 1.0 if len(page) == size else 0.02
            if page[4] == 0:
                header = 27 + page[26]
                length = header + sum(page[27:header])
                return length / (size - len(page) + length) if len(page) < max(header, length) else 0.0
            at = tail.rfind(b"OggS", 0, at)
    return 0.0


def foreign_kind(head: bytes) -> str:
    """What audio that libsndfile does not know the first bytes belong to, as "an M4A or MP4 file"; empty for all else."""
    if head[4:8] == b"ftyp":
        return "an M4A or MP4 file"
    if len(head) > 1 and head[0] == 0xFF and head[1] in (0xF0, 0xF1, 0xF8, 0xF9):
        return "an AAC file"
    return next((kind for start, kind in FOREIGN_STARTS.items() if head.startswith(start)), "")


def describe(head: bytes) -> tuple[str, str]:
    """What bytes that no decoder recognises look like, and what to do about it.

    Args:
        head: the first bytes, a few hundred do.

    Returns:
        (what, remedy), parts of an error: "is …" and a sentence.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer in place of the audio itself", "Fetch the files with `git lfs pull`"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not audio", "The download went wrong: fetch the file again"
    kind = foreign_kind(head)
    if kind:
        return (
            f"is {kind}, which only the optional decoder reads",
            f"{INSTALL}. Or convert it to WAV or FLAC: `{CONVERT}`",
        )
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")):
        return "is an archive, not audio", "Unpack it first"
    if head.startswith((b"RIFF", b"RIFX", b"FORM", b"fLaC", b"OggS", b"ID3")):
        return "begins like an audio file, but its header is damaged or cut off", "Fetch or export the file again"
    if not head.strip(b"\x00"):
        return "holds nothing but zeros", "Fetch or export the file again"
    text = bytes(range(32, 127)) + b"\t\r\n\f"
    if not head.translate(None, text) or _is_utf8(head):
        return "is a text file, not audio", "Choose a WAV, AIFF, FLAC, Ogg or MP3 file"
    return (
        "is not audio of a known kind",
        "Known are WAV, AIFF, FLAC, Ogg Vorbis and Opus, and MP3; convert it to one of them",
    )


def _is_utf8(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) > 4  # a character cut in two by the end of what was read
    return True
