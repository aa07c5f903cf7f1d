"""``ellimaps sensors``: what a log of environment sensors says."""

from __future__ import annotations

import typer

from ellimaps.cli.options import Json
from ellimaps.cli.output import print_json, print_table, told_on_stderr
from ellimaps.cli.sensors_options import End, LogArgument, Out, Region, Sensor, Source, Start

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
    from ellimaps.export import write_files
    from ellimaps.sensors.logs import open_log
    from ellimaps.sensors.summary import summary_files, summary_of

    with told_on_stderr() as on_progress:
        opened = open_log(log, on_progress)
    found = summary_of(opened, region, source, sensor, start, end)
    written = write_files(out, summary_files(opened, found)) if out else []
    facts = found.facts()
    if as_json:
        print_json(facts | ({"files": [str(file) for file in written]} if out else {}))
        return
    columns = {"region": "", "source_id": "", "sensor_name": "", "unit": "", "n": "d", "mean": ".2f"}
    print_table(facts["sensors"], columns | {"minimum": ".2f", "maximum": ".2f", "start": "", "end": ""})
    for row in facts["problem_counts"]:
        print(f"  {row['kind']}: {row['n']}")
    for file in written:
        print(f"  {file}")
