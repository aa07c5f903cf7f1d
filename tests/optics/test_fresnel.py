"""The thin-film forward model against an independent program, limits and published values."""

from __future__ import annotations

import numpy as np
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.optics.fresnel import (
    mueller_elements,
    psi_delta,
    psi_delta_from_mueller,
    reflection_coefficients,
    reflection_ratio,
)
from ellimaps.samples.oxide import silica_index, silicon_index

SILICON_550 = 4.077 + 0.027968j


@pytest.mark.parametrize("seed", range(8))
def test_random_stacks_agree_with_pyelli(seed: int) -> None:
    elli = pytest.importorskip("elli")
    rng = np.random.default_rng(seed)
    wavelengths = np.linspace(400.0, 900.0, 7)
    n_layers = seed % 5
    indices = rng.uniform(0.2, 4.0, n_layers + 1) + 1j * rng.uniform(0.0, 3.0, n_layers + 1)
    indices[rng.random(n_layers + 1) < 0.4] = 1.7
    thicknesses = rng.uniform(0.0, 300.0, n_layers)
    ambient, aoi = (1.0, 1.33)[seed % 2], rng.uniform(5.0, 85.0)

    def medium(index: complex) -> object:
        return elli.IsotropicMaterial(elli.ConstantRefractiveIndex(index))

    layers = [elli.Layer(medium(n), d) for n, d in zip(indices, thicknesses, strict=False)]
    structure = elli.Structure(medium(ambient), layers, medium(indices[-1]))
    theirs = structure.evaluate(wavelengths, aoi, solver=elli.Solver2x2)
    ours = reflection_ratio(ambient, list(indices[:-1]), list(thicknesses), indices[-1], wavelengths, aoi)
    np.testing.assert_allclose(ours, theirs.rho, rtol=1e-10, atol=1e-10)
    psi, delta = psi_delta(ours)
    np.testing.assert_allclose(psi, theirs.psi, atol=1e-8)
    np.testing.assert_allclose((delta - theirs.delta + 180) % 360 - 180, 0, atol=1e-7)


def test_oxidised_silicon_is_near_what_a_real_instrument_reports() -> None:
    """The background of the hBN measurement: Delta 141.7, Psi 39.0 deg at 550 nm and 50 deg."""
    wavelength = np.array(550.0)
    rho = reflection_ratio(
        1.0, [silica_index(wavelength)], [293.5], silicon_index(wavelength), wavelength, 50.0
    )
    psi, delta = psi_delta(rho)
    assert psi == pytest.approx(39.0, abs=1.0)
    assert delta == pytest.approx(141.7, abs=1.0)


def test_bare_silicon_below_and_above_its_brewster_angle() -> None:
    psi, delta = psi_delta(reflection_ratio(1.0, [], [], SILICON_550, 550.0, np.array([0.0, 50.0, 85.0])))
    assert psi[0] == pytest.approx(45.0)
    assert delta[:2] == pytest.approx([180.0, 180.0], abs=0.5)
    assert delta[2] == pytest.approx(0.0, abs=1.0)


def test_arguments_broadcast() -> None:
    wavelengths = np.linspace(450.0, 750.0, 5)[:, None]
    thicknesses = np.linspace(0.0, 400.0, 9)
    oxide, silicon = silica_index(wavelengths), silicon_index(wavelengths)
    rho = reflection_ratio(1.0, [oxide], [thicknesses], silicon, wavelengths, 50.0)
    assert rho.shape == (5, 9)
    single = reflection_ratio(1.0, [oxide[2, 0]], [thicknesses[3]], silicon[2, 0], wavelengths[2, 0], 50.0)
    assert rho[2, 3] == pytest.approx(complex(single))
    bare = reflection_ratio(1.0, [], [], 3.9, wavelengths, 50.0)
    assert bare.shape == (5, 1)


def test_a_layer_without_thickness_is_not_there() -> None:
    bare = reflection_ratio(1.0, [], [], SILICON_550, 550.0, 60.0)
    covered = reflection_ratio(1.0, [2.0 + 1.0j, 1.46], [0.0, 0.0], SILICON_550, 550.0, 60.0)
    assert complex(covered) == pytest.approx(complex(bare), abs=1e-14)


def test_a_thick_absorber_hides_what_is_below() -> None:
    bulk = reflection_ratio(1.0, [], [], 0.9 + 6.6j, 550.0, 60.0)
    metal = reflection_ratio(1.0, [0.9 + 6.6j], [1e7], 1.5, 550.0, 60.0)
    assert complex(metal) == pytest.approx(complex(bulk), abs=1e-14)


def test_total_reflection_is_complete_and_decays_inwards() -> None:
    r_p, r_s = reflection_coefficients(1.5, [], [], 1.0, 550.0, 60.0)
    assert abs(complex(r_p)) == pytest.approx(1.0)
    assert abs(complex(r_s)) == pytest.approx(1.0)
    # Fresnel's rhomb: tan(phase / 2) = cos(a) sqrt(sin(a)**2 - n**2) / sin(a)**2 with n = 1 / 1.5.
    sine, cosine = np.sin(np.deg2rad(60.0)), np.cos(np.deg2rad(60.0))
    phase = 2 * np.rad2deg(np.arctan(cosine * np.sqrt(sine**2 - 1.5**-2) / sine**2))
    _, delta = psi_delta(r_p / r_s)
    assert float(delta) == pytest.approx(phase)


def test_delta_is_a_full_circle_without_its_end() -> None:
    psi, delta = psi_delta(np.exp(-1j * np.deg2rad([0.0, 90.0, 180.0, 270.0, -1e-15])))
    np.testing.assert_allclose(psi, 45.0)
    np.testing.assert_allclose(delta, [0.0, 90.0, 180.0, 270.0, 0.0], atol=1e-12)
    assert delta.max() < 360


def test_mueller_elements_hold_the_same_angles() -> None:
    rng = np.random.default_rng(1)
    r_p, r_s = rng.normal(size=(2, 50)) + 1j * rng.normal(size=(2, 50))
    psi, delta = psi_delta(r_p / r_s)
    elements = mueller_elements(r_p, r_s)
    np.testing.assert_allclose(psi_delta_from_mueller(elements), (psi, delta))
    n, c, s = elements / ((np.abs(r_p) ** 2 + np.abs(r_s) ** 2) / 2)
    np.testing.assert_allclose(n, np.cos(np.deg2rad(2 * psi)), atol=1e-12)
    np.testing.assert_allclose(c, np.sin(np.deg2rad(2 * psi)) * np.cos(np.deg2rad(delta)), atol=1e-12)
    np.testing.assert_allclose(s, np.sin(np.deg2rad(2 * psi)) * np.sin(np.deg2rad(delta)), atol=1e-12)


def test_layers_and_thicknesses_have_to_match() -> None:
    with pytest.raises(SettingError, match=r"2 layers .* got 1"):
        reflection_ratio(1.0, [1.46, 2.0], [100.0], 3.9, 550.0, 50.0)
