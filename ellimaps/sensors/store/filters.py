"""Which sensors of a log, and which time of it, a question is about."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ellimaps.sensors.store.logs import Names, SensorLog
from ellimaps.sensors.store.times import Time


@dataclass(frozen=True)
class SensorFilters:
    """Some sensors and a time; what is not given does not choose.

    Parameters
    ----------
    region, source_id, sensor_name : str or sequence of str, optional
        Names of which one must fit.
    start, end : str or datetime, optional
        Local times, both included; an end without a time of day includes its day.
    """

    region: Names | None = None
    source_id: Names | None = None
    sensor_name: Names | None = None
    start: Time | None = None
    end: Time | None = None

    def sensors(self, log: SensorLog) -> pd.DataFrame:
        """Return the chosen rows of the log's sensors.

        Raises
        ------
        SettingError
            If none fits.
        """
        return log.chosen(self.region, self.source_id, self.sensor_name)


EVERYTHING = SensorFilters()
