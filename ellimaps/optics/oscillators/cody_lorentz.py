"""The Cody-Lorentz oscillator: interband absorption of an amorphous semiconductor, with an Urbach tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expi, factorial

from ellimaps.optics.dual import function_of, value_of
from ellimaps.optics.oscillators.base import Oscillator
from ellimaps.optics.oscillators.rational import kramers_kronig, lorentz_poles, lorentz_squares

# From here on ten terms of the asymptotic series are exact within 1e-11.
_FAR = 50.0


@dataclass(frozen=True)
class CodyLorentz(Oscillator):
    """A Lorentz oscillator times ``(E - Eg)**2 / ((E - Eg)**2 + Ep**2)``; below Et an exponential tail.

    A. S. Ferlauto et al., J. Appl. Phys. 92, 2424 (2002), doi:10.1063/1.1497462. Below the energy Et of the
    tail ``E e2`` falls as ``exp((E - Et) / Eu)``; the real part is the Kramers-Kronig integral of both parts.

    Attributes
    ----------
    amplitude_ev : float
        A in eV.
    broadening_ev : float
        Of the Lorentz oscillator, in eV.
    energy_ev : float
        Its center E0 in eV.
    gap_ev : float
        Eg in eV.
    transition_ev : float
        Ep in eV: how far above the gap absorption turns from Cody's into Lorentz's.
    tail_ev : float
        Et in eV, above the gap.
    urbach_ev : float
        Eu in eV, the slope of the tail.
    """

    key = "cody_lorentz"
    not_negative = ("amplitude_ev", "gap_ev")
    positive = ("broadening_ev", "energy_ev", "transition_ev", "tail_ev", "urbach_ev")

    amplitude_ev: float
    broadening_ev: float
    energy_ev: float
    gap_ev: float
    transition_ev: float
    tail_ev: float
    urbach_ev: float

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term; see `Oscillator.permittivity`."""
        names = ("amplitude_ev", "broadening_ev", "energy_ev", "gap_ev", "transition_ev")
        a, c, e0, gap, transition = (parameters[name] for name in names)
        tail, urbach = parameters["tail_ev"], parameters["urbach_ev"]
        # At the very start of the tail both parts of the integral are infinite, and only their sum is not.
        photon_ev = photon_ev * (1 + 1e-12 * (photon_ev == value_of(tail)))

        def cody(energy: Any) -> Any:
            return (energy - gap) * (energy - gap) + transition * transition

        def weight(energy: Any) -> Any:
            return energy * energy * (energy - gap) * (energy - gap)

        def divisor(energy: Any) -> Any:
            return cody(energy) * lorentz_squares(energy, e0, c)

        poles = [(pole, slope * cody(pole)) for pole, slope in lorentz_poles(e0, c)]
        between = gap + 1j * transition
        poles.append((between, 2j * transition * lorentz_squares(between, e0, c)))
        real = kramers_kronig(photon_ev, tail, weight, divisor, poles)
        above = weight(photon_ev) / divisor(photon_ev)
        at_tail = weight(tail) / divisor(tail)
        below = photon_ev <= value_of(tail)
        # Above the tail the exponent would overflow; what it gives there is not used.
        in_tail = at_tail * np.exp(below * ((photon_ev - tail) / urbach))
        real = real + at_tail * _tail_integral(photon_ev, tail, urbach) / (np.pi * photon_ev)
        absorbed = below * in_tail + ~below * above
        return a * e0 * c * (real + 1j * absorbed / photon_ev)


def _tail_integral(photon_ev: Any, tail: Any, urbach: Any) -> Any:
    """Return the principal value of ``2 E exp((x - Et) / Eu) / (x**2 - E**2)``, from 0 to Et."""
    upper = _decayed_expi((tail - photon_ev) / urbach) - _decayed_expi((tail + photon_ev) / urbach)
    lower = _decayed_expi(-photon_ev / urbach) - _decayed_expi(photon_ev / urbach)
    return upper - np.exp(-tail / urbach) * lower


def _decayed_expi(x: Any) -> Any:
    """Return ``exp(-x) Ei(x)``, which neither overflows nor underflows."""
    plain = np.asarray(value_of(x), dtype=np.float64)
    far = np.abs(plain) > _FAR
    near, distant = np.where(far, 1.0, plain), np.where(far, plain, _FAR)
    # Abramowitz and Stegun, 5.1.51.
    series = sum(factorial(k) / distant**k for k in range(11)) / distant
    value = np.where(far, series, np.exp(-near) * expi(near))
    return function_of(value, (x, lambda: 1 / plain - value))
