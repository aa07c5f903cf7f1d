"""Results of a batch over maps: fitted values and spectra by the tree's own levels."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import circmean

from ellimaps.batch.results import Results
from ellimaps.core.angles import wrap_degrees
from ellimaps.core.stack import DELTA

TRUSTED = "ok"
# As `ellimaps.batch.maps` calls the bands' columns.
_BAND = re.compile(
    r"(?P<quantity>Delta|Psi|intensity)(?: (?P<channel>.*?))??"
    r"(?: (?P<wavelength_nm>\S+) nm)?(?: (?P<aoi_deg>\S+) deg)?(?: (?P<time_s>\S+) s)?"
)
_PLACES = ("wavelength_nm", "aoi_deg", "time_s")


def parameters(results: Results) -> list[str]:
    """Return what was fitted: parameters of clusters, or medians over the pixels of a sample."""
    columns = results.objects.columns
    fitted = [str(name) for name in columns if f"{name}_se" in columns]
    return fitted or [str(name) for name in results.images if str(name).startswith("median_")]


def values_by_group(results: Results, level: str, parameter: str) -> pd.DataFrame:
    """Return the trusted values of a parameter: their mean and uncertainty per node of the tree and cluster.

    Parameters
    ----------
    results : Results
        Of a batch over maps.
    level : str
        One of its levels.
    parameter : str
        One of `parameters`.

    Returns
    -------
    DataFrame
        ``group, cluster, mean, error, samples``. The error is the standard deviation between the samples of a
        node; of a single one the standard error of its fit (NaN of a median). Pixels have no cluster.
    """
    of_pixels = parameter not in results.objects
    table = results.images if of_pixels else results.objects
    if not of_pixels:
        table = table[table["flag"] == TRUSTED]
    named = table.assign(
        group=results.groups(table, level),
        cluster="" if of_pixels else _clusters(table),
        fit=np.nan if of_pixels else table[f"{parameter}_se"],
    )
    groups = named[named[parameter].notna()].groupby(["group", "cluster"], sort=False)
    found = groups.agg(
        mean=(parameter, "mean"), error=(parameter, "std"), fit=("fit", "first"), samples=(parameter, "size")
    ).reset_index()
    found["error"] = found["error"].where(found["samples"] > 1, found["fit"])
    return found.drop(columns="fit")


def spectra_by_group(results: Results, level: str) -> pd.DataFrame:
    """Return the mean spectra of the clusters of each node of the tree.

    Returns
    -------
    DataFrame
        ``group, cluster, quantity, channel, wavelength_nm, aoi_deg, time_s, band, mean, spread, samples``:
        Delta is averaged on the circle, the spread is the standard deviation between samples (NaN of one).
    """
    bands = {str(name): match for name in results.objects if (match := _BAND.fullmatch(str(name)))}
    table = results.objects.assign(group=results.groups(results.objects, level), cluster=_clusters)
    rows = []
    for (group, cluster), members in table.groupby(["group", "cluster"], sort=False):
        for name, match in bands.items():
            values = members[name].dropna().to_numpy(float)
            if len(values):
                mean, spread = _center(values, match["quantity"])
                places = {place: float(match[place] or "nan") for place in _PLACES}
                about = {
                    "quantity": match["quantity"],
                    "channel": match["channel"] or "",
                    **places,
                    "band": name,
                }
                found = {"mean": mean, "spread": spread, "samples": len(values)}
                rows.append({"group": group, "cluster": cluster, **about, **found})
    return pd.DataFrame(rows)


def _clusters(table: pd.DataFrame) -> pd.Series:
    """Return how clusters are called: by the recipe's names, else by their numbers."""
    return table["Name"] if "Name" in table else table["Cluster"].astype(str)


def _center(values: NDArray[np.float64], quantity: str) -> tuple[float, float]:
    """Return mean and standard deviation, of Delta on the circle; NaN is the deviation of a single value."""
    is_delta = quantity == DELTA
    mean = float(circmean(values, high=360) if is_delta else values.mean())
    if len(values) < 2:
        return mean, np.nan
    distances = wrap_degrees(values - mean) if is_delta else values - mean
    return mean, float(np.sqrt(np.sum(distances**2) / (len(values) - 1)))


def sample_table(results: Results, most_clusters: int = 6) -> pd.DataFrame:
    """Return `images` with a column for every fitted value of each cluster, NaN where it is not trusted."""
    objects, levels = results.objects, results.levels
    table = results.images
    for parameter in parameters(results):
        if parameter in objects:
            trusted = objects[(objects["flag"] == TRUSTED) & (objects["Cluster"] < most_clusters)]
            wide = trusted.pivot_table(index=levels, columns="Cluster", values=parameter, sort=True)
            wide.columns = [f"{parameter}, cluster {cluster}" for cluster in wide.columns]
            table = table.merge(wide.reset_index(), on=levels, how="left")
    return table
