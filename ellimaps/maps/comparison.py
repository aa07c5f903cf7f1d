"""Two segmentations of the same stack side by side: agreement, and what became of each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.maps.segmentation import Segmentation

_NOTEWORTHY_SHARE = 0.02
"""Fewer pixels are the border that any two segmentations draw a little differently, and not worth a word."""


@dataclass(frozen=True)
class Comparison:
    """Agreement of two segmentations.

    Attributes
    ----------
    adjusted_rand : float
        Adjusted Rand index: 1 = the same clusters, about 0 = unrelated.
    overlap : ndarray of int, shape (cluster of the first, cluster of the second)
        Pixels they share.
    """

    adjusted_rand: float
    overlap: NDArray[np.int64]

    def sentences(self) -> list[str]:
        """Say what became of each cluster of the first segmentation.

        Shares of at most 2 % of its pixels are not worth a word. Pixels without data in either
        segmentation do not count.
        """
        return [self._sentence(cluster) for cluster in range(len(self.overlap))]

    def _sentence(self, cluster: int) -> str:
        row = self.overlap[cluster]
        total = row.sum()
        if total == 0:
            return f"Cluster {cluster} has no pixel in the second segmentation."
        largest_first = np.argsort(-row, kind="stable")
        parts = [other for other in largest_first if row[other] > _NOTEWORTHY_SHARE * total]
        shares = [f"{other} ({row[other] / total:.1%})" for other in parts]
        if len(parts) > 1:
            listed = f"{', '.join(shares[:-1])} and {shares[-1]}"
            return f"Cluster {cluster} is split into clusters {listed} of the second."
        (other,) = parts
        verb = "is" if self._is_whole(other, cluster) else "is part of"
        share = f"{row[other] / total:.1%} of its pixels"
        return f"Cluster {cluster} {verb} cluster {other} of the second ({share})."

    def _is_whole(self, other: int, cluster: int) -> bool:
        column = self.overlap[:, other]
        return bool(column[cluster] >= (1 - _NOTEWORTHY_SHARE) * column.sum())


def compare(first: Segmentation, second: Segmentation) -> Comparison:
    """Compare two segmentations over the pixels both of them label.

    Raises
    ------
    SettingError
        If their maps differ in size.

    References
    ----------
    L. Hubert and P. Arabie, Comparing partitions, J. Classification 2 (1985), doi:10.1007/BF01908075.
    """
    # Late: scikit-learn takes longer to import than all that is compared here.
    from sklearn.metrics import adjusted_rand_score  # type: ignore[import-untyped]

    overlap = shared_pixels(first, second)
    both = _labelled_by_both(first, second)
    index = adjusted_rand_score(first.labels[both], second.labels[both])
    return Comparison(float(index), overlap)


def shared_pixels(first: Segmentation, second: Segmentation) -> NDArray[np.int64]:
    """Return the number of shared pixels, shape (cluster of the first, cluster of the second)."""
    if first.labels.shape != second.labels.shape:
        raise SettingError(
            f"Segmentations of {first.labels.shape} and {second.labels.shape} pixels cannot be compared."
        )
    both = _labelled_by_both(first, second)
    joint = first.labels[both].astype(np.int64) * second.k + second.labels[both]
    return np.bincount(joint, minlength=first.k * second.k).reshape(first.k, second.k)


def match_clusters(old: Segmentation, new: Segmentation) -> dict[int, int]:
    """Pair clusters so that the pairs share as many pixels as possible.

    Returns
    -------
    dict of int to int
        Old cluster by new cluster, each at most once; clusters that share no pixel are not paired.
    """
    # Late: it takes longer to import than all that is paired here.
    from scipy.optimize import linear_sum_assignment

    overlap = shared_pixels(old, new)
    rows, columns = linear_sum_assignment(-overlap)
    return {int(c): int(r) for r, c in zip(rows, columns, strict=True) if overlap[r, c] > 0}


def _labelled_by_both(first: Segmentation, second: Segmentation) -> NDArray[np.bool_]:
    return np.asarray((first.labels >= 0) & (second.labels >= 0))
