"""``ellimaps serve``: images classified over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import socket

    import uvicorn

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
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", help="A file with the token that clients must show.", show_default=False
        ),
    ] = None,
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Let other machines ask without a token.")
    ] = False,
) -> None:
    """Classify images over HTTP: POST {"cell": "<base64 of an image file>"} to /predict.

    Example: ellimaps serve --model cells.ellimodel --port 4321 --workers 2
    """
    import os
    import signal
    import sys

    from ellimaps.cli.listening import bound
    from ellimaps.core.allocator import give_freed_memory_back
    from ellimaps.server import create_app, require_extra

    require_extra()
    give_freed_memory_back()
    with bound(host, port) as place:
        token = _token(token_file, allow_anonymous, place)
        app = create_app(model, workers=workers or os.cpu_count() or 1, token=token)
        import uvicorn

        from ellimaps.server.connections import Connection

        _log_to_stderr()
        config = uvicorn.Config(
            app,
            http=Connection,
            access_log=False,
            log_config=None,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_LAST_ANSWERS_S,
        )
        # Uvicorn answers what is at work, then raises the signal again.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            _announcing(config, f"http://{host}:{port}").run(sockets=[place])
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def _announcing(config: uvicorn.Config, address: str) -> uvicorn.Server:
    """Return a server that says where it is once it can be asked there."""
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(
                    f"ellimaps server: {address}, to read and try: {address}/docs (stop with Ctrl+C)",
                    flush=True,
                )

    return Announcing(config)


def _token(file: Path | None, allow_anonymous: bool, place: socket.socket) -> str | None:
    """Return the token that clients must show, if they must.

    Raises
    ------
    EllimapsError
        If the token's file will not do, or other machines could ask and nothing says who may.
    """
    from ellimaps.cli.listening import reaches_this_machine_only
    from ellimaps.core.errors import SettingError
    from ellimaps.server.gate import read_token

    if file is not None and allow_anonymous:
        raise SettingError("With --token-file nobody is anonymous: leave out --allow-anonymous.")
    if file is not None:
        return read_token(file)
    if not (allow_anonymous or reaches_this_machine_only(place)):
        raise SettingError(
            f"Other machines can ask at {place.getsockname()[0]}: set who may with --token-file FILE, "
            "or say --allow-anonymous if all may."
        )
    return None


def _log_to_stderr() -> None:
    """Show the server's own lines and uvicorn's errors; of what it warns, we have lines of our own."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name, level in (("ellimaps.server", logging.INFO), ("uvicorn", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
