"""How a file is to be read: as it is, or with its header mended, or as several streams one after the other.

Headers lie in ways that are known: lengths that nobody wrote, MP3 that does not count its frames, streams that were joined. Each is
mended before a decoder sees it, in a file that exists only as stretches of the real one (:class:`labcore.audio.raw.Spliced`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from labcore.audio import chunks, flac, mpeg, ogg, wave_format
from labcore.audio.containers import RIFF, container_of
from labcore.audio.raw import Piece, Read
from labcore.errors import AudioError

FETCH = "Fetch the file again, or remove it. `ffmpeg -i FILE whole.wav` keeps what there is of it"
"""What to do about one that is cut off."""
CONVERT = "Convert it to WAV or FLAC, for instance with `ffmpeg -i FILE clip.flac`"


@dataclass(frozen=True)
class DecodePlan:
    """
    Attributes:
        streams: the pieces of each stream, to be read one after the other; none: the file as it is.
        gain: what samples are multiplied by.
        notes: what a user should know, in words that follow the file's name.
        unread: what the file is, for the error where no decoder reads it: "is a WAV file that holds G.722"; may be empty.
        container: which kind of file it is by its own bytes; "" for none that libsndfile is given.
    """

    streams: tuple[tuple[Piece, ...], ...] = ()
    gain: float = 1.0
    notes: tuple[str, ...] = ()
    unread: str = ""
    container: str = ""


def reading_of(read: Read, size: int, called: str) -> DecodePlan:
    """Look at the bytes of a file.

    Raises:
        AudioError: it is cut off, contradicts itself, or holds a codec that is not read.
    """
    container = container_of(read(0, 40))
    if container:
        return replace(_known(read, size, called, container), container=container)
    if read(0, 4) in (*RIFF, b"FORM", b"riff"):
        return DecodePlan()
    found = _mpeg(read, 0, size, called)
    behind = mpeg.behind_tags(read, 0, size)
    if found.container or not 0 < behind < size or not container_of(read(behind, 40)):
        return found
    # Tags before another kind than MPEG: the decoder gets what is behind them, lest it looks for their end itself.
    inner = reading_of(lambda at, count: read(behind + at, count), size - behind, called)
    streams = inner.streams or (((0, size - behind),),)
    return replace(inner, streams=tuple(tuple(_moved(piece, behind) for piece in stream) for stream in streams))


def _moved(piece: Piece, by: int) -> Piece:
    return piece if isinstance(piece, bytes) else (piece[0] + by, piece[1] + by)


def _known(read: Read, size: int, called: str, container: str) -> DecodePlan:
    if container == "OGG":
        return _ogg(read, size, called)
    if container == "FLAC":
        return DecodePlan(flac.mended(read, size))
    found = chunks.parse(read, size)
    return _chunked(read, found, called) if found else DecodePlan()


def truncated(called: str, promised_s: float = 0.0, there_s: float = 0.0) -> AudioError:
    lacking = f"its header states {duration(promised_s)}, but it contains {duration(there_s)}"
    return AudioError(
        f"{called} is cut off: {lacking if promised_s else 'it ends in the middle of a page'}",
        FETCH,
    )


def duration(seconds: float) -> str:
    return f"{seconds / 3600:.4g} h" if seconds >= 3600 else f"{seconds:.4g} s"


def not_read(called: str, what: str) -> AudioError:
    return AudioError(f"{called} {what}, which is not read", CONVERT)


def _ogg(read: Read, size: int, called: str) -> DecodePlan:
    streams, codecs, whole = ogg.walk(read, size)
    if not whole:
        raise truncated(called)
    for of_stream in codecs:
        if not set(of_stream) & set(ogg.READ):
            raise not_read(called, f"is an Ogg file that holds {' and '.join(dict.fromkeys(of_stream))}")
    plain = len(streams) == 1 and streams[0][0][1] == size
    return DecodePlan(() if plain else tuple(map(tuple, streams)))


def _mpeg(read: Read, start: int, end: int, called: str) -> DecodePlan:
    streams = mpeg.streams_of(read, start, end)
    for stream in streams:
        lacking = (stream.promised or 0) - stream.frames
        if lacking > mpeg.SLACK:
            seconds = stream.seconds / stream.frames
            raise truncated(called, (stream.promised or 0) * seconds, stream.seconds)
    if not streams:
        return DecodePlan()
    if len(streams) == 1 and start == 0 and streams[0].keeps_its_promise and _begins_plainly(read, streams[0]):
        return DecodePlan(container="MP3")
    return DecodePlan(tuple(stream.pieces() for stream in streams), container="MP3")


def _begins_plainly(read: Read, stream: mpeg.Stream) -> bool:
    """Whether the first frame lies where every decoder looks for it: at the beginning, or behind one tag without a foot."""
    head = read(0, 10)
    tag = head.startswith(b"ID3") and not head[5] & 16
    return stream.stretches[0][0] == (mpeg.behind_tags(read, 0, 10) if tag else 0)


def _chunked(read: Read, file: chunks.Chunked, called: str) -> DecodePlan:
    if file.kind == "AU" and file.sound_at < chunks.AU_HEADER:
        raise AudioError(
            f"{called} is damaged: by its header, its sound begins at byte {file.sound_at}, within the header itself",
            "Fetch or export the file again",
        )
    if file.kind not in ("WAV", "RF64", "W64"):
        _check_whole(file, called, 0.0)
        mended = (file.mended(),) if file.promised is None and file.there else ()
        return DecodePlan(
            mended, unread=f"is {'a' if file.kind == 'CAF' else 'an'} {file.kind} file that holds {file.codec}"
        )
    form = wave_format.wave_format(read, file)
    if form is None:
        return DecodePlan()
    plain = (form.tag, form.bits) in wave_format.READ  # where such a file is not read, its header is at fault
    unread = "" if plain else f"is a {file.kind} file that holds {form.codec}"
    if form.tag in wave_format.MPEG:
        found = _mpeg(read, file.sound_at, file.sound_at + file.there, called)
        return found if found.streams else DecodePlan(unread=unread)
    _check_whole(file, called, form.byte_rate)
    changes, gain, note = wave_format.mend(read, file, form, called)
    notes = [note] if note else []
    if file.stale:
        notes.append("its header states less sound than it contains, as after a recorder was killed: all of it is used")
    if not changes and (file.promised is not None or not file.there):
        return DecodePlan(unread=unread)
    return DecodePlan((file.mended(changes),), gain, tuple(notes), unread)


def _check_whole(file: chunks.Chunked, called: str, byte_rate: float) -> None:
    """Raise an AudioError where so much is missing that it would be missed: a hundredth, or a tenth of a second."""
    missing = file.missing
    lacking_s = missing * (file.promised or 0) / byte_rate if byte_rate else 0.0
    if missing > 0.01 or lacking_s > 0.1:
        if not byte_rate:
            raise AudioError(
                f"{called} is cut off: {100 * missing:.3g} % of the sound stated in its header is missing",
                FETCH,
            )
        raise truncated(called, (file.promised or 0) / byte_rate, file.there / byte_rate)
