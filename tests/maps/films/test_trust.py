"""Fits that never state a confident wrong thickness: what *ok* promises, on independent truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.films import CHROMIUM, SILICA, film_angles, noisy_terraces

import ellimaps
from ellimaps.core.errors import SettingError
from ellimaps.core.stack import ImageStack
from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.films.fit import fit_map, fit_shots
from ellimaps.maps.films.noise import noise_of_map
from ellimaps.maps.segmentation import segmentation_of_labels
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Constant, Material, Table
from ellimaps.optics.model import ThinFilm

OXIDE = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
ELEVEN, FIFTY = np.linspace(550, 800, 11), np.linspace(450, 750, 50)
THICKNESSES = np.random.default_rng(8).uniform(60, 350, 10)


def oxides(waves: np.ndarray, aoi_deg: float, **how: float) -> tuple[ImageStack, np.ndarray]:
    curves = [film_angles([(SILICA, nm)], waves, aoi_deg) for nm in THICKNESSES]
    stack = noisy_terraces(curves, waves, aoi_deg, **how)
    return stack, np.repeat(THICKNESSES, 12)[None, :].repeat(12, axis=0)


def spoiled(stack: ImageStack, values: np.ndarray) -> ImageStack:
    return stack.with_values(values.astype(np.float32))


def pulls(fit: object, truth: np.ndarray) -> np.ndarray:
    return (fit.parameters[0] - truth) / fit.standard_errors[0]


def test_an_opaque_film_has_no_thickness() -> None:
    model = ThinFilm("Si", (Layer("Cr", 100.0, {"thickness_nm": (0.0, 2000.0)}),))
    curve = film_angles([(CHROMIUM, 1000.0)], ELEVEN, 50.0)
    fit = fit_map(noisy_terraces([curve] * 4, ELEVEN, 50.0), model)
    assert fit.trusted_fraction <= 0.005
    thin = film_angles([(CHROMIUM, 25.0)], ELEVEN, 50.0)
    fit = fit_map(noisy_terraces([thin] * 4, ELEVEN, 50.0), model)
    assert fit.trusted_fraction >= 0.995
    assert np.std(pulls(fit, np.full(fit.mse.shape, 25.0))) == pytest.approx(1, abs=0.1)


def test_wide_bounds_alone_make_nothing_ambiguous() -> None:
    model = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 2000.0)}),))
    stack, truth = oxides(ELEVEN, 50.0)
    fit = fit_map(stack, model)
    assert fit.trusted_fraction >= 0.995
    assert np.abs(fit.parameters[0] - truth)[fit.trusted].max() < 1


@pytest.mark.parametrize(("aoi", "waves"), [(70.0, FIFTY), (76.0, ELEVEN)])
def test_noise_of_delta_grows_where_psi_is_small(aoi: float, waves: np.ndarray) -> None:
    stack, truth = oxides(waves, aoi)
    fit = fit_map(stack, OXIDE)
    assert fit.trusted_fraction >= 0.995
    assert (np.abs(pulls(fit, truth)) < 5).all()
    assert np.std(pulls(fit, truth)) == pytest.approx(1, abs=0.1)
    constant = fit_map(stack, OXIDE, options=FitOptions(0.05, 0.1, delta_noise="constant"))
    assert np.std(pulls(constant, truth)) > 1.5


@pytest.mark.parametrize("sigma", [0.02, 0.15])
def test_the_map_tells_its_noise_unless_it_is_given(sigma: float) -> None:
    stack, truth = oxides(ELEVEN, 65.0, sigma_psi=sigma)
    noise = noise_of_map(stack, stack.pairs(), FitOptions())
    np.testing.assert_allclose(noise.psi_deg, sigma, rtol=0.15)
    np.testing.assert_allclose(noise.delta_deg, 2 * sigma, rtol=0.15)
    assert "neighbours" in noise.origin
    fit = fit_map(stack, OXIDE)
    assert np.std(pulls(fit, truth)) == pytest.approx(1, abs=0.1)
    assert np.median(fit.chi2) == pytest.approx(1, abs=0.1)
    given = fit_map(stack, OXIDE, options=FitOptions(sigma_psi_deg=0.3, sigma_delta_deg=0.6))
    assert given.noise.origin == "given"
    assert np.median(given.chi2) == pytest.approx((sigma / 0.3) ** 2, rel=0.1)


def test_a_map_that_is_nowhere_flat_tells_no_noise() -> None:
    rng = np.random.default_rng(3)
    curves = [film_angles([(SILICA, nm)], ELEVEN, 65.0) for nm in rng.uniform(10, 390, 900)]
    psi, delta = (np.array(part).T.reshape(11, 30, 30) for part in zip(*curves, strict=True))
    stack = ImageStack.from_arrays(delta, psi, ELEVEN, 65.0)
    noise = noise_of_map(stack, stack.pairs(), FitOptions())
    assert "usual" in noise.origin
    np.testing.assert_allclose(noise.psi_deg, 0.05)


def test_a_model_that_misses_the_data_by_more_than_noise_lacks_fit() -> None:
    polymer = Cauchy(1.5, 0.005)
    curves = [film_angles([(polymer, 20.0), (SILICA, nm)], ELEVEN, 65.0) for nm in THICKNESSES]
    fit = fit_map(noisy_terraces(curves, ELEVEN, 65.0), OXIDE)
    assert fit.trusted_fraction < 0.1
    assert np.median(fit.mse) < 15
    assert np.median(fit.flags) == Flag.LACK_OF_FIT
    assert Flag.LACK_OF_FIT.text == "lack of fit"


def test_a_model_that_most_of_the_map_contradicts_is_trusted_nowhere() -> None:
    right = [film_angles([(SILICA, nm)], ELEVEN, 65.0) for nm in THICKNESSES[:4]]
    other = [film_angles([(Cauchy(2.2, 0.02), nm)], ELEVEN, 65.0) for nm in THICKNESSES[4:]]
    stack = noisy_terraces(right + other, ELEVEN, 65.0)
    assert not fit_map(stack, OXIDE).trusted.any()
    there = np.zeros(stack.shape, dtype=bool)
    there[:, :48] = True
    assert fit_map(stack, OXIDE, mask=there).trusted_fraction > 0.99
    anyway = fit_map(stack, OXIDE, options=FitOptions(min_described=0.0))
    assert anyway.trusted[:, :48].mean() > 0.99


def clusters_with_survivors(share: float) -> ImageStack:
    """One terrace; at one wavelength only this share was measured, and that is degrees off."""
    stack = noisy_terraces([film_angles([(SILICA, 120.0)], ELEVEN, 65.0)], ELEVEN, 65.0, side=20)
    values, filled = stack.values.copy(), np.zeros(stack.values.shape, dtype=bool)
    values[[4, 15]] += 4.0
    filled[[4, 15]] = np.random.default_rng(1).random(stack.shape) > share
    return stack.with_values(values, filled=filled)


@pytest.mark.parametrize(("share", "is_left_out"), [(0.1, True), (0.7, False)])
def test_few_survivors_of_a_cluster_are_no_measurement(share: float, is_left_out: bool) -> None:
    stack = clusters_with_survivors(share)
    labels = segmentation_of_labels(stack, np.zeros(stack.shape, np.int16), {"features": "ncs", "seed": 0})
    (fit,) = fit_shots(labels, OXIDE).clusters
    assert fit.flag == Flag.OK or not is_left_out
    if is_left_out:
        assert fit.parameters["thickness_nm"] == pytest.approx(120, abs=0.2)
        assert fit.left_out == ("Delta 650 nm (10% measured)", "Psi 650 nm (10% measured)")
        (lenient,) = fit_shots(labels, OXIDE, options=FitOptions(min_share=0.05)).clusters
        assert lenient.left_out == ("Delta 650 nm (far off)", "Psi 650 nm (far off)")
    else:
        assert abs(fit.parameters["thickness_nm"] - 120) < 5 * fit.standard_errors["thickness_nm"]


def test_the_spread_of_a_cluster_is_that_of_its_pixels() -> None:
    nm = np.linspace(118, 122, 20)
    stack = noisy_terraces([film_angles([(SILICA, d)], ELEVEN, 65.0) for d in nm], ELEVEN, 65.0)
    labels = segmentation_of_labels(stack, np.zeros(stack.shape, np.int16), {"features": "ncs", "seed": 0})
    fits = fit_shots(labels, OXIDE)
    pixels = fit_map(stack, OXIDE)
    spread = fits.clusters[0].spreads["thickness_nm"]
    assert spread == pytest.approx(pixels.parameters[0].std(), rel=0.03)
    assert fits.table()["thickness_nm_spread"].tolist() == [spread]


def test_what_spreads_within_a_cluster_counts_less_if_asked() -> None:
    stack = noisy_terraces([film_angles([(SILICA, 120.0)], FIFTY, 65.0)], FIFTY, 65.0)
    values = stack.values.astype(np.float64)
    # In a tenth of the pixels the blue is off, as near an edge.
    values[stack.bands["wavelength_nm"] < 550, :, : values.shape[2] // 10 + 1] += 2.0
    stack = spoiled(stack, values)
    labels = segmentation_of_labels(stack, np.zeros(stack.shape, np.int16), {"features": "ncs", "seed": 0})
    off = {}
    for weights in ("noise", "spread"):
        (fit,) = fit_shots(labels, OXIDE, options=FitOptions(weights=weights)).clusters
        off[weights] = abs(fit.parameters["thickness_nm"] - 120)
    print(off)
    assert off["spread"] < 0.5 * off["noise"]


def test_psi_and_delta_count_each_by_itself() -> None:
    stack, truth = oxides(FIFTY, 60.0)
    rng = np.random.default_rng(2)
    fit = fit_map(spoiled(stack, np.where(rng.random(stack.values.shape) < 0.3, np.nan, stack.values)), OXIDE)
    whole = fit_map(stack, OXIDE)
    assert fit.trusted_fraction > 0.995
    error, best = ((one.parameters[0] - truth).std() for one in (fit, whole))
    # 70 % of the values are left: the error grows by 1 / sqrt(0.7) = 1.2, not by 1 / sqrt(0.49) = 1.43.
    assert error < 1.3 * best


@pytest.mark.parametrize("kept", ["Psi", "Delta"])
def test_one_of_psi_and_delta_is_enough(kept: str) -> None:
    stack, truth = oxides(FIFTY, 60.0)
    gone = (stack.bands["quantity"] != kept).to_numpy()[:, None, None]
    fit = fit_map(spoiled(stack, np.where(gone, np.nan, stack.values)), OXIDE)
    assert (np.abs(pulls(fit, truth)) < 5)[fit.trusted].all()
    assert fit.trusted_fraction > 0.9


def test_wild_values_are_left_out() -> None:
    stack, truth = oxides(FIFTY, 60.0)
    rng = np.random.default_rng(4)
    wild = rng.random(stack.values.shape) < 0.01
    anything = rng.random(stack.values.shape) * np.repeat([360.0, 90.0], 50)[:, None, None]
    fit = fit_map(spoiled(stack, np.where(wild, anything, stack.values)), OXIDE)
    assert fit.trusted_fraction > 0.99
    assert (np.abs(pulls(fit, truth)) < 5)[fit.trusted].all()
    assert fit.n_wild.sum() > 0.9 * wild.sum()
    assert fit_map(stack, OXIDE).n_wild.sum() == 0


class Own(Material):
    name = "mine"

    def _index(self, wavelength_nm: np.ndarray) -> np.ndarray:
        return 1.46 + 0.0 * wavelength_nm


def test_a_material_of_ones_own_is_exported_as_a_table() -> None:
    stack, _ = oxides(ELEVEN, 60.0)
    model = ThinFilm("Si", (Layer(Own(), 100.0, {"thickness_nm": (0.0, 400.0)}),))
    files = fit_contents(fit_map(stack, model))
    assert b'file = \\"mine\\"' in files["terraces_fit.json"]


LAYER = Layer("SiO2", 100.0)


@pytest.mark.parametrize(
    ("make", "needle"),
    [
        (lambda: Layer("SiO2", 100.0, {"thickness_nm": (0.0, 1.0, 2.0)}), "two numbers"),
        (lambda: Layer("SiO2", 100.0, {"thickness_nm": ("0", "400")}), "two numbers"),
        (lambda: Layer("SiO2", 100.0, {"thickness_nm": 400}), "two numbers"),
        (lambda: Layer("SiO2", 100.0, ["thickness_nm"]), "must map names"),
        (lambda: Layer("SiO2", "100"), "must be a number, got '100'"),
        (lambda: Layer("SiO2", 500.0, {"thickness_nm": (0.0, 400.0)}), "not within its bounds"),
        (lambda: replace(OXIDE, free={"aoi_offset_deg": (0.5, 1.0)}), "not within its bounds"),
        (lambda: ThinFilm("Si", ("SiO2",)), "made of Layer objects"),
        (lambda: ThinFilm("Si", ambient=Constant(1.0, 0.1)), "must be transparent"),
        (lambda: ThinFilm("Si", ambient=Table(((400, 1.3, 0.0), (800, 1.3, 0.01)))), "must be transparent"),
        (lambda: ThinFilm("Si", aoi_deg="50"), "must be a number"),
        (lambda: replace(OXIDE, wavelengths_nm=(700, 500)), "ascending wavelengths"),
        (lambda: replace(OXIDE, without_nm=("700",)), "ascending wavelengths"),
        (lambda: FitOptions(delta_noise="none"), "one of growing, constant"),
        (lambda: FitOptions(min_share=2), "from 0 to 1"),
    ],
)
def test_models_that_are_none_are_refused(make: object, needle: str) -> None:
    with pytest.raises(SettingError, match=needle):
        make()


def test_one_layer_needs_no_tuple() -> None:
    assert ThinFilm("Si", LAYER) == ThinFilm("Si", (LAYER,))


def test_what_is_no_model_mask_or_band_is_refused() -> None:
    stack, _ = oxides(ELEVEN, 60.0)
    with pytest.raises(SettingError, match="needs a ThinFilm"):
        fit_map(stack, "model.toml")
    with pytest.raises(SettingError, match="True and False"):
        fit_map(stack, OXIDE, mask=np.ones(stack.shape, dtype=int))
    with pytest.raises(SettingError, match="write 'Delta'"):
        stack.with_values(stack.values, bands=stack.bands.replace({"quantity": {"Delta": "delta"}}))
    with pytest.raises(SettingError, match="leaves no wavelength"):
        fit_map(stack, replace(OXIDE, wavelengths_nm=(300.0, 400.0)))


def test_wavelengths_can_be_left_out_and_delta_be_off() -> None:
    stack, truth = oxides(ELEVEN, 60.0)
    values = stack.values.copy()
    values[:11] += 0.8
    values[[2, 13]] += 5.0
    stack = spoiled(stack, values)
    assert fit_map(stack, OXIDE).trusted_fraction < 0.5
    model = replace(OXIDE, without_nm=(600.0,), free={"delta_offset_deg": (-3.0, 3.0)})
    fit = fit_map(stack, model)
    assert fit.trusted_fraction > 0.95
    assert np.median(fit.parameters[1]) == pytest.approx(0.8, abs=0.05)
    assert (np.abs(pulls(fit, truth)) < 5)[fit.trusted].all()
    assert fit.n_wavelengths.max() == 10
    narrow = fit_map(stack, replace(OXIDE, wavelengths_nm=(610.0, 800.0)))
    assert narrow.n_wavelengths.max() == 8


def test_what_is_minimized_is_what_is_reported() -> None:
    stack, truth = oxides(ELEVEN, 60.0)
    for minimized in ("psi delta", "ncs"):
        fit = fit_map(stack, OXIDE, options=FitOptions(minimized=minimized))
        assert np.median(fit.chi2) == pytest.approx(1, abs=0.1), minimized
        assert np.std(pulls(fit, truth)) == pytest.approx(1, abs=0.1)
        assert fit.trusted_fraction > 0.995


def test_public_names_build_a_film() -> None:
    names = {
        "Cauchy",
        "Constant",
        "Sellmeier",
        "Table",
        "UniaxialMaterial",
        "read_nk",
        "material",
        "material_names",
    }
    assert all(hasattr(ellimaps, name) for name in names)
    assert names <= set(ellimaps.__all__)


def test_arrays_of_other_shapes_are_refused() -> None:
    maps = np.ones((3, 4, 5))
    with pytest.raises(SettingError, match="one shape"):
        ImageStack.from_arrays(maps, maps[:2], [500, 600, 700], 60.0)
    with pytest.raises(SettingError, match="as many wavelengths"):
        ImageStack.from_arrays(maps, maps, [500, 600], 60.0)
    with pytest.raises(SettingError, match="one angle of incidence or 3"):
        ImageStack.from_arrays(maps, maps, [500, 600, 700], [60.0, 65.0])
    stack = ImageStack.from_arrays(maps, maps, [500, 600, 700], [60.0, 65.0, 70.0])
    assert stack.pairs()["aoi_deg"].tolist() == [60.0, 65.0, 70.0]
