"""Rooms of many kinds in which nothing happens: whatever is found in them is false.

Kinds at even places of :data:`KINDS` are for choosing settings, those at odd places for judging them;
"halves" and "sixteenths" went over to the former when the rules for stuck sensors and for spikes of coarse
sensors were changed with them in view.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter

Values = NDArray[np.float64]
DAY = 288


def _red(random: np.random.Generator, rows: int, hours: float, per_hour: float = 12) -> Values:
    keep = np.exp(-1 / per_hour / hours)
    white = random.normal(size=rows)
    white[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([np.sqrt(1 - keep**2)], [1, -keep], white))


class Room:
    """The clock and the chance of one room.

    Parameters
    ----------
    seed, days : int
        Seed of its noise, and length.
    """

    def __init__(self, seed: int, days: int) -> None:
        self.random = np.random.default_rng(seed)
        self.times = pd.date_range("2025-01-06", periods=days * DAY, freq="5min")
        self.day = np.arange(days * DAY) / DAY
        self.hour = 24 * (self.day % 1)
        self.at_work = (self.times.day_of_week < 5) & (self.hour > 8) & (self.hour < 18)

    def red(self, hours: float, size: float = 1.0) -> Values:
        """Return noise that forgets within some hours."""
        return size * _red(self.random, len(self.day), hours)

    def white(self, size: float) -> Values:
        """Return noise that forgets at once."""
        return size * self.random.normal(size=len(self.day))

    def daily(self, size: float) -> Values:
        """Return a course of the day."""
        return np.asarray(size * np.sin(2 * np.pi * (self.day - 0.4)))

    def series(self, values: Values, decimals: int = 3) -> pd.Series:
        """Return values by time."""
        return pd.Series(np.round(values, decimals), self.times, name="room temperature")

    def usual(self) -> Values:
        """Return what most rooms do: a course of the day, and noise that forgets within two hours."""
        return 21 + self.daily(0.2) + self.red(2, 0.06) + self.white(0.02)


def _stepped(room: Room, step: float) -> pd.Series:
    return room.series(step * np.round(room.usual() / step))


def _thermostat(room: Room, swing: float) -> pd.Series:
    period = np.cumsum(1 / (40 + room.red(3, 4)) * 5)
    return room.series(21 + swing * (2 * np.abs(2 * (period % 1) - 1) - 1) + room.white(0.02))


def _night_setback(room: Room) -> pd.Series:
    target = np.where((room.hour > 6) & (room.hour < 20), 21.0, 18.0)
    # A day before the first, so that the room begins as every night goes on.
    course = lfilter([0.03], [1, -0.97], np.concatenate([target[:DAY], target]) - 21)[DAY:]
    return room.series(course + 21 + room.red(2, 0.05) + room.white(0.02))


def _doors(room: Room) -> pd.Series:
    opened = room.at_work & (room.random.random(len(room.day)) < 0.02)
    return room.series(
        room.usual() - lfilter([1], [1, -0.85], opened * room.random.exponential(0.25, len(opened)))
    )


def _occupied(room: Room) -> pd.Series:
    people = room.at_work * np.maximum(room.red(3, 6) + 8, 0)
    carbon_dioxide = 420 + lfilter([4], [1, -0.96], people) + room.white(4)
    return room.series(carbon_dioxide, 0).rename("co2")


def _every(room: Room, rows: int) -> pd.Series:
    return room.series(room.usual()).iloc[::rows]


def _minutes(room: Room) -> pd.Series:
    fine = np.repeat(21 + room.daily(0.8) + room.red(6, 0.06), 5) + room.random.normal(
        0, 0.03, 5 * len(room.day)
    )
    times = pd.date_range(room.times[0], periods=len(fine), freq="1min")
    return pd.Series(fine.round(2), times, name="room temperature")


def _with_losses(room: Room) -> pd.Series:
    kept = room.random.random(len(room.day)) > 0.2
    out = (room.red(6) > 1.6) | ~kept
    return room.series(room.usual())[~out]


def _on_change(room: Room) -> pd.Series:
    values = np.round(room.usual(), 1)
    return room.series(values)[np.concatenate([[True], np.diff(values) != 0])].resample("5min").mean().ffill()


def _means_of_tenths(room: Room) -> pd.Series:
    """Return what a logger writes that averages a coarse sensor: mostly repeats, and steps finer than its."""
    fine = np.repeat(21 + room.daily(0.8) + room.red(6, 0.06), 5).reshape(-1, 10) + room.random.normal(
        0, 0.004, (len(room.day) // 2, 10)
    )
    return pd.Series(np.round(fine, 1).mean(axis=1).round(4), room.times[::2], name="room temperature")


KINDS: dict[str, Callable[[Room], pd.Series]] = {
    "usual": lambda room: room.series(room.usual()),
    "no course": lambda room: room.series(21 + room.red(2, 0.06) + room.white(0.02)),
    "long memory": lambda room: room.series(21 + room.red(12, 0.15) + room.white(0.02)),
    "wandering": lambda room: room.series(room.usual() + room.red(72, 0.3)),
    "drifting": lambda room: room.series(room.usual() + np.cumsum(room.white(0.1 / np.sqrt(DAY)))),
    "rising": lambda room: room.series(room.usual() + room.day / 60),
    "seasons": lambda room: room.series(room.usual() - 2 * np.cos(2 * np.pi * (room.day + 40) / 365)),
    "strong days": lambda room: room.series(room.usual() + room.daily(3) * (1 + room.red(48, 0.2))),
    "work days": lambda room: room.series(room.usual() + lfilter([0.03], [1, -0.97], room.at_work * 1.5)),
    "work weeks": lambda room: room.series(room.usual() + lfilter([0.005], [1, -0.995], room.at_work * 3.0)),
    "thermostat": lambda room: _thermostat(room, 0.4),
    "coarse thermostat": lambda room: _thermostat(room, 0.15).round(1),
    "night setback": _night_setback,
    "noisy by day": lambda room: room.series(room.usual() + room.white(0.15) * room.at_work),
    "tenths": lambda room: _stepped(room, 0.1),
    "halves": lambda room: _stepped(room, 0.5),
    "whole degrees": lambda room: _stepped(room, 1.0),
    "sixteenths": lambda room: _stepped(room, 0.0625),
    "doors": _doors,
    "occupied": _occupied,
    "heavy tails": lambda room: room.series(room.usual() + 0.02 * room.random.standard_t(3, len(room.day))),
    "aging noise": lambda room: room.series(room.usual() + room.white(0.03) * (1 + room.day / 30)),
    "every hour": lambda room: _every(room, 12),
    "every quarter": lambda room: _every(room, 3),
    "every minute": _minutes,
    "losses": _with_losses,
    "on change": _on_change,
    "humidity": lambda room: room.series(45 + room.daily(2) + room.red(6, 1.5) + room.white(0.2), 1),
    "quarters": lambda room: _stepped(room, 0.25),
    "means of tenths": _means_of_tenths,
}
CHOOSING = [*list(KINDS)[::2], "halves", "sixteenths"]
JUDGING = [kind for kind in list(KINDS)[1::2] if kind not in CHOOSING]


def quiet_room(kind: str, seed: int, days: int = 60) -> pd.Series:
    """Return the readings of a room of a kind."""
    return KINDS[kind](Room(seed, days))
