"""The workbench in this process: where it listens, how it is set up, and how it ends."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Collection
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.middleware import Middleware
from streamlit import config
from streamlit.starlette import App
from streamlit.web import bootstrap

from ellimaps.core.allocator import share_freed_memory
from ellimaps.ui import start
from ellimaps.ui.serving.idle import LeftAlone
from ellimaps.ui.serving.shell import Shell
from ellimaps.ui.shared import jobs

# Docker kills what has not ended after 10 s; people wait less. The first two parts fit into the whole. 5 s
# are promised, and with a loop and algebra at work the end came 2.4 s after the whole.
_CONNECTIONS_S, _JOBS_S, _ALL_S = 1, 0.5, 1.5
OPTIONS = {
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    # Controls have a first value, and some are moved by the page as well.
    "global.disableWidgetStateDuplicationWarning": True,
    # A collection after each run of a page takes most of a processor while work is shown.
    "runner.postScriptGC": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 2048,
    # As in .streamlit/config.toml, which an installed package does not have.
    "theme.light.primaryColor": "#0A5FA4",
    "theme.light.textColor": "#121212",
    "theme.dark.primaryColor": "#4DA3E8",
}


def serve(place: socket.socket, opened: str = "", names: Collection[str] = ()) -> None:
    """Serve the workbench until a signal ends it: SIGTERM or SIGINT, on Windows Ctrl+C or Ctrl+Break.

    Parameters
    ----------
    place : socket.socket
        Where it listens; bound.
    opened : str
        Address that is opened in the user's browser; none by default.
    names : collection of str, optional
        What it may be called in an address; anything by default.
    """
    # The command line looks for garbage rarely, which a process that stays cannot afford.
    gc.set_threshold(700)
    share_freed_memory()
    host, port = place.getsockname()[:2]
    # Streamlit would tell the user to restart it for options that it has not begun to use.
    logging.getLogger("streamlit.config").disabled = True
    bootstrap.load_config_options({**OPTIONS, "server.address": host, "server.port": port})
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    page = Path(start.__file__).with_name("workbench.py")
    app = App(page, middleware=[Middleware(Shell, names), Middleware(LeftAlone)])
    _Server(_settings(app), opened).run(sockets=[place])


class _Server(uvicorn.Server):
    """A server that takes its work in the background with it, and never lingers."""

    def __init__(self, settings: uvicorn.Config, opened: str) -> None:
        super().__init__(settings)
        self._opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._opened:
            # A browser in a terminal returns when it is left.
            threading.Thread(target=webbrowser.open, args=(self._opened,), daemon=True).start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # What computes gives its turn away more often now.
        sys.setswitchinterval(0.0002)
        last_moment = threading.Timer(_ALL_S, os._exit, [0])
        last_moment.daemon = True
        last_moment.start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        jobs.stop_all()
        await super().shutdown(sockets)
        jobs.wait_for_all(_JOBS_S)


def _settings(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=config.get_option("server.maxMessageSize") * 1_000_000,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        ws_per_message_deflate=config.get_option("server.enableWebsocketCompression"),
        timeout_graceful_shutdown=_CONNECTIONS_S,
    )
