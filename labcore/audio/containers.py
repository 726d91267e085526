"""What a file is by its first bytes and the ending of its name."""

from __future__ import annotations

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
    b"TTA1": "a True Audio file",
    b"MPCK": "a Musepack file",
    b"MP+": "a Musepack file",
    b"DSD ": "a DSD file",
    b"FRM8": "a DSD file",
    b".RMF": "a RealMedia file",
    b".ra\xfd": "a RealAudio file",
    b"FLV\x01": "a Flash video",
}


def foreign_kind(head: bytes) -> str:
    """What audio that libsndfile does not know the first bytes belong to, as "an M4A or MP4 file"; empty for all else."""
    if head[4:8] == b"ftyp":
        return "an M4A or MP4 file"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "an AVI file"
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
