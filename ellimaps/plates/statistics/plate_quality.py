"""How good the plates are: what their controls tell apart, and what lies between plates."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.assay_quality import positive_controls, quality_table
from ellimaps.plates.statistics.batch_effect import BatchEffect, are_comparable, batch_effect


@dataclass(frozen=True, eq=False)
class PlateQuality:
    """How good the plates are.

    Attributes
    ----------
    controls : DataFrame
        See `ellimaps.plates.statistics.assay_quality.quality_table`.
    batches : BatchEffect, optional
        None of one plate, or where the layout cannot tell plates from compounds.
    """

    controls: pd.DataFrame
    batches: BatchEffect | None


def plate_quality(profiles: Profiles, positive: str | None = None) -> PlateQuality:
    """Judge plates by their controls, and by what differs between them.

    Parameters
    ----------
    profiles : Profiles
        As measured.
    positive : str, optional
        A compound that is a positive control, at its highest dose; by default what the layout calls one.

    Raises
    ------
    SettingError
        If no well has the positive control.
    """
    controls = quality_table(profiles, positive_controls(profiles, positive))
    return PlateQuality(controls, batch_effect(profiles) if are_comparable(profiles) else None)
