"""Options that the commands on sensor logs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LogArgument = Annotated[
    str,
    typer.Argument(
        metavar="LOG",
        help="A CSV or Parquet file, a folder of such, or an abfs:// or s3:// URL.",
        show_default=False,
    ),
]
Region = Annotated[list[str] | None, typer.Option("--region", help="Only this region; may be repeated.")]
Source = Annotated[
    list[str] | None, typer.Option("--source", help="Only this source (source_id); may be repeated.")
]
Sensor = Annotated[
    list[str] | None, typer.Option("--sensor", help="Only this sensor (sensor_name); may be repeated.")
]
Start = Annotated[
    str | None, typer.Option("--start", help="From this local time, as 2025-01-31 or 2025-01-31T14:05.")
]
End = Annotated[str | None, typer.Option("--end", help="To this local time; a date alone includes its day.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for tables and figures.", metavar="DIR", show_default=False),
]
AcquisitionLog = Annotated[
    str | None,
    typer.Option(
        "--sensors",
        help="A sensor log (file, folder or URL): was the temperature stable meanwhile?",
        metavar="LOG",
        show_default=False,
    ),
]
AcquisitionSensor = Annotated[
    str | None,
    typer.Option(
        "--sensor",
        help="Which sensor of the log: its name, its source, or SOURCE/NAME (default: every temperature).",
    ),
]
