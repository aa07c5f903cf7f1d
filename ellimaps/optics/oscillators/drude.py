"""The Drude term: free charges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ellimaps.optics.oscillators.base import Oscillator


@dataclass(frozen=True)
class Drude(Oscillator):
    """``-amplitude broadening / (E**2 + i broadening E)``, a `Lorentz` oscillator at energy 0.

    The plasma energy is ``sqrt(amplitude broadening)``. Source: P. Drude, Ann. Phys. 306, 566 (1900),
    doi:10.1002/andp.19003060312.

    Attributes
    ----------
    amplitude_ev : float
        In eV.
    broadening_ev : float
        Rate of collisions in eV.
    """

    key = "drude"
    not_negative = ("amplitude_ev", "broadening_ev")

    amplitude_ev: float
    broadening_ev: float

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term; see `Oscillator.permittivity`."""
        a, b = parameters["amplitude_ev"], parameters["broadening_ev"]
        return -a * b / (photon_ev**2 + 1j * b * photon_ev)
