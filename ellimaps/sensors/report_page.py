"""A log as one web page that needs nothing else: verdict, charts, anomalies, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd
from markupsafe import Markup

from ellimaps.core.errors import SettingError
from ellimaps.core.figures import figure_svg
from ellimaps.core.html import render
from ellimaps.core.progress import Progress, no_progress
from ellimaps.sensors.analysis.before_after import WINDOW as EVENT_WINDOW, effects_of
from ellimaps.sensors.analysis.whole_logs import LogAnomalies, anomalies_of
from ellimaps.sensors.conditions import temperature_sensors
from ellimaps.sensors.events import Event
from ellimaps.sensors.figures import readings_figure
from ellimaps.sensors.judgements import Judgement
from ellimaps.sensors.lines import lines_of
from ellimaps.sensors.movement import LIMIT, WINDOW
from ellimaps.sensors.stability import Stability, stability_of
from ellimaps.sensors.store.filters import EVERYTHING, SensorFilters
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.units import unit_text
from ellimaps.sensors.summary import summary_of

# A page of more charts is slow to open, and nobody looks at all.
_MOST_CHARTS = 24
# Of a log in which every night is one.
_MOST_ANOMALIES = 200


def log_report(
    log: SensorLog,
    filters: SensorFilters = EVERYTHING,
    events: Sequence[Event] = (),
    judgements: Sequence[Judgement] = (),
    *,
    limit: float = LIMIT,
    window: str = WINDOW,
    false_alarms_per_month: float = 1.0,
    event_window: str = EVENT_WINDOW,
    on_progress: Progress = no_progress,
) -> str:
    """Return a log as one HTML page without links to other files.

    Parameters
    ----------
    log : SensorLog
        The log.
    filters : SensorFilters
        Which sensors and time.
    events : sequence of Event
        What happened meanwhile.
    judgements : sequence of Judgement
        What was made of anomalies; those dismissed are counted and not shown.
    limit, window
        See `stability_of`.
    false_alarms_per_month
        See `anomalies_of`.
    event_window
        See `ellimaps.sensors.analysis.before_after.before_after`.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If no such sensor is there, or a setting cannot be read.
    """
    chosen = filters.sensors(log)
    summary = summary_of(log, filters)
    stability = stability_of(log, filters, limit=limit, window=window, on_progress=on_progress)
    anomalies = _anomalies(log, filters, judgements, false_alarms_per_month, limit, on_progress)
    # Temperatures first: they are what the verdict is about.
    first = temperature_sensors(chosen)
    ordered = pd.concat([first, chosen.drop(first.index)])
    keys = [(str(row.region), str(row.source_id), str(row.sensor_name)) for row in ordered.itertuples()]
    sensors = summary.sensors
    return render(
        "sensors/templates/report.html",
        title=log.name,
        n_sensors=len(sensors),
        n_readings=int(sensors["n"].sum()),
        span=f"{sensors['start'].min():%Y-%m-%d %H:%M} to {sensors['end'].max():%Y-%m-%d %H:%M} local time",
        verdict=_verdict(stability),
        stability=list(_stability_rows(stability)),
        limit=f"{limit:g} deg C (sensors of other quantities: {limit:g} of their unit)",
        window=window,
        taken_as=log.report.lines(),
        charts=[_chart(log, key, filters, anomalies.periods, events) for key in keys[:_MOST_CHARTS]],
        not_drawn=max(len(keys) - _MOST_CHARTS, 0),
        anomalies=_anomaly_rows(anomalies.periods),
        false_alarms=f"{false_alarms_per_month:g}",
        n_dismissed=len(anomalies.dismissed),
        rates=[f"{_label(row)}: {row['rate']}" for row in anomalies.rates],
        not_analysed=[f"{_label(row)}: {row['why']}" for row in anomalies.skipped],
        events=_effects(log, keys[:_MOST_CHARTS], events, event_window),
        problems=summary.facts()["problem_counts"],
        inputs=list(log.provenance()["inputs_sha256"].items()),
        version=version("ellimaps"),
    )


def _verdict(stability: Stability) -> str:
    """Return in a sentence how long which temperatures were out of limit."""
    known = stability.sensors[stability.sensors["hours"] > 0]
    if known.empty:
        return "Not known whether it was stable: too little was read."
    hours, out = float(known["hours"].sum()), float(known["hours_out"].sum())
    if not out:
        return f"Never out of limit in the {hours:,.0f} hours of sensors that are known."
    worst = known.iloc[int(known["share_out"].to_numpy().argmax())]
    which = "" if len(known) == 1 else f"; most at {_label(worst)}, {worst['share_out']:.1%}"
    return f"Out of limit in {out / hours:.1%} of the {hours:,.0f} hours of sensors that are known{which}."


def _stability_rows(stability: Stability) -> Iterator[dict[str, Any]]:
    for row in stability.sensors.to_dict("records"):
        unit = unit_text(str(row["unit"]))
        yield {
            "sensor": _label(row),
            "hours": row["hours"],
            "hours_out": row["hours_out"],
            "share": "not known" if row["share_out"] != row["share_out"] else f"{row['share_out']:.1%}",
            "range": f"{row['largest_range']:.2f} {unit}",
            "slope": f"{row['steepest_slope']:+.2f} {unit}",
        }


def _anomalies(
    log: SensorLog,
    filters: SensorFilters,
    judgements: Sequence[Judgement],
    false_alarms: float,
    limit: float,
    on_progress: Progress,
) -> LogAnomalies:
    """Return the anomalies; of a log too short for any, why there are none."""
    try:
        return anomalies_of(
            log,
            filters,
            judgements=judgements,
            false_alarms_per_month=false_alarms,
            limit=limit,
            on_progress=on_progress,
        )
    except SettingError as error:
        nothing = {"region": "", "source_id": "", "sensor_name": "No sensor", "why": str(error)}
        empty = pd.DataFrame(columns=[*KEY, "start", "end", "score", "reason", "judgement", "note"])
        return LogAnomalies(log.name, empty, empty, [nothing], [], {})


def _anomaly_rows(periods: pd.DataFrame) -> list[dict[str, Any]]:
    worst = periods.sort_values("score", ascending=False, kind="stable").head(_MOST_ANOMALIES)
    return [
        {
            "sensor": _label(row),
            "score": row["score"],
            "reason": row["reason"],
            "judgement": ": ".join(filter(None, (row["judgement"], row["note"]))),
        }
        for row in worst.sort_values("start", kind="stable").to_dict("records")
    ]


def _chart(
    log: SensorLog,
    key: tuple[str, str, str],
    filters: SensorFilters,
    periods: pd.DataFrame,
    events: Sequence[Event],
) -> Markup:
    lines = lines_of(log, *key, start=filters.start, end=filters.end)
    mine = periods[(periods[list(KEY)] == list(key)).all(axis=1)]
    unit = unit_text(str(log.chosen(*key)["unit"].iloc[0]))
    figure = readings_figure(lines, "/".join(part for part in key if part), unit, mine, events)
    # Made here, and its texts are escaped by who drew it.
    return Markup(figure_svg(figure))  # nosec B704


def _effects(
    log: SensorLog, keys: Sequence[tuple[str, str, str]], events: Sequence[Event], window: str
) -> list[dict[str, Any]]:
    found = {key: effects_of(log, key, events, window) for key in keys} if events else {}
    return [
        {
            "title": f"{event.start:%Y-%m-%d %H:%M} {event.label}",
            "effects": [
                f"{'/'.join(part for part in key if part)}: {effects[number].sentence}"
                for key, effects in found.items()
            ],
        }
        for number, event in enumerate(events)
    ]


def _label(row: Mapping[Any, Any] | pd.Series) -> str:
    return "/".join(str(row[name]) for name in KEY if row[name])
