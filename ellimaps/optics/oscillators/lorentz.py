"""The Lorentz oscillator: a bound charge with damping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ellimaps.optics.oscillators.base import Oscillator


@dataclass(frozen=True)
class Lorentz(Oscillator):
    """``amplitude broadening energy / (energy**2 - E**2 - i broadening E)``.

    The peak of e2 is about the amplitude, as in WVASE and CompleteEASE. Source: H. Fujiwara, Spectroscopic
    Ellipsometry (Wiley, 2007), sec. 5.2, doi:10.1002/9780470060193.

    Attributes
    ----------
    amplitude : float
        Height of the peak.
    broadening_ev : float
        Width in eV.
    energy_ev : float
        Center in eV.
    """

    key = "lorentz"
    not_negative = ("broadening_ev",)
    positive = ("energy_ev",)

    amplitude: float
    broadening_ev: float
    energy_ev: float

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term; see `Oscillator.permittivity`."""
        a, b, e0 = (parameters[name] for name in ("amplitude", "broadening_ev", "energy_ev"))
        return a * b * e0 / (e0 * e0 - photon_ev**2 - 1j * b * photon_ev)
