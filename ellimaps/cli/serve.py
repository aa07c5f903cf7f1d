"""``ellimaps serve``: images classified over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Past the limit of a request, `ellimaps.server` has the default, so that every one at work is answered.
_LAST_ANSWERS_S = 12


def command(
    model: Annotated[
        Path, typer.Option("--model", help="A model of ellimaps cells train.", show_default=False)
    ],
    host: Annotated[
        str, typer.Option("--host", help="Address to serve on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to serve on.", min=1, max=65535)] = 4321,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Processes that classify (default: one per processor).", min=1),
    ] = None,
) -> None:
    """Classify images over HTTP: POST {"cell": "<base64 of an image file>"} to /predict.

    Example: ellimaps serve --model cells.ellimodel --port 4321 --workers 2
    """
    import os
    import signal
    import sys

    from ellimaps.cli.listening import bound
    from ellimaps.server import create_app, require_extra

    require_extra()
    with bound(host, port) as place:
        app = create_app(model, workers=workers or os.cpu_count() or 1)
        import uvicorn

        _log_to_stderr()
        print(f"ellimaps server: http://{host}:{port} (stop with Ctrl+C)", flush=True)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_LAST_ANSWERS_S,
        )
        # Uvicorn answers what is at work, then raises the signal again.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            uvicorn.Server(config).run(sockets=[place])
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def _log_to_stderr() -> None:
    """Show the server's own lines, and of uvicorn's those that warn."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name, level in (("ellimaps.server", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
