"""What is sent and answered, as models: they check it, and they are its OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from ellimaps.server.classifier import ModelFacts


class ImageBody(BaseModel):
    """The body of a request; further fields are ignored."""

    cell: str = Field(
        description="A TIFF or PNG file, 8 or 16 bit, grey or colour, in base64.",
        json_schema_extra={"contentEncoding": "base64", "minLength": 4},
    )


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Message(_Answer):
    """That the server is there."""

    message: str


class About(_Answer):
    """What the server is."""

    service: str
    uptime: float = Field(ge=0, description="Seconds since the start.")
    model: str = Field(description="Version of the model.")
    label: str = Field(description="What it answers: the key of the class in its answers.")
    classes: list[int] | list[str] = Field(description="Values the class may have.")
    class_names: dict[str, str] = Field(description="What they are called, by the value as text.")


class Health(_Answer):
    """That images can be classified."""

    status: Literal["ok"]
    ready: int = Field(ge=1, description="Processes that have loaded the model and live.")
    workers: int = Field(ge=1, description="Processes there are to be.")


class Refusal(_Answer):
    """Why there is no other answer."""

    detail: str = Field(description="One sentence: what is wrong and what to do.")


class _DetailedAnswer(_Answer):
    probability: float = Field(ge=0, le=1)
    warnings: list[str]
    seconds: float = Field(ge=0, description="Time the image took, without waiting.")
    model: str = Field(description="Version of the model.")


def label_of(facts: ModelFacts) -> type[BaseModel]:
    """Return the model of an answer that is the class alone, under the name its training gave it."""
    return create_model("Label", __base__=_Answer, label=_label(facts))


def details_of(facts: ModelFacts) -> type[BaseModel]:
    """Return the model of an answer with the class and how it was found."""
    return create_model("Details", __base__=_DetailedAnswer, label=_label(facts))


def _label(facts: ModelFacts) -> Any:
    # An alias may be any text; a field could not be called "copy", for one.
    return (Literal[facts.classes], Field(alias=facts.label_name))


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ImageBody.model_json_schema()}},
    }
}


# RFC 9110 has the first with every 401 (section 15.5.2).
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to show the token."}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
}


def refusals(body_bytes: int, seconds: float) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of every answer to an image but the class, for bounds in bytes and s."""
    reasons = {
        400: "The body is not JSON",
        401: "The server asks for a token, and this is not it",
        403: "The request is of another site's page in a browser",
        408: f"The body did not arrive within {seconds:g} s",
        413: f"The body is larger than {body_bytes / 2**20:g} MiB",
        415: "The body is not said to be JSON",
        422: "The field is missing, not base64, no image, or one with too many pixels or without a cell",
        503: "Too many requests are waiting, or there is no memory for one more",
        504: f"The image was not classified within {seconds:g} s",
    }
    return {status: _refusal(status, reason) for status, reason in reasons.items()}


def _refusal(status: int, reason: str) -> dict[str, Any]:
    headers = _HEADERS.get(status)
    return {"description": reason, "model": Refusal, **({"headers": headers} if headers else {})}


# What the OpenAPI document says of it.
NOT_READY = {503: _refusal(503, "No worker process is ready")}
