"""The HTTP server: one image in, its class out."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ellimaps.core.errors import MissingExtraError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ellimaps.server.routes import RequestLimits, Service


def create_app(
    model: str | Path, *, workers: int = 2, limits: RequestLimits | None = None, token: str | None = None
) -> FastAPI:
    """Return the web application that classifies images with a model.

    Parameters
    ----------
    model : path
        A model file of `ellimaps cells train`. It is read once: replacing it later changes nothing.
    workers : int
        Processes that classify. They start with the application and end with it.
    limits : RequestLimits, optional
        Bounds of a request.
    token : str, optional
        What clients must show as ``Authorization: Bearer``, but for ``/healthz``.

    Returns
    -------
    FastAPI
        An ASGI application; `ellimaps serve` runs it.

    Raises
    ------
    MissingExtraError
        If FastAPI is not installed.
    SettingError
        If there is no process to work.
    EllimapsError
        If the model is missing, damaged or not to be trusted.
    """
    require_extra()
    from ellimaps.server.classifier import classifier_of
    from ellimaps.server.routes import RequestLimits, Service

    limits = limits or RequestLimits()
    classifier = classifier_of(Path(model))
    return application(Service(classifier.facts, classifier.workers(workers, limits.seconds), limits), token)


def require_extra() -> None:
    """Raise an error that names the extra, if the server's libraries are not installed."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'The server needs the extra "server": pip install "ellimaps[server]".'
        ) from error


def application(service: Service, token: str | None = None) -> FastAPI:
    """Return the web application around a service; who asks must show the token, if there is one."""
    from importlib.metadata import version

    from fastapi import FastAPI, Request, Response

    from ellimaps.server.answer_headers import AnswerHeaders
    from ellimaps.server.docs_page import docs_page
    from ellimaps.server.draining import Draining
    from ellimaps.server.gate import Gate
    from ellimaps.server.request_log import RequestLog
    from ellimaps.server.routes import ERROR_HANDLERS, routes_of

    def lifespan(_: FastAPI) -> AbstractAsyncContextManager[None]:
        return service.running()

    app = FastAPI(
        title="ellimaps",
        summary="Says what class an image of cells belongs to.",
        version=version("ellimaps"),
        lifespan=lifespan,
        exception_handlers={**ERROR_HANDLERS},
        redirect_slashes=False,
        # The pages they serve load scripts from another site; `docs_page` does not.
        docs_url=None,
        redoc_url=None,
    )
    for route in routes_of(service):
        app.add_api_route(**route)
    page = docs_page(app.openapi(), service.limits.body_bytes, token_needed=token is not None)

    async def docs(_: Request) -> Response:
        return page

    app.add_route("/docs", docs, include_in_schema=False)
    # The last one added is the first to see a request.
    app.add_middleware(Gate, token=token)
    app.add_middleware(Draining)
    app.add_middleware(AnswerHeaders)
    app.add_middleware(RequestLog)
    return app
