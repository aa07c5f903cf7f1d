"""A material of each dispersion to begin with: numbers of real films, from which a fit finds its way.

``tests/optics/test_ready_materials.py`` compares them with pages of the database.
"""

from __future__ import annotations

from ellimaps.optics.absorbing import CauchyUrbach, OscillatorSum, SplineIndex
from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.effective_medium import EffectiveMedium
from ellimaps.optics.graded import Graded
from ellimaps.optics.interface import Interface
from ellimaps.optics.library import material
from ellimaps.optics.materials import Cauchy, Constant, Material, Sellmeier
from ellimaps.optics.oscillators.base import Oscillator
from ellimaps.optics.oscillators.cody_lorentz import CodyLorentz
from ellimaps.optics.oscillators.drude import Drude
from ellimaps.optics.oscillators.gaussian import Gaussian
from ellimaps.optics.oscillators.lorentz import Lorentz
from ellimaps.optics.oscillators.pole import Pole
from ellimaps.optics.oscillators.tauc_lorentz import TaucLorentz

READY_OSCILLATORS: dict[str, Oscillator] = {
    # Amorphous silicon, G. E. Jellison and F. A. Modine, Appl. Phys. Lett. 69, 371 (1996),
    # doi:10.1063/1.118064; with an offset of 1.15.
    "Tauc-Lorentz": TaucLorentz(122.0, 2.54, 3.45, 1.2),
    # Fitted to the amorphous silicon of main/Si/Pierce, 250 to 850 nm, with an offset of 1.25.
    "Cody-Lorentz": CodyLorentz(90.0, 2.585, 3.43, 0.92, 2.08, 1.7, 0.194),
    # The transition of gold at 418 nm, A. D. Rakic et al., Appl. Opt. 37, 5271 (1998),
    # doi:10.1364/AO.37.005271: strength 0.071 of the plasma energy 9.03 eV squared.
    "Lorentz": Lorentz(2.24, 0.87, 2.969),
    # The free electrons of gold, from the same: strength 0.760, damping 0.053 eV.
    "Drude": Drude(1169.2, 0.053),
    # By eye: a band of a dye in the green, which shows in k and moves n little.
    "Gaussian": Gaussian(0.5, 0.5, 2.4),
    # Silica, S. H. Wemple and M. DiDomenico, Phys. Rev. B 3, 1338 (1971), doi:10.1103/PhysRevB.3.1338:
    # oscillator at 13.38 eV with a dispersion energy of 14.71 eV.
    "pole": Pole(196.8, 13.38),
}
"""An oscillator of each kind, by what it is called."""


def ready_materials() -> dict[str, AnyMaterial]:
    """Return a material of each dispersion, by what the dispersion is called."""
    silica, air = material("SiO2"), material("air")
    assert isinstance(silica, Sellmeier)
    assert isinstance(air, Material)
    return {
        "constant index": Constant(1.5, 0.0, "constant index"),
        # Silica from 300 to 1000 nm.
        "Cauchy": Cauchy(1.4476, 0.0036, 0.0, name="Cauchy"),
        # By eye: a polymer that turns yellow, with a k of 0.01 at 400 nm.
        "Cauchy with Urbach tail": CauchyUrbach((1.5, 0.005, 0.0), 0.01, 0.3, 3.1),
        "Sellmeier": Sellmeier(silica.terms, silica.limits_nm),
        "oscillators": OscillatorSum((READY_OSCILLATORS["Tauc-Lorentz"],), 1.15),
        # By eye: transparent in the red, absorbing towards the ultraviolet, n about 1.5 between.
        "B-spline of k": SplineIndex((1.5, 2.5, 3.5, 4.5, 5.5, 6.5), (0.0, 0.0, 0.02, 0.05, 0.1, 0.1), 1.4),
        "mixture": EffectiveMedium("bruggeman", (silica, air), (0.5,)),
        "interface": Interface(),
        # By eye: silica below, twice as dense as at its surface.
        "graded": Graded(Cauchy(1.23, 0.0018, 0.0), Cauchy(1.4476, 0.0036, 0.0)),
        # Hexagonal boron nitride, main/BN/Rah from 400 to 900 nm.
        "crystal": UniaxialMaterial(Cauchy(2.077, 0.0246), Cauchy(1.802, 0.0199)),
    }
