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

FORMATS = frozenset("WAV WAVEX RF64 W64 AIFF FLAC OGG MP3 AU CAF".split())  # noqa: SIM905
"""What libsndfile calls the kinds that it may open; the others are its oldest and least tended parts."""
KNOWN = "Known are WAV, RF64, W64, AIFF, FLAC, Ogg Vorbis and Opus, MP3, AU and CAF; convert it to one of them"

RIFF = (b"RIFF", b"RIFX", b"RF64", b"BW64")
W64_RIFF, W64_WAVE = (
    bytes.fromhex(tail) for tail in ("726966662e91cf11a5d628db04c10000", "77617665f3acd3118cd100c04f8edb8a")
)
OLD_STARTS = {
    b"NIST_1A": "a NIST SPHERE file",
    b"Creative Voice File": "a Creative Voice file (VOC)",
    b" paf": "an Ensoniq PARIS file",
    b"fap ": "an Ensoniq PARIS file",
    b"\x64\xa3": "an IRCAM file",
    b"\x00\x00\xa3\x64": "an IRCAM file",
    b"\x00\x01\xa3\x64": "an IRCAM file",
    b"MATLAB 5": "a MATLAB file",
    b"PVF1": "a Portable Voice file",
    b"Extended Instrument": "an instrument of FastTracker (XI)",
    b"ALawSoundFile": "a Psion file (WVE)",
    b"2BIT": "an Audio Visual Research file (AVR)",
    b"\xf0\x7e": "a MIDI sample dump",
    b"DiamondWare": "a DiamondWare file",
    b"REX2": "a REX2 file",
    b"SOUND SAMPLE DATA": "a TX16W file",
}
"""Kinds of sound that are not read, though libsndfile knows most of them."""

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


def container_of(head: bytes) -> str:
    """Which of the kinds that are read a file is by its first bytes, 40 at least where there are so many; "" for all else.

    MPEG audio is not among them: it has no such mark, and is known by its frames (:mod:`labcore.audio.mpeg`).
    """
    if head[:4] in RIFF and head[8:12] == b"WAVE":
        return "WAV"
    if head[:16] == W64_RIFF and head[24:40] == W64_WAVE:
        return "W64"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    return {b"fLaC": "FLAC", b"OggS": "OGG", b".snd": "AU", b"dns.": "AU", b"caff": "CAF"}.get(head[:4], "")


def foreign_kind(head: bytes) -> str:
    """What audio that libsndfile does not know the first bytes belong to, as "an M4A or MP4 file"; empty for all else."""
    if head[4:8] == b"ftyp":
        return "an M4A or MP4 file"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "an AVI file"
    if len(head) > 1 and head[0] == 0xFF and head[1] in (0xF0, 0xF1, 0xF8, 0xF9):
        return "an AAC file"
    return _kind_in(FOREIGN_STARTS, head)


def _kind_in(starts: dict[bytes, str], head: bytes) -> str:
    return next((kind for start, kind in starts.items() if head.startswith(start)), "")


def describe(head: bytes) -> tuple[str, str]:
    """What bytes that no decoder recognises look like, and what to do about it.

    Args:
        head: the first bytes, a few hundred do.

    Returns:
        (what, remedy), parts of an error: "is …" and a sentence.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the audio", "Fetch the files with `git lfs pull`"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not audio", "The download failed: fetch the file again"
    kind = foreign_kind(head)
    if kind:
        return (
            f"is {kind}, which only the optional decoder reads",
            f"{INSTALL}. Or convert it to WAV or FLAC: `{CONVERT}`",
        )
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")):
        return "is an archive, not audio", "Unpack it first"
    amiga = head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV")
    if old := "an Amiga file (8SVX)" if amiga else _kind_in(OLD_STARTS, head):
        return f"is {old}, which is not read", f"Convert it to WAV or FLAC: `{CONVERT}`"
    if head.startswith((*RIFF, b"riff", b"FORM", b".snd", b"dns.", b"caff", b"fLaC", b"OggS", b"ID3")):
        return "begins like an audio file, but its header is damaged or cut off", "Fetch or export the file again"
    if not head.strip(b"\x00"):
        return "holds nothing but zeros", "Fetch or export the file again"
    text = bytes(range(32, 127)) + b"\t\r\n\f"
    if not head.translate(None, text) or _is_utf8(head):
        return "is a text file, not audio", "Choose a WAV, AIFF, FLAC, Ogg or MP3 file"
    return "is not audio of a known kind", KNOWN


def _is_utf8(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) > 4  # a character cut in two by the end of what was read
    return True
