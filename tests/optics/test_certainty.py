"""Limits, correlations and remedies, on spectra made without ellimaps' optics."""

from __future__ import annotations

import numpy as np
import pytest
from support.films import CHROMIUM, SILICA, film_angles

from ellimaps.optics.certainty import Certainty, certainty_of
from ellimaps.optics.effective_medium import EffectiveMedium
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Constant
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.remedies import remedies
from ellimaps.optics.spectra import FitProblem, SpectraFitter

WAVES = np.linspace(450, 750, 15)
OPTIONS = FitOptions(0.05, 0.1)


def noisy(films: list, count: int, aoi: float = 60.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    psi, delta = film_angles(films, WAVES, aoi)
    sigma = 0.1 / np.sin(np.deg2rad(2 * psi))
    noise = rng.normal(size=(2, count, len(WAVES)))
    return psi + 0.05 * noise[0], (delta + sigma * noise[1]) % 360


def fitter_of(model: ThinFilm, aoi: float = 60.0) -> SpectraFitter:
    return SpectraFitter(model, WAVES, np.full(len(WAVES), aoi), OPTIONS)


def certainties(model: ThinFilm, psi: np.ndarray, delta: np.ndarray, **how: bool) -> list[Certainty]:
    fitter = fitter_of(model)
    fit, target = fitter.fit(psi, delta), fitter.target(psi, delta)
    problems = [FitProblem(fitter, target.part(np.array([row])), fitter.noise) for row in range(len(psi))]
    return [
        certainty_of(fitter, problem, *found, **how)
        for problem, *found in zip(problems, fit.parameters, fit.standard_errors, strict=True)
    ]


FREE = {"thickness_nm": (0.0, 400.0), "cauchy_a": (1.4, 1.6), "cauchy_b": (0.0, 0.02)}


@pytest.mark.parametrize("n_free", [1, 2, 3])
def test_limits_hold_the_truth_in_nine_of_ten_fits(n_free: int) -> None:
    """Of 200 fits 90 % +- 2.1; `benchmarks/bench_trust.py --only limits` counts 1,000, four free too."""
    truth = np.array([150.0, 1.5, 0.006])
    free = dict(list(FREE.items())[:n_free])
    index = Cauchy(1.48 if n_free > 1 else 1.5, 0.006)
    model = ThinFilm("Si", (Layer(index, 100.0, free),))
    psi, delta = noisy([(Cauchy(1.5, 0.006), 150.0)], 200, seed=n_free)
    limits = np.array([found.limits for found in certainties(model, psi, delta, across=False)])
    share = np.mean((limits[:, :, 0] <= truth[:n_free]) & (truth[:n_free] <= limits[:, :, 1]), axis=0)
    assert (share > 0.83).all()
    assert (share < 0.965).all()


def test_limits_of_a_parabola_are_its_standard_errors() -> None:
    model = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
    (found,) = certainties(model, *noisy([(SILICA, 150.0)], 1))
    half = 1.645 * found.standard_errors[0]
    np.testing.assert_allclose(found.limits[0], found.values[0] + np.array([-half, half]), atol=0.05 * half)
    assert not found.is_open.any()
    assert found.remarks == ()
    curve = found.curves[0]
    assert curve["value"].iloc[[0, -1]].tolist() == [0.0, 400.0]
    assert curve["value"][curve["chi2"].idxmin()] == pytest.approx(found.values[0], abs=0.1)
    assert curve["chi2"].max() > 1000 * curve["chi2"].min()


def test_an_opaque_film_has_no_upper_limit() -> None:
    model = ThinFilm("Si", (Layer("Cr", 100.0, {"thickness_nm": (0.0, 2000.0)}),))
    # One whose noise does not by itself speak against thick films; nine of ten are.
    _, found = certainties(model, *noisy([(CHROMIUM, 500.0)], 2))
    assert found.limits[0, 0] > 40
    assert found.limits[0, 1] == 2000
    assert found.remarks == ("The data set no upper limit to thickness_nm within its bounds.",)


def test_parameters_that_cannot_be_told_apart_are_named() -> None:
    """Two films of one index: only their sum counts."""
    glass = Cauchy(1.46, 0.0035)
    free = {"thickness_nm": (0.0, 300.0)}
    model = ThinFilm("Si", (Layer(glass, 80.0, free), Layer(Cauchy(1.4605, 0.0035), 80.0, free)))
    (found,) = certainties(model, *noisy([(glass, 160.0)], 1))
    assert any("cannot be told apart" in text or "do not determine" in text for text in found.remarks)
    table = found.table()
    assert table["parameter"].tolist() == ["thickness_nm_1", "thickness_nm_2"]
    np.testing.assert_allclose(np.diag(found.correlation), 1)


def test_the_change_that_mends_a_fit_comes_first() -> None:
    held = Layer("SiO2", 290.0)
    model = ThinFilm("Si", (Layer(Cauchy(2.1, 0.03), 30.0, {"thickness_nm": (0.0, 150.0)}), held))
    psi, delta = noisy([(Cauchy(2.1, 0.03), 30.0), (SILICA, 294.0)], 1)
    fitter = fitter_of(model)
    assert fitter.fit(psi, delta).flags[0] != Flag.OK
    table = remedies(fitter, model, psi, delta, fitter.noise)
    assert table["change"].iloc[0] == "as it is"
    assert table["change"].iloc[1] == "thickness of layer 2 (SiO2)"
    assert table["value"].iloc[1] == pytest.approx(294, abs=0.3)
    assert table["flag"].iloc[1] == "ok"
    whole = {"rough surface", "aoi_offset_deg", "delta_offset_deg", "index of layer 1 (Cauchy 2.1)"}
    assert whole < set(table["change"])
    assert not table["change"].duplicated().any()


def test_a_mixture_lies_between_and_is_itself_for_equals() -> None:
    one, two = Constant(1.5), Constant(1.0)
    assert complex(EffectiveMedium("bruggeman", (one, one), (0.5,))(500.0)) == pytest.approx(1.5)
    # Half and half: (e1 - e) / (e1 + 2 e) + (e2 - e) / (e2 + 2 e) = 0.
    e = complex(EffectiveMedium("bruggeman", (one, two), (0.5,))(500.0)) ** 2
    assert abs((2.25 - e) / (2.25 + 2 * e) + (1 - e) / (1 + 2 * e)) < 1e-12
