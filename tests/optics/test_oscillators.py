"""Oscillators: against the integral that defines their real part, another library, and differences."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from ellimaps.core.errors import SettingError
from ellimaps.core.photons import EV_NM
from ellimaps.optics.absorbing import SplineIndex
from ellimaps.optics.dual import Dual, slopes_of, value_of
from ellimaps.optics.oscillators import OSCILLATORS
from ellimaps.optics.oscillators.tauc_lorentz import TaucLorentz

ENERGIES = np.linspace(0.6, 6.5, 60)
Sets = dict[str, tuple[float, float]]
# Broadenings beyond twice the energy, where a Lorentz oscillator is overdamped, are among them.
RANGES: dict[str, Sets] = {
    "lorentz": {"amplitude": (0.1, 10), "broadening_ev": (0.05, 2), "energy_ev": (1, 8)},
    "drude": {"amplitude_ev": (1, 80), "broadening_ev": (0.02, 2)},
    "gaussian": {"amplitude": (0.1, 10), "broadening_ev": (0.1, 3), "energy_ev": (1, 7)},
    "pole": {"amplitude_ev2": (1, 100), "energy_ev": (8, 15)},
    "tauc_lorentz": {
        "amplitude_ev": (5, 200),
        "broadening_ev": (0.1, 9),
        "energy_ev": (1, 6),
        "gap_ev": (0, 3),
    },
    "cody_lorentz": {
        "amplitude_ev": (5, 200),
        "broadening_ev": (0.3, 9),
        "energy_ev": (2, 6),
        "gap_ev": (0.5, 1.8),
        "transition_ev": (0.1, 2),
        "tail_ev": (1.85, 2.6),
        "urbach_ev": (0.01, 0.3),
    },
}


def random_sets(key: str, count: int) -> list[dict[str, float]]:
    draw = np.random.default_rng(2026)
    return [{name: float(draw.uniform(*ends)) for name, ends in RANGES[key].items()} for _ in range(count)]


def principal(of: Callable[[float], float], low: float, high: float, pole: float) -> float:
    return float(quad(of, low, high, weight="cauchy", wvar=pole, limit=800)[0])


def kramers_kronig(e2: Callable[[float], float], energy: float, lowest: float) -> float:
    """The real part by quadrature; ``lowest`` is where e2 begins."""

    def regular(x: float) -> float:
        return x * e2(x) / (x**2 - energy**2)

    total, far = 0.0, 2 * energy if lowest < energy else lowest
    if lowest < energy:
        total = quad(
            lambda x: x * e2(x) / (x + energy),
            max(lowest, 1e-6),
            far,
            weight="cauchy",
            wvar=energy,
            limit=400,
        )[0]
    for low, high in ((far, 20.0), (20.0, np.inf)):
        total += quad(regular, low, high, limit=400)[0]
    return float(2 / np.pi * total)


def test_every_oscillator_is_tested() -> None:
    assert set(RANGES) == set(OSCILLATORS)


@pytest.mark.parametrize("key", ["lorentz", "gaussian", "tauc_lorentz", "cody_lorentz"])
def test_real_parts_are_the_integrals_of_the_imaginary_ones(key: str) -> None:
    term = OSCILLATORS[key].permittivity
    for given in random_sets(key, 3):

        def e2(x: float, given: dict[str, float] = given) -> float:
            return float(term(np.array([x]), **given).imag[0])

        lowest = given.get("gap_ev", 0.0) if key == "tauc_lorentz" else 0.0
        for energy in (0.8, 2.01, 3.3):
            got = term(np.array([energy]), **given).real[0]
            assert got == pytest.approx(kramers_kronig(e2, energy, lowest), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("key", OSCILLATORS)
def test_derivatives_are_those_of_differences(key: str) -> None:
    term = OSCILLATORS[key].permittivity
    for given in random_sets(key, 100):
        # At a gap and where a tail begins e2 has a kink.
        kinks = [given[name] for name in ("gap_ev", "tail_ev") if name in given]
        energies = ENERGIES[
            [min((abs(one - kink) for kink in kinks), default=1.0) > 1e-3 for one in ENERGIES]
        ]
        found = term(energies, **{name: Dual(value, {name: 1.0}) for name, value in given.items()})
        np.testing.assert_allclose(value_of(found), term(energies, **given), rtol=1e-12)
        for name, value in given.items():
            step = 1e-6 * value
            above, below = (term(energies, **(given | {name: value + side * step})) for side in (1, -1))
            differences = (above - below) / (2 * step)
            scale = np.abs(differences).max()
            np.testing.assert_allclose(slopes_of(found)[name] / scale, differences / scale, atol=1e-5)


def test_another_library_has_the_same_values() -> None:
    elli = pytest.importorskip("elli")
    wavelengths = elli.utils.conversion_wavelength_energy(ENERGIES)

    def lorentz(p: dict[str, float]) -> object:
        strength = p["amplitude"] * p["broadening_ev"] * p["energy_ev"]
        return elli.LorentzEnergy().add(A=strength, E=p["energy_ev"], gamma=p["broadening_ev"])

    def gaussian(p: dict[str, float]) -> object:
        return elli.Gaussian().add(A=p["amplitude"], E=p["energy_ev"], sigma=p["broadening_ev"])

    def tauc_lorentz(p: dict[str, float]) -> object:
        one = elli.TaucLorentz(Eg=p["gap_ev"])
        return one.add(A=p["amplitude_ev"], E=p["energy_ev"], C=p["broadening_ev"])

    for key, theirs in (("lorentz", lorentz), ("gaussian", gaussian), ("tauc_lorentz", tauc_lorentz)):
        for given in random_sets(key, 100):
            # Beyond it their square root has no branch for an overdamped oscillator.
            if key == "tauc_lorentz" and given["broadening_ev"] > 1.9 * given["energy_ev"]:
                continue
            expected = theirs(given).dielectric_function(wavelengths)  # type: ignore[attr-defined]
            got = OSCILLATORS[key].permittivity(ENERGIES, **given)
            constant = 1.0 if key == "lorentz" and abs((expected - got).real[0] - 1) < 1e-6 else 0.0
            np.testing.assert_allclose(got + constant, expected, atol=1e-6, rtol=1e-6)


def test_a_free_charge_is_an_oscillator_at_no_energy() -> None:
    drude = OSCILLATORS["drude"].permittivity(ENERGIES, amplitude_ev=40.0, broadening_ev=0.3)
    expected = -40 * 0.3 / (ENERGIES**2 + 0.3j * ENERGIES)
    np.testing.assert_allclose(drude, expected, rtol=1e-12)
    assert (drude.imag > 0).all()


def test_gaps_and_critical_damping_are_no_holes() -> None:
    at_gap = TaucLorentz.permittivity(
        np.array([2.5]), amplitude_ev=100.0, broadening_ev=2.0, energy_ev=4.0, gap_ev=2.5
    )
    assert np.isfinite(at_gap).all()
    near, critical = (
        TaucLorentz.permittivity(ENERGIES, amplitude_ev=100.0, broadening_ev=c, energy_ev=2.0, gap_ev=0.5)
        for c in (4.0 * (1 + 1e-6), 4.0)
    )
    np.testing.assert_allclose(critical, near, rtol=1e-5)
    tail = {name: float(np.mean(ends)) for name, ends in RANGES["cody_lorentz"].items()}
    around = np.array([tail["tail_ev"] - 1e-7, tail["tail_ev"], tail["tail_ev"] + 1e-7])
    np.testing.assert_allclose(
        np.diff(OSCILLATORS["cody_lorentz"].permittivity(around, **tail)), 0, atol=1e-3
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"broadening_ev": 0.0}, "must be above 0"),
        ({"gap_ev": -1.0}, "must not be negative"),
        ({"amplitude_ev": float("nan")}, "must be a number"),
        ({"amplitude_ev": 1e308}, "must be a number within"),
    ],
)
def test_what_is_no_oscillator_is_refused(change: dict[str, float], why: str) -> None:
    given = {"amplitude_ev": 10.0, "broadening_ev": 1.0, "energy_ev": 3.0, "gap_ev": 1.0}
    with pytest.raises(SettingError, match=why):
        TaucLorentz(**(given | change))


def test_a_spline_of_k_has_the_n_that_belongs_to_it() -> None:
    spline = SplineIndex((1.5, 2.0, 2.5, 3.0, 3.7, 4.5), (0.1, 0.3, 0.8, 0.2, 0.4, 0.1), 1.5)

    def k(energy: float) -> float:
        return float(spline(np.array([EV_NM / energy])).imag[0])

    assert k(0.4) == 0
    assert k(6.2) == 0
    for energy in (1.0, 2.2, 2.5, 3.3):
        integral = quad(
            lambda x, e=energy: x * k(x) / (x + e),
            0.05,
            2 * energy + 4.5,
            weight="cauchy",
            wvar=energy,
            limit=800,
        )[0]
        n = float(spline(np.array([EV_NM / energy])).real[0])
        assert n == pytest.approx(1.5 + 2 / np.pi * integral, abs=1e-6)


def test_every_formula_of_a_film_is_documented_with_its_source() -> None:
    for one in OSCILLATORS.values():
        assert re.search(r"doi:10\.", one.__doc__ or ""), one
