"""How far controls scatter on each plate, and how well a positive control stands out from them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.statistics import MAD_TO_SIGMA
from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.treatments import (
    FEWEST_CONTROLS,
    Treatment,
    control_wells,
    positive_wells,
    treatments,
)

SEPARATIONS = ("z_prime", "z_prime_robust", "ssmd", "ssmd_robust")
"""The columns that say how well a positive control stands out."""
QUALITY_COLUMNS = ("n_controls", "mean", "sd", "cv", "n_positive", *SEPARATIONS)
_INTENSITY = re.compile(r"(?:field_mean|[A-Za-z]+_Intensity_MeanIntensity)_(.+?)(?:_IQR)?")
_MEANS = ("cell_mean_{}_median", "Cells_Intensity_MeanIntensity_{}", "Nuclei_Intensity_MeanIntensity_{}")
_MEANS_OF_FIELDS = ("tissue_mean_{}", "field_mean_{}")
_COUNTS = ("cell_count", "Cells_Number_Count", "Nuclei_Number_Count")


def assay_quality(wells: pd.DataFrame, values: Floats, positive: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the spread of the controls of every plate, and how well a positive control stands out from them.

    With means m and standard deviations s, ``Z' = 1 - 3 (s_positive + s_control) / |m_positive - m_control|``
    (Zhang, Chung and Oldenburg 1999, doi:10.1177/108705719900400206; above 0.5 an assay is called excellent
    there, below 0 the two overlap) and the strictly standardized mean difference ``SSMD = (m_positive -
    m_control) / sqrt(s_positive^2 + s_control^2)`` (Zhang 2007, doi:10.1016/j.ygeno.2006.12.014), which is
    negative where the positive control lies lower. The robust ones take medians and 1.4826 times the median
    absolute deviation for m and s. A positive control that was chosen by this very feature makes it look
    better than it is.

    Parameters
    ----------
    wells : DataFrame
        With ``plate`` and ``control``.
    values : ndarray, shape (well,)
        Of one feature; NaN where a well has none.
    positive : ndarray of bool, shape (well,)
        Wells of the positive control.

    Returns
    -------
    DataFrame
        A row per plate: ``plate, n_controls, mean, sd, cv`` (sd over mean, NaN for a mean of 0),
        ``n_positive``, and :data:`SEPARATIONS`: NaN where either side has fewer than three wells, as the
        spread is not known, or where a spread is 0, as values that are equal by rounding tell none.
    """
    found = _quality(wells, values[:, None], positive)
    return found.drop(columns="feature")


def quality_table(profiles: Profiles, positive: Sequence[Treatment]) -> pd.DataFrame:
    """Return `assay_quality` of every plate, positive control and feature.

    All features are there: the best of many looks better than it is, and whoever picks it has to judge it on
    another plate. `channel_features` names one per channel that nobody has picked.

    Parameters
    ----------
    profiles : Profiles
        Their raw measurements are used.
    positive : sequence of Treatment
        Of `positive_controls`; without any, only the spread of the controls is told.

    Returns
    -------
    DataFrame
        ``plate, positive`` (compound and dose), ``channel`` (empty where a feature has none, or two),
        ``feature``, then the columns of `assay_quality`.
    """
    wells = profiles.wells
    values = feature_values(wells, profiles.features)
    tables = []
    chosen: Sequence[Treatment | None] = positive or [None]
    for one in chosen:
        is_positive = np.isin(np.arange(len(wells)), [] if one is None else one.rows)
        table = _quality(wells, values, is_positive)
        tables.append(table.assign(positive="" if one is None else treatment_text(one)))
    found = pd.concat(tables, ignore_index=True)
    channels = channels_of(profiles.features)
    found["feature"] = found["feature"].map(dict(enumerate(profiles.features)))
    found["channel"] = found["feature"].map({name: _channel(name, channels) for name in profiles.features})
    columns = ["plate", "positive", "channel", "feature", *QUALITY_COLUMNS]
    return found.sort_values(["plate", "positive"], kind="stable", ignore_index=True)[columns]


def by_channel(quality: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `quality_table` of one feature per channel, those of `channel_features`."""
    chosen = channel_features(quality["feature"].tolist()).values()
    return quality[quality["feature"].isin(list(chosen))].reset_index(drop=True)


def positive_controls(profiles: Profiles, compound: str | None = None) -> list[Treatment]:
    """Return the positive controls: what the layout calls so, or a compound at its highest dose.

    Raises
    ------
    SettingError
        If no well has the compound.
    """
    wells = profiles.wells
    found = treatments(wells)
    if compound is None:
        chosen = positive_wells(wells)
        return [one for one in found if chosen[one.rows].all()]
    doses = [one for one in found if one.compound == compound]
    if not doses:
        names = ", ".join(dict.fromkeys(one.compound for one in found))
        raise SettingError(f"No well has the positive control {compound!r:.80}: choose one of {names:.300}.")
    return [doses[-1]]


def treatment_text(one: Treatment) -> str:
    """Return a compound with its dose, as far as it is known."""
    dose = f" {one.concentration:g} {one.unit}".rstrip() if np.isfinite(one.concentration) else ""
    return f"{one.compound}{dose}"


def channels_of(features: Sequence[str]) -> list[str]:
    """Return the channels that features are of, in order, by those of mean intensities."""
    return list(dict.fromkeys(match[1] for name in features if (match := _INTENSITY.fullmatch(name))))


def channel_features(features: Sequence[str]) -> dict[str, str]:
    """Return a feature for each channel, its mean intensity in cells, and one for none, their number.

    They are fixed beforehand: of ours, the median over cells, else that of what lies above the background.
    """
    found = {"": next((name for name in _COUNTS if name in features), "")}
    for channel in channels_of(features):
        names = [name.format(channel) for name in (*_MEANS, *_MEANS_OF_FIELDS)]
        found[channel] = next((name for name in names if name in features), "")
    return {channel: name for channel, name in found.items() if name}


def _channel(feature: str, channels: Sequence[str]) -> str:
    """Return the channel a feature's name ends with, if it is one alone."""
    name = re.sub(r"_(median|iqr|IQR)$", "", feature)
    ends = [channel for channel in channels if name.endswith(f"_{channel}")]
    longest = max(ends, key=len, default="")
    rest = name.removesuffix(f"_{longest}")
    return "" if any(rest.endswith(f"_{channel}") for channel in channels) else longest


def _quality(wells: pd.DataFrame, values: Floats, positive: NDArray[np.bool_]) -> pd.DataFrame:
    """Return `assay_quality` of every plate and feature, which is its number; values are (well, feature)."""
    plates, control = wells["plate"].astype(str).to_numpy(), control_wells(wells)
    tables = []
    for plate in pd.unique(plates):
        here = plates == plate
        low, high = _sides(values[here & control]), _sides(values[here & positive & ~control])
        table = pd.DataFrame({"feature": np.arange(values.shape[1]), "plate": plate, "n_controls": low["n"]})
        spread = low["sd"].where(low["n"] >= FEWEST_CONTROLS)
        table = table.assign(
            mean=low["mean"], sd=spread, cv=spread / low["mean"].abs().where(low["mean"] != 0)
        )
        table["n_positive"] = high["n"]
        for ending, center, width in (("", "mean", "sd"), ("_robust", "median", "mad")):
            z_prime, ssmd = _separation(low, high, center, width)
            table[f"z_prime{ending}"], table[f"ssmd{ending}"] = z_prime, ssmd
        tables.append(table)
    return pd.concat(tables, ignore_index=True)[["plate", "feature", *QUALITY_COLUMNS]]


def _sides(values: Floats) -> pd.DataFrame:
    """Return number, centers and spreads of some wells, a row per feature."""
    table = pd.DataFrame(values)
    deviation = (table - table.median()).abs().median()
    return pd.DataFrame(
        {
            **{"n": table.notna().sum(), "mean": table.mean(), "sd": table.std(ddof=1)},
            **{"median": table.median(), "mad": MAD_TO_SIGMA * deviation},
        }
    )


def _separation(
    low: pd.DataFrame, high: pd.DataFrame, center: str, width: str
) -> tuple[pd.Series, pd.Series]:
    """Return Z' and SSMD; of fewer wells than tell a spread, or without one, they are not known."""
    apart = high[center] - low[center]
    known = (np.minimum(low["n"], high["n"]) >= FEWEST_CONTROLS) & (low[width] > 0) & (high[width] > 0)
    apart = apart.where(known & (apart != 0))
    return 1 - 3 * (low[width] + high[width]) / apart.abs(), apart / np.hypot(low[width], high[width])
