"""What a fit found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.certainty import Certainty
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fitted import FilmFit, OtherMinimum
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.interface import Interface
from ellimaps.optics.layers import THICKNESS
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise


@dataclass(frozen=True, eq=False, kw_only=True)
class ClusterFit(FilmFit):
    """The fit of one cluster.

    Attributes
    ----------
    cluster : int
        Its number.
    spreads : mapping of str to float
        Standard deviation of each parameter over the cluster's pixels, to first order; noise is a part of it.
    left_out : tuple of str
        Values that were measured and not used, and why, such as ``Psi 700 nm (8 % measured)``.
    """

    cluster: int
    spreads: Mapping[str, float]
    left_out: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ShotFits:
    """The fits of all clusters.

    Attributes
    ----------
    clusters : tuple of ClusterFit
        By cluster number.
    model : ThinFilm
        The model that was fitted.
    shared : tuple of str
        Parameters with one value for all clusters.
    options : FitOptions
        Choices of the fit.
    segmentation : Segmentation
        Whose clusters they are.
    pairs : DataFrame
        Wavelength and angle of each pair of bands, as `ImageStack.pairs`.
    psi_deg, delta_deg : ndarray of float, shape (cluster, pair)
        The clustershots that were fitted; NaN where too few pixels were measured.
    noise : Noise
        Standard deviations that these were fitted with, shape (cluster, pair).
    """

    clusters: tuple[ClusterFit, ...]
    model: ThinFilm
    shared: tuple[str, ...]
    options: FitOptions
    segmentation: Segmentation
    pairs: pd.DataFrame
    psi_deg: Real
    delta_deg: Real
    noise: Noise

    @property
    def stack(self) -> ImageStack:
        """What was clustered."""
        return self.segmentation.stack

    def table(self) -> pd.DataFrame:
        """Return one row per cluster.

        Returns
        -------
        DataFrame
            ``cluster, n_pixels``, each free parameter followed by its standard error (``_se``) and its spread
            over the cluster's pixels (``_spread``), ``mse, chi2, n_wavelengths, left_out, flag, others``; the
            last lists the other minima as text.
        """
        rows = []
        for fit in self.clusters:
            row: dict[str, object] = {
                "cluster": fit.cluster,
                "n_pixels": int(self.segmentation.n_pixels[fit.cluster]),
            }
            for name, value in fit.parameters.items():
                row |= {
                    name: value,
                    f"{name}_se": fit.standard_errors[name],
                    f"{name}_spread": fit.spreads[name],
                }
            row |= {"mse": fit.mse, "chi2": fit.chi2, "n_wavelengths": fit.n_wavelengths}
            row["left_out"] = "; ".join(fit.left_out)
            rows.append(row | {"flag": fit.flag.text, "others": _others_text(fit.others)})
        return pd.DataFrame(rows)

    def curves(self, cluster: int, model: ThinFilm | None = None) -> pd.DataFrame:
        """Return measured and modelled Delta and Psi of one cluster.

        Parameters
        ----------
        cluster : int
            Its number.
        model : ThinFilm, optional
            What to draw in place of the fitted model, for example with a thickness moved by hand.

        Returns
        -------
        DataFrame
            ``wavelength_nm, aoi_deg, delta, delta_model, delta_residual, psi, psi_model, psi_residual`` in
            degrees, one row per wavelength and angle; residuals are measured minus modelled.
        """
        fit = self.clusters[cluster]
        return fit.measured.curves(model or fit.model)

    def sensitivity(self, cluster: int) -> pd.DataFrame:
        """Return what errors of the fixed quantities would do to a cluster's parameters; see `FilmFit`."""
        return self.clusters[cluster].sensitivity()

    def certainty(self, cluster: int) -> Certainty | None:
        """Return limits, correlations and curves of a cluster's parameters; see `FilmFit`."""
        return self.clusters[cluster].certainty()

    def remedies(self, cluster: int) -> pd.DataFrame:
        """Return which change of the model would mend a cluster's fit; see `FilmFit`."""
        return self.clusters[cluster].remedies()

    def painted(self, name: str) -> NDArray[np.float32]:
        """Return a map of one parameter: each trusted cluster's value on its pixels, NaN elsewhere."""
        values = [fit.parameters[name] if fit.flag == Flag.OK else np.nan for fit in self.clusters]
        return _paint(values, self.segmentation)

    def painted_errors(self, name: str) -> NDArray[np.float32]:
        """Return a map of one parameter's standard error, NaN where the parameter is."""
        values = [fit.standard_errors[name] if fit.flag == Flag.OK else np.nan for fit in self.clusters]
        return _paint(values, self.segmentation)

    def painted_mse(self) -> NDArray[np.float32]:
        """Return a map of the clusters' MSE, trusted or not."""
        return _paint([fit.mse for fit in self.clusters], self.segmentation)

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Pixels of the clusters whose fit is not trusted, shape (y, x)."""
        return np.append([fit.flag != Flag.OK for fit in self.clusters], False)[self.segmentation.labels]


@dataclass(frozen=True, eq=False)
class MapFit:
    """The fit of every pixel.

    Attributes
    ----------
    parameters, standard_errors : ndarray of float, shape (parameter, y, x)
        In the order of the model's free parameters; NaN where not fitted. Look at `trusted` too.
    mse, chi2 : ndarray of float, shape (y, x)
        MSE in N, C, S and reduced chi squared.
    n_wavelengths : ndarray of int16, shape (y, x)
        Wavelengths (and angles) used.
    flags : ndarray of int8, shape (y, x)
        Values of `Flag`.
    other : ndarray of float, shape (parameter, y, x)
        The best other minimum within the chosen chi squared; NaN where there is none.
    n_wild : ndarray of int16, shape (y, x)
        Values that were measured but left out as wild.
    model : ThinFilm
        The model that was fitted.
    options : FitOptions
        Choices of the fit.
    noise : Noise
        Standard deviations of single values, per pair of bands.
    pairs : DataFrame
        The pairs of bands that were used, as `ImageStack.pairs`.
    stack : ImageStack
        What was fitted.
    seconds : float
        Time the fit took.
    """

    parameters: Real
    standard_errors: Real
    mse: Real
    chi2: Real
    n_wavelengths: NDArray[np.int16]
    flags: NDArray[np.int8]
    other: Real
    n_wild: NDArray[np.int16]
    model: ThinFilm
    options: FitOptions
    noise: Noise
    pairs: pd.DataFrame
    stack: ImageStack
    seconds: float

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Where the flag is ``OK``, shape (y, x)."""
        return np.asarray(self.flags == Flag.OK)

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Where a fit was asked for that is not trusted, shape (y, x)."""
        return np.asarray((self.flags != Flag.OK) & (self.flags != Flag.NOT_FITTED))

    @property
    def trusted_fraction(self) -> float:
        """Share of the fitted pixels that are trusted; NaN if none was to be fitted."""
        asked = np.count_nonzero(self.flags != Flag.NOT_FITTED)
        return float(np.count_nonzero(self.trusted) / asked) if asked else float("nan")

    @property
    def shares(self) -> dict[str, float]:
        """Share of each flag among the fitted pixels; empty if none was to be fitted."""
        fitted = self.flags[self.flags != Flag.NOT_FITTED]
        flags = [flag for flag in Flag if flag != Flag.NOT_FITTED] if fitted.size else []
        return {flag.text: float(np.mean(fitted == flag)) for flag in flags}

    def painted(self, name: str) -> NDArray[np.float32]:
        """Return a map of one parameter, NaN where it is not trusted."""
        return self._trusted_only(self.parameters[self._number(name)])

    def painted_errors(self, name: str) -> NDArray[np.float32]:
        """Return a map of one parameter's standard error, NaN where it is not trusted."""
        return self._trusted_only(self.standard_errors[self._number(name)])

    def painted_mse(self) -> NDArray[np.float32]:
        """Return a map of the MSE, trusted or not."""
        return self.mse.astype(np.float32)

    def median(self, name: str) -> float:
        """Return the median of a parameter over the trusted pixels; NaN if there are none."""
        values = self.parameters[self._number(name)][self.trusted]
        return float(np.median(values)) if values.size else float("nan")

    def _trusted_only(self, image: Real) -> NDArray[np.float32]:
        return np.where(self.trusted, image, np.nan).astype(np.float32)

    def _number(self, name: str) -> int:
        return parameter_names(self.model).index(name)


def parameter_names(model: ThinFilm) -> list[str]:
    """Return the names of a model's free parameters."""
    return [parameter.name for parameter in model.parameters]


def thickness_name(model: ThinFilm) -> str:
    """Return the name of the free thickness nearest to the ambient, which thickness maps show.

    That of an interface, the roughness, only if no film has one.

    Raises
    ------
    SettingError
        If no thickness is free.
    """
    found = [one for one in model.parameters if one.kind == THICKNESS]
    interfaces = {at for at, layer in enumerate(model.layers) if isinstance(layer.material, Interface)}
    for parameter in sorted(found, key=lambda one: one.layer in interfaces):
        return parameter.name
    raise SettingError("No thickness is free in the model: a thickness map needs one.")


def _paint(values: list[float], segmentation: Segmentation) -> NDArray[np.float32]:
    return np.append(values, np.nan).astype(np.float32)[segmentation.labels]


def _others_text(others: tuple[OtherMinimum, ...]) -> str:
    return "; ".join(
        ", ".join(f"{name} {value:.6g}" for name, value in other.parameters.items())
        + f" (chi2 {other.chi2:.4g})"
        for other in others
    )
