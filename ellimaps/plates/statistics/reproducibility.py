"""Whether the wells of a treatment find each other among the controls: mean average precision and its null.

Source: Kalinin et al. 2025, "A versatile information retrieval framework for evaluating profile strength and
similarity", doi:10.1038/s41467-025-60306-2. Every well of a treatment ranks all other wells by likeness; its
average precision is the mean, over the other wells of the treatment, of the share of the treatment's wells up
to each. 1 = all of them come first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.permutation import Indices

_PAIRS_AT_ONCE = 1 << 21
"""Ranks in memory at a time, 16 MB of them; no result depends on it."""


def mean_average_precisions(points: Floats, choices: Indices) -> NDArray[np.float64]:
    """Return the mean average precision of each choice of wells among all others, shape (choice,).

    Parameters
    ----------
    points : ndarray, shape (well, component)
        Likeness is Euclidean distance; of unit vectors that is the order of cosines.
    choices : ndarray of int, shape (choice, well chosen)
        Rows of `points`; the first is the observed one, the others make its null distribution.

    Returns
    -------
    ndarray of float64, shape (choice,)
        NaN where there is one well only, which has nothing to find.
    """
    n_chosen = choices.shape[1]
    if n_chosen < 2:
        return np.full(len(choices), np.nan)
    ranks = _ranks(points)
    found = np.empty(len(choices))
    step = max(1, _PAIRS_AT_ONCE // n_chosen**2)
    for first in range(0, len(choices), step):
        part = choices[first : first + step]
        # A well's rank of itself is 0 and sorts first.
        hits = np.sort(ranks[part[:, :, None], part[:, None, :]], axis=2)[:, :, 1:]
        found[first : first + step] = (np.arange(1, n_chosen) / hits).mean(axis=(1, 2))
    return found


def _ranks(points: Floats) -> NDArray[np.int64]:
    """Return for each well (row) the rank of every other, from 1; of itself 0."""
    squared = np.square(points).sum(axis=1)
    distances = squared[:, None] + squared - 2 * points @ points.T
    np.fill_diagonal(distances, -np.inf)
    ranks = np.empty(distances.shape, dtype=np.int64)
    np.put_along_axis(ranks, np.argsort(distances, axis=1, kind="stable"), np.arange(len(points)), axis=1)
    return ranks
