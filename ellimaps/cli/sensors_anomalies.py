"""``ellimaps sensors anomalies | forecast | explain``: what is unusual, what comes, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from ellimaps.cli.options import Json, Seed
from ellimaps.cli.output import print_json, print_table, told_on_stderr
from ellimaps.cli.sensors_options import End, LogArgument, Out, Region, Sensor, Source, Start

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
Horizons = Annotated[
    list[str] | None,
    typer.Option("--horizon", help="How far ahead, as 6h; may be repeated (default: 1h, 6h and 24h)."),
]


def anomalies(
    log: LogArgument,
    region: Region = None,
    source: Source = None,
    sensor: Sensor = None,
    start: Start = None,
    end: End = None,
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

    filters = SensorFilters(region, source, sensor, start, end)
    with told_on_stderr() as on_progress:
        opened = open_log(log, on_progress)
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
        print_json(found.facts() | ({"files": [str(file) for file in written]} if out else {}))
        return
    columns = {"region": "", "source_id": "", "score": ".1f", "reason": ""}
    print_table(found.facts()["periods"], columns)
    for row in found.skipped:
        print(f"  skipped {row['region']} {row['source_id']} {row['sensor_name']}: {row['why']}")
    for file in written:
        print(f"  {file}")


def forecast(
    log: LogArgument,
    region: Region = None,
    source: Source = None,
    sensor: Sensor = None,
    start: Start = None,
    end: End = None,
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

    filters = SensorFilters(region, source, sensor, start, end)
    with told_on_stderr() as on_progress:
        opened = open_log(log, on_progress)
        horizons = tuple(horizon or HORIZONS)
        found = forecasts_of(opened, filters, horizons=horizons, limit=limit, on_progress=on_progress)
        written = write_files(out, forecast_files(opened, found)) if out else []
    if as_json:
        print_json(found.facts() | ({"files": [str(file) for file in written]} if out else {}))
        return
    columns = {"horizon": "", "value": ".2f", "low": ".2f", "high": ".2f", "seasonal_naive": ".2f"}
    for key, one in found.forecasts.items():
        print(" ".join(key))
        rows = one.facts()["horizons"]
        print_table(rows, columns | {"mase": ".2f", "coverage": ".0%"})
        print(f"  {one.warning or 'The forecast and its interval stay within the limit.'}")
    for row in found.skipped:
        print(f"skipped {row['region']} {row['source_id']} {row['sensor_name']}: {row['why']}")
    for file in written:
        print(f"  {file}")


def explain(
    log: LogArgument,
    region: Region = None,
    source: Source = None,
    sensor: Sensor = None,
    start: Start = None,
    end: End = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Test what may explain the temperatures: time of day, months, the room, other instruments.

    Example: ellimaps sensors explain demo/log.csv --region Europe
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.analysis.whole_logs import hypotheses_of, hypothesis_files
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log

    with told_on_stderr() as on_progress:
        opened = open_log(log, on_progress)
        filters = SensorFilters(region, source, sensor, start, end)
        cards = hypotheses_of(opened, filters, on_progress=on_progress)
        written = write_files(out, hypothesis_files(opened, cards)) if out else []
    if as_json:
        facts = {"log": opened.name, "hypotheses": [card.facts() for card in cards]}
        print_json(facts | ({"files": [str(file) for file in written]} if out else {}))
        return
    for card in cards:
        print(f"{'holds        ' if card.holds else 'not supported'}  {card.statement}")
        print(f"               {card.test}")
    for file in written:
        print(f"  {file}")
