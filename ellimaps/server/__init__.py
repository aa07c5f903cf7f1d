"""The HTTP server: one image in, its class out."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ellimaps.core.errors import MissingExtraError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ellimaps.server.routes import RequestLimits, Service


def create_app(model: str | Path, *, workers: int = 2, limits: RequestLimits | None = None) -> FastAPI:
    """Return the web application that classifies images with a model.

    Parameters
    ----------
    model : path
        A model file of `ellimaps cells train`. It is read once: replacing it later changes nothing.
    workers : int
        Processes that classify. They start with the application and end with it.
    limits : RequestLimits, optional
        Bounds of a request.

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
    return application(Service(classifier.facts, classifier.workers(workers, limits.seconds), limits))


def require_extra() -> None:
    """Raise an error that names the extra, if the server's libraries are not installed."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'The server needs the extra "server": pip install "ellimaps[server]".'
        ) from error


def application(service: Service) -> FastAPI:
    """Return the web application around a service."""
    from importlib.metadata import version

    from fastapi import FastAPI

    from ellimaps.server.draining import Draining
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
        # The pages they serve load scripts from another site.
        docs_url=None,
        redoc_url=None,
    )
    for route in routes_of(service):
        app.add_api_route(**route)
    app.add_middleware(Draining)
    app.add_middleware(RequestLog)
    return app
