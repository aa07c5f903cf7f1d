"""Changes to a segmentation by hand: merge, split, drop and clean, each of which can be repeated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from ellimaps.errors import SettingError
from ellimaps.features import FeatureSpace
from ellimaps.kmeans import KMeans
from ellimaps.segmentation import MAX_CLUSTERS, NO_DATA, Segmentation, segmentation_of_labels


@dataclass(frozen=True)
class Merge:
    """Make one cluster of several."""

    clusters: tuple[int, ...]


@dataclass(frozen=True)
class Split:
    """Divide one cluster by KMeans among its own pixels."""

    cluster: int
    parts: int = 2


@dataclass(frozen=True)
class Drop:
    """Turn one cluster into "no data"."""

    cluster: int


@dataclass(frozen=True)
class Clean:
    """Give each pixel the most frequent cluster in a square of this many pixels (odd) around it."""

    size: int = 3


Refinement = Merge | Split | Drop | Clean
ACTIONS: dict[str, type[Refinement]] = {"merge": Merge, "split": Split, "drop": Drop, "clean": Clean}


def refine(segmentation: Segmentation, steps: Iterable[Refinement]) -> Segmentation:
    """Apply changes in order; clusters are numbered anew by ascending mean of the first band after each.

    Parameters
    ----------
    segmentation : Segmentation
        The clusters as they are.
    steps : iterable of Merge, Split, Drop or Clean
        What to do; cluster numbers are those before the step.

    Returns
    -------
    Segmentation
        ``settings["refine"]`` lists all changes so far.

    Raises
    ------
    SettingError
        If a step names a cluster there is not, or leaves no cluster or too many.
    """
    for step in steps:
        segmentation = _apply(segmentation, step)
    return segmentation


def refinement_row(step: Refinement) -> dict[str, Any]:
    """Return a step as plain values: its ``action`` and its settings."""
    action = next(name for name, kind in ACTIONS.items() if isinstance(step, kind))
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(step).items()}
    return {"action": action, **values}


def refinement_of_row(row: dict[str, Any]) -> Refinement:
    """Return the step that `refinement_row` wrote.

    Raises
    ------
    SettingError
        If action or settings are not known.
    """
    values = dict(row)
    action = values.pop("action", None)
    if action not in ACTIONS:
        raise SettingError(f"A refinement must be one of {', '.join(ACTIONS)}, not {action!r}.")
    if "clusters" in values:
        values["clusters"] = tuple(values["clusters"])
    try:
        return ACTIONS[action](**values)
    except TypeError:
        raise SettingError(
            f"The refinement {action} does not take {', '.join(values) or 'nothing'}."
        ) from None


def _apply(segmentation: Segmentation, step: Refinement) -> Segmentation:
    labels = segmentation.labels.copy()
    if isinstance(step, Merge):
        for cluster in _existing(segmentation, *step.clusters):
            labels[segmentation.labels == cluster] = min(step.clusters)
    elif isinstance(step, Drop):
        labels[segmentation.labels == _existing(segmentation, step.cluster)[0]] = NO_DATA
    elif isinstance(step, Split):
        labels = _split(segmentation, step)
    else:
        labels = _clean(segmentation, step)
    settings = dict(segmentation.settings)
    settings["refine"] = [*settings.get("refine", []), refinement_row(step)]
    return segmentation_of_labels(segmentation.stack, labels, settings)


def _existing(segmentation: Segmentation, *clusters: int) -> tuple[int, ...]:
    for cluster in clusters:
        if not 0 <= cluster < segmentation.k:
            raise SettingError(f"There is no cluster {cluster}: they are numbered 0 to {segmentation.k - 1}.")
    if not clusters:
        raise SettingError("No clusters are named to be merged.")
    return clusters


def _split(segmentation: Segmentation, step: Split) -> Any:
    (cluster,) = _existing(segmentation, step.cluster)
    if not 2 <= step.parts <= MAX_CLUSTERS + 1 - segmentation.k:
        raise SettingError(f"A cluster can be split into 2..{MAX_CLUSTERS + 1 - segmentation.k} parts here.")
    inside = segmentation.labels == cluster
    space = FeatureSpace(segmentation.stack, segmentation.settings["features"], within=inside)
    fit = KMeans(space, int(segmentation.settings["seed"])).fit(step.parts)
    labels = segmentation.labels.copy()
    numbers = np.append(cluster, segmentation.k + np.arange(step.parts - 1)).astype(np.int16)
    labels.ravel()[space.pixels] = numbers[fit.labels]
    return labels


def _clean(segmentation: Segmentation, step: Clean) -> Any:
    if step.size < 3 or step.size % 2 == 0 or step.size > min(segmentation.labels.shape):
        raise SettingError(f"The majority filter needs an odd size of at least 3 pixels, not {step.size}.")
    best = np.full(segmentation.labels.shape, -1, dtype=np.int32)
    result = segmentation.labels.copy()
    known = segmentation.labels != NO_DATA
    for cluster in range(segmentation.k):
        votes = _count_around(segmentation.labels == cluster, step.size)
        # A pixel keeps its own cluster where another one is only as frequent.
        votes = 2 * votes + (segmentation.labels == cluster)
        wins = known & (votes > best)
        result[wins] = cluster
        best[wins] = votes[wins]
    return result


def _count_around(mask: Any, size: int) -> Any:
    line = np.ones(size, dtype=np.int32)
    counts = ndimage.convolve1d(mask.astype(np.int32), line, axis=0, mode="constant")
    return ndimage.convolve1d(counts, line, axis=1, mode="constant")
