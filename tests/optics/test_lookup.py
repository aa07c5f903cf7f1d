"""The look-up finds every minimum of the distance on its grid, and fits end at the truth behind it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ellimaps.optics.absorbing import OscillatorSum
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.lookup import peaks
from ellimaps.optics.materials import Cauchy
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.oscillators import TaucLorentz
from ellimaps.optics.spectra import SpectraFit, SpectraFitter

WAVES, AOI = np.linspace(450.0, 750.0, 50), np.full(50, 50.0)
OXIDE = Layer("SiO2", 100.0, {"thickness_nm": (0.0, 300.0)})
CAUCHY = {"thickness_nm": (0.0, 400.0), "cauchy_a": (1.4, 1.7), "cauchy_b": (0.0, 0.02)}
POLYMER = Layer(Cauchy(1.55, 0.005), 150.0, CAUCHY)
SILICON = Layer(
    OscillatorSum((TaucLorentz(60.0, 2.5, 3.8, 2.0),), 1.5),
    60.0,
    {
        "thickness_nm": (0.0, 200.0),
        "tauc_lorentz_amplitude_ev": (30.0, 100.0),
        "tauc_lorentz_gap_ev": (1.5, 2.5),
    },
)


def by_hand(grid: np.ndarray) -> set[tuple[int, ...]]:
    found = set()
    for at in itertools.product(*map(range, grid.shape)):
        around = itertools.product(*(range(max(i - 1, 0), i + 2) for i in at))
        near = [
            (grid[other], other)
            for other in around
            if all(i < n for i, n in zip(other, grid.shape, strict=True))
        ]
        if max(near)[1] == at:
            found.add(at)
    return found


@pytest.mark.parametrize("shape", [(9,), (7, 5), (4, 3, 6), (4, 3, 3, 5)])
@pytest.mark.parametrize("levels", [3, 1000])
def test_peaks_are_those_found_by_looking_at_every_neighbor(shape: tuple[int, ...], levels: int) -> None:
    # Few levels: many neighbors are equal, of which the last counts; negative ones: nothing beyond the edge.
    grids = np.random.default_rng(len(shape)).integers(-levels, 0, (5, *shape)).astype(np.float32)
    padded = np.pad(grids, [(0, 0), *[(0, 1)] * len(shape)], constant_values=-np.inf)
    grid, node = peaks(padded)
    at = zip(
        grid.tolist(), *(axis.tolist() for axis in np.unravel_index(node, padded.shape[1:])), strict=True
    )
    expected = {(number, *place) for number, one in enumerate(grids) for place in by_hand(one)}
    assert set(at) == expected


def fitted(model: ThinFilm, truth: np.ndarray) -> SpectraFit:
    rng = np.random.default_rng(3)
    psi, delta = model.psi_delta(WAVES, AOI, truth)
    psi = psi + rng.normal(0, 0.05, psi.shape)
    delta = delta + rng.normal(0, 0.1, delta.shape) / np.sin(np.deg2rad(2 * psi))
    return SpectraFitter(model, WAVES, AOI, FitOptions()).fit(psi, delta % 360)


@pytest.mark.parametrize("film", [POLYMER, SILICON])
def test_four_parameters_are_found_from_anywhere_within_their_bounds(film: Layer) -> None:
    model = ThinFilm("Si", (film, OXIDE))
    low, high = np.array([(one.low, one.high) for one in model.parameters]).T
    truth = low + (high - low) * np.random.default_rng(5).uniform(0.08, 0.92, (120, 4))
    fit = fitted(model, truth)
    far = (np.abs(fit.parameters - truth) > 5 * fit.standard_errors).any(axis=1)
    trusted = fit.flags == Flag.OK
    assert not (far & trusted).any()
    assert trusted.mean() > 0.95


def test_bounds_far_apart_are_searched_further_where_nothing_found_describes_the_data() -> None:
    wide = {"thickness_nm": (0.0, 1000.0), "cauchy_a": (1.3, 2.5), "cauchy_b": (0.0, 0.05)}
    oxide = Layer("SiO2", 100.0, {"thickness_nm": (0.0, 500.0)})
    model = ThinFilm("Si", (Layer(Cauchy(1.8, 0.005), 150.0, wide), oxide))
    rng = np.random.default_rng(7)
    truth = np.column_stack(
        [rng.uniform(*one, 150) for one in ((20, 980), (1.6, 2.3), (0.002, 0.04), (10, 480))]
    )
    fit = fitted(model, truth)
    far = (np.abs(fit.parameters - truth) > 5 * fit.standard_errors).any(axis=1)
    assert not (far & (fit.flags == Flag.OK)).any()
    # With the six best nodes of each spectrum 0.95 of them were found.
    assert (fit.flags == Flag.OK).mean() > 0.97
