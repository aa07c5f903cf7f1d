"""More free parameters than the data bear are refused with the reason; what they bear is not."""

from __future__ import annotations

import numpy as np
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.optics.absorbing import OscillatorSum
from ellimaps.optics.determined import check_determined
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise, usual_noise
from ellimaps.optics.oscillators import TaucLorentz


def check(model: ThinFilm, n_waves: int = 11, noise: Noise | None = None) -> None:
    waves = np.linspace(450.0, 750.0, n_waves)
    check_determined(ExactCurve(model, waves, np.full(n_waves, 50.0)), noise or usual_noise(n_waves))


def cauchy(thickest_nm: float, *coefficients: str) -> ThinFilm:
    bounds = {"cauchy_a": (1.3, 2.5), "cauchy_b": (0.0, 0.05), "cauchy_c": (0.0, 0.005)}
    free = {"thickness_nm": (0.0, thickest_nm)} | {name: bounds[name] for name in coefficients}
    return ThinFilm("Si", (Layer(Cauchy(1.6, 0.005), thickest_nm / 2, free),))


def oscillators() -> ThinFilm:
    terms = TaucLorentz(60.0, 2.5, 3.8, 2.0), TaucLorentz(20.0, 1.5, 5.0, 2.5)
    material = OscillatorSum(terms, 1.5)
    free = {name: (0.5 * value, 1.5 * value) for name, value in material.parameters.items()}
    return ThinFilm("Si", (Layer(material, 60.0, free | {"thickness_nm": (0.0, 200.0)}),))


def test_no_more_values_than_parameters_are_counted() -> None:
    with pytest.raises(SettingError, match="10 free parameters, and the data have 8 values of Psi and Delta"):
        check(oscillators(), 4)


def test_ten_numbers_of_oscillators_at_eleven_wavelengths_are_too_many() -> None:
    with pytest.raises(SettingError, match=r"10 free parameters, but 22 values .* bear about \d: .* apart"):
        check(oscillators())


def test_two_layers_of_one_material_are_told_by_name() -> None:
    layers = tuple(Layer("SiO2", 60.0, {"thickness_nm": (0.0, 200.0)}) for _ in range(2))
    with pytest.raises(SettingError, match=r"bear about 1: .* thickness_nm_1 and thickness_nm_2 apart"):
        check(ThinFilm("Si", layers))


def test_a_dispersion_of_a_few_nanometers_is_too_much_and_of_hundreds_is_not() -> None:
    with pytest.raises(SettingError, match=r"4 free parameters, .* cauchy_b and cauchy_c"):
        check(cauchy(20.0, "cauchy_a", "cauchy_b", "cauchy_c"))
    check(cauchy(400.0, "cauchy_a", "cauchy_b", "cauchy_c"))
    check(cauchy(20.0, "cauchy_a"))


def test_what_is_measured_better_bears_more() -> None:
    better = Noise(np.full(11, 0.0005), np.full(11, 0.001), is_known=True)
    check(cauchy(20.0, "cauchy_a", "cauchy_b", "cauchy_c"), noise=better)


def test_narrow_bounds_are_no_reason_to_refuse() -> None:
    check(ThinFilm("Si", (Layer("SiO2", 0.0, {"thickness_nm": (0.0, 1e-3)}),)))
