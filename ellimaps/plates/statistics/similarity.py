"""Which compounds do the same: the likeness of the changes they make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ellimaps.plates.statistics.distance import ControlSpace
from ellimaps.plates.statistics.treatments import Treatment

COLUMNS = ("compound", "concentration", "rank", "neighbour", "neighbour_concentration", "similarity")


def nearest_treatments(space: ControlSpace, found: Sequence[Treatment], n_nearest: int = 3) -> pd.DataFrame:
    """Return the treatments of other compounds whose change is most like each one's.

    Parameters
    ----------
    space : ControlSpace
        Where the wells lie.
    found : sequence of Treatment
        Those to compare; of a neighbouring compound only its nearest dose is listed.
    n_nearest : int
        How many to list.

    Returns
    -------
    DataFrame
        ``compound, concentration, rank`` (from 1), ``neighbour, neighbour_concentration, similarity``: the
        cosine of the angle between the two mean changes from the controls, 1 = the same direction.
    """
    means = np.array([space.points[one.rows].mean(axis=0) for one in found]).reshape(
        len(found), space.points.shape[1]
    )
    lengths = np.sqrt(np.square(means).sum(axis=1))
    unit = means / np.where(lengths > 0, lengths, 1.0)[:, None]
    likeness = np.clip(unit @ unit.T, -1, 1)
    rows: list[tuple[object, ...]] = []
    for one, similar in zip(found, likeness, strict=True):
        nearest: dict[str, int] = {}
        for other in np.argsort(-similar, kind="stable"):
            if found[other].compound != one.compound:
                nearest.setdefault(found[other].compound, int(other))
        for rank, other in enumerate(list(nearest.values())[:n_nearest], start=1):
            neighbour = found[other]
            rows.append(
                (
                    *(one.compound, one.concentration, rank),
                    *(neighbour.compound, neighbour.concentration, float(similar[other])),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
