"""What the service's documentation says beyond what the framework finds out by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Query

from labcore.api import schemas
from labcore.api.middleware import WATCHED
from labcore.api.problems import MEDIA_TYPE

TOP_K = Query(ge=1, le=100_000, description="So many of the most probable labels; all where not given.")
WINDOWS = Query(description="Of a clip's windows: their labels, all their probabilities, or nothing.")
HOP = Query(
    ge=0.05,
    le=3600,
    allow_inf_nan=False,
    description="Seconds from one window to the next; half a clip where not given.",
)
LEAST = Query(ge=0, le=1, allow_inf_nan=False, description="Windows whose label is less probable are part of no event.")
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
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
    403: "A page of another site asks.",
    404: "There is no such model.",
    408: "The client was silent for too long.",
    409: "The weights that were there stay.",
    413: "The body is too large.",
    415: "A body of another kind.",
    421: "The service is not known by this host name.",
    422: "A clip that cannot be read, or a parameter out of bounds.",
    503: "Too much to do, or going down. Ask again after Retry-After seconds.",
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
