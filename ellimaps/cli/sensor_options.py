"""Options that the commands of ``ellimaps sensors`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ellimaps.cli.bundles import Bundle, optional_options

LogArgument = Annotated[
    str,
    typer.Argument(
        metavar="LOG",
        help="A CSV or Parquet file, a folder of such, or an abfs:// or s3:// URL.",
        show_default=False,
    ),
]
CHOSEN = optional_options(
    region=Annotated[list[str] | None, typer.Option("--region", help="Only this region; may be repeated.")],
    source_id=Annotated[
        list[str] | None, typer.Option("--source", help="Only this source (source_id); may be repeated.")
    ],
    sensor_name=Annotated[
        list[str] | None, typer.Option("--sensor", help="Only this sensor (sensor_name); may be repeated.")
    ],
    start=Annotated[
        str | None,
        typer.Option("--start", help="From this local time, as 2025-01-31 or 2025-01-31T14:05."),
    ],
    end=Annotated[
        str | None, typer.Option("--end", help="To this local time; a date alone includes its day.")
    ],
)
EventsFile = Annotated[
    Path | None,
    typer.Option(
        "--events",
        help="CSV with start, kind, and maybe end and note (default: those noted on the page).",
        metavar="FILE",
        show_default=False,
    ),
]
EventWindow = Annotated[
    str, typer.Option("--event-window", help="Length compared before and after an event, as 6h.")
]
# What to watch is chosen by region, source and sensor; times are those that come.
WATCHED = Bundle(CHOSEN.options[:3], CHOSEN.value)
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for tables and figures.", metavar="DIR", show_default=False),
]
FalseAlarms = Annotated[
    float,
    typer.Option("--false-alarms", help="False alarms to put up with, a month and sensor.", metavar="N"),
]
Limit = Annotated[
    float,
    typer.Option(
        "--limit", help="Change that matters, in deg C (other quantities: their unit).", metavar="DEG"
    ),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--compare",
        help="Only these two sensors (each NAME, SOURCE/NAME or REGION/SOURCE/NAME), at --start to --end.",
        metavar="FIRST SECOND",
    ),
]
Horizons = Annotated[
    list[str] | None,
    typer.Option("--horizon", help="How far ahead, as 6h; may be repeated (default: 1h, 6h and 24h)."),
]
