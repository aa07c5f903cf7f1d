"""The forward model of films against an independent program, limits and its own derivatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support.film_stacks import linked_films

from ellimaps.core.errors import SettingError
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.curve_table import TabulatedCurve
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Constant
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.solver import Target

WAVELENGTHS = np.linspace(400.0, 900.0, 2)
STACKS = 1000


def random_constant(rng: np.random.Generator) -> Constant:
    return Constant(rng.uniform(0.3, 4.0), rng.choice([0.0, rng.uniform(0.0, 3.0)]))


def random_film(rng: np.random.Generator, *, uniaxial: bool) -> ThinFilm:
    """A stack of up to four layers; if uniaxial, crystals among them or below, transparent or not."""
    layers = []
    crystal = rng.integers(0, 4) if uniaxial else -1
    for number in range(max(int(rng.integers(0, 5)), int(crystal) + 1)):
        film = random_constant(rng)
        if uniaxial and (number == crystal or rng.random() < 0.4):
            film = UniaxialMaterial(film, random_constant(rng))
        layers.append(Layer(film, rng.uniform(0.0, 200.0)))
    ambient = Constant(rng.choice([1.0, 1.33]))
    return ThinFilm(random_constant(rng), tuple(layers), ambient, aoi_deg=rng.uniform(20.0, 80.0))


def elli_rho(film: ThinFilm, solver_name: str) -> np.ndarray:
    elli = pytest.importorskip("elli")

    def index(material: Constant) -> object:
        return elli.ConstantRefractiveIndex(material.n + 1j * material.k)

    def medium(material: object) -> object:
        if isinstance(material, UniaxialMaterial):
            return elli.UniaxialMaterial(index(material.ordinary), index(material.extraordinary))
        return elli.IsotropicMaterial(index(material))

    layers = [elli.Layer(medium(layer.material), layer.thickness_nm) for layer in film.layers]
    structure = elli.Structure(medium(film.ambient), layers, medium(film.substrate))
    return structure.evaluate(WAVELENGTHS, film.aoi_deg, solver=getattr(elli, solver_name)).rho


@pytest.mark.parametrize(("uniaxial", "solver"), [(False, "Solver2x2"), (True, "Solver4x4")])
def test_a_thousand_random_stacks_agree_with_pyelli(uniaxial: bool, solver: str) -> None:
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(STACKS):
        film = random_film(rng, uniaxial=uniaxial)
        theirs, ours = elli_rho(film, solver), film.rho(WAVELENGTHS)
        # Where r_s nearly vanishes rho is large, and 1e-10 of it is meant.
        worst = max(worst, float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)))))
    print(f"largest difference in rho from pyElli {solver}, {STACKS} stacks: {worst:.1e}")
    assert worst <= 1e-10


def every_parameter() -> ThinFilm:
    crystal = UniaxialMaterial(Cauchy(2.1, 0.03), Cauchy(1.65, 0.01))
    free = {
        "thickness_nm": (0.0, 100.0),
        "cauchy_a": (2.0, 2.3),
        "cauchy_b": (0.0, 0.1),
        "extraordinary_a": (1.5, 2.0),
    }
    oxide = Layer(Cauchy(1.45, 0.004), 290.0, {"thickness_nm": (0.0, 400.0), "cauchy_a": (1.4, 1.5)})
    layers = (Layer(crystal, 36.0, free), Layer(Constant(1.6, 0.3), 10.0), oxide)
    return ThinFilm("Si", layers, free={"aoi_offset_deg": (-1.0, 1.0)})


def test_derivatives_are_those_of_the_forward_model() -> None:
    film, angles = every_parameter(), np.array([50.0, 60.0, 70.0, 50.0])
    curve = ExactCurve(film, np.array([450.0, 550.0, 650.0, 750.0]), angles)
    theta = curve.low + (curve.high - curve.low) * np.random.default_rng(1).random((20, len(curve.low)))
    values, derivatives = curve(theta)
    np.testing.assert_allclose(values, curve.values(theta), atol=1e-9)
    for number, width in enumerate(curve.high - curve.low):
        step = np.zeros(len(curve.low))
        step[number] = 1e-6 * width
        rise = curve.values(theta + step) - curve.values(theta - step)
        rise[:, 4:] -= 360 * np.round(rise[:, 4:] / 360)
        expected = rise / (2 * step[number])
        np.testing.assert_allclose(derivatives[number], expected, rtol=1e-4, atol=1e-5 * abs(expected).max())


def test_compiled_loops_sum_up_what_arrays_do() -> None:
    """Chi squared, slopes and normal matrices of every kind of parameter, with missing values."""
    pytest.importorskip("numba")
    from ellimaps.optics.compiled import CompiledCurve

    rng, waves = np.random.default_rng(1), np.array([450.0, 550.0, 650.0, 750.0])
    film = every_parameter()
    film = replace(film, delta_offset_deg=2.0, free=film.free | {"delta_offset_deg": (-5.0, 5.0)})
    opaque = ThinFilm("Al", (Layer("Cr", 900.0, {"thickness_nm": (0.0, 2000.0)}),))
    evanescent = replace(opaque, ambient=Constant(1.8), layers=(replace(opaque.layers[0], material="SiO2"),))
    for model in (film, opaque, evanescent, *linked_films().values()):
        exact = ExactCurve(model, waves, np.array([50.0, 60.0, 70.0, 50.0]))
        theta = exact.low + (exact.high - exact.low) * rng.random((20, len(exact.low)))
        angles = exact.values(theta) + rng.normal(0, 5, (20, 8))
        target = Target(angles, rng.uniform(1, 20, (20, 8)) * (rng.random((20, 8)) > 0.2))
        target.weights[0] = 0
        target.weights[1:, 1] = target.weights[1:, 5] = 0
        compiled = CompiledCurve(exact)
        for ours, arrays in zip(
            compiled.normal_equations(target, theta), exact.normal_equations(target, theta), strict=True
        ):
            np.testing.assert_allclose(ours, arrays, rtol=1e-8, atol=1e-9 * abs(arrays).max())
        np.testing.assert_allclose(compiled.chi2(target, theta), exact.chi2(target, theta), rtol=1e-9)
        np.testing.assert_allclose(compiled.values(theta), exact.values(theta), atol=1e-9)


@pytest.mark.parametrize("aoi", [50.0, 76.0])
def test_the_table_is_the_model(aoi: float) -> None:
    film = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
    exact = ExactCurve(film, np.linspace(450, 750, 11), np.full(11, aoi))
    table = TabulatedCurve(exact)
    theta = np.append(np.random.default_rng(2).uniform(0, 400, 500), [0.0, 400.0])[:, None]
    (values, slopes), (tabulated, tabulated_slopes) = exact(theta), table(theta)
    difference = tabulated - values
    difference[:, 11:] -= 360 * np.round(difference[:, 11:] / 360)
    # A hundredth of the noise; looser only where Delta turns round within a fraction of a nanometre.
    assert np.quantile(abs(difference), 0.999) < 1e-3
    assert np.quantile(abs(tabulated_slopes - slopes), 0.99) < 0.02


def test_shapes_broadcast() -> None:
    film = every_parameter()
    waves, angles = np.array([[500.0], [600.0], [700.0]]), np.array([50.0, 60.0])
    assert film.rho(waves, angles).shape == (3, 2)
    theta = np.tile([p.start for p in film.parameters], (4, 5, 1))
    many = film.rho(waves, angles, theta)
    assert many.shape == (4, 5, 3, 2)
    np.testing.assert_allclose(many[2, 3], film.rho(waves, angles))
    psi, delta = film.psi_delta(600.0, 50.0)
    assert psi.shape == delta.shape == ()
    with pytest.raises(SettingError, match="7 free parameters"):
        film.rho(600.0, 50.0, [1.0, 2.0])


@settings(max_examples=40, deadline=None)
@given(
    n=st.floats(1.0, 4.0), k=st.floats(0.0, 4.0), thickness=st.floats(0.0, 500.0), aoi=st.floats(1.0, 89.0)
)
def test_properties_of_any_film(n: float, k: float, thickness: float, aoi: float) -> None:
    waves, film = np.array([500.0, 700.0]), Constant(n, k)
    rho = ThinFilm("Si", (Layer(film, thickness),), aoi_deg=aoi).rho(waves)
    assert np.isfinite(rho).all()
    # A crystal whose indices are equal is no crystal, and two halves make a whole.
    crystal = ThinFilm("Si", (Layer(UniaxialMaterial(film, film), thickness),), aoi_deg=aoi).rho(waves)
    halves = ThinFilm("Si", (Layer(film, thickness / 2),) * 2, aoi_deg=aoi).rho(waves)
    np.testing.assert_allclose(crystal, rho, rtol=1e-9)
    np.testing.assert_allclose(halves, rho, rtol=1e-9)
    bare = ThinFilm("Si", aoi_deg=aoi).rho(waves)
    absent = ThinFilm("Si", (Layer(film, 0.0),), aoi_deg=aoi).rho(waves)
    np.testing.assert_allclose(absent, bare, rtol=1e-9)


def test_rho_has_the_sign_of_the_data() -> None:
    """rho = tan Psi exp(-i Delta) with n + ik: oxide of 293.5 nm at 550 nm has Delta below 180 deg."""
    film = ThinFilm("Si", (Layer("SiO2", 293.5),))
    psi, delta = film.psi_delta(550.0, 50.0)
    assert float(psi) == pytest.approx(39.0, abs=1.0)
    assert float(delta) == pytest.approx(141.7, abs=1.0)
    rho = np.tan(np.deg2rad(psi)) * np.exp(-1j * np.deg2rad(delta))
    assert complex(film.rho(550.0, 50.0)) == pytest.approx(complex(rho))
