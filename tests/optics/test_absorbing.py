"""Absorbing films: index tables of other software, model files, and fits that find what was put in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.stacks import one_sentence

from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.optics.absorbing import CauchyUrbach, OscillatorSum, SplineIndex
from ellimaps.optics.bounds import Bounds
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Uniaxial
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Constant, Material, Sellmeier
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text, read_model
from ellimaps.optics.oscillators.gaussian import Gaussian
from ellimaps.optics.oscillators.lorentz import Lorentz
from ellimaps.optics.oscillators.tauc_lorentz import TaucLorentz
from ellimaps.optics.spectra import SpectraFitter

WAVELENGTHS = np.linspace(350.0, 900.0, 40)
ANGLES = np.full(40, 65.0)
AMORPHOUS = OscillatorSum((TaucLorentz(100.0, 2.0, 5.0, 2.5),), 1.5)
MODEL = """substrate = "Si"
[[layers]]
material = MATERIAL
thickness_nm = 40.0
"""


def model_of(tmp_path: Path, material: str) -> ThinFilm:
    path = tmp_path / "film.toml"
    path.write_text(MODEL.replace("MATERIAL", material))
    return read_model(path)


def index_of(tmp_path: Path, material: str, wavelengths: np.ndarray) -> np.ndarray:
    index = model_of(tmp_path, material).layers[0].material(wavelengths)
    assert not isinstance(index, Uniaxial)
    return index


def test_a_gaussian_is_that_of_other_software(tmp_path: Path, shared_data: Path) -> None:
    waves, n, k = np.loadtxt(shared_data / "spectra" / "Gaussnk_fromCompleteEase.txt").T
    term = "{ gaussian = { amplitude = 0.5, broadening_ev = 1.0, energy_ev = 2.5 } }"
    index = index_of(tmp_path, f"{{ oscillators = [ {term} ], offset = 1.0 }}", waves)
    np.testing.assert_allclose(index.real, n, rtol=5e-4)
    np.testing.assert_allclose(index.imag, k, rtol=0.005, atol=2e-4)


def test_lorentz_oscillators_are_those_of_other_software(tmp_path: Path, shared_data: Path) -> None:
    waves, n, k = np.loadtxt(shared_data / "spectra" / "Lorentznk_fromWVASE.txt").T
    # The table is that of amplitude / (E0**2 - E**2 - i B E) with amplitudes 5 and 10 eV**2.
    terms = ", ".join(
        f"{{ lorentz = {{ amplitude = {a / (b * e)}, broadening_ev = {b}, energy_ev = {e} }} }}"
        for a, b, e in ((5.0, 0.25, 2.0), (10.0, 0.5, 4.0))
    )
    index = index_of(tmp_path, f"{{ oscillators = [ {terms} ], offset = 2.0 }}", waves)
    np.testing.assert_allclose(index.real, n, rtol=0.005)
    np.testing.assert_allclose(index.imag, k, rtol=0.005)


@pytest.mark.parametrize(
    "material",
    [
        AMORPHOUS,
        OscillatorSum((Gaussian(0.5, 1.0, 2.5), Gaussian(1.0, 2.0, 4.5), Lorentz(1.0, 0.2, 6.0)), 2.0),
        CauchyUrbach((1.6, 0.01, 0.0), 0.1, 0.3, 3.5),
        SplineIndex((1.5, 2.5, 3.5), (0.1, 0.2, 0.4), 1.6),
        UniaxialMaterial(OscillatorSum((Gaussian(0.5, 1.0, 2.5),), 2.2), Cauchy(1.7, 0.01)),
        Constant(1.6, 0.05),
        Sellmeier(((1.2, 0.12), (0.8, 9.0))),
    ],
)
def test_a_model_file_holds_every_dispersion(tmp_path: Path, material: Material | UniaxialMaterial) -> None:
    name = next(iter(material.parameters))
    value = material.parameters[name]
    given = ThinFilm("Si", (Layer(material, 40.0, {name: (0.5 * value, 2 * value)}),))
    path = tmp_path / "film.toml"
    path.write_text(model_text(given), encoding="utf-8")
    read = read_model(path)
    assert read == given
    assert model_text(read) == model_text(given)


def test_names_tell_terms_of_a_kind_apart() -> None:
    twice = OscillatorSum((Gaussian(0.5, 1.0, 2.5), Gaussian(1.0, 2.0, 4.5)), 2.0)
    assert list(twice.parameters)[:4] == [
        "gaussian_1_amplitude",
        "gaussian_1_broadening_ev",
        "gaussian_1_energy_ev",
        "gaussian_2_amplitude",
    ]
    assert twice.with_parameter("gaussian_2_energy_ev", 4.0).terms[1].energy_ev == 4.0  # type: ignore[attr-defined]
    assert twice.with_parameter("offset", 1.0).offset == 1.0


def test_numbers_that_no_fit_changes_are_changed_by_name() -> None:
    tail = CauchyUrbach((1.6, 0.01, 0.0), 0.1, 0.3, 3.5)
    assert tail.with_parameter("urbach_edge_ev", 3.0) == replace(tail, edge_ev=3.0)
    crystal = UniaxialMaterial(Cauchy(1.7), tail)
    assert crystal.fixed == {"extraordinary_urbach_edge_ev": 3.5}
    changed = crystal.with_parameter("extraordinary_urbach_edge_ev", 3.0)
    assert changed.extraordinary == replace(tail, edge_ev=3.0)
    with pytest.raises(SettingError, match="cannot be free"):
        Layer(tail, 10.0, {"urbach_edge_ev": (3.0, 4.0)})


def test_a_spline_of_more_nodes_follows_that_of_fewer() -> None:
    made = SplineIndex((1.5, 2.5, 3.5), (0.1, 0.2, 0.4), 1.6).between(1.5, 3.5, 5)
    assert made.energies_ev == (1.5, 2.0, 2.5, 3.0, 3.5)
    assert made.k == pytest.approx((0.1, 0.15, 0.2, 0.3, 0.4))
    assert made.offset == 1.6


CASES: list[tuple[Material | UniaxialMaterial, Bounds]] = [
    (AMORPHOUS, {"thickness_nm": (20.0, 200.0), "tauc_lorentz_gap_ev": (2.0, 3.0)}),
    (AMORPHOUS, {"thickness_nm": (20.0, 200.0), "tauc_lorentz_amplitude_ev": (60.0, 140.0)}),
    (
        OscillatorSum((Gaussian(0.5, 1.0, 2.5),), 2.2),
        {"thickness_nm": (20.0, 200.0), "gaussian_amplitude": (0.1, 1.0), "gaussian_energy_ev": (2.2, 2.8)},
    ),
    (
        CauchyUrbach((1.6, 0.01, 0.0), 0.1, 0.3, 3.5),
        {"thickness_nm": (20.0, 200.0), "urbach_amplitude": (0.01, 0.3)},
    ),
    (
        SplineIndex((1.5, 2.5, 3.5), (0.1, 0.2, 0.4), 1.6),
        {"thickness_nm": (20.0, 200.0), "spline_k_2": (0.05, 0.5)},
    ),
    (
        UniaxialMaterial(OscillatorSum((Gaussian(0.5, 1.0, 2.5),), 2.2), Cauchy(1.7, 0.01)),
        {"thickness_nm": (20.0, 200.0), "gaussian_amplitude": (0.2, 1.0)},
    ),
    (
        Constant(1.6, 0.05),
        {"thickness_nm": (60.0, 140.0), "index_n": (1.5, 1.7), "index_k": (0.0, 0.1)},
    ),
    (
        Sellmeier(((1.2, 0.12), (0.8, 9.0))),
        {"thickness_nm": (60.0, 140.0), "sellmeier_1_strength": (1.0, 1.4)},
    ),
    (
        Sellmeier(((1.2, 0.12),)),
        {"thickness_nm": (60.0, 140.0), "sellmeier_1_resonance_um": (0.1, 0.15)},
    ),
]


@pytest.mark.parametrize(("material", "free"), CASES)
@pytest.mark.parametrize("many", [False, True])
def test_free_parameters_of_a_film_are_found_again(
    material: Material | UniaxialMaterial, free: Bounds, many: bool
) -> None:
    model = ThinFilm("Si", (Layer(material, 100.0, free),))
    draw = np.random.default_rng(1)
    truth = np.stack([draw.uniform(0.7 * p.low + 0.3 * p.high, p.high, 12) for p in model.parameters], axis=1)
    psi, delta = model.psi_delta(WAVELENGTHS, ANGLES, truth)
    fit = SpectraFitter(model, WAVELENGTHS, ANGLES, FitOptions(), many=many).fit(psi, delta)
    np.testing.assert_allclose(fit.parameters, truth, rtol=1e-4)
    assert (fit.flags == Flag.OK).mean() > 0.8


@pytest.mark.parametrize(("material", "free"), CASES)
def test_derivatives_through_the_film_are_those_of_differences(
    material: Material | UniaxialMaterial, free: Bounds
) -> None:
    curve = ExactCurve(ThinFilm("Si", (Layer(material, 100.0, free),)), WAVELENGTHS, ANGLES)
    at = np.array([[0.6 * p.low + 0.4 * p.high for p in curve.parameters]])
    _, slopes = curve(at)
    for number, parameter in enumerate(curve.parameters):
        step = np.zeros_like(at)
        step[0, number] = 1e-6 * (parameter.high - parameter.low)
        differences = (curve.values(at + step) - curve.values(at - step)) / (2 * step[0, number])
        np.testing.assert_allclose(
            slopes[number], differences, rtol=1e-5, atol=1e-5 * np.abs(differences).max()
        )


def test_compiled_loops_and_arrays_agree() -> None:
    pytest.importorskip("numba")
    from ellimaps.optics.compiled import CompiledCurve

    for material, free in CASES:
        exact = ExactCurve(ThinFilm("Si", (Layer(material, 100.0, free),)), WAVELENGTHS, ANGLES)
        draw = np.random.default_rng(3).uniform(exact.low, exact.high, (5, len(exact.low)))
        np.testing.assert_allclose(CompiledCurve(exact).values(draw), exact.values(draw), atol=1e-9)


@pytest.mark.parametrize(
    ("material", "needle"),
    [
        ("{ oscillators = [] }", "1 to 20"),
        ("{ oscillators = [ { lorentzian = {} } ] }", "unknown 'lorentzian'"),
        ("{ oscillators = [ { drude = { amplitude_ev = 1.0 } } ] }", "needs broadening_ev"),
        ("{ oscillators = [ { drude = 3 } ] }", "table of amplitude_ev"),
        ("{ oscillators = [ { drude = { amplitude_ev = 1e308, broadening_ev = 1 } } ] }", "within"),
        ("{ oscillators = 3 }", "must be a list"),
        ("{ offset = 3 }", "needs oscillators"),
        ("{ cauchy = [1.5], offset = 3 }", "several ways"),
        (
            "{ cauchy = [1.5], urbach = { amplitude = -1, urbach_ev = 1, edge_ev = 3 } }",
            "amplitude of 0 or more",
        ),
        ("{ spline = { energies_ev = [2, 1], k = [0, 0] } }", "ascending"),
        ("{ spline = { energies_ev = [1, 2], k = [0, -1] } }", "0 or more"),
    ],
)
def test_what_is_no_dispersion_is_refused_in_one_sentence(tmp_path: Path, material: str, needle: str) -> None:
    with pytest.raises(EllimapsError, match=needle) as error:
        model_of(tmp_path, material)
    assert one_sentence(error)


def test_bounds_that_are_no_material_are_refused() -> None:
    with pytest.raises(EllimapsError, match="must be above 0"):
        Layer(AMORPHOUS, 40.0, {"tauc_lorentz_broadening_ev": (0.0, 3.0)})
