"""Choices of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ellimaps.core.errors import SettingError


@dataclass(frozen=True)
class FitOptions:
    """Choices of a fit.

    Attributes
    ----------
    sigma_psi_deg, sigma_delta_deg : float, optional
        Standard deviations of a measured Psi and Delta in degrees; by default the differences of neighbors
        tell them, wavelength by wavelength.
    within_chi2 : float
        Another minimum counts if its chi squared exceeds the least one by no more than this (9: three
        standard deviations), times the reduced chi squared where that is above 1.
    max_mse : float
        The MSE above which a fit is poor.
    min_wavelengths : int
        Fewest wavelengths (and angles) a fit may rest on; more values than parameters are needed.
    max_chi2 : float
        The reduced chi squared above which the model lacks fit, for noise far above the systematic error.
    systematic_deg : float
        Systematic error of Psi in degrees, of Delta twice as much over sin 2 Psi: where lack of fit is
        judged, no noise is taken to be smaller than this.
    min_described : float
        If fewer of a map's fitted pixels than this share are described by the model, it is not trusted where
        it happens to fit either.
    min_share : float
        A wavelength is left out of a cluster's fit if less than this share of its pixels was measured there.
    delta_noise : {"growing", "constant"}
        Whether the standard deviation of Delta is ``sigma_delta_deg / sin 2 Psi`` or the same at every Psi.
    weights : {"noise", "spread"}
        What a cluster's mean is weighted by: one over the noise of the mean, or over the standard deviation
        of the cluster's pixels.
    minimized : {"psi delta", "ncs"}
        What chi squared is of: misfits of Psi and Delta, or of N, C and S.
    """

    sigma_psi_deg: float | None = None
    sigma_delta_deg: float | None = None
    within_chi2: float = 9.0
    max_mse: float = 15.0
    min_wavelengths: int = 2
    max_chi2: float = 3.0
    systematic_deg: float = 0.07
    min_described: float = 0.5
    min_share: float = 0.5
    delta_noise: Literal["growing", "constant"] = "growing"
    minimized: Literal["psi delta", "ncs"] = "psi delta"
    weights: Literal["noise", "spread"] = "noise"

    def __post_init__(self) -> None:
        for name in (
            "sigma_psi_deg",
            "sigma_delta_deg",
            "within_chi2",
            "max_mse",
            "min_wavelengths",
            "max_chi2",
        ):
            value = getattr(self, name)
            if value is None and name.startswith("sigma"):
                continue
            if not _is_number(value) or not 0 < value < np.inf:
                raise SettingError(f"{name} of a fit must be a number above 0, got {value!r:.80}.")
        for name, most in (("systematic_deg", 10.0), ("min_described", 1.0), ("min_share", 1.0)):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value <= most:
                raise SettingError(f"{name} of a fit must be a number from 0 to {most:g}, got {value!r:.80}.")
        for name, known in (
            ("delta_noise", ("growing", "constant")),
            ("minimized", ("psi delta", "ncs")),
            ("weights", ("noise", "spread")),
        ):
            if getattr(self, name) not in known:
                raise SettingError(
                    f"{name} of a fit must be one of {', '.join(known)}, got {getattr(self, name)!r:.80}."
                )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
