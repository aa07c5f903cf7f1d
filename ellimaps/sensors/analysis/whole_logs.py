"""Anomalies, forecasts and hypotheses of whole logs: sensor by sensor, as tables, figures and facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.figures import figure_png
from ellimaps.core.files import csv_bytes, with_listing
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.sensors.analysis.anomalies import COLUMNS, find_anomalies
from ellimaps.sensors.analysis.forecast import HORIZONS, Forecast, forecast
from ellimaps.sensors.analysis.hypotheses import (
    Hypothesis,
    correlated,
    daily_profile,
    follows,
    seasonal_profile,
)
from ellimaps.sensors.analysis.reasons import spoken_name
from ellimaps.sensors.conditions import sensors_called, temperature_sensors
from ellimaps.sensors.judgements import DISMISSED, Judgement, judged, rate_sentence
from ellimaps.sensors.movement import LIMIT
from ellimaps.sensors.store.filters import EVERYTHING, SensorFilters
from ellimaps.sensors.store.logs import KEY, SensorLog
from ellimaps.sensors.store.units import degrees, unit_text
from ellimaps.sensors.summary import plain_rows

# Finer readings tell these analyses nothing, and there may be millions of them.
EVERY = "5min"
# Names that loggers of labs give; the page lets the user choose any two.
_ROOM, _INSTRUMENT = re.compile("room|ambient|lab", re.I), re.compile("instrument|stage|scope|machine", re.I)


@dataclass(frozen=True, eq=False)
class LogAnomalies:
    """Anomalies of several sensors.

    Attributes
    ----------
    log : str
        Name of the log.
    periods : DataFrame
        ``region, source_id, sensor_name``, the columns of `find_anomalies`, ``judgement, note``; by start.
    dismissed : DataFrame
        The same of periods that somebody dismissed.
    skipped : list of dict
        Sensors that could not be analysed: ``region, source_id, sensor_name, why``.
    rates : list of dict
        Of sensors with judged periods, whether these agree with the false alarms that were asked for:
        ``region, source_id, sensor_name, rate``.
    settings : dict
        What was asked.
    """

    log: str
    periods: pd.DataFrame
    dismissed: pd.DataFrame
    skipped: list[dict[str, str]]
    rates: list[dict[str, str]]
    settings: dict[str, Any]

    def facts(self) -> dict[str, Any]:
        """Return the anomalies as plain values, ready for JSON."""
        return {
            "log": self.log,
            "periods": plain_rows(self.periods),
            "dismissed": plain_rows(self.dismissed),
            "skipped": self.skipped,
            "rates": self.rates,
            "settings": self.settings,
        }


@dataclass(frozen=True, eq=False)
class LogForecasts:
    """Forecasts of several sensors, by region, source and sensor name."""

    log: str
    forecasts: dict[tuple[str, str, str], Forecast]
    skipped: list[dict[str, str]]
    settings: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return the forecasts as plain values, ready for JSON."""
        rows = [dict(zip(KEY, key, strict=True)) | one.facts() for key, one in self.forecasts.items()]
        return {"log": self.log, "forecasts": rows, "skipped": self.skipped, "settings": self.settings}


def anomalies_of(
    log: SensorLog,
    filters: SensorFilters = EVERYTHING,
    *,
    judgements: Sequence[Judgement] = (),
    false_alarms_per_month: float = 1.0,
    limit: float = LIMIT,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> LogAnomalies:
    """Find the anomalies of every chosen sensor; see `find_anomalies`.

    Parameters
    ----------
    log : SensorLog
        The log.
    filters : SensorFilters
        Which sensors and time; all by default.
    judgements : sequence of Judgement
        What was made of periods before: those dismissed are put aside.
    false_alarms_per_month : float
        Periods that chance may raise in 30 days of a sensor.
    limit : float
        Change within an hour that matters, in deg C, or the unit of a sensor that reads something else.
    seed : int
        Seed of the isolation forest.
    on_progress : callable
        Called as ``on_progress(done, total, what)`` for every sensor.

    Raises
    ------
    SettingError
        If a setting is out of range, or no sensor could be analysed.
    """
    tables: list[pd.DataFrame] = []
    skipped, rates = [], []
    sensors = filters.sensors(log)
    for done, (key, unit) in enumerate(_keys(sensors)):
        on_progress(done, len(sensors), "looking for anomalies")
        series = _series(log, key, filters)
        try:
            found = find_anomalies(
                series,
                false_alarms_per_month,
                resolution=log.resolution(*key),
                limit=degrees(limit, unit),
                what=spoken_name(key),
                unit=unit_text(unit),
                seed=seed,
            )
        except SettingError as error:
            skipped.append(_skipped(key, error))
            continue
        names = dict(zip(KEY, key, strict=True))
        table = judged(found, key, judgements)
        if rate := rate_sentence(table, series.index[-1] - series.index[0], false_alarms_per_month):
            rates.append(names | {"rate": rate})
        tables.append(table.assign(**names))
    on_progress(len(sensors), len(sensors), "looking for anomalies")
    _check_any(tables, skipped)
    filled = [table for table in tables if len(table)] or tables[:1]
    periods = pd.concat(filled)[[*KEY, *COLUMNS, "judgement", "note"]]
    periods = periods.sort_values(["start", *KEY], kind="stable", ignore_index=True)
    is_dismissed = periods["judgement"] == DISMISSED
    left, dismissed = (periods[rows].reset_index(drop=True) for rows in (~is_dismissed, is_dismissed))
    settings = {"false_alarms_per_month": false_alarms_per_month, "limit": limit, "seed": seed}
    return LogAnomalies(log.name, left, dismissed, skipped, rates, settings)


def forecasts_of(
    log: SensorLog,
    filters: SensorFilters = EVERYTHING,
    *,
    horizons: tuple[str, ...] = HORIZONS,
    limit: float = LIMIT,
    on_progress: Progress = no_progress,
) -> LogForecasts:
    """Forecast every chosen sensor; see `forecast`.

    Parameters
    ----------
    log : SensorLog
        The log.
    filters : SensorFilters
        Which sensors and time; all by default.
    horizons : tuple of str
        How far ahead, as ``6h``.
    limit : float
        How far a sensor may move without a warning, in deg C, or the unit of one that reads something else.
    on_progress : callable
        Called as ``on_progress(done, total, what)`` for every sensor.

    Raises
    ------
    SettingError
        If a setting is out of range, or no sensor could be forecast.
    """
    made: dict[tuple[str, str, str], Forecast] = {}
    skipped = []
    sensors = filters.sensors(log)
    for done, (key, unit) in enumerate(_keys(sensors)):
        on_progress(done, len(sensors), "forecasting")
        try:
            made[key] = forecast(
                _series(log, key, filters), horizons, limit=degrees(limit, unit), unit=unit_text(unit)
            )
        except SettingError as error:
            skipped.append(_skipped(key, error))
    on_progress(len(sensors), len(sensors), "forecasting")
    _check_any(list(made), skipped)
    return LogForecasts(log.name, made, skipped, {"horizons": list(horizons), "limit": limit})


def hypotheses_of(
    log: SensorLog, filters: SensorFilters = EVERYTHING, *, on_progress: Progress = no_progress
) -> list[Hypothesis]:
    """Return the cards of the chosen temperature sensors: profiles, lags behind the room, correlations.

    Which sensor is a room's and which an instrument's is told by their names.

    Raises
    ------
    SettingError
        If no card can be made.
    """
    return _cards(log, filters, list(_tests(log, filters)), on_progress)


def comparison_of(
    log: SensorLog,
    first: str,
    second: str,
    filters: SensorFilters = EVERYTHING,
    *,
    on_progress: Progress = no_progress,
) -> list[Hypothesis]:
    """Return the cards of any two sensors: whether one follows the other, and whether they move together.

    Parameters
    ----------
    log : SensorLog
        The log.
    first, second : str
        ``sensor``, ``source/sensor`` or ``region/source/sensor``.
    filters : SensorFilters
        Which time; all by default.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If a name fits none or several sensors, both are the same one, or they have too little in common.
    """
    pair = [_only_sensor(log, name) for name in (first, second)]
    if pair[0] == pair[1]:
        raise SettingError(f"{first:.80} and {second:.80} are the same sensor: choose two.")
    return _cards(log, filters, [(follows, pair), (correlated, pair)], on_progress)


def _only_sensor(log: SensorLog, name: str) -> tuple[str, str, str]:
    keys = [key for key, _ in _keys(sensors_called(log, name))]
    if len(keys) > 1:
        there = ", ".join("/".join(key) for key in keys[:12])
        raise SettingError(f"{name:.80} is the name of {len(keys)} sensors: choose of {there:.400}.")
    return keys[0]


def _cards(
    log: SensorLog,
    filters: SensorFilters,
    tests: list[tuple[Any, list[tuple[str, str, str]]]],
    on_progress: Progress,
) -> list[Hypothesis]:
    """Return the cards that can be made; an error if none can."""
    cards, skipped = [], []
    for done, (test, keys) in enumerate(tests):
        on_progress(done, len(tests), "testing hypotheses")
        try:
            cards.append(test(*(_series(log, key, filters).rename(" ".join(key)) for key in keys)))
        except SettingError as error:
            skipped.append(_skipped(keys[0], error))
    on_progress(len(tests), len(tests), "testing hypotheses")
    _check_any(cards, skipped)
    return cards


def anomaly_files(log: SensorLog, found: LogAnomalies, filters: SensorFilters) -> dict[str, bytes]:
    """Return anomalies as files: a table, a figure per sensor, and the provenance."""
    from ellimaps.sensors.analysis.figures import anomalies_figure

    files = {"anomalies.csv": csv_bytes(found.periods)}
    skipped = {tuple(row[name] for name in KEY) for row in found.skipped}
    for key, unit in _keys(filters.sensors(log)):
        if key not in skipped:
            mine = found.periods[(found.periods[list(KEY)] == list(key)).all(axis=1)]
            figure = anomalies_figure(_series(log, key, filters), mine, " ".join(key), unit_text(unit))
            files[f"anomalies_{_file_name(key)}.png"] = figure_png(figure)
    return with_listing(files, "anomalies.json", _provenance(log) | found.facts())


def forecast_files(log: SensorLog, found: LogForecasts) -> dict[str, bytes]:
    """Return forecasts as files: their paths and accuracy, a figure per sensor, and the provenance."""
    from ellimaps.sensors.analysis.figures import forecast_figure

    named = [(dict(zip(KEY, key, strict=True)), one) for key, one in found.forecasts.items()]
    paths = pd.concat([one.table.reset_index().assign(**names) for names, one in named])
    accuracy = pd.concat([one.horizons.assign(**names) for names, one in named])
    files = {
        "forecast.csv": csv_bytes(paths[[*KEY, *paths.columns.drop(list(KEY))]]),
        "forecast_accuracy.csv": csv_bytes(accuracy[[*KEY, *accuracy.columns.drop(list(KEY))]]),
    }
    for key, one in found.forecasts.items():
        files[f"forecast_{_file_name(key)}.png"] = figure_png(forecast_figure(one, " ".join(key)))
    return with_listing(files, "forecast.json", _provenance(log) | found.facts())


def hypothesis_files(log: SensorLog, cards: list[Hypothesis]) -> dict[str, bytes]:
    """Return cards as files: a figure and a table each, and the provenance."""
    from ellimaps.sensors.analysis.figures import hypothesis_figure

    files: dict[str, bytes] = {}
    for number, card in enumerate(cards):
        files[f"hypothesis_{number}_{card.kind}.csv"] = csv_bytes(card.table)
        files[f"hypothesis_{number}_{card.kind}.png"] = figure_png(hypothesis_figure(card))
    facts = {"hypotheses": [card.facts() for card in cards]}
    return with_listing(files, "hypotheses.json", _provenance(log) | facts)


def _provenance(log: SensorLog) -> dict[str, Any]:
    return {"software": software_facts(), **log.provenance()}


def _keys(sensors: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Return name and unit of every sensor."""
    for row in sensors.to_dict("records"):
        key = (str(row["region"]), str(row["source_id"]), str(row["sensor_name"]))
        yield key, str(row["unit"])


def _series(log: SensorLog, key: tuple[str, str, str], filters: SensorFilters) -> pd.Series:
    return log.series(*key, start=filters.start, end=filters.end, every=EVERY)


def _tests(log: SensorLog, filters: SensorFilters) -> Iterator[tuple[Any, list[tuple[str, str, str]]]]:
    units = dict(_keys(temperature_sensors(filters.sensors(log))))
    chosen = list(units)
    for key, unit in units.items():
        yield partial(daily_profile, unit=unit_text(unit)), [key]
        yield partial(seasonal_profile, unit=unit_text(unit)), [key]
    rooms = [key for key in chosen if _ROOM.search(key[2])]
    instruments = [key for key in chosen if _INSTRUMENT.search(key[2])]
    for room in rooms:
        for instrument in instruments:
            if room[:2] == instrument[:2] and room != instrument:
                yield follows, [room, instrument]
    for pair in combinations(instruments, 2):
        yield correlated, list(pair)


def _skipped(key: tuple[str, str, str], error: SettingError) -> dict[str, str]:
    return dict(zip(KEY, key, strict=True)) | {"why": str(error)}


def _check_any(made: list[Any], skipped: list[dict[str, str]]) -> None:
    if not made:
        raise SettingError(skipped[0]["why"] if skipped else "No sensor is chosen that this can be asked of.")


def _file_name(key: tuple[str, str, str]) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", "_".join(key)).strip("_") or "sensor"
