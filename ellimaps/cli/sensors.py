"""``ellimaps sensors``: what a log of environment sensors says, what is unusual, what comes, and why."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ellimaps.cli.bundles import takes
from ellimaps.cli.log_options import SAID
from ellimaps.cli.options import Json, Seed
from ellimaps.cli.output import print_files, print_json, print_table, progress_on_stderr
from ellimaps.cli.sensor_options import (
    CHOSEN,
    WATCHED,
    Compare,
    EventsFile,
    EventWindow,
    FalseAlarms,
    Horizons,
    Limit,
    LogArgument,
    Out,
)

# Periods that fit a screen; --json and --out have all.
_WORST = 10

group = typer.Typer(help="Logs of room and instrument sensors.", no_args_is_help=True)


@group.command("summary")
@takes(chosen=CHOSEN, said=SAID)
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
    written = write_files(out, summary_files(opened, found), "summary.json") if out else []
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
@takes(chosen=CHOSEN, said=SAID)
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
    written = write_files(out, stability_files(opened, found), "stability.json") if out else []
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
@takes(chosen=CHOSEN, said=SAID)
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

    Periods that were dismissed on the page are left out, and held against the rate that is put up with.

    Example: ellimaps sensors anomalies demo/log.csv --sensor room_temperature
    """
    from ellimaps.core.files import write_files
    from ellimaps.core.numbers import counted
    from ellimaps.sensors.analysis.whole_logs import anomalies_of, anomaly_files
    from ellimaps.sensors.judgements import noted_judgements
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions

    filters = SensorFilters(**chosen)
    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
        found = anomalies_of(
            opened,
            filters,
            judgements=noted_judgements(log),
            false_alarms_per_month=false_alarms,
            limit=limit,
            seed=seed,
            on_progress=on_progress,
        )
        files = anomaly_files(opened, found, filters) if out else {}
        written = write_files(out, files, "anomalies.json") if out else []
    if as_json:
        print_json({"import": opened.report.facts()} | found.facts() | _listed(written))
        return
    print(opened.report.sentence)
    columns = {"region": "", "source_id": "", "score": ".1f", "reason": "", "judgement": ""}
    print_table(found.facts()["periods"], columns)
    if len(found.dismissed):
        print(f"  {counted(len(found.dismissed), 'dismissed period')} left out")
    for row in found.rates:
        print(f"  {row['region']} {row['source_id']} {row['sensor_name']}: {row['rate']}")
    for row in found.skipped:
        print(f"  skipped {row['region']} {row['source_id']} {row['sensor_name']}: {row['why']}")
    print_files(written)


@group.command("forecast")
@takes(chosen=CHOSEN, said=SAID)
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
        written = write_files(out, forecast_files(opened, found), "forecast.json") if out else []
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
@takes(chosen=CHOSEN, said=SAID)
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
        written = write_files(out, hypothesis_files(opened, cards), "hypotheses.json") if out else []
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


@group.command("events")
@takes(chosen=CHOSEN, said=SAID)
def events(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    events_file: EventsFile = None,
    event_window: EventWindow = "24h",
    as_json: Json = False,
) -> None:
    """Compare sensors before and after events: doors, services, gas bottles.

    Example: ellimaps sensors events demo/log.csv --events events.csv --sensor room_temperature
    """
    from ellimaps.sensors.analysis.before_after import effects_of
    from ellimaps.sensors.events import noted_events, read_events
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import KEY, open_log
    from ellimaps.sensors.store.options import ImportOptions

    happened = read_events(events_file) if events_file else noted_events(log)
    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
    sensors = SensorFilters(**chosen).sensors(opened)[list(KEY)].astype(str)
    found = {
        key: effects_of(opened, key, happened, event_window)
        for key in sensors.itertuples(index=False, name=None)
    }
    if as_json:
        rows = [
            dict(zip(KEY, key, strict=True)) | one.facts()
            for key, effects in found.items()
            for one in effects
        ]
        print_json(
            {"log": opened.name, "import": opened.report.facts(), "window": event_window, "events": rows}
        )
        return
    print(opened.report.sentence)
    if not happened:
        print("no events were noted of this log: give them with --events, or note them on the page")
    for key, effects in found.items():
        print("/".join(part for part in key if part))
        for one in effects:
            print(f"  {one.sentence}")


@group.command("report")
@takes(chosen=CHOSEN, said=SAID)
def report(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    out: Annotated[Path, typer.Option("--out", help="The page to write.", metavar="FILE.html")],
    limit: Limit = 0.5,
    window: Annotated[str, typer.Option("--window", help="Length of the window, as 30min or 1h.")] = "1h",
    false_alarms: FalseAlarms = 1.0,
    events_file: EventsFile = None,
    event_window: EventWindow = "24h",
) -> None:
    """Write one web page of a log that needs nothing else: verdict, charts, anomalies, events.

    Example: ellimaps sensors report demo/log.csv --out lab.html
    """
    from ellimaps.core.files import write_files
    from ellimaps.sensors.events import noted_events, read_events
    from ellimaps.sensors.judgements import noted_judgements
    from ellimaps.sensors.report_page import log_report
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions

    happened = read_events(events_file) if events_file else noted_events(log)
    with progress_on_stderr() as on_progress:
        opened = open_log(log, on_progress, ImportOptions(**said))
        page = log_report(
            opened,
            SensorFilters(**chosen),
            happened,
            noted_judgements(log),
            limit=limit,
            window=window,
            false_alarms_per_month=false_alarms,
            event_window=event_window,
            on_progress=on_progress,
        )
    print_files(write_files(out.parent, {out.name: page.encode()}))


@group.command("watch")
@takes(chosen=WATCHED, said=SAID)
def watch(
    log: LogArgument,
    chosen: dict[str, Any],
    said: dict[str, Any],
    notify: Annotated[
        str,
        typer.Option(
            "--notify",
            help="Where to: a URL that is posted to, mailto:ADDRESS, or a command.",
            metavar="TARGET",
            show_default=False,
        ),
    ],
    limit: Annotated[
        float | None,
        typer.Option(
            "--limit", help="Tell a movement beyond this within the window, in deg C.", metavar="DEG"
        ),
    ] = None,
    window: Annotated[str, typer.Option("--window", help="Length of the window, as 30min or 1h.")] = "1h",
    anomalies: Annotated[bool, typer.Option("--anomalies", help="Tell anomalies.")] = False,
    false_alarms: FalseAlarms = 1.0,
    every: Annotated[str, typer.Option("--every", help="How often to look, as 10s.")] = "10s",
    once: Annotated[bool, typer.Option("--once", help="Look once and end, as a scheduler wants it.")] = False,
    out: Annotated[
        Path, typer.Option("--out", help="Folder of sent.jsonl, the file of what was sent.", metavar="DIR")
    ] = Path("watch"),
) -> None:
    """Watch a log that grows, and tell a target what crosses a limit or is unusual: each once.

    Without --limit and --anomalies it tells what is configured on the page Sensors, and follows it.

    The first start tells nothing of what was there before. Stop it with Ctrl-C and start it again at any
    time: what came meanwhile is told then, and nothing twice.

    Example: ellimaps sensors watch demo/log.csv --limit 0.5 --notify https://lab.example.org/alarm
    """
    from ellimaps.sensors.store.filters import SensorFilters
    from ellimaps.sensors.store.options import ImportOptions
    from ellimaps.sensors.store.times import length_of
    from ellimaps.sensors.watching.alerts import WatchSettings, noted_alerts
    from ellimaps.sensors.watching.journal import SENT_FILE
    from ellimaps.sensors.watching.watch import Watch

    noted = noted_alerts(log) if limit is None and not anomalies else None
    settings = None if noted else WatchSettings(limit, window, anomalies, false_alarms)
    pause_s = length_of(every).total_seconds()
    one = Watch(log, out, notify, settings, SensorFilters(**chosen), ImportOptions(**said))
    print(f"watching {log}; what is sent stands in {out / SENT_FILE}", flush=True)
    with suppress(KeyboardInterrupt):
        one.run(0 if once else pause_s, partial(print, flush=True), lambda: not once)
    if once and one.journal.unsent():
        raise typer.Exit(1)


def _listed(files: list[Path]) -> dict[str, Any]:
    return {"files": [str(file) for file in files]} if files else {}


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Put NaN where nothing is known, so that a row can be printed with its formats."""
    return {key: float("nan") if value is None else value for key, value in row.items()}
