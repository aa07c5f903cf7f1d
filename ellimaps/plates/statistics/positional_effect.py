"""What the position of a well on its plate does to its cells: how much, and taking it off.

Corrections return profiles in the units they came in, so that whatever reads profiles reads corrected ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.shares import filled, indicators, residuals, treatment_levels
from ellimaps.plates.statistics.treatments import checked_controls

Correction = Literal["none", "plates", "polish"]

FACTORS = ("plate", "row", "column", "edge")
_MOST_SWEEPS = 20
"""Median polish may go round in circles; R's ``medpolish`` gives up after 10, and then
nothing is left to gain: on two generated plates the effects change by 1e-5 from there on."""


def positional_effect(profiles: Profiles) -> pd.DataFrame:
    """Return how much of the differences between wells of equal treatment their position explains.

    For each feature two linear models are compared, with the treatments alone and with a factor besides; the
    share of the remaining variance which the factor explains is adjusted for its number of levels (Ezekiel
    1930), ``1 - (RSS_2 / df_2) / (RSS_1 / df_1)``, so that it is 0 on average where position does nothing.

    Returns
    -------
    DataFrame
        ``factor`` (plate, row, column, edge: the outermost wells that are there), ``explained`` (mean over
        features; NaN where the layout cannot tell, as with one plate), ``feature`` (most affected),
        ``feature_explained``.
    """
    wells = profiles.wells
    values = filled(feature_values(wells, profiles.features))
    treatment = indicators(treatment_levels(wells))
    base = np.hstack([treatment, indicators(wells["plate"].astype(str).to_numpy(object))])
    rows = []
    for factor, levels in _levels(wells).items():
        # Whether plates differ is asked with treatments alone, all else within plates.
        ground = treatment if factor == "plate" else base
        explained = _explained(values, ground, indicators(levels))
        best = int(np.nanargmax(explained)) if np.isfinite(explained).any() else -1
        rows.append(
            {
                "factor": factor,
                "explained": float(np.nanmean(explained)) if best >= 0 else np.nan,
                "feature": profiles.features[best] if best >= 0 else "",
                "feature_explained": float(explained[best]) if best >= 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def corrected(profiles: Profiles, correction: Correction) -> Profiles:
    """Return profiles without the positional effect that a correction takes off, and its name in the facts.

    Parameters
    ----------
    profiles : Profiles
        As measured.
    correction : {"none", "plates", "polish"}
        Nothing, `center_plates` or `polish_plates`.

    Raises
    ------
    SettingError
        If there is no such correction, or plates lack controls to centre them on.
    """
    if correction not in get_args(Correction):
        raise SettingError(
            f"The correction {correction!r} is unknown: choose {', '.join(get_args(Correction))}."
        )
    if correction == "none":
        return profiles
    found = center_plates(profiles) if correction == "plates" else polish_plates(profiles)
    return replace(found, facts={**profiles.facts, "correction": correction})


def center_plates(profiles: Profiles) -> Profiles:
    """Return profiles in which the control wells of every plate have the same median.

    The difference between the median of a plate's control wells and that of all of them is taken off.

    Raises
    ------
    SettingError
        If fewer than three wells are controls, or a plate has none.
    """
    control = checked_controls(profiles.wells)
    values = feature_values(profiles.wells, profiles.features)
    offsets = np.zeros_like(values)
    for plate, here in _plates(profiles.wells):
        if not (here & control).any():
            raise SettingError(f"The plate {plate} has no control wells to centre it on.")
        offsets[here] = _medians(values[here & control]) - _medians(values[control])
    return _without(profiles, offsets)


def polish_plates(profiles: Profiles) -> Profiles:
    """Return profiles without the effects of rows and columns.

    Of every feature and plate the row and column effects of Tukey's median polish are taken off, as in the
    B-score of Brideau et al. 2003 (doi:10.1177/1087057103258285), which divides by the residuals' median
    absolute deviation as well. It takes most wells of a row or column to be alike: where a compound fills a
    row, its effect goes too.
    """
    values = feature_values(profiles.wells, profiles.features)
    offsets = np.zeros_like(values)
    for _, here in _plates(profiles.wells):
        row = profiles.wells.loc[here, "row"].to_numpy(int)
        column = profiles.wells.loc[here, "column"].to_numpy(int)
        offsets[here] = _median_polish(values[here], row, column)
    return _without(profiles, offsets)


def _levels(wells: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
    row, column = wells["row"].to_numpy(int), wells["column"].to_numpy(int)
    edge = np.isin(row, (row.min(), row.max())) | np.isin(column, (column.min(), column.max()))
    levels = (wells["plate"].astype(str), row, column, edge)
    return {
        name: np.asarray(values).astype(str).astype(object)
        for name, values in zip(FACTORS, levels, strict=True)
    }


def _explained(values: Floats, ground: Floats, factor: Floats) -> Floats:
    """Return the adjusted share of variance a factor explains on top of others, shape (feature,)."""
    before, freedom_before = residuals(values, ground)
    after, freedom_after = residuals(values, np.hstack([ground, factor]))
    if freedom_after < 1 or freedom_after == freedom_before:
        return np.full(values.shape[1], np.nan)
    varies = before > 1e-12 * np.square(values).sum(axis=0)
    share = after / freedom_after / np.where(varies, before / freedom_before, 1.0)
    return np.where(varies, 1 - share, np.nan)


def _median_polish(values: Floats, row: NDArray[np.int_], column: NDArray[np.int_]) -> Floats:
    """Return row plus column effects of wells, shape (well, feature); over the lines their medians are 0."""
    rest = values.copy()
    groups = [[np.flatnonzero(line == number) for number in np.unique(line)] for line in (row, column)]
    rest -= _medians(rest)
    scale = _medians(np.abs(rest))
    start = rest.copy()
    for _ in range(_MOST_SWEEPS):
        before = rest.copy()
        for wells_of_lines in groups:
            effects = np.array([_medians(rest[line]) for line in wells_of_lines])
            effects -= _medians(effects)
            for line, effect in zip(wells_of_lines, effects, strict=True):
                rest[line] -= effect
        if np.nanmax(np.abs(rest - before) / np.where(scale > 0, scale, 1), initial=0.0) < 1e-6:
            break
    return np.asarray(start - rest, dtype=np.float64)


def _medians(values: Floats) -> Floats:
    """Return the median of each feature; without a warning, as NumPy has it, NaN of what nobody measured."""
    return pd.DataFrame(values).median().to_numpy(np.float64)


def _without(profiles: Profiles, offsets: Floats) -> Profiles:
    """Return profiles less an offset per well and feature."""
    names = list(profiles.features)
    wells, fields = profiles.wells.copy(), profiles.fields.copy()
    offsets = np.nan_to_num(offsets)
    wells[names] = wells[names].to_numpy(np.float64) - offsets
    keys = zip(wells["plate"], wells["well"], strict=True)
    position = {key: number for number, key in enumerate(keys)}
    owner = [position[key] for key in zip(fields["plate"], fields["well"], strict=True)]
    fields[names] = fields[names].to_numpy(np.float64) - offsets[owner]
    return replace(profiles, wells=wells, fields=fields)


def _plates(wells: pd.DataFrame) -> list[tuple[str, NDArray[np.bool_]]]:
    plates = wells["plate"].astype(str)
    return [(name, (plates == name).to_numpy()) for name in plates.unique()]
