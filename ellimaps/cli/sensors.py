"""``ellimaps sensors``: what a log of environment sensors says."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ellimaps.cli.options import Json
from ellimaps.cli.output import print_json, print_table, told_on_stderr
from ellimaps.cli.sensors_options import End, LogArgument, Out, Region, Sensor, Source, Start

_WORST = 10

group = typer.Typer(help="Logs of room and instrument sensors.", no_args_is_help=True)


@group.command("summary")
def summary(
    log: LogArgument,
    region: Region = None,
    source: Source = None,
    sensor: Sensor = None,
    start: Start = None,
    end: End = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Say which sensors a log has, over what time, and what is wrong with their readings.

    Example: ellimaps sensors summary demo/log.csv --sensor room_temperature
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.summary import summary_files, summary_of

    with told_on_stderr() as on_progress:
        opened = open_log(log, on_progress)
    found = summary_of(opened, SensorFilters(region, source, sensor, start, end))
    written = write_files(out, summary_files(opened, found)) if out else []
    facts = found.facts()
    if as_json:
        print_json(facts | ({"files": [str(file) for file in written]} if out else {}))
        return
    columns = {"region": "", "source_id": "", "sensor_name": "", "unit": "", "n": "d", "mean": ".2f"}
    print_table(facts["sensors"], columns | {"minimum": ".2f", "maximum": ".2f", "start": "", "end": ""})
    if assumed := int(found.sensors["unit_assumed"].sum()):
        print(f"  units assumed, as the log states none: {assumed}")
    for row in facts["problem_counts"]:
        print(f"  {row['kind']}: {row['n']}")
    for file in written:
        print(f"  {file}")


@group.command("stability")
def stability(
    log: LogArgument,
    region: Region = None,
    source: Source = None,
    sensor: Sensor = None,
    start: Start = None,
    end: End = None,
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
    from ellimaps.sensors.summary import plain_rows

    with told_on_stderr() as on_progress:
        opened = open_log(log, on_progress)
        filters = SensorFilters(region, source, sensor, start, end)
        found = stability_of(opened, filters, limit=limit, window=window, on_progress=on_progress)
    written = write_files(out, stability_files(opened, found)) if out else []
    sensors, periods = plain_rows(found.sensors), plain_rows(found.periods)
    if as_json:
        facts = {"log": opened.name, **found.settings, "sensors": sensors, "periods": periods}
        facts |= {"days": plain_rows(found.days)}
        print_json(facts | ({"files": [str(file) for file in written]} if out else {}))
        return
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
    for file in written:
        print(f"  {file}")


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Put NaN where nothing is known, so that a row can be printed with its formats."""
    return {key: float("nan") if value is None else value for key, value in row.items()}
