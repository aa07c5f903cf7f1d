"""Whether data can tell the free parameters of a model at all: looked at before a fit, and where it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.optics.fresnel import Real
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.noise import Noise

UNDETERMINED = 0.1
"""A parameter whose standard error is above this part of the range between its bounds is not determined: then
ten standard errors fill the range, and the bounds have as much say as the data."""
# A model is refused if less than this share of the places within its bounds would be determined: of those
# refused 0.5 % of the fits or fewer are ok (`benchmarks/bench_refusals.py`, both halves).
_LEAST_SHARE = 0.03
_PLACES = 1024
# What has this part of the weakest direction moves along with it.
_TAKES_PART = 0.3


def check_determined(exact: ExactCurve, noise: Noise) -> None:
    """Refuse a model whose free parameters the data cannot tell.

    Parameters
    ----------
    exact : ExactCurve
        The model at the measured wavelengths and angles.
    noise : Noise
        That of the spectra; the least counts.

    Raises
    ------
    SettingError
        If there are no more values than parameters, or if hardly anywhere within the bounds all those are
        determined (`UNDETERMINED`) that would be so with the others held.
    """
    names = [parameter.name for parameter in exact.parameters]
    asked, n_values = _counted(len(names), "free parameter"), 2 * exact.n_bands
    if n_values <= len(names):
        raise SettingError(
            f"The model has {asked}, and the data have {n_values} values of Psi and Delta: a fit needs more "
            f"values than parameters, so hold {len(names) - n_values + 1} of them."
        )
    slopes = _slopes_within_bounds(exact, noise)
    if not len(slopes) or _are_told(slopes).mean() >= _LEAST_SHARE:
        return
    _, strengths, directions = np.linalg.svd(slopes, full_matrices=False)
    # The place where the data say most.
    best = int(np.argmax(strengths[:, -1]))
    borne = min(len(names) - 1, int(np.count_nonzero(strengths[best] * UNDETERMINED >= 1)))
    raise SettingError(
        f"The model has {asked}, but {n_values} values of Psi and Delta bear about {borne}: hardly anywhere "
        f"within the bounds {_sentence(names, directions[best, -1])} Hold {len(names) - borne} of them at "
        "known values, or measure at more angles."
    )


def share_told(exact: ExactCurve, noise: Noise) -> float:
    """Return the share of the places within the bounds where the data tell the parameters."""
    return float(_are_told(_slopes_within_bounds(exact, noise)).mean())


def _slopes_within_bounds(exact: ExactCurve, noise: Noise) -> Real:
    """Return slopes over noise and per width of the bounds, shape (place, value, parameter)."""
    width, n_bands = exact.high - exact.low, exact.n_bands
    # The same places each time.
    places = exact.low + width * np.random.default_rng(0).uniform(size=(_PLACES, len(width)))
    angles, slopes = exact(places)
    least = replace(noise, psi_deg=_least(noise.psi_deg), delta_deg=_least(noise.delta_deg))
    sigmas = np.concatenate(least.sigmas(angles[:, :n_bands]), axis=1)
    scaled: Real = np.moveaxis(slopes / sigmas, 0, 2) * width
    return scaled[np.isfinite(scaled).all(axis=(1, 2))]


def _least(sigma_deg: Real) -> Real:
    least: Real = sigma_deg.reshape(-1, sigma_deg.shape[-1]).min(axis=0)
    return least


def _are_told(slopes: Real) -> NDArray[np.bool_]:
    """Return where all parameters are determined, but for those that are nowhere so even by themselves.

    Bounds that are narrow, or a tail of an absorption beyond all wavelengths, are not too many parameters.
    """
    _, strengths, directions = np.linalg.svd(slopes, full_matrices=False)
    together = np.square(directions / np.maximum(strengths, 1e-12)[:, :, None]).sum(axis=1)
    by_itself = 1 / np.maximum(np.square(slopes).sum(axis=1), 1e-24)
    asked = (by_itself <= UNDETERMINED**2).mean(axis=0) >= _LEAST_SHARE
    return np.asarray((together[:, asked] <= UNDETERMINED**2).all(axis=1))


def _sentence(names: Sequence[str], direction: Real) -> str:
    taking_part = [name for name, part in zip(names, direction, strict=True) if abs(part) >= _TAKES_PART]
    if len(taking_part) == 1:
        return f"do these data tell {taking_part[0]}."
    return f"do these data tell {', '.join(taking_part[:-1])} and {taking_part[-1]} apart."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
