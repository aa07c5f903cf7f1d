"""KMeans clusters of a stack: label map, clustershots and coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.band_statistics import band_statistics
from ellimaps.maps.clustering.features import Features, FeatureSpace
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS, KMeans, KMeansFit, fit_of_labels

NO_DATA = -1
"""Label of a pixel without data."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Clusters of a stack.

    Attributes
    ----------
    labels : ndarray of int16, shape (y, x)
        Cluster of each pixel, -1 where there is no data. Clusters are numbered by ascending mean of the
        first band.
    centers : ndarray of float64, shape (cluster, feature)
        Mean features of each cluster.
    inertia : float
        Sum of squared distances to the own centre, in feature space, over all labelled pixels.
    settings : mapping
        ``k``, ``features`` and ``seed``.
    stack : ImageStack
        What was clustered.
    """

    labels: NDArray[np.int16]
    centers: NDArray[np.float64]
    inertia: float
    settings: Mapping[str, Any]
    stack: ImageStack

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.centers)

    @cached_property
    def n_pixels(self) -> NDArray[np.int64]:
        """Number of pixels in each cluster."""
        return np.bincount(self.labels[self.labels >= 0], minlength=self.k)

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean of the measured values per cluster and band, shape (cluster, band); circular for Delta."""
        return self._statistics[0]

    def clustershots(self) -> pd.DataFrame:
        """Return one spectrum per cluster.

        Returns
        -------
        DataFrame
            One row per cluster and band: ``cluster, quantity, wavelength_nm, aoi_deg, channel, mean, std,
            n_pixels, band``. Mean, standard deviation (over pixels, without correction) and count are
            taken over measured values only; NaN, NaN and 0 where a cluster has none. The mean of Delta is
            circular, in 0..360 deg, and its deviations from that are wrapped to -180..180 deg.
        """
        columns = self.stack.bands[["quantity", "wavelength_nm", "aoi_deg", "channel"]]
        means, stds, counts = self._statistics
        tables = [
            columns.assign(
                cluster=cluster,
                mean=means[cluster],
                std=stds[cluster],
                n_pixels=counts[cluster],
                band=np.arange(self.stack.n_bands),
            )
            for cluster in range(self.k)
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[["cluster", *columns.columns, "mean", "std", "n_pixels", "band"]]

    def coordinates(self) -> pd.DataFrame:
        """Return every labelled pixel: ``cluster, y, x``, by cluster, then row by row."""
        flat = self.labels.ravel()
        order = np.argsort(flat, kind="stable")[np.count_nonzero(flat < 0) :]
        y, x = np.divmod(order, self.labels.shape[1])
        return pd.DataFrame({"cluster": flat[order], "y": y.astype(np.int32), "x": x.astype(np.int32)})

    def segmented_band(self, band: int) -> NDArray[np.float32]:
        """Return one band with each pixel replaced by its cluster's mean; NaN where there is no data."""
        painted = np.append(self.means[:, band], np.nan).astype(np.float32)
        return painted[self.labels]

    def distances(self) -> NDArray[np.float32]:
        """Return how far each pixel lies from its cluster's centre in feature space; NaN without data."""
        result = np.full(self.labels.size, np.nan, dtype=np.float32)
        space = FeatureSpace(self.stack, self.settings["features"]).within(self.labels >= 0)
        flat, centers = self.labels.ravel(), self.centers.T
        for part in space.parts():
            pixels = space.pixels[part]
            result[pixels] = np.linalg.norm(space.block(part) - centers[:, flat[pixels]], axis=0)
        return result.reshape(self.labels.shape)

    @cached_property
    def _statistics(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        return band_statistics(self.stack, self.labels, self.k)


def segment(
    stack: ImageStack,
    k: int,
    *,
    features: Features | None = None,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Segmentation:
    """Segment a stack into ``k`` clusters with KMeans.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed; pixels that lack a value in any band get the label -1.
    k : int
        Number of clusters, 1..30.
    features : {"raw", "standard", "ncs"}, optional
        See `ellimaps.maps.clustering.features.feature_matrix`.
    seed : int
        Seed of the random starts; the same seed gives the same clusters.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Returns
    -------
    Segmentation
        The clusters, numbered by ascending mean of the first band.

    Raises
    ------
    SettingError
        If k or the features do not fit the stack.
    """
    k = whole_number("k", k, 1, MAX_CLUSTERS)
    on_progress(0, 2, "segmenting")
    space = FeatureSpace(stack, features)
    kmeans = KMeans(space, seed)
    on_progress(1, 2, "segmenting")
    fit = kmeans.fit(k)
    on_progress(2, 2, "segmenting")
    return _numbered(stack, space, fit, {"k": k, "features": space.kind, "seed": kmeans.seed})


def _numbered(
    stack: ImageStack, space: FeatureSpace, fit: KMeansFit, settings: Mapping[str, Any]
) -> Segmentation:
    """Give clusters numbers by ascending mean of the first band; ties by the bands after it."""
    labels = np.full(stack.values[0].size, NO_DATA, dtype=np.int16)
    labels[space.pixels] = fit.labels
    unordered = Segmentation(labels.reshape(stack.shape), fit.centers, fit.inertia, settings, stack)
    means = np.where(np.isnan(unordered.means), np.inf, unordered.means)
    order = np.lexsort(means.T[::-1])
    rank = np.append(np.argsort(order), NO_DATA).astype(np.int16)
    ordered = rank[unordered.labels]
    ordered.flags.writeable = False
    result = Segmentation(ordered, fit.centers[order], fit.inertia, settings, stack)
    # They are the same numbers in another order, so they need not be computed twice.
    vars(result)["_statistics"] = tuple(part[order] for part in unordered._statistics)
    return result


def segmentation_of_labels(
    stack: ImageStack, labels: NDArray[np.int16], settings: Mapping[str, Any]
) -> Segmentation:
    """Return the segmentation that has these labels, clusters numbered anew, empty ones left out.

    Parameters
    ----------
    stack : ImageStack
        What was clustered.
    labels : ndarray of int16, shape (y, x)
        Cluster of each pixel, -1 = no data.
    settings : mapping
        ``features`` and ``seed``, and whatever else led to the labels.

    Raises
    ------
    SettingError
        If no pixel has a label.
    """
    if not (labels >= 0).any():
        raise SettingError("No cluster would be left: keep at least one.")
    space = FeatureSpace(stack, settings["features"]).within(labels >= 0)
    _, flat = np.unique(labels.ravel()[space.pixels], return_inverse=True)
    fit = fit_of_labels(space, flat.astype(np.int16), int(flat.max()) + 1)
    return _numbered(stack, space, fit, settings)
