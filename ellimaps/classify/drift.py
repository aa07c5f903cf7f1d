"""Whether new images differ from those of a training, whatever share of each class is among them.

An image is as strange as its measurements are far from those of the nearest class, in standard deviations of
its training images. New images drift where they are stranger than training images were when left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

LEAST_P = 0.01
"""Below it, new images are stranger than chance makes them: one alarm in a hundred folders that are alike."""

LEAST_SHARE = 0.65
"""How often a new image must be stranger than one of the training, beside that: with thousands of images
chance explains no difference, however small. With 20 the rates are those of p alone up to 0.70, on the
generator that chose and, but for noise, on the one that judges (``benchmarks/bench_drift.py``)."""

# Sums over an image that is far off in one measurement alone are not to hide what the others say.
_FARTHEST = 5.0


@dataclass(frozen=True, eq=False)
class TrainingSpread:
    """What the training images were like, by class.

    Attributes
    ----------
    centers, scales : ndarray, shape (class, measurement)
        Mean and standard deviation.
    strangeness : ndarray, shape (image,)
        Of each training image, measured by the others.
    nearest : ndarray of int, shape (image,)
        Its nearest class.
    """

    centers: NDArray[np.float64]
    scales: NDArray[np.float64]
    strangeness: NDArray[np.float64]
    nearest: NDArray[np.intp]


@dataclass(frozen=True)
class Drift:
    """How new images compare with those of the training.

    Attributes
    ----------
    images : int
        New ones with a cell.
    share : float
        How often a new image is stranger than one of the training; 0.5 where they are alike.
    p : float
        Probability of as much by chance, one-sided.
    measurements : tuple of int
        The three that are farthest off, by their position.
    """

    images: int
    share: float
    p: float
    measurements: tuple[int, ...]

    @property
    def differs(self) -> bool:
        """Whether the new images differ from those of the training."""
        return self.p < LEAST_P and self.share > LEAST_SHARE


def training_spread(rows: NDArray[np.float64], truth: NDArray[np.intp]) -> TrainingSpread:
    """Return what training images are like.

    Parameters
    ----------
    rows : ndarray, shape (image, measurement)
        Finite; two or more of each class.
    truth : ndarray of int, shape (image,)
        Class of each, from 0.
    """
    # Few images of a class, or ones alike in a measurement, say little of how far others may lie.
    floor = 0.1 * rows.std(axis=0) + 1e-12
    classes = [rows[truth == c] for c in np.unique(truth)]
    counts = np.array([[len(one)] for one in classes], dtype=float)
    centers = np.array([one.mean(axis=0) for one in classes])
    variances = np.array([one.var(axis=0, ddof=1) for one in classes])
    n, own = counts[truth], rows - centers[truth]
    # Mean and variance of a class without one of its images follow from those with it.
    rest = ((n - 1) * variances[truth] - own**2 * n / (n - 1)) / np.maximum(n - 2, 1)
    off = _off(rows, centers, np.maximum(np.sqrt(variances), floor))
    off[truth, np.arange(len(rows))] = np.minimum(
        np.abs(own * n / (n - 1)) / np.maximum(np.sqrt(np.maximum(rest, 0)), floor), _FARTHEST
    )
    squares, nearest = _of_nearest(off)
    return TrainingSpread(centers, np.maximum(np.sqrt(variances), floor), squares.mean(axis=1), nearest)


def drift(spread: TrainingSpread, rows: NDArray[np.float64]) -> Drift | None:
    """Compare new images with those of the training; None of fewer than five, which could show nothing.

    Parameters
    ----------
    spread : TrainingSpread
        Of the training.
    rows : ndarray, shape (image, measurement)
        Of the new images; those without a cell (NaN) do not count.
    """
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) < 5:
        return None
    squares, nearest = _of_nearest(_off(rows, spread.centers, spread.scales))
    share, p = _stranger(squares.mean(axis=1), nearest, spread)
    farthest = np.argsort(-squares.mean(axis=0))[:3]
    return Drift(len(rows), share, p, tuple(farthest.tolist()))


def _stranger(
    new: NDArray[np.float64], nearest: NDArray[np.intp], spread: TrainingSpread
) -> tuple[float, float]:
    """Return how often new images are stranger than training images of the same class, and p (van Elteren).

    Images of a rare class seem stranger, as less is known of it; so they are compared with its own.
    """
    wins = pairs = variance = 0.0
    for c in np.unique(nearest):
        ours, theirs = new[nearest == c], np.sort(spread.strangeness[spread.nearest == c])
        if theirs.size:
            below, up_to = (np.searchsorted(theirs, ours, side).sum() for side in ("left", "right"))
            wins += float(below + up_to) / 2
            pairs += ours.size * theirs.size
            variance += ours.size * theirs.size * (ours.size + theirs.size + 1) / 12
    if not pairs:
        return 1.0, 0.0
    return wins / pairs, float(ndtr((pairs / 2 - wins) / np.sqrt(variance)))


def _off(
    rows: NDArray[np.float64], centers: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many standard deviations images are off, shape (class, image, measurement)."""
    return np.minimum(np.abs(rows[None] - centers[:, None]) / scales[:, None], _FARTHEST)


def _of_nearest(off: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the squares for the class nearest to each image, shape (image, measurement), and that class."""
    squares = off**2
    nearest = squares.mean(axis=2).argmin(axis=0)
    return np.asarray(squares[nearest, np.arange(squares.shape[1])]), np.asarray(nearest)
