"""Clustershots as ellimaps writes them: ``NAME_clustershot.dat`` and ``NAME_clustershot_full.csv``."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd

from ellimaps.core.errors import ReadError
from ellimaps.readers.spectra.text import SpectrumText

_FULL = {"cluster", "quantity", "wavelength_nm", "mean", "std", "n_pixels"}


def is_of(text: SpectrumText) -> bool:
    """Whether the titles are those of a clustershot."""
    titles = set(text.first.split(","))
    return titles >= _FULL or titles >= {"WL_idx", "WL", "delta_cluster_0", "psi_cluster_0"}


def table_in(text: SpectrumText) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return one spectrum per cluster.

    Raises
    ------
    ReadError
        If the table is damaged, or of intensities.
    """
    rows = list(csv.DictReader(io.StringIO("\n".join(text.lines))))
    try:
        table = pd.DataFrame(rows)
        return (_of_full(table) if "quantity" in table else _of_columns(table)), ()
    except (KeyError, ValueError, TypeError) as error:
        raise ReadError(f"{text.name} is no clustershot that ellimaps wrote: {error!s:.80}.") from error


def _of_columns(table: pd.DataFrame) -> pd.DataFrame:
    clusters = [int(match[1]) for title in table if (match := re.fullmatch(r"psi_cluster_(\d+)", str(title)))]
    angle = pd.to_numeric(table["AOI"]) if "AOI" in table else float("nan")
    parts = [
        pd.DataFrame(
            {
                "spectrum": cluster,
                "wavelength_nm": pd.to_numeric(table["WL"]),
                "aoi_deg": angle,
                "Psi": pd.to_numeric(table[f"psi_cluster_{cluster}"]),
                "Delta": pd.to_numeric(table[f"delta_cluster_{cluster}"]),
            }
        )
        for cluster in clusters
    ]
    return pd.concat(parts, ignore_index=True)


def _of_full(table: pd.DataFrame) -> pd.DataFrame:
    if not {"Delta", "Psi"} <= set(table["quantity"]):
        raise ValueError("it holds intensities, not Delta and Psi")
    numbers = ["cluster", "wavelength_nm", "aoi_deg", "mean"]
    table = table.assign(**{name: pd.to_numeric(table[name]) for name in numbers if name in table})
    keys = [name for name in ("cluster", "wavelength_nm", "aoi_deg") if name in table]
    wide = table.pivot_table("mean", keys, "quantity", sort=False, dropna=False).reset_index()
    return wide.rename(columns={"cluster": "spectrum"})
