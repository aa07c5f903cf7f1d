"""``ellimaps app``: the workbench in the browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


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
) -> None:
    """Serve the workbench in the browser.

    Example: ellimaps app --data-root data_example --port 8502
    """
    root = data_root or default_data_root()
    if not root.is_dir():
        raise typer.BadParameter(f"{root} is not a folder.", param_hint="--data-root")
    page = Path(__file__).resolve().parents[1] / "ui" / "start" / "workbench.py"
    desktop = has_display()
    command_line = [
        *(sys.executable, "-m", "streamlit", "run", str(page)),
        *("--server.port", str(port), "--server.address", host),
        *("--server.headless", "false" if desktop else "true"),
        *("--browser.gatherUsageStats", "false", "--client.toolbarMode", "minimal"),
        # Controls have a first value, and some are moved by the page as well.
        *("--global.disableWidgetStateDuplicationWarning", "true"),
        # A collection after each run of a page takes most of a processor while work is shown.
        *("--runner.postScriptGC", "false"),
        *("--server.fileWatcherType", "none", "--server.maxUploadSize", "2048"),
        # As in .streamlit/config.toml, which an installed package does not have.
        *("--theme.light.primaryColor", "#0A5FA4", "--theme.light.textColor", "#121212"),
        *("--theme.dark.primaryColor", "#4DA3E8"),
    ]
    environment = os.environ | {"ELLIMAPS_DATA_ROOT": str(root.resolve())}
    if follow_links:
        environment["ELLIMAPS_FOLLOW_LINKS"] = "1"
    print(
        f"ellimaps workbench: http://{host}:{port} (data below {root.resolve()}; stop with Ctrl+C)",
        flush=True,
    )
    try:
        raise typer.Exit(subprocess.call(command_line, env=environment))
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
