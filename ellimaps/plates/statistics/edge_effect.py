"""Whether wells at the edge of a plate differ from those inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class EdgeEffect:
    """Wells at the edge beside those inside.

    Attributes
    ----------
    wells : str
        Which wells were compared.
    outer, inner : Series of float
        Their values at the edge and inside.
    """

    wells: str
    outer: pd.Series
    inner: pd.Series

    @property
    def difference(self) -> float:
        """Mean at the edge minus that inside."""
        return float(self.outer.mean() - self.inner.mean())

    @property
    def standard_error(self) -> float:
        """Of the difference, by Welch's formula; NaN where the values do not scatter."""
        parts = (values.var() / values.count() for values in (self.outer, self.inner))
        return float(np.sqrt(sum(parts))) or float("nan")

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.outer.count() < 2 or self.inner.count() < 2:
            return f"Too few {self.wells} at the edge or inside to compare them."
        return (
            f"Edge effect: {self.wells} at the edge {self.outer.mean():.4g} (n = {self.outer.count()}), "
            f"inside {self.inner.mean():.4g} (n = {self.inner.count()}), difference {self.difference:+.3g} = "
            f"{abs(self.difference) / self.standard_error:.1f} standard errors."
        )


def edge_effect(wells: pd.DataFrame, values: pd.Series, shape: tuple[int, int]) -> EdgeEffect:
    """Compare the wells at the edge of a plate with those inside.

    Control wells are compared where there are more than three, as they differ by their position alone.

    Parameters
    ----------
    wells : DataFrame
        ``row`` and ``column``, counted from 1, and ``control``, of one plate.
    values : Series of float
        What to compare, in the order of the wells.
    shape : (int, int)
        Rows and columns of the plate.
    """
    controls = wells["control"].to_numpy(bool)
    compared = controls if controls.sum() > 3 else np.ones(len(wells), dtype=bool)
    edge = (wells["row"].isin([1, shape[0]]) | wells["column"].isin([1, shape[1]])).to_numpy()
    what = "control wells" if controls.sum() > 3 else "wells"
    return EdgeEffect(what, values[edge & compared], values[~edge & compared])
