"""Changes to a segmentation by hand: merge, split, drop and clean, each of which can be repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.maps.clustering.features import FeatureSpace
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS, KMeans
from ellimaps.maps.segmentation import NO_DATA, Segmentation, segmentation_of_labels


@dataclass(frozen=True)
class Merge:
    """Make one cluster of several."""

    clusters: tuple[int, ...]

    def __post_init__(self) -> None:
        clusters = tuple(_cluster_number(cluster) for cluster in _listed(self.clusters))
        if len(set(clusters)) < 2:
            raise SettingError(f"At least two different clusters are needed to merge, not {list(clusters)}.")
        object.__setattr__(self, "clusters", clusters)


@dataclass(frozen=True)
class Split:
    """Divide one cluster by KMeans among its own pixels."""

    cluster: int
    parts: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "cluster", _cluster_number(self.cluster))
        parts = whole_number("The number of parts of a cluster", self.parts, 2, MAX_CLUSTERS)
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True)
class Drop:
    """Turn one cluster into "no data"."""

    cluster: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "cluster", _cluster_number(self.cluster))


@dataclass(frozen=True)
class Clean:
    """Give each pixel the most frequent cluster in a square of this many pixels (odd) around it.

    A pixel keeps its own cluster where another one is only as frequent; pixels without data neither change
    nor count.
    """

    size: int = 3

    def __post_init__(self) -> None:
        size = whole_number("The size of the majority filter", self.size, 3, MAX_FILTER_SIZE)
        if size % 2 == 0:
            raise SettingError(f"The size of the majority filter must be odd, not {size}.")
        object.__setattr__(self, "size", size)


Refinement = Merge | Split | Drop | Clean
ACTIONS: dict[str, type[Refinement]] = {"merge": Merge, "split": Split, "drop": Drop, "clean": Clean}
MAX_FILTER_SIZE = 999
"""An odd number beyond any use, so that a slip of the keyboard does not compute for hours."""


def step_title(step: Refinement) -> str:
    """Return a short text for a change by hand."""
    match step:
        case Merge(clusters):
            return "merge " + "+".join(map(str, clusters))
        case Split(cluster, parts):
            return f"split {cluster} in {parts}"
        case Drop(cluster):
            return f"drop {cluster}"
        case Clean(size):
            return f"clean {size} px"


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


def refinement_facts(step: Refinement) -> dict[str, Any]:
    """Return a step as plain values: its ``action`` and its settings."""
    action = next(name for name, kind in ACTIONS.items() if isinstance(step, kind))
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(step).items()}
    return {"action": action, **values}


def refinement_of(row: Mapping[str, Any]) -> Refinement:
    """Return the step that `refinement_facts` wrote.

    Raises
    ------
    SettingError
        If action or settings are not known, or make no sense.
    """
    values = dict(row)
    action = values.pop("action", None)
    if not isinstance(action, str) or action not in ACTIONS:
        raise SettingError(f"A refinement must be one of {', '.join(ACTIONS)}, not {action!r:.80}.")
    try:
        return ACTIONS[action](**values)
    except TypeError:
        takes = " and ".join(field.name for field in fields(ACTIONS[action]))
        given = ", ".join(values) or "nothing"
        raise SettingError(f"The refinement {action} takes {takes}, not {given:.80}.") from None


def _cluster_number(cluster: object) -> int:
    return whole_number("A cluster", cluster, 0, MAX_CLUSTERS - 1)


def _listed(clusters: Any) -> Iterable[Any]:
    if not isinstance(clusters, list | tuple):
        raise SettingError(f"The clusters to merge must be a list, not {clusters!r:.80}.")
    return clusters


def _apply(segmentation: Segmentation, step: Refinement) -> Segmentation:
    labels = segmentation.labels.copy()
    if isinstance(step, Merge):
        _check_existing(segmentation, step.clusters)
        labels[np.isin(labels, step.clusters)] = min(step.clusters)
    elif isinstance(step, Drop):
        _check_existing(segmentation, (step.cluster,))
        labels[labels == step.cluster] = NO_DATA
    elif isinstance(step, Split):
        _check_existing(segmentation, (step.cluster,))
        labels = _split(segmentation, step)
    else:
        labels = _clean(segmentation, step)
    settings = dict(segmentation.settings)
    settings["refine"] = [*settings.get("refine", []), refinement_facts(step)]
    return segmentation_of_labels(segmentation.stack, labels, settings)


def _check_existing(segmentation: Segmentation, clusters: Iterable[int]) -> None:
    for cluster in clusters:
        if cluster >= segmentation.k:
            raise SettingError(f"There is no cluster {cluster}: they are numbered 0 to {segmentation.k - 1}.")


def _split(segmentation: Segmentation, step: Split) -> NDArray[np.int16]:
    if segmentation.k - 1 + step.parts > MAX_CLUSTERS:
        raise SettingError(
            f"Cluster {step.cluster} cannot be split into {step.parts} parts: "
            f"there would be more than {MAX_CLUSTERS} clusters."
        )
    inside = segmentation.labels == step.cluster
    space = FeatureSpace(segmentation.stack, segmentation.settings["features"]).within(inside)
    try:
        fit = KMeans(space, int(segmentation.settings["seed"])).fit(step.parts)
    except SettingError:
        raise SettingError(
            f"Cluster {step.cluster} has too few different pixels to be split into {step.parts} parts."
        ) from None
    labels = segmentation.labels.copy()
    numbers = np.append(step.cluster, segmentation.k + np.arange(step.parts - 1)).astype(np.int16)
    labels.ravel()[space.pixels] = numbers[fit.labels]
    return labels


def _clean(segmentation: Segmentation, step: Clean) -> NDArray[np.int16]:
    labels = segmentation.labels
    result, best = labels.copy(), np.full(labels.shape, -1, dtype=np.int32)
    for cluster in range(segmentation.k):
        own = labels == cluster
        # Twice the votes, and one more for the own cluster: it wins ties.
        votes = 2 * _count_around(own, step.size) + own
        wins = (labels != NO_DATA) & (votes > best)
        result[wins] = cluster
        best[wins] = votes[wins]
    return result


def _count_around(mask: NDArray[np.bool_], size: int) -> NDArray[np.int32]:
    """Return how many True there are in the square around each pixel; none beyond the image."""
    line = np.ones(size, dtype=np.int32)
    counts = ndimage.convolve1d(mask.astype(np.int32), line, axis=0, mode="constant")
    return np.asarray(ndimage.convolve1d(counts, line, axis=1, mode="constant"))
