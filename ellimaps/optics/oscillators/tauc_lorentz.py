"""The Tauc-Lorentz oscillator: interband absorption of an amorphous semiconductor or dielectric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ellimaps.optics.dual import value_of
from ellimaps.optics.oscillators.base import Oscillator
from ellimaps.optics.oscillators.rational import kramers_kronig, lorentz_poles, lorentz_squares


@dataclass(frozen=True)
class TaucLorentz(Oscillator):
    """``e2 = A E0 C (E - Eg)**2 / ((E**2 - E0**2)**2 + C**2 E**2) / E`` above the gap Eg, 0 below.

    G. E. Jellison and F. A. Modine, Appl. Phys. Lett. 69, 371 (1996), doi:10.1063/1.118064, and the erratum
    doi:10.1063/1.118155; the real part is their integral, here by the poles of its integrand.

    Attributes
    ----------
    amplitude_ev : float
        A in eV.
    broadening_ev : float
        C in eV.
    energy_ev : float
        E0 in eV.
    gap_ev : float
        Eg in eV.
    """

    key = "tauc_lorentz"
    not_negative = ("amplitude_ev", "gap_ev")
    positive = ("broadening_ev", "energy_ev")

    amplitude_ev: float
    broadening_ev: float
    energy_ev: float
    gap_ev: float

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term; see `Oscillator.permittivity`."""
        names = ("amplitude_ev", "broadening_ev", "energy_ev", "gap_ev")
        a, c, e0, gap = (parameters[name] for name in names)

        def weight(energy: Any) -> Any:
            return (energy - gap) * (energy - gap)

        def divisor(energy: Any) -> Any:
            return lorentz_squares(energy, e0, c)

        real = kramers_kronig(photon_ev, gap, weight, divisor, lorentz_poles(e0, c))
        above = photon_ev > value_of(gap)
        return a * e0 * c * (real + 1j * above * weight(photon_ev) / (photon_ev * divisor(photon_ev)))
