"""The Gaussian oscillator: a band broadened by disorder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import wofz

from ellimaps.optics.oscillators.base import Oscillator


@dataclass(frozen=True)
class Gaussian(Oscillator):
    """``e2 = amplitude (exp(-x**2) - exp(-y**2))`` with x and y the distances from the band and its mirror.

    The real part is Dawson's function, which is the imaginary part of Faddeeva's. Source: D. De Sousa Meneses
    et al., J. Non-Cryst. Solids 352, 769 (2006), doi:10.1016/j.jnoncrysol.2006.02.004.

    Attributes
    ----------
    amplitude : float
        Height of the band.
    broadening_ev : float
        Its full width at half maximum in eV.
    energy_ev : float
        Its center in eV.
    """

    key = "gaussian"
    positive = ("broadening_ev",)
    not_negative = ("energy_ev",)

    amplitude: float
    broadening_ev: float
    energy_ev: float

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term; see `Oscillator.permittivity`."""
        a, b, e0 = (parameters[name] for name in ("amplitude", "broadening_ev", "energy_ev"))
        width = b * (0.5 / np.sqrt(np.log(2)))
        return 1j * a * (wofz((photon_ev - e0) / width) - wofz((photon_ev + e0) / width))
