"""Clustershots as a fit takes them: with the noise of their means, and without what few pixels measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.angles import wrap_degrees
from ellimaps.core.stack import ANGLES
from ellimaps.maps.films.noise import noise_facts
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fresnel import Real
from ellimaps.optics.noise import Noise

if TYPE_CHECKING:
    from ellimaps.optics.spectra import SpectraFit, SpectraFitter

# Pixels of a cluster over which the spread of a parameter is taken: it is then right to half a percent.
_SPREAD_PIXELS = 1 << 15


class Shots:
    """Spectra of all clusters at some pairs of bands.

    Parameters
    ----------
    segmentation : Segmentation
        Clusters of Delta and Psi maps.
    pairs : DataFrame
        The pairs of bands, as `ImageStack.pairs`.
    noise : Noise
        Of single pixels, per pair.
    options : FitOptions
        A mean over less than ``min_share`` of a cluster's pixels is left out; ``weights`` says whether the
        noise of a mean is its own, or the spread of the pixels.

    Attributes
    ----------
    psi_deg, delta_deg : ndarray of float, shape (cluster, pair)
        Means in degrees, NaN where left out.
    noise : Noise
        Of the means, shape (cluster, pair).

    Notes
    -----
    A mean's variance is that of one pixel, plus ``spread**2 / n``, plus ``((1 - share) spread)**2``.
    The first stays though noise averages out: what the instrument and nearby edges add does not. The
    last allows for pixels that are missing being other ones than the rest. By spread, it is that of one pixel
    plus ``spread**2``.
    """

    def __init__(
        self, segmentation: Segmentation, pairs: pd.DataFrame, noise: Noise, options: FitOptions
    ) -> None:
        self._segmentation, self._pairs = segmentation, pairs
        shots = segmentation.clustershots()
        columns = {
            name: shots[name].to_numpy(dtype=np.float64).reshape(segmentation.k, -1)
            for name in ("mean", "std", "n_pixels")
        }
        self._shares = columns["n_pixels"] / segmentation.n_pixels[:, None]
        means = np.where(self._shares >= options.min_share, columns["mean"], np.nan)
        self.psi_deg, self.delta_deg = (means[:, pairs[name]] for name in ("psi", "delta"))
        of_mean = 1 / np.maximum(columns["n_pixels"], 1) + np.square(1 - self._shares)
        variances = np.square(columns["std"]) * (of_mean if options.weights == "noise" else 1.0)
        added = np.where(np.isfinite(means), variances, 0.0)
        psi, delta = added[:, pairs["psi"]], added[:, pairs["delta"]]
        if noise.grows:
            delta = delta * np.square(
                np.sin(np.deg2rad(2 * np.where(np.isfinite(self.psi_deg), self.psi_deg, 45)))
            )
        self.noise = Noise(
            np.sqrt(noise.psi_deg**2 + psi),
            np.sqrt(noise.delta_deg**2 + delta),
            noise.grows,
            noise.origin,
            noise.is_known,
        )

    def noise_facts(self) -> dict[str, Any]:
        """Return the noise of the means as plain values, so that a spectrum in a file has it as well."""
        points = self._pairs[["wavelength_nm", "aoi_deg"]].astype(object)
        shares = {f"{name}_share": self._shares[:, self._pairs[name]].tolist() for name in ("psi", "delta")}
        known = {"grows": self.noise.grows, "points": points.where(points.notna(), None).to_numpy().tolist()}
        return noise_facts(self.noise) | known | shares

    def left_out(self, cluster: int, wild: NDArray[np.bool_]) -> tuple[str, ...]:
        """Return in words which measured values were not used; ``wild`` is of Psi, then of Delta."""
        found = []
        values = np.concatenate([self.delta_deg[cluster], self.psi_deg[cluster]])
        bands = np.concatenate([self._pairs["delta"], self._pairs["psi"]])
        names = np.repeat(ANGLES, len(self._pairs))
        waves = np.tile(self._pairs["wavelength_nm"], 2)
        wild = np.roll(wild, len(self._pairs))
        for name, wave, band, value, is_wild in zip(names, waves, bands, values, wild, strict=True):
            share = self._shares[cluster, band]
            if is_wild:
                found.append(f"{name} {wave:g} nm (far off)")
            elif share > 0 and not np.isfinite(value):
                found.append(f"{name} {wave:g} nm ({share:.0%} measured)")
        return tuple(found)

    def spreads(self, fitter: SpectraFitter, fit: SpectraFit) -> Real:
        """Return the spread of parameters over each cluster's pixels, shape (cluster, parameter).

        A standard deviation, to first order: the pixels' deviations from the mean go through the linear map
        from Psi and Delta to parameters at the fit. Pixels that lack a value that was used do not count; NaN
        with fewer than two.
        """
        target = fitter.target(self.psi_deg, self.delta_deg, self.noise).without(fit.wild)
        spreads = np.full(fit.parameters.shape, np.nan)
        for cluster in np.flatnonzero(np.isfinite(fit.parameters).all(axis=1)):
            _, slopes = fitter.exact(fit.parameters[[cluster]])
            weights = target.weights[cluster]
            used = weights > 0
            solution = np.linalg.pinv((slopes[:, 0] * weights).T[used], rcond=1e-9) * weights[used]
            rest = self._deviations(int(cluster))[:, used]
            rest = rest[np.isfinite(rest).all(axis=1)]
            if len(rest) > 1:
                spreads[cluster] = (rest @ solution.T).std(axis=0)
        return spreads

    def _deviations(self, cluster: int) -> Real:
        """Return how far pixels of a cluster are from its mean in degrees, shape (pixel, 2 pair)."""
        stack = self._segmentation.stack
        pixels = np.flatnonzero(self._segmentation.labels == cluster)
        pixels = pixels[:: max(1, len(pixels) // _SPREAD_PIXELS)]
        columns = []
        for name, means in (("psi", self.psi_deg), ("delta", self.delta_deg)):
            for band, mean in zip(self._pairs[name], means[cluster], strict=True):
                values = stack.values[band].ravel()[pixels].astype(np.float64)
                values[stack.filled[band].ravel()[pixels]] = np.nan
                columns.append(wrap_degrees(values - mean) if name == "delta" else values - mean)
        return np.array(columns).T
