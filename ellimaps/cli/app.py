"""``ellimaps app``: the workbench in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ellimaps.core.errors import SettingError

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def command(
    data_root: Annotated[
        Path | None,
        typer.Option(
            "--data-root",
            help="The workbench opens data below this folder only "
            "(default: the home folder on a desktop, data_example otherwise).",
        ),
    ] = None,
    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links",
            help="Links below the data root may lead out of it (default: what they name is refused).",
        ),
    ] = False,
    port: Annotated[int, typer.Option("--port", help="Port to serve on.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="Address to serve on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    allow_anonymous: Annotated[
        bool,
        typer.Option(
            "--allow-anonymous",
            help="Let everybody in who reaches the address; without it, who comes from another machine "
            "has to sign in.",
        ),
    ] = False,
) -> None:
    """Serve the workbench in the browser.

    Example: ellimaps app --data-root data_example --port 8502
    """
    _leave_when_told()
    root = data_root or default_data_root()
    if not root.is_dir():
        raise typer.BadParameter(f"{root} is not a folder.", param_hint="--data-root")
    from ellimaps.cli.listening import address_here, bound, reaches_this_machine_only

    os.environ["ELLIMAPS_DATA_ROOT"] = str(root.resolve())
    if follow_links:
        os.environ["ELLIMAPS_FOLLOW_LINKS"] = "1"
    with bound(host, port) as place:
        from ellimaps.ui.serving.serve import serve
        from ellimaps.ui.shared.sign_in import prepare_sign_in

        is_open = prepare_sign_in() or allow_anonymous
        if not (is_open or reaches_this_machine_only(place)):
            raise SettingError(
                f"Other machines reach {host}, and nobody would have to sign in: describe your provider in "
                ".streamlit/secrets.toml (docs/deploy.md), or let everybody in with --allow-anonymous."
            )
        address = address_here(place, host)
        print(f"ellimaps workbench: {address} (data below {root.resolve()}; stop with Ctrl+C)", flush=True)
        try:
            serve(place, address if has_display() else "", () if is_open else {*_OWN_NAMES, host.lower()})
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def default_data_root() -> Path:
    """Return the home folder on a desktop, else ``data_example`` where it exists."""
    examples = Path("data_example")
    return Path.home() if has_display() or not examples.is_dir() else examples


def has_display() -> bool:
    """Whether a browser window can be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _leave_when_told() -> None:
    """End with exit code 0 on the signals that ask for it.

    The first process of a container ignores those it has no handler for. The server has handlers of its
    own, and raises the signal again once it has ended.
    """
    import signal

    for name in ("SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
