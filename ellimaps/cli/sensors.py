"""``ellimaps sensors``: what a log of environment sensors says, what is unusual, what comes, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ellimaps.cli.bundles import optional_options, takes
from ellimaps.cli.log_options import SAID
from ellimaps.cli.options import Json, Seed
from ellimaps.cli.output import print_files, print_json, print_table, progress_on_stderr

# Periods that fit a screen; --json and --out have all.
_WORST = 10

group = typer.Typer(help="Logs of room and instrument sensors.", no_args_is_help=True)

LogArgument = Annotated[
    str,
    typer.Argument(
        metavar="LOG",
        help="A CSV or Parquet file, a folder of such, or an abfs:// or s3:// URL.",
        show_default=False,
    ),
]
_CHOSEN = optional_options(
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


@group.command("summary")
@takes(chosen=_CHOSEN, said=SAID)
def summary(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say which sensors a log has, over what time, and what is wrong with their readings.

    Example: ellimaps sensors summary demo/log.csv --sensor room_temperature
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions
    from ellimaps.sensors.summary import summary_files, summary_of

    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
    found = summary_of(opened, SensorFilters(**chosen))
    written = write_files(out, summary_files(opened, found)) if out else []
    facts = found.facts()
    if as_json:
        print_json(facts | _listed(written))
        return
    for line in opened.report.lines():
        print(f"  {line}")
    columns = {"region": "", "source_id": "", "sensor_name": "", "unit": "", "n": "d", "mean": ".2f"}
    print_table(facts["sensors"], columns | {"minimum": ".2f", "maximum": ".2f", "start": "", "end": ""})
    for row in facts["problem_counts"]:
        print(f"  {row['kind']}: {row['n']}")
    print_files(written)


@group.command("stability")
@takes(chosen=_CHOSEN, said=SAID)
def stability(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    limit: Annotated[
        float, typer.Option("--limit", help="Largest movement within the window, in deg C.", metavar="DEG")
    ] = 0.5,
    window: Annotated[str, typer.Option("--window", help="Length of the window, as 30min or 1h.")] = "1h",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say how long and when temperatures moved further than a limit, per instrument and day.

    Example: ellimaps sensors stability demo/log.csv --source E1 --limit 0.5 --out stability
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.stability import stability_files, stability_of
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions
    from ellimaps.sensors.summary import plain_rows

    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
        filters = SensorFilters(**chosen)
        found = stability_of(opened, filters, limit=limit, window=window, on_progress=on_progress)
    written = write_files(out, stability_files(opened, found)) if out else []
    sensors, periods = plain_rows(found.sensors), plain_rows(found.periods)
    if as_json:
        facts = {
            "log": opened.name,
            "import": opened.report.facts(),
            **found.settings,
            "sensors": sensors,
            "periods": periods,
        }
        facts |= {"days": plain_rows(found.days)}
        print_json(facts | _listed(written))
        return
    print(opened.report.sentence)
    names = {"region": "", "source_id": "", "sensor_name": ""}
    numbers = {
        "hours": ".1f",
        "hours_out": ".1f",
        "share_out": ".1%",
        "largest_range": ".2f",
        "hours_steep": ".1f",
    }
    print_table([_known(row) for row in sensors], names | numbers | {"steepest_slope": "+.2f"})
    print(f"worst of {len(periods)} periods out of {limit:g} deg C within {window}:")
    print_table(
        [_known(row) for row in periods[:_WORST]],
        names | {"start": "", "end": "", "range": ".2f", "slope": "+.2f"},
    )
    print_files(written)


@group.command("anomalies")
@takes(chosen=_CHOSEN, said=SAID)
def anomalies(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    false_alarms: FalseAlarms = 1.0,
    limit: Limit = 0.5,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find periods in which a sensor did what it does not do by chance, and say why.

    Example: ellimaps sensors anomalies demo/log.csv --sensor room_temperature
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.analysis.whole_logs import anomalies_of, anomaly_files
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions

    filters = SensorFilters(**chosen)
    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
        found = anomalies_of(
            opened,
            filters,
            false_alarms_per_month=false_alarms,
            limit=limit,
            seed=seed,
            on_progress=on_progress,
        )
        written = write_files(out, anomaly_files(opened, found, filters)) if out else []
    if as_json:
        print_json({"import": opened.report.facts()} | found.facts() | _listed(written))
        return
    print(opened.report.sentence)
    columns = {"region": "", "source_id": "", "score": ".1f", "reason": ""}
    print_table(found.facts()["periods"], columns)
    for row in found.skipped:
        print(f"  skipped {row['region']} {row['source_id']} {row['sensor_name']}: {row['why']}")
    print_files(written)


@group.command("forecast")
@takes(chosen=_CHOSEN, said=SAID)
def forecast(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    horizon: Horizons = None,
    limit: Limit = 0.5,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say what sensors will read, how sure that is, and when they leave the limit.

    Example: ellimaps sensors forecast demo/log.csv --sensor instrument_temperature --horizon 6h
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.analysis.forecast import HORIZONS
    from ellimaps.sensors.analysis.whole_logs import forecast_files, forecasts_of
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions

    filters = SensorFilters(**chosen)
    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
        horizons = tuple(horizon or HORIZONS)
        found = forecasts_of(opened, filters, horizons=horizons, limit=limit, on_progress=on_progress)
        written = write_files(out, forecast_files(opened, found)) if out else []
    if as_json:
        print_json({"import": opened.report.facts()} | found.facts() | _listed(written))
        return
    print(opened.report.sentence)
    columns = {"horizon": "", "value": ".2f", "low": ".2f", "high": ".2f", "seasonal_naive": ".2f"}
    for key, one in found.forecasts.items():
        print(" ".join(key))
        rows = one.facts()["horizons"]
        print_table(rows, columns | {"mase": ".2f", "coverage": ".0%"})
        print(f"  {one.warning or 'The forecast and its interval stay within the limit.'}")
    for row in found.skipped:
        print(f"skipped {row['region']} {row['source_id']} {row['sensor_name']}: {row['why']}")
    print_files(written)


@group.command("explain")
@takes(chosen=_CHOSEN, said=SAID)
def explain(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    compare: Compare = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Test what may explain the temperatures: time of day, months, the room, other instruments.

    With --compare, whether any two sensors follow each other or move together.

    Example: ellimaps sensors explain demo/log.csv --region Europe
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.analysis.whole_logs import comparison_of, hypotheses_of, hypothesis_files
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions

    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
        filters = SensorFilters(**chosen)
        cards = (
            comparison_of(opened, *compare, filters, on_progress=on_progress)
            if compare
            else hypotheses_of(opened, filters, on_progress=on_progress)
        )
        written = write_files(out, hypothesis_files(opened, cards)) if out else []
    if as_json:
        facts = {
            "log": opened.name,
            "import": opened.report.facts(),
            "hypotheses": [card.facts() for card in cards],
        }
        print_json(facts | _listed(written))
        return
    print(opened.report.sentence)
    for card in cards:
        print(f"{'holds        ' if card.holds else 'not supported'}  {card.statement}")
        print(f"               {card.test}")
    print_files(written)


def _listed(files: list[Path]) -> dict[str, Any]:
    return {"files": [str(file) for file in files]} if files else {}


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Put NaN where nothing is known, so that a row can be printed with its formats."""
    return {key: float("nan") if value is None else value for key, value in row.items()}
