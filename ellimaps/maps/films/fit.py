"""Thin-film fits of a segmentation's clusters and of every pixel of a stack."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import single_threaded
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.maps.films.noise import noise_of_map
from ellimaps.maps.films.results import ClusterFit, MapFit, ShotFits, parameter_names
from ellimaps.maps.films.shots import Shots
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.determined import check_determined
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fitted import MeasuredSpectrum, found_values
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.joint import joint_minimum, shared_columns
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.spectra import SpectraFit, SpectraFitter

# A MB a quantity in double precision: with half of it threads wait for each other a tenth of the time, with
# twice nothing is gained (`benchmarks/bench_fits.py`).
_BLOCK_VALUES = 1 << 17


def fit_shots(
    segmentation: Segmentation,
    model: ThinFilm,
    *,
    shared: Sequence[str] = (),
    options: FitOptions | None = None,
) -> ShotFits:
    """Fit a model to every cluster's clustershot.

    Parameters
    ----------
    segmentation : Segmentation
        Clusters of Delta and Psi maps; their means are over measured values only.
    model : ThinFilm
        What to fit; at least one parameter is free.
    shared : sequence of str
        Names of free parameters that have one value for all clusters, such as the thickness of an oxide
        below everything; the others are each cluster's own.
    options : FitOptions, optional
        Standard deviations, limits; see there.

    Returns
    -------
    ShotFits
        One `ClusterFit` per cluster.

    Raises
    ------
    SettingError
        If the data are not Delta and Psi, the angle of incidence is not known, a material does not cover
        the wavelengths, nothing is free, the data bear fewer free parameters (where none is shared), or a
        shared parameter does not exist.
    """
    pairs = _pairs(segmentation.stack, model)
    model = model.with_bandwidths(pairs)
    columns = shared_columns(model, shared)
    fitter = _fitter(model, pairs, segmentation.stack, options)
    shots = Shots(segmentation, pairs, fitter.noise, fitter.options)
    if not columns:
        check_determined(fitter.exact, shots.noise)
    fit = fitter.fit(shots.psi_deg, shots.delta_deg, shots.noise)
    enough = fit.flags != Flag.TOO_FEW_WAVELENGTHS
    if columns and enough.any():
        fit = _jointly(model, fitter, fit, shots, columns)
    spreads = shots.spreads(fitter, fit)
    clusters = tuple(
        ClusterFit(
            **found_values(model, fit, number),
            cluster=number,
            spreads=dict(zip(parameter_names(model), spreads[number].tolist(), strict=True)),
            left_out=shots.left_out(number, fit.wild[number]),
            measured=MeasuredSpectrum(pairs, shots.psi_deg[number], shots.delta_deg[number]),
            noise=shots.noise.part(np.array([number])),
            options=fitter.options,
            is_joint=bool(columns),
        )
        for number in range(segmentation.k)
    )
    return ShotFits(
        clusters, model, tuple(shared), fitter.options, segmentation, pairs, shots.psi_deg, shots.delta_deg,
        shots.noise,
    )  # fmt: skip


def shot_curves(segmentation: Segmentation, cluster: int, model: ThinFilm | None = None) -> pd.DataFrame:
    """Return a clustershot beside what a model would give, without a fit; columns as `ShotFits.curves`.

    Raises
    ------
    SettingError
        If the data are not Delta and Psi, or a material of the model does not cover the wavelengths.
    """
    pairs = _pairs(segmentation.stack, model)
    psi, delta = (segmentation.means[cluster, pairs[name].to_numpy()] for name in ("psi", "delta"))
    return MeasuredSpectrum(pairs, psi, delta).curves(model)


def fit_map(
    stack: ImageStack,
    model: ThinFilm,
    *,
    mask: NDArray[np.bool_] | None = None,
    options: FitOptions | None = None,
    on_progress: Progress = no_progress,
) -> MapFit:
    """Fit a model to every pixel.

    Parameters
    ----------
    stack : ImageStack
        Delta and Psi maps; missing and gap-filled values are left out, value by value.
    model : ThinFilm
        What to fit; at least one parameter is free.
    mask : ndarray of bool, shape (y, x), optional
        The pixels to fit; all by default.
    options : FitOptions, optional
        Standard deviations, limits; see there.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``; an exception it raises stops the fit.

    Returns
    -------
    MapFit
        Maps of parameters, standard errors, MSE, reduced chi squared, flags.

    Raises
    ------
    SettingError
        As `fit_shots`, or if the mask is not of True and False or its shape not that of the maps.
    """
    start = time.perf_counter()
    pairs = _pairs(stack, model)
    model = model.with_bandwidths(pairs)
    pixels = _chosen_pixels(stack, mask)
    fitter = _fitter(model, pairs, stack, options, many=True)
    check_determined(fitter.exact, fitter.noise)
    whole = _fitted_pixels(fitter, stack, pairs, pixels, on_progress)
    _distrust_where_most_lack_fit(whole.flags, fitter.options.min_described)
    maps: dict[str, Any] = {
        name: values.reshape(*values.shape[:-1], *stack.shape) for name, values in whole._asdict().items()
    }
    seconds = time.perf_counter() - start
    return MapFit(
        **maps,
        model=model,
        options=fitter.options,
        noise=fitter.noise,
        pairs=pairs,
        stack=stack,
        seconds=seconds,
    )


def _fitted_pixels(
    fitter: SpectraFitter,
    stack: ImageStack,
    pairs: pd.DataFrame,
    pixels: NDArray[np.intp],
    on_progress: Progress,
) -> _Pixels:
    """Fit the chosen pixels block by block in threads."""
    size = max(64, _BLOCK_VALUES // len(pairs))
    blocks = [pixels[i : i + size] for i in range(0, len(pixels), size)]
    whole = _nothing(stack, len(fitter.exact.parameters))

    def fit_block(block: NDArray[np.intp]) -> int:
        fit = fitter.fit(_values(stack, pairs["psi"], block), _values(stack, pairs["delta"], block))
        whole.parameters[:, block], whole.standard_errors[:, block] = fit.parameters.T, fit.standard_errors.T
        whole.mse[block], whole.chi2[block] = fit.mse, fit.chi2
        whole.n_wavelengths[block], whole.flags[block] = fit.n_wavelengths, fit.flags
        whole.other[:, block], whole.n_wild[block] = fit.others[:, 0].T, fit.wild.sum(axis=1)
        return len(block)

    done = 0
    # NumPy works outside the interpreter's lock in most of this, so threads help; those of BLAS only wait.
    with single_threaded(), ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        tasks = [threads.submit(fit_block, block) for block in blocks]
        try:
            for task in as_completed(tasks):
                done += task.result()
                on_progress(done, len(pixels), "fitting pixels")
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return whole


def _distrust_where_most_lack_fit(flags: NDArray[np.int8], min_described: float) -> None:
    """Let no pixel be ok of a model that most of the map contradicts: there it fits by accident."""
    tried = flags[(flags != Flag.NOT_FITTED) & (flags != Flag.TOO_FEW_WAVELENGTHS)]
    lacking = np.count_nonzero((tried == Flag.LACK_OF_FIT) | (tried == Flag.POOR_FIT))
    if lacking > (1 - min_described) * len(tried):
        flags[flags == Flag.OK] = Flag.LACK_OF_FIT


class _Pixels(NamedTuple):
    """Everything `MapFit` has a map of, pixels along the last axis."""

    parameters: Real
    standard_errors: Real
    mse: Real
    chi2: Real
    n_wavelengths: NDArray[np.int16]
    flags: NDArray[np.int8]
    other: Real
    n_wild: NDArray[np.int16]


def _nothing(stack: ImageStack, n_parameters: int) -> _Pixels:
    n = stack.shape[0] * stack.shape[1]
    return _Pixels(
        parameters=np.full((n_parameters, n), np.nan),
        standard_errors=np.full((n_parameters, n), np.nan),
        mse=np.full(n, np.nan),
        chi2=np.full(n, np.nan),
        n_wavelengths=np.zeros(n, dtype=np.int16),
        flags=np.full(n, Flag.NOT_FITTED, dtype=np.int8),
        other=np.full((n_parameters, n), np.nan),
        n_wild=np.zeros(n, dtype=np.int16),
    )


def _pairs(stack: ImageStack, model: ThinFilm | None) -> pd.DataFrame:
    """Return the pairs of bands that a model uses, all without one."""
    if not isinstance(model, ThinFilm | None):
        raise SettingError(f"A fit needs a ThinFilm, such as read_model gives of a file, got {model!r:.80}.")
    pairs = stack.pairs()
    if pairs.empty:
        raise SettingError(f"{stack.name} has no pair of Delta and Psi maps: a film model needs both.")
    if not np.isfinite(pairs["wavelength_nm"]).all():
        raise SettingError(f"{stack.name} does not tell the wavelength of every map: a film model needs it.")
    if model is not None:
        pairs = pairs[model.uses(pairs["wavelength_nm"])].reset_index(drop=True)
        if pairs.empty:
            raise SettingError(f"The model leaves no wavelength of {stack.name}: widen wavelengths_nm.")
    return pairs


def _fitter(
    model: ThinFilm, pairs: pd.DataFrame, stack: ImageStack, options: FitOptions | None, *, many: bool = False
) -> SpectraFitter:
    options = options or FitOptions()
    wavelength = pairs["wavelength_nm"].to_numpy(dtype=np.float64)
    angle = model.incidence(pairs["aoi_deg"].to_numpy(dtype=np.float64))
    noise = noise_of_map(stack, pairs, options)
    return SpectraFitter(model, wavelength, angle, options, noise, many=many)


def _chosen_pixels(stack: ImageStack, mask: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    if mask is None:
        return np.arange(stack.shape[0] * stack.shape[1])
    if np.asarray(mask).dtype != np.bool_:
        raise SettingError("The mask must be of True and False, such as labels == 2.")
    if mask.shape != stack.shape:
        raise SettingError(f"The mask has shape {mask.shape}, the maps {stack.shape}.")
    return np.flatnonzero(mask)


def _values(stack: ImageStack, bands: pd.Series[int], block: NDArray[np.intp]) -> Real:
    """Return the measured values of some pixels, NaN for all others, shape (pixel, band)."""
    flat = stack.values.reshape(stack.n_bands, -1)
    filled = stack.filled.reshape(stack.n_bands, -1)
    return np.stack(
        [np.where(filled[band, block], np.nan, flat[band, block]) for band in bands], axis=1, dtype=np.float64
    )


def _jointly(
    model: ThinFilm, fitter: SpectraFitter, alone: SpectraFit, shots: Shots, shared: Sequence[int]
) -> SpectraFit:
    rows = np.flatnonzero(alone.flags != Flag.TOO_FEW_WAVELENGTHS)
    psi, delta, noise = shots.psi_deg[rows], shots.delta_deg[rows], shots.noise.part(rows)
    parameters, errors, chi2 = joint_minimum(model, fitter, psi, delta, shared, noise)
    target = fitter.target(psi, delta, noise)
    # Each spectrum pays for its own parameters and for its part of the shared ones.
    paid = len(model.parameters) - len(shared) + len(shared) / len(rows)
    freedom = fitter.freedom(target, paid)
    errors = errors * np.sqrt(max(1.0, float(chi2.sum() / freedom.sum())))
    angles = fitter.curve.values(parameters)
    mse, lack = fitter.mse(target, angles), fitter.lack_of_fit(target, angles, noise)
    nothing = np.full_like(alone.others, np.nan), np.full_like(alone.others_chi2, np.nan)
    result = alone._replace(others=nothing[0], others_chi2=nothing[1], wild=np.zeros_like(alone.wild))
    result.parameters[rows], result.standard_errors[rows] = parameters, errors
    result.mse[rows], result.chi2[rows] = mse, chi2 / freedom
    result.flags[rows] = fitter.flags(parameters, errors, mse, lack, np.zeros(len(rows), dtype=bool))
    return result
