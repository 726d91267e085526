"""Errors as problem+json (RFC 9457): what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from labcore.errors import AudioError, ConfigError, LabError, OutOfMemoryError
from labcore.serving.admission import RETRY_SECONDS, RequestTooLarge
from labcore.serving.batcher import Overloaded
from labcore.texts import json_line

MEDIA_TYPE = "application/problem+json"
RETRY = {"Retry-After": str(RETRY_SECONDS)}
"""The header for a client that may ask the same again."""


class Problem(Exception):
    """A request that is not answered as asked.

    Args:
        status: of the response.
        kind: a word that a program can go by; the end of the problem's ``type``.
        detail, remedy: what is wrong with what, and what to do.
        headers, more: further headers and members of the response.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        remedy: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.remedy = status, kind, detail, remedy
        self.headers, self.more = dict(headers or {}), more or {}

    @classmethod
    def of(cls, error: LabError) -> Problem:
        """What a LabError is to a client."""
        if isinstance(error, Overloaded):
            return cls(503, "busy", error.what, error.remedy, headers=RETRY)
        if isinstance(error, RequestTooLarge):
            return cls(413, "size", error.what, error.remedy)
        if isinstance(error, OutOfMemoryError):
            return cls(503, "memory", error.what, error.remedy)
        if isinstance(error, AudioError | ConfigError):
            return cls(422, "audio" if isinstance(error, AudioError) else "settings", error.what, error.remedy)
        return cls(409, "refused", error.what, error.remedy)

    def response(self, request_id: str) -> Response:
        body = {
            "type": f"urn:labcore:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "remedy": self.remedy,
            "request_id": request_id,
            **self.more,
        }
        content = json_line(body).encode()
        return Response(content, self.status, self.headers, MEDIA_TYPE)
