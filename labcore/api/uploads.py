"""The clips in the body of a request: the files of a form, or the body itself."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from labcore.api.problems import Problem
from labcore.serving.admission import Reservation
from labcore.serving.settings import ServiceSettings
from labcore.texts import shown

PLAIN = {"Accept-Encoding": "identity"}
"""The header that tells a client how bodies are taken (RFC 9110, 15.5.16)."""
RAW_TYPES = ("audio/", "video/", "application/octet-stream", "application/ogg")


@dataclass(frozen=True)
class UploadedClip:
    name: str
    content: bytes


async def clips_of(request: Request, settings: ServiceSettings, reservation: Reservation) -> list[UploadedClip]:
    """The clips that a request brings: the files of a form, or the body itself.

    Raises:
        Problem: there are none, too many, fields that mean nothing here, or it is a body of another kind.
        Overloaded: so many more cannot be taken on now.
    """
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise Problem(
            415, "media-type", f"a body with the Content-Encoding {as_plain(packed, 80)} is not accepted",
            "Send it as it is, without that header; FLAC, Ogg and MP3 are smaller than WAV", headers=PLAIN,
        )  # fmt: skip
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        if kind and not kind.startswith(RAW_TYPES):
            raise Problem(
                415, "media-type", f"a body of type {as_plain(kind, 80)} is not accepted",
                "Send the file itself as audio/… or application/octet-stream, or several as multipart/form-data",
            )  # fmt: skip
        content = await request.body()
        reservation.begin(clips=1)
        return [UploadedClip("", content)]
    try:
        async with request.form(max_files=settings.max_files, max_fields=16) as form:
            clips = []
            for name, value in form.multi_items():
                if not isinstance(value, UploadFile):
                    raise Problem(
                        422, "field", f"the form field {as_plain(name, 80)!r} is not a file",
                        "Files are form fields with a file name; everything else goes into the query",
                    )  # fmt: skip
                clips.append(UploadedClip(as_plain(value.filename or "", 200), await value.read()))
    except (HTTPException, ValueError) as error:  # the latter is what the parser makes of bytes that are no form
        why = f": {error.detail}" if isinstance(error, HTTPException) else ""
        remedy = "Send it as multipart/form-data"
        if "Too many files" in why:
            remedy = f"Send {settings.max_files} at most at once, or start the service with a larger --max-files"
        raise Problem(400, "form", f"the form cannot be read{why}", remedy) from error
    if not _whole(request):  # of its last file nothing is told
        raise Problem(
            400, "form", "the form is cut off: the boundary that ends it is missing", "Send it to the end"
        )  # fmt: skip
    if not clips:
        raise Problem(
            422, "no-file", "the form contains no file", "Send one as a form field, for instance `-F file=@clip.wav`"
        )
    reservation.begin(clips=len(clips))
    return clips


def _whole(request: Request) -> bool:
    """Whether a form that was read came to its end."""
    head = Message()
    head["content-type"] = request.headers["content-type"]
    return f"--{head.get_boundary()}--".encode("latin-1") in request.state.context.body.tail


def as_plain(text: str, most: int) -> str:
    """A name as a client gave it, fit to be shown: no control characters, no lone surrogates, not too long."""
    return "".join(character for character in shown(text) if character.isprintable())[:most]
