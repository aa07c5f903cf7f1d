"""How far two people's labels of the same images agree, beyond what chance would bring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError


@dataclass(frozen=True, eq=False)
class Agreement:
    """How two lists of labels agree.

    Attributes
    ----------
    images : int
        Labelled in both.
    share : float
        Of them that have the same label in both.
    kappa : float
        Cohen's kappa: 1 where all agree, 0 where no more do than by chance; NaN where both gave one label
        alone, which chance would bring as well.
    limits : (float, float)
        95 % limits of kappa; NaN where it is, or where its standard error is none.
    counts : DataFrame
        Images by label in the first (rows) and the second list (columns).
    disagreements : DataFrame
        ``file, first, second``.
    """

    images: int
    share: float
    kappa: float
    limits: tuple[float, float]
    counts: pd.DataFrame
    disagreements: pd.DataFrame


def agreement(first: Mapping[str, str], second: Mapping[str, str]) -> Agreement:
    """Compare two people's labels.

    Parameters
    ----------
    first, second : mapping of str to str
        The label of each image, by file name.

    Raises
    ------
    SettingError
        If they have no image in common.

    References
    ----------
    J. Cohen, Educ. Psychol. Meas. 20 (1960) 37. doi:10.1177/001316446002000104
    J. L. Fleiss, J. Cohen and B. S. Everitt, Psychol. Bull. 72 (1969) 323 (its standard error).
    doi:10.1037/h0028106
    """
    common = [file for file in first if file in second]
    if not common:
        raise SettingError("The two lists have no labelled image in common: choose lists of the same folder.")
    classes = sorted({labels[file] for labels in (first, second) for file in common})
    counts = np.zeros((len(classes),) * 2, dtype=int)
    for file in common:
        counts[classes.index(first[file]), classes.index(second[file])] += 1
    kappa, error = _kappa(counts / len(common), len(common))
    return Agreement(
        images=len(common),
        share=float(np.trace(counts) / len(common)),
        kappa=kappa,
        limits=(kappa - 1.96 * error, min(1.0, kappa + 1.96 * error)) if error > 0 else (math.nan, math.nan),
        counts=pd.DataFrame(counts, index=classes, columns=classes),
        disagreements=pd.DataFrame(
            [(file, first[file], second[file]) for file in common if first[file] != second[file]],
            columns=["file", "first", "second"],
        ),
    )


def _kappa(shares: NDArray[np.float64], images: int) -> tuple[float, float]:
    """Return kappa and its standard error from the shares of all pairs of labels."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    if expected >= 1 - 1e-12:
        return math.nan, math.nan
    kappa = (observed - expected) / (1 - expected)
    # Each pair of labels has a weight of the marginals of its labels in the other list.
    marginals = columns[:, None] + rows[None]
    same = float(np.sum(np.diag(shares) * (1 - (rows + columns) * (1 - kappa)) ** 2))
    other = float(np.sum((shares - np.diag(np.diag(shares))) * marginals**2)) * (1 - kappa) ** 2
    variance = (same + other - (kappa - expected * (1 - kappa)) ** 2) / ((1 - expected) ** 2 * images)
    return kappa, math.sqrt(max(variance, 0.0))
