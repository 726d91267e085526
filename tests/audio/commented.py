"""WAV files with the comments that recorders write."""

from __future__ import annotations

import struct

import numpy as np

from labcore.audio import encode_wav


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)


def with_chunks(*chunks: bytes, before: bool = False) -> bytes:
    """A WAV file of silence with further chunks before or behind its sound."""
    wav = encode_wav(np.zeros(801, np.float32), 8000)
    at = wav.index(b"data") if before else len(wav)
    body = wav[8:at] + b"".join(chunks) + wav[at:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def moth(text: str) -> bytes:
    """The comment of an AudioMoth."""
    return chunk(b"LIST", b"INFO" + chunk(b"ICMT", text.encode() + b"\0") + chunk(b"IART", b"AudioMoth\0"))
