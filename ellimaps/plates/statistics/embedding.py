"""A map of fields or wells: their profiles laid out in two dimensions, to be looked at.

Distances and clusters are taken from the profiles and never from this picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.extras import optional
from ellimaps.core.parallel import one_thread
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.components import Floats, Level, components_of, table_of

Method = Literal["pca", "tsne", "umap"]

# The defaults of t-SNE in scikit-learn and of UMAP in umap-learn, which published maps are drawn with.
PERPLEXITY = 30.0
NEIGHBORS = 15
MIN_DIST = 0.1


def embed(profiles: Profiles, method: Method = "pca", seed: int = 0, level: Level = "field") -> pd.DataFrame:
    """Return a table of fields or wells with a position in the plane for each.

    Parameters
    ----------
    profiles : Profiles
        What is known of every field and well; points are those of
        `ellimaps.plates.statistics.normalization.vectors`.
    method : {"pca", "tsne", "umap"}
        The first two principal components; t-SNE (van der Maaten and Hinton 2008) or UMAP (McInnes et al.,
        arXiv:1802.03426) of the first 50 components, both starting from the first two.
    seed : int
        Of everything random; the same seed gives the same positions.
    level : {"field", "well"}
        What a point is.

    Returns
    -------
    DataFrame
        The table without its features and with ``x, y`` (no unit).

    Raises
    ------
    SettingError
        If the method or level is unknown, or there are too few points for it.
    MissingExtraError
        If UMAP is asked for and not installed.
    """
    if method not in get_args(Method):
        raise SettingError(f"The method {method!r} is unknown: choose {', '.join(get_args(Method))}.")
    table = table_of(profiles, level)
    # Neighbourhoods of fewer than five points are the whole.
    fewest = 2 if method == "pca" else 5
    if len(table) < fewest:
        raise SettingError(f"{method} needs {fewest} {level}s or more, and there are {len(table)}.")
    with one_thread():
        positions = _LAYOUTS[method](components_of(profiles, level, seed), seed)
    facts = table.drop(columns=list(profiles.features))
    return facts.assign(x=positions[:, 0], y=positions[:, 1]).reset_index(drop=True)


def _first_two(points: Floats, _seed: int = 0) -> Floats:
    return np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1]))))[:, :2]


def _tsne(points: Floats, seed: int) -> Floats:
    from sklearn.manifold import TSNE  # type: ignore[import-untyped]

    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    layout = TSNE(perplexity=perplexity, init=_start(points), random_state=seed, n_jobs=1)
    return np.asarray(layout.fit_transform(points), dtype=np.float64)


def _umap(points: Floats, seed: int) -> Floats:
    umap = optional("umap", "plates", "Maps by UMAP")
    n_neighbors = min(NEIGHBORS, len(points) - 1)
    layout = umap.UMAP(
        n_neighbors=n_neighbors, min_dist=MIN_DIST, init=1e5 * _start(points), random_state=seed, n_jobs=1
    )
    return np.asarray(layout.fit_transform(points), dtype=np.float64)


def _start(points: Floats) -> NDArray[np.float32]:
    """Return the first two components, scaled as Kobak and Berens 2019 advise for t-SNE."""
    start = _first_two(points)
    return (1e-4 * start / max(float(start[:, 0].std()), 1e-12)).astype(np.float32)


_LAYOUTS: dict[str, Callable[[Floats, int], Floats]] = {"pca": _first_two, "tsne": _tsne, "umap": _umap}
