"""Fits against known truth: accuracy, honest errors, flags, shared parameters, missing values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.stacks import delta_psi, intensities, sample

from ellimaps.core.errors import SettingError
from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.maps.films.fit import fit_map, fit_shots
from ellimaps.maps.segmentation import segmentation_of_labels
from ellimaps.optics import spectra
from ellimaps.optics.absorbing import OscillatorSum
from ellimaps.optics.curve_table import TabulatedCurve
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.oscillators import TaucLorentz
from ellimaps.optics.shifts import Shifted
from ellimaps.optics.spectra import SpectraFit, SpectraFitter

SIGMA = 0.05, 0.1
OXIDE = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
CAUCHY_FREE = {"thickness_nm": (0.0, 400.0), "cauchy_a": (1.4, 1.5)}
CAUCHY = ThinFilm("Si", (Layer(Cauchy(1.45, 0.004), 100.0, CAUCHY_FREE),))


def measured(
    model: ThinFilm, truth: np.ndarray, waves: np.ndarray, aoi: float = 50.0, noise: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Psi and Delta with noise, shape (n, band), for parameters of shape (n, parameter)."""
    rng = np.random.default_rng(0)
    psi, delta = model.psi_delta(waves, aoi, truth)
    psi = psi + rng.normal(0, SIGMA[0], psi.shape) * noise
    return psi, (delta + rng.normal(0, SIGMA[1], delta.shape) * noise) % 360


def stack_of(psi: np.ndarray, delta: np.ndarray, waves: np.ndarray, shape: tuple[int, int]) -> ImageStack:
    values = np.concatenate([delta.T, psi.T]).reshape(-1, *shape).astype(np.float32)
    bands = pd.DataFrame(
        {"quantity": np.repeat([DELTA, PSI], len(waves)), "wavelength_nm": np.tile(waves, 2), "aoi_deg": 50.0}
    )
    return ImageStack(values, bands, "film")


def fitted(
    model: ThinFilm, psi: np.ndarray, delta: np.ndarray, waves: np.ndarray, aoi: float = 50.0
) -> SpectraFit:
    return SpectraFitter(model, waves, np.full(len(waves), aoi), FitOptions(), many=True).fit(psi, delta)


def test_a_whole_map_of_one_thickness() -> None:
    """344 x 260 pixels, 11 wavelengths, 0..180 nm: right within the noise, and the errors say so."""
    shape, waves = (260, 344), np.linspace(550.0, 800.0, 11)
    truth = np.linspace(0.0, 180.0, shape[0] * shape[1])
    stack = stack_of(*measured(OXIDE, truth[:, None], waves), waves, shape)
    fit = fit_map(stack, OXIDE)
    error = fit.parameters[0].ravel() - truth
    # The noise a perfect fit passes on: the covariance at the truth, with the known standard deviations.
    step = 1e-3
    low, high = (np.stack(OXIDE.psi_delta(waves, 50.0, truth[:, None] + d)) for d in (-step, step))
    rise = high - low
    slopes = (rise - 360 * np.round(rise / 360)) / (2 * step) / np.array(SIGMA)[:, None, None]
    propagated = 1 / np.sqrt(np.square(slopes).sum(axis=(0, 2)))
    # At thickness 0 the fit cannot go below 0, and the truth may be within its error of it.
    inside = truth > 1
    rmse, expected = np.sqrt(np.mean(error[inside] ** 2)), np.sqrt(np.mean(propagated[inside] ** 2))
    wrong = np.mean(np.abs(error) > 1)
    pull = np.std((error / fit.standard_errors[0].ravel())[inside])
    print(f"RMSE {rmse:.4f} nm, propagated {expected:.4f}, wrong {wrong:.2e}, pull {pull:.3f}")
    assert rmse <= 1.1 * expected
    assert wrong < 1e-4
    assert 0.9 < pull < 1.1
    assert fit.trusted_fraction > 0.999
    assert np.median(fit.chi2) == pytest.approx(1, abs=0.1)


def test_two_parameters() -> None:
    """Thickness and Cauchy A: right and with honest errors where both can be told, flagged elsewhere."""
    waves, rng = np.linspace(450.0, 750.0, 11), np.random.default_rng(3)
    truth = np.column_stack([rng.uniform(0, 390, 3000), rng.uniform(1.42, 1.48, 3000)])
    fit = fitted(CAUCHY, *measured(CAUCHY, truth, waves), waves)
    trusted = fit.flags == Flag.OK
    error = fit.parameters - truth
    pulls = (error / fit.standard_errors)[trusted].std(axis=0)
    wrong = np.mean(np.abs(error[trusted, 0]) > np.maximum(1, 5 * fit.standard_errors[trusted, 0]))
    print(f"trusted {trusted.mean():.3f}, wrong {wrong:.2e}, pulls {pulls.round(3)}")
    assert trusted.mean() > 0.85
    assert wrong < 1e-3
    assert ((pulls > 0.9) & (pulls < 1.1)).all()
    # A film that is hardly there has no index of its own.
    thin = truth[:, 0] < 5
    assert thin.sum() > 20
    assert not trusted[thin].any()


def test_where_delta_wraps() -> None:
    waves = np.linspace(450.0, 750.0, 11)
    truth = np.random.default_rng(4).uniform(0, 400, (4000, 1))
    psi, delta = measured(OXIDE, truth, waves, aoi=76.0)
    assert delta.min() < 1
    assert delta.max() > 359
    fit = fitted(OXIDE, psi, delta, waves, aoi=76.0)
    assert np.abs(fit.parameters - truth).max() < 1


def test_one_wavelength_is_periodic_and_says_so() -> None:
    """At one wavelength thicknesses a period apart look the same; several tell them apart."""
    waves = np.array([632.8])
    model = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 800.0)}),))
    index = float(model.layers[0].material(waves)[0].real)
    period = waves[0] / (2 * np.sqrt(index**2 - np.sin(np.deg2rad(50)) ** 2))
    psi, delta = measured(model, np.array([[150.0]]), waves, noise=0)
    options = FitOptions(min_wavelengths=1)
    alone = SpectraFitter(model, waves, np.array([50.0]), options).fit(psi, delta)
    assert alone.flags[0] == Flag.AMBIGUOUS
    found = np.sort(np.append(alone.others[0][np.isfinite(alone.others[0])], alone.parameters[0]))
    np.testing.assert_allclose(found, 150 + period * np.arange(3), atol=0.01)
    many = np.array([500.0, 632.8, 750.0])
    together = fitted(model, *measured(model, np.array([[150.0]]), many, noise=0), many)
    assert together.flags[0] == Flag.OK
    assert np.isnan(together.others).all()


def test_bounds_too_wide_for_a_table_are_fitted_on_the_model_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled if numba is there; both ways and the table give the same fits."""
    waves = np.linspace(450.0, 750.0, 31)
    wide = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 90_000.0)}),))
    narrow = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
    fitters = [SpectraFitter(m, waves, np.full(31, 50.0), FitOptions(), many=True) for m in (narrow, wide)]
    assert isinstance(fitters[0].curve, TabulatedCurve)
    assert not isinstance(fitters[1].curve, TabulatedCurve)
    monkeypatch.setattr(spectra, "find_spec", lambda _: None)
    without = SpectraFitter(wide, waves, np.full(31, 50.0), FitOptions(), many=True)
    assert without.curve is without.exact
    psi, delta = measured(narrow, np.array([[80.0], [200.0], [390.0]]), waves)
    fits = [fitter.fit(psi, delta) for fitter in (fitters[0], fitters[1], without)]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.parameters, fits[0].parameters, atol=1e-3)


def test_flags() -> None:
    waves = np.linspace(450.0, 750.0, 11)
    psi, delta = measured(OXIDE, np.array([[100.0], [0.0], [300.0]]), waves)
    fit = fitted(OXIDE, psi, delta, waves)
    assert (fit.flags == Flag.OK).all()
    narrow = replace(OXIDE, layers=(Layer("SiO2", 90.0, {"thickness_nm": (0.0, 99.5)}),))
    assert fitted(narrow, psi[:1], delta[:1], waves).flags[0] == Flag.AT_BOUND
    other = replace(OXIDE, substrate="Al")
    assert (fitted(other, psi, delta, waves).flags == Flag.POOR_FIT).all()
    psi[0, 1:] = delta[0, 1:] = np.nan
    fit = fitted(OXIDE, psi, delta, waves)
    assert fit.flags.tolist() == [Flag.TOO_FEW_WAVELENGTHS, Flag.OK, Flag.OK]
    assert np.isnan(fit.parameters[0]).all()
    assert fit.n_wavelengths.tolist() == [1, 11, 11]


def test_the_mse_is_its_formula() -> None:
    waves = np.linspace(450.0, 750.0, 11)
    psi, delta = measured(OXIDE, np.array([[100.0]]), waves, noise=20)
    fit = fitted(OXIDE, psi, delta, waves)
    model_psi, model_delta = OXIDE.psi_delta(waves, 50.0, fit.parameters)

    def ncs(psi: np.ndarray, delta: np.ndarray) -> np.ndarray:
        twice, turn = np.deg2rad(2 * psi), np.deg2rad(delta)
        return np.stack([np.cos(twice), np.sin(twice) * np.cos(turn), np.sin(twice) * np.sin(turn)])

    squares = np.square(ncs(psi, delta) - ncs(model_psi, model_delta)).sum()
    assert fit.mse[0] == pytest.approx(1000 * np.sqrt(squares / (3 * 11 - 1)), rel=1e-6)
    rest = ((delta - model_delta + 180) % 360 - 180) * np.sin(np.deg2rad(2 * psi))
    chi2 = (np.square((psi - model_psi) / SIGMA[0]).sum() + np.square(rest / SIGMA[1]).sum()) / (22 - 1)
    assert fit.chi2[0] == pytest.approx(chi2, rel=1e-4)


def test_only_measured_values_count() -> None:
    """Nonsense in filled values changes nothing; a value that is missing is left out, not its partner."""
    waves, shape = np.linspace(450.0, 750.0, 11), (6, 7)
    psi, delta = measured(OXIDE, np.full((42, 1), 123.0), waves)
    stack = stack_of(psi, delta, waves, shape)
    rng = np.random.default_rng(5)
    gaps = rng.random(stack.values.shape) < 0.1
    nonsense = np.where(gaps, 45.0, stack.values).astype(np.float32)
    filled = fit_map(stack.with_values(nonsense, filled=gaps), OXIDE)
    missing = fit_map(stack.with_values(np.where(gaps, np.nan, stack.values)), OXIDE)
    np.testing.assert_array_equal(filled.parameters, missing.parameters)
    both = gaps[:11] & gaps[11:]
    np.testing.assert_array_equal(filled.n_wavelengths, (~both).sum(axis=0))
    assert np.abs(filled.parameters - 123).max() < 1
    shots = fit_shots(_all_one(stack.with_values(nonsense, filled=gaps)), OXIDE)
    assert shots.clusters[0].parameters["thickness_nm"] == pytest.approx(123, abs=0.2)


def _all_one(stack: ImageStack):
    return segmentation_of_labels(stack, np.zeros(stack.shape, np.int16), {"features": "ncs", "seed": 0})


def test_pixels_outside_the_mask_are_not_fitted() -> None:
    stack, _ = sample(seed=1)
    mask = np.zeros(stack.shape, dtype=bool)
    mask[10:20, 30:50] = True
    fit = fit_map(stack, OXIDE, mask=mask)
    np.testing.assert_array_equal(fit.flags != Flag.NOT_FITTED, mask)
    assert np.isnan(fit.parameters[0][~mask]).all()
    with pytest.raises(SettingError, match="mask has shape"):
        fit_map(stack, OXIDE, mask=mask[:5])


def test_progress_and_stopping() -> None:
    stack, _ = sample(seed=1)
    seen = []
    fit_map(stack, OXIDE, on_progress=lambda done, total, what: seen.append((done, total, what)))
    assert seen[-1] == (stack.values[0].size, stack.values[0].size, "fitting pixels")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_map(stack, OXIDE, on_progress=stop)


def terraces(offset: float, oxide: float, a: float) -> tuple[ImageStack, np.ndarray]:
    """Flakes of several thicknesses on a common oxide, seen at an angle that is a little off."""
    film = ThinFilm("Si", (Layer(Cauchy(a, 0.03), 0.0, {"thickness_nm": (0.0, 150.0)}), Layer("SiO2", oxide)))
    film = replace(film, aoi_offset_deg=offset)
    truth = np.repeat([0.0, 8.0, 25.0, 60.0, 110.0], 40)
    waves = np.linspace(450.0, 750.0, 15)
    return stack_of(*measured(film, truth[:, None], waves), waves, (10, 20)), truth.reshape(10, 20)


@pytest.mark.parametrize("oxide", [90.0, 285.0])
def test_a_joint_fit_finds_what_clusters_share(oxide: float) -> None:
    stack, truth = terraces(0.15, oxide, 2.1)
    labels = np.searchsorted(np.unique(truth), truth).astype(np.int16)
    segmentation = segmentation_of_labels(stack, labels, {"features": "ncs", "seed": 0})
    film = {"thickness_nm": (0.0, 150.0), "cauchy_a": (1.9, 2.3)}
    below = Layer("SiO2", 200.0, {"thickness_nm": (50.0, 320.0)})
    model = ThinFilm(
        "Si", (Layer(Cauchy(2.0, 0.03), 50.0, film), below), free={"aoi_offset_deg": (-0.5, 0.5)}
    )
    shared = ("cauchy_a", "thickness_nm_2", "aoi_offset_deg")
    fits = fit_shots(segmentation, model, shared=shared)
    expected = dict(zip(shared, (2.1, oxide, 0.15), strict=True))
    for fit in fits.clusters:
        thickness = np.median(truth[segmentation.labels == fit.cluster])
        assert fit.flag == Flag.OK
        assert fit.mse < 2
        for name, value in (expected | {"thickness_nm_1": thickness}).items():
            error = fit.standard_errors[name]
            assert fit.parameters[name] == pytest.approx(value, abs=5 * error + 1e-6), name
        assert fit.standard_errors["thickness_nm_2"] < 0.5
    one = {tuple(fit.parameters[name] for name in shared) for fit in fits.clusters}
    assert len(one) == 1
    with pytest.raises(SettingError, match="cannot be shared: free in the model are thickness_nm_1"):
        fit_shots(segmentation, model, shared=("oxide",))


def test_clusters_share_numbers_of_an_oscillator() -> None:
    true = {"tauc_lorentz_gap_ev": 1.85, "tauc_lorentz_energy_ev": 3.7, "thickness_nm_2": 60.0}
    semiconductor = OscillatorSum((TaucLorentz(60.0, 2.5, 3.7, 1.85),), 1.5)
    nm = np.repeat([15.0, 40.0, 90.0, 140.0], 100).reshape(20, 20)
    waves = np.linspace(450.0, 750.0, 16)
    film = ThinFilm("Si", (Layer(semiconductor, 50.0, {"thickness_nm": (0.0, 200.0)}), Layer("SiO2", 60.0)))
    stack = stack_of(*measured(film, nm.reshape(-1, 1), waves), waves, nm.shape)
    labels = np.searchsorted(np.unique(nm), nm).astype(np.int16)
    segmentation = segmentation_of_labels(stack, labels, {"features": "ncs", "seed": 0})
    free = {
        "thickness_nm": (0.0, 200.0),
        "tauc_lorentz_gap_ev": (1.5, 2.2),
        "tauc_lorentz_energy_ev": (3.2, 4.2),
    }
    layers = Layer(semiconductor, 50.0, free), Layer("SiO2", 50.0, {"thickness_nm": (0.0, 150.0)})
    fits = fit_shots(segmentation, ThinFilm("Si", layers), shared=tuple(true))
    for fit in fits.clusters:
        assert fit.flag == Flag.OK
        for name, value in true.items():
            assert fit.parameters[name] == pytest.approx(value, abs=5 * fit.standard_errors[name]), name
        thickness = np.median(nm[segmentation.labels == fit.cluster])
        assert fit.parameters["thickness_nm_1"] == pytest.approx(thickness, abs=0.2)
    assert len({tuple(fit.parameters[name] for name in true) for fit in fits.clusters}) == 1


def test_sensitivities_are_what_refits_do() -> None:
    waves = np.linspace(450.0, 750.0, 11)
    stack = stack_of(*measured(OXIDE, np.array([[80.0]]), waves, noise=0), waves, (1, 1))
    segmentation = _all_one(stack)
    film = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}), Layer("Al2O3", 3.0)))
    fits = fit_shots(segmentation, film)
    table = fits.sensitivity(0).set_index(["fixed", "change"])["thickness_nm"]
    start = fits.clusters[0].parameters["thickness_nm"]
    below = film.layers[1]
    wrong = {
        ("angle of incidence", 0.1): replace(film, aoi_offset_deg=0.1),
        ("thickness of layer 2 (Al2O3)", 0.1): replace(
            film, layers=(film.layers[0], replace(below, thickness_nm=3.1))
        ),
        ("thickness of layer 2 (Al2O3)", 1.0): replace(
            film, layers=(film.layers[0], replace(below, thickness_nm=4.0))
        ),
        ("index of layer 1 (SiO2)", 0.01): replace(
            film, layers=(replace(film.layers[0], material=Shifted(film.layers[0].material, 0.01)), below)
        ),
    }
    for row, model in wrong.items():
        moved = fit_shots(segmentation, model).clusters[0].parameters["thickness_nm"] - start
        assert table[row] == pytest.approx(moved, rel=0.15, abs=0.01), row
    assert len(table) == 6


def test_curves_are_measured_minus_modelled() -> None:
    stack, _ = sample(seed=1)
    fits = fit_shots(_all_one(stack), OXIDE)
    curves = fits.curves(0)
    np.testing.assert_allclose(curves["psi_residual"], curves["psi"] - curves["psi_model"])
    moved = fits.curves(0, OXIDE.with_parameters([200.0]))
    np.testing.assert_allclose(moved["psi_model"], OXIDE.psi_delta(curves["wavelength_nm"], 50.0, [200.0])[0])


def test_the_model_of_a_sample_gives_its_truth(tmp_path) -> None:
    from ellimaps.images.preprocessing import preprocess
    from ellimaps.optics.model_file import read_model
    from ellimaps.readers import open_stack
    from ellimaps.samples import sample_ep4

    folder = sample_ep4(tmp_path / "s", seed=3, kinds=3)
    fit = fit_map(preprocess(open_stack(folder)), read_model(folder / "model.toml"))
    with np.load(folder / "truth.npz") as truth:
        inside = ~truth["edge"] & fit.trusted
        assert inside.sum() > 0.9 * (~truth["edge"]).sum()
        assert np.abs(fit.parameters[0] - truth["thickness_nm"])[inside].max() < 1


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(SettingError, match="no pair of Delta and Psi"):
        fit_map(intensities(np.ones((2, 3, 4))), OXIDE)
    stack = delta_psi(np.full((3, 2, 2), 100.0), np.full((3, 2, 2), 40.0))
    with pytest.raises(SettingError, match="Nothing is free"):
        fit_map(stack, ThinFilm("Si"))
    far = stack.with_values(
        stack.values, bands=stack.bands.assign(wavelength_nm=5000.0 + 10 * (stack.bands.index % 3))
    )
    with pytest.raises(SettingError, match=r"Si is known from 250 to 1450 nm, but 5000\.\.5020"):
        fit_map(far, OXIDE)
    lost = stack.with_values(stack.values, bands=stack.bands.assign(aoi_deg=np.nan))
    with pytest.raises(SettingError, match="give aoi_deg in the model"):
        fit_map(lost, OXIDE)
    assert fit_map(lost, replace(OXIDE, aoi_deg=50.0)).flags.shape == (2, 2)
    with pytest.raises(SettingError, match="sigma_psi_deg"):
        FitOptions(sigma_psi_deg=0)
