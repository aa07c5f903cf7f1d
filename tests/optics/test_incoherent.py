"""Layers across which nothing interferes, against means of the coherent stack over their phases."""

from __future__ import annotations

import numpy as np
import pytest

from ellimaps.optics.dual import Dual
from ellimaps.optics.fresnel import amplitudes, isotropic_waves
from ellimaps.optics.incoherent import Elements, reflected_elements

AIR = np.array([1.0 + 0j])
WAVES = np.array([550.0])


def mean_over_phases(indices: list, thicknesses: list, substrate: np.ndarray, angle: float, thick: int):
    """The coherent stack, averaged over thicknesses of one layer that turn its phase round once."""
    across = isotropic_waves(indices[thick], np.sin(np.deg2rad(angle)))[0].normal.real
    steps = np.linspace(0, WAVES / 2 / across, 720, endpoint=False)[:, 0]
    moved = [nm + steps if number == thick else nm for number, nm in enumerate(thicknesses)]
    r_p, r_s = amplitudes(AIR, indices, moved, substrate, WAVES, angle)
    products = abs(r_p) ** 2, abs(r_s) ** 2, r_p * r_s.conj()
    return Elements(*(product.mean(axis=-1, keepdims=True) for product in products))


def test_a_plate_is_the_mean_over_its_phase() -> None:
    rng = np.random.default_rng(3)
    worst = 0.0
    for _ in range(200):
        n_layers = int(rng.integers(1, 5))
        thick = int(rng.integers(0, n_layers))
        indices = [
            np.array([rng.uniform(1.3, 3) + 1j * rng.choice([0, rng.uniform(0, 2)])]) for _ in range(n_layers)
        ]
        indices[thick] = indices[thick].real + 0j
        thicknesses = list(rng.uniform(0, 200, n_layers))
        thicknesses[thick] = rng.uniform(1e5, 1e6)
        substrate, angle = np.array([rng.uniform(1.0, 4) + 0j]), rng.uniform(0, 80)
        if indices[thick].real < np.sin(np.deg2rad(angle)):
            continue
        ours = reflected_elements(AIR, indices, thicknesses, substrate, WAVES, angle, {thick: 1.0})
        truth = mean_over_phases(indices, thicknesses, substrate, angle, thick)
        worst = max(worst, *(float(abs(a - b).max()) for a, b in zip(ours, truth, strict=True)))
    print(f"largest difference of Rpp, Rss, Rps from the mean over the phase: {worst:.1e}")
    assert worst < 1e-10


def test_a_plate_that_absorbs_all_is_a_substrate() -> None:
    film, glass = np.array([2.0 + 0j]), np.array([1.5 + 0.01j])
    plate = reflected_elements(AIR, [film, glass], [80.0, 1e6], AIR, WAVES, 60.0, {1: 1.0})
    alone = reflected_elements(AIR, [film], [80.0], glass, WAVES, 60.0, {})
    none = reflected_elements(AIR, [film, glass], [80.0, 10.0], AIR, WAVES, 60.0, {1: 0.0})
    for one, other, third in zip(plate, alone, none, strict=True):
        assert one == pytest.approx(other, abs=1e-14)
        assert third == pytest.approx(other, abs=1e-14)


def test_two_bare_plates_reflect_as_stacked_panes_do() -> None:
    # Stokes, Proc. R. Soc. 11, 545 (1862): m panes, 2 m surfaces, of reflectance r each, without absorption
    # reflect 2 m r / (1 + (2 m - 1) r).
    glass = np.array([1.5 + 0j])
    panes = reflected_elements(
        AIR, [glass, AIR, glass], [1e6, 1e6, 1e6], AIR, WAVES, 0.0, dict.fromkeys(range(3), 1.0)
    )
    surface = 0.04
    assert panes.pp == pytest.approx(4 * surface / (1 + 3 * surface), abs=1e-12)


def test_the_polarised_part_and_what_is_not() -> None:
    r_p, r_s = 0.3 * np.exp(0.4j), 0.5 * np.exp(2.0j)
    pure = Elements(abs(r_p) ** 2, abs(r_s) ** 2, r_p * np.conj(r_s))
    assert pure.ratio == pytest.approx(r_p / r_s)
    assert pure.depolarization == pytest.approx(0, abs=1e-12)
    # As much light of the two circular senses has no polarised part but what p and s differ by.
    mixed = Elements(1.0, 1.0, 0j)
    assert mixed.depolarization == pytest.approx(1)


def test_derivatives_go_through() -> None:
    glass, film = np.array([1.5 + 1e-8j]), np.array([1.9 + 0.02j])

    def ratio(nm, share):
        return reflected_elements(AIR, [film, glass], [nm, 1e6], AIR, WAVES, 55.0, {1: share}).ratio

    found = ratio(Dual(np.array([70.0]), {"nm": 1.0}), Dual(np.array([0.7]), {"share": 1.0}))
    step = 1e-4
    by_nm = (ratio(70 + step, 0.7) - ratio(70 - step, 0.7)) / (2 * step)
    by_share = (ratio(70, 0.7 + step) - ratio(70, 0.7 - step)) / (2 * step)
    assert found.slopes["nm"] == pytest.approx(by_nm, rel=1e-6)
    assert found.slopes["share"] == pytest.approx(by_share, rel=1e-6)
