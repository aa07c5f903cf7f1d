"""Parts of the OpenAPI document: the body a client sends, and every answer it may get."""

from __future__ import annotations

from typing import Any

from ellimaps.server.bodies import FIELD
from ellimaps.server.classifier import ModelFacts

Responses = dict[int, dict[str, Any]]

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "contentEncoding": "base64",
                            "minLength": 4,
                            "description": "A TIFF or PNG file, 8 or 16 bit, grey or colour, in base64.",
                        }
                    },
                }
            }
        },
    }
}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


MESSAGE = _object(message={"type": "string"})
ABOUT = _object(
    service={"type": "string"},
    uptime={"type": "number", "minimum": 0, "description": "Seconds since the start."},
    model={"type": "string", "description": "Version of the model."},
)
HEALTH = _object(status={"type": "string", "enum": ["ok"]})
_DETAIL = _object(detail={"type": "string", "description": "One sentence: what is wrong and what to do."})
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}


def label_of(facts: ModelFacts) -> dict[str, Any]:
    """Return the schema of an answer that is the class alone."""
    return _object(**{facts.label_name: {"enum": list(facts.classes)}})


def details_of(facts: ModelFacts) -> dict[str, Any]:
    """Return the schema of an answer with the class and how it was found."""
    return _object(
        **{facts.label_name: {"enum": list(facts.classes)}},
        probability={"type": "number", "minimum": 0, "maximum": 1},
        warnings={"type": "array", "items": {"type": "string"}},
        seconds={"type": "number", "minimum": 0, "description": "Time the image took, without waiting."},
        model={"type": "string", "description": "Version of the model."},
    )


def answered(schema: dict[str, Any]) -> Responses:
    """Return the documentation of the answer to a good request."""
    return {200: _response("The answer", schema)}


def refusals(body_bytes: int, seconds: float) -> Responses:
    """Return the documentation of every other answer to an image."""
    reasons = {
        400: "The body is not JSON",
        408: f"The body did not arrive within {seconds:g} s",
        413: f"The body is larger than {body_bytes / 2**20:g} MiB",
        415: "The body is not said to be JSON",
        422: "The field is missing, not base64, not an image, or an image with too many pixels",
        504: f"The image was not classified within {seconds:g} s",
    }
    documented = {status: _response(reason, _DETAIL) for status, reason in reasons.items()}
    documented[503] = _response("Too many requests are waiting", _DETAIL) | {"headers": _RETRY_AFTER}
    return documented


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


NOT_READY = {503: _response("No worker process is ready", _DETAIL) | {"headers": _RETRY_AFTER}}
