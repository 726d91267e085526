"""What the service's documentation says beyond what the framework finds out by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from labcore.api import schemas
from labcore.api.middleware import WATCHED
from labcore.api.problems import MEDIA_TYPE

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
                    },
                }
            },
            "audio/*": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the documentation: these statuses come as problem+json."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {status: {"description": _WHY[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses}


_WHY = {
    400: "The request cannot be read.",
    401: "A key is needed.",
    403: "Cross-site request, or one through a proxy without a key.",
    404: "No such model.",
    408: "Request timeout.",
    409: "The reload failed; the old weights stay.",
    413: "The body is too large.",
    415: "Unsupported media type.",
    421: "Unknown host name.",
    422: "Unreadable clip, or parameter out of bounds.",
    503: "Overloaded, shutting down, or too late. Where there is a Retry-After, retry after so many seconds.",
}


def complete(app: FastAPI, keyed: bool) -> None:
    """Put in the problem's schema and the key, and take out the framework's own 422."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            parts = schema.setdefault("components", {})
            known = parts.setdefault("schemas", {})
            known["ProblemDetails"] = schemas.ProblemDetails.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                known.pop(name, None)
            if keyed:
                parts["securitySchemes"] = {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                }
                schema["security"] = [{"bearer": []}, {"header": []}]
                for path in WATCHED:
                    schema["paths"][path]["get"]["security"] = []
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
