"""Which logs the page Sensors may open: those below the data root, and URLs that the server names."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from ellimaps.core.errors import ReadError
from ellimaps.samples.sensors import sample_sensors
from ellimaps.sensors.store.stores import cache_folder
from ellimaps.ui.shared.data_root import files_in, folders_from, inside_root

LOGS_VARIABLE = "ELLIMAPS_SENSOR_LOGS"
EXAMPLE = "generated example"
"""What is chosen for a log that nobody measured: no file below the data root is called so."""


def allowed_log(text: str) -> str:
    """Return the path or URL of a log that may be opened; the example is made where it is not there.

    Paths must lie below the data root; URLs must be among those that ``ELLIMAPS_SENSOR_LOGS`` names, as the
    server's credentials would open any.

    Raises
    ------
    ReadError
        If it may not.
    """
    if text == EXAMPLE:
        return str(_example())
    if "://" not in text:
        return str(inside_root(text))
    if text.strip() not in offered_urls():
        raise ReadError(
            f"{text.strip():.200} is not among the URLs this workbench may open: name it in "
            f"{LOGS_VARIABLE} (separated by spaces) where ellimaps app is started."
        )
    return text.strip()


def _example() -> Path:
    folder = cache_folder().parent / "sensors-example"
    if not (folder / "log.csv").is_file():
        # Six weeks: every detector and forecast has enough, and it is made within a second.
        sample_sensors(folder, days=42, every=10, instruments=1)
    return folder / "log.csv"


def offered_urls() -> list[str]:
    """Return the URLs that whoever runs the workbench allows."""
    return os.environ.get(LOGS_VARIABLE, "").split()


def logs_below(root: Path, most: int = 40) -> list[str]:
    """Return tables below a folder that may be logs, nearest first, as the user types them."""
    endings = (".csv", ".tsv", ".txt", ".parquet")
    tables = (file for folder in folders_from(root) for file in files_in(folder))
    logs = (file.relative_to(root).as_posix() for file in tables if file.suffix.lower() in endings)
    return list(islice(logs, most))
