"""Oscillators, of which the permittivity of an absorbing material is a sum; one file each.

Energies are in eV, the permittivity is ``e1 + i e2`` with ``e2 >= 0`` where light is absorbed, and its real
part follows from the imaginary one by the Kramers-Kronig relations.
"""

from __future__ import annotations

from ellimaps.optics.oscillators.base import Oscillator
from ellimaps.optics.oscillators.cody_lorentz import CodyLorentz
from ellimaps.optics.oscillators.drude import Drude
from ellimaps.optics.oscillators.gaussian import Gaussian
from ellimaps.optics.oscillators.lorentz import Lorentz
from ellimaps.optics.oscillators.pole import Pole
from ellimaps.optics.oscillators.tauc_lorentz import TaucLorentz

OSCILLATORS: dict[str, type[Oscillator]] = {
    one.key: one for one in (CodyLorentz, Drude, Gaussian, Lorentz, Pole, TaucLorentz)
}
"""Oscillators by their key in a model file."""
