"""Mean, standard deviation and number of the measured values, per cluster and band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.angles import full_circle, wrap_degrees
from ellimaps.core.parallel import ordered_map, single_threaded
from ellimaps.core.stack import DELTA, ImageStack
from ellimaps.maps.clustering.features import blocks_of, ends_stretch

F64 = NDArray[np.float64]

_CLOSE_DEG = 0.1
"""Below this shift of a centre no value of a real map changes sides; a third pass is rare."""


def band_statistics(
    stack: ImageStack, labels: NDArray[np.integer[Any]], k: int
) -> tuple[F64, F64, NDArray[np.int64]]:
    """Return mean, standard deviation and count of the measured values, per label and band.

    Parameters
    ----------
    stack : ImageStack
        The values; those of Delta are averaged on the circle.
    labels : ndarray of int, shape (y, x)
        0..k-1, or -1 for pixels to leave out.
    k : int
        Number of labels.

    Returns
    -------
    mean, std, count : ndarray, shape (k, band)
        NaN, NaN and 0 where a label has no measured value. The standard deviation is that of the
        deviations from the mean, wrapped to -180..180 deg for Delta.
    """
    values = _Values(stack, labels, k)
    with single_threaded():
        zero = np.zeros((k, stack.n_bands))
        # An eighth of the pixels tells where the means lie, so that the first full pass is usually the last.
        center = np.nan_to_num(values.sums_around(zero, values.parts[::8]).shift())
        for _ in range(4):
            sums = values.sums_around(center, values.parts)
            shift = sums.shift()
            # What lies opposite a mean may change sides as long as the centre moves.
            if not (np.abs(shift) > _CLOSE_DEG).any():
                break
            center = center + np.nan_to_num(shift)
    mean = np.where(sums.count > 0, center + shift, np.nan)
    mean[:, : values.n_circular] = full_circle(mean[:, : values.n_circular])
    variance = (sums.square - 2 * shift * sums.plain) / np.maximum(sums.count, 1) + shift**2
    order = np.argsort(values.order)
    std = np.sqrt(np.maximum(variance, 0))
    return mean[:, order], std[:, order], sums.count[:, order].astype(np.int64)


@dataclass(frozen=True)
class _Sums:
    """Sums over the measured values of each label and band, of their deviations from some centres."""

    count: F64
    plain: F64
    square: F64
    sine: F64
    cosine: F64

    def shift(self) -> F64:
        """Return how far the means lie from the centres; NaN where there is nothing to average."""
        shift = self.plain / np.maximum(self.count, 1)
        shift[:, : self.sine.shape[1]] = np.rad2deg(np.arctan2(self.sine, self.cosine))
        return np.where(self.count > 0, shift, np.nan)


class _Values:
    """The values of a stack, walked through in blocks of pixels; angles come first."""

    def __init__(self, stack: ImageStack, labels: NDArray[np.integer[Any]], k: int) -> None:
        self._stack, self._k = stack, k
        circular = (stack.bands["quantity"] == DELTA).to_numpy()
        self.n_circular = int(circular.sum())
        self.order = np.argsort(~circular, kind="stable")
        self._labels = labels.ravel()
        self._values = stack.values.reshape(stack.n_bands, -1)
        self._filled = stack.filled.reshape(stack.n_bands, -1)
        self.parts = blocks_of(self._labels.size, 6 * stack.n_bands)

    def sums_around(self, center: F64, parts: list[slice]) -> _Sums:
        """Return the sums of the deviations from a centre for each label and band, over some blocks."""
        n_bands = len(self.order)
        ends = np.cumsum([n_bands, n_bands, n_bands, self.n_circular])
        centers = np.ascontiguousarray(center.T)

        def of_block(part: slice) -> F64:
            labels = self._labels[part]
            member = np.zeros((self._k, labels.size))
            inside = np.flatnonzero(labels >= 0)
            member[labels[inside], inside] = 1
            columns = np.empty((ends[-1] + self.n_circular, labels.size))
            known, rest, square, sine, cosine = np.split(columns, ends)
            values = self._values[self.order, part]
            np.copyto(known, np.isfinite(values) & ~self._filled[self.order, part])
            if ends_stretch(part):
                self._stack.release()
            np.subtract(values, centers.take(np.maximum(labels, 0), axis=1), out=rest)
            rest[known == 0] = 0
            angle = rest[: self.n_circular]
            angle[:] = wrap_degrees(angle)
            np.multiply(rest, rest, out=square)
            # Sines of the small angles that most deviations are lose nothing in single precision.
            radians = (angle * (np.pi / 180)).astype(np.float32)
            sine[:] = np.sin(radians)
            np.multiply(np.cos(radians), known[: self.n_circular], out=cosine)
            return np.asarray(member @ columns.T)

        total = sum(ordered_map(of_block, parts), np.float64(0))
        return _Sums(*np.split(np.asarray(total), ends, axis=1))
