"""A pole: what absorbs far beyond the spectrum, in the ultraviolet or the infrared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ellimaps.optics.oscillators.base import Oscillator


@dataclass(frozen=True)
class Pole(Oscillator):
    """``amplitude / (energy**2 - E**2)``, real; at energy 0 it is the pole in the infrared.

    A term of W. Sellmeier, Ann. Phys. 219, 272 (1871), doi:10.1002/andp.18712190612, in energies.

    Attributes
    ----------
    amplitude_ev2 : float
        Strength in eV**2.
    energy_ev : float
        Where, in eV, outside of the spectrum.
    """

    key = "pole"
    not_negative = ("energy_ev",)

    amplitude_ev2: float
    energy_ev: float

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term; see `Oscillator.permittivity`."""
        a, e0 = parameters["amplitude_ev2"], parameters["energy_ev"]
        return a / (e0 * e0 - photon_ev**2) + 0j
