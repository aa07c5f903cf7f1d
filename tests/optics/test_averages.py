"""What one reading averages over, against means over many films without averages; and films found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.core.spectra import Spectra
from ellimaps.core.stack import ImageStack
from ellimaps.maps.films.fit import fit_map
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fresnel import mueller_elements, psi_delta_from_mueller, reflection_coefficients
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.materials import Cauchy, Constant
from ellimaps.optics.model import Layer, ThinFilm
from ellimaps.optics.spectra import SpectraFitter
from ellimaps.spectra.fit import fit_spectra

WAVES = np.linspace(450.0, 900.0, 40)
NITRIDE, SILICON_LIKE = Cauchy(1.95, 0.012), Constant(3.8, 0.02)
GLASS = Constant(1.52, 1e-9)
FWHM = 2.3548
# Midpoints of so many equally likely parts of a normal distribution, and what lies between them.
SPOTS = np.linspace(-5, 5, 241)
LIKELY = np.exp(-(SPOTS**2) / 2) / np.exp(-(SPOTS**2) / 2).sum()


def averaged(thickness_nm, *, wavelength_sd=0.0, angle_sd=0.0, thickness_sd=0.0, aoi_deg=65.0):
    """Psi and Delta of a film on silicon, its elements summed up over a fine grid of one quantity."""
    waves = WAVES[:, None] + wavelength_sd * SPOTS
    r = reflection_coefficients(
        1.0,
        [NITRIDE(waves)],
        [thickness_nm + thickness_sd * SPOTS],
        SILICON_LIKE(waves),
        waves,
        aoi_deg + angle_sd * SPOTS,
    )
    return psi_delta_from_mueller((mueller_elements(*r) * LIKELY).sum(axis=-1))


def film(thickness_nm=900.0, *, spread=0.0, free=("thickness_nm",), **instrument) -> ThinFilm:
    bounds = {
        "thickness_nm": (thickness_nm - 40, thickness_nm + 40),
        "thickness_spread_nm": (0.0, 15.0),
        "cauchy_a": (1.9, 2.0),
        "cauchy_b": (0.0, 0.03),
    }
    layer = Layer(
        NITRIDE,
        thickness_nm,
        {kind: bounds[kind] for kind in free if kind in bounds},
        thickness_spread_nm=spread,
    )
    whole = {kind: (0.0, 2.0) for kind in free if kind == "angular_spread_deg"}
    return ThinFilm(SILICON_LIKE, (layer,), aoi_deg=65.0, free=whole, **instrument)


def fitted(model: ThinFilm, psi: np.ndarray, delta: np.ndarray) -> np.ndarray:
    fitter = SpectraFitter(model, WAVES, np.full(len(WAVES), 65.0), FitOptions(0.05, 0.1))
    return fitter.fit(psi[None], delta[None]).parameters[0]


@pytest.mark.parametrize(
    ("model", "truth"),
    [
        (film(bandwidth_nm=5.0), averaged(900.0, wavelength_sd=5 / FWHM)),
        (film(angular_spread_deg=0.5), averaged(900.0, angle_sd=0.5)),
        (film(spread=8.0), averaged(900.0, thickness_sd=8.0)),
        (film(4000.0, bandwidth_nm=6.0), averaged(4000.0, wavelength_sd=6 / FWHM)),
    ],
)
def test_few_points_average_as_many_do(model: ThinFilm, truth: tuple[np.ndarray, np.ndarray]) -> None:
    delta = model.psi_delta(WAVES)[1]
    plain = replace(
        model,
        bandwidth_nm=0.0,
        angular_spread_deg=0.0,
        layers=(Layer(NITRIDE, model.layers[0].thickness_nm),),
    )
    misfit = [
        float(np.abs(psi - truth[0]).max()) for psi, _ in (model.psi_delta(WAVES), plain.psi_delta(WAVES))
    ]
    turn = float(np.abs((delta - truth[1] + 180) % 360 - 180).max())
    print(
        f"Psi differs by {misfit[0]:.4f}, Delta by {turn:.4f} deg; Psi without the average by {misfit[1]:.2f}"
    )
    assert misfit[0] < 0.01
    assert turn < 0.02


@pytest.mark.parametrize("free", [("thickness_nm",), ("thickness_nm", "cauchy_a", "cauchy_b")])
def test_a_film_of_900_nm_is_not_biased_by_the_bandwidth(free: tuple[str, ...]) -> None:
    psi, delta = averaged(900.0, wavelength_sd=5 / FWHM)
    with_it, without = (fitted(film(free=free, bandwidth_nm=nm), psi, delta)[0] - 900 for nm in (5.0, 0.0))
    print(f"900 nm, bandwidth 5 nm, free {free}: off by {with_it:+.4f} nm, without it by {without:+.3f} nm")
    assert abs(with_it) < 0.01
    assert abs(without) > 0.01


def test_spreads_are_found_right() -> None:
    nm, spread = fitted(
        film(free=("thickness_nm", "thickness_spread_nm"), spread=3.0), *averaged(900.0, thickness_sd=8.0)
    )
    print(f"thickness {nm:.3f} nm for 900, spread {spread:.3f} nm for 8")
    assert nm == pytest.approx(900, abs=0.1)
    assert spread == pytest.approx(8, abs=0.1)
    model = film(free=("thickness_nm", "angular_spread_deg"), angular_spread_deg=0.1)
    nm, spread = fitted(model, *averaged(900.0, angle_sd=0.6))
    print(f"thickness {nm:.3f} nm for 900, angular spread {spread:.4f} deg for 0.6")
    assert nm == pytest.approx(900, abs=0.1)
    assert spread == pytest.approx(0.6, abs=0.02)


def on_glass(thickness_nm: float) -> tuple[np.ndarray, np.ndarray]:
    """A film of index 1.6 on glass: coherent amplitudes averaged over thicknesses of the glass."""
    waves, glass = WAVES[:, None], GLASS(WAVES)[:, None]
    period = waves / 2 / np.sqrt(glass.real**2 - np.sin(np.deg2rad(55.0)) ** 2)
    plate = 1e6 + period * np.linspace(0, 1, 500, endpoint=False)
    r = reflection_coefficients(1.0, [1.6, glass], [thickness_nm, plate], 1.0, waves, 55.0)
    return psi_delta_from_mueller(mueller_elements(*r).mean(axis=-1))


def test_a_thin_film_on_glass_needs_the_backside() -> None:
    layer = Layer(Constant(1.6), 20.0, {"thickness_nm": (0.0, 120.0)})
    models = {
        "with": ThinFilm("air", (layer, Layer(GLASS, 1e6, coherent=False)), aoi_deg=55.0),
        "without": ThinFilm(GLASS, (layer,), aoi_deg=55.0),
    }
    off = {name: [] for name in models}
    for nm in (2.0, 5.0, 10.0, 20.0, 35.0, 50.0):
        psi, delta = on_glass(nm)
        for name, model in models.items():
            fitter = SpectraFitter(model, WAVES, np.full(len(WAVES), 55.0), FitOptions(0.05, 0.1))
            off[name].append(abs(fitter.fit(psi[None], delta[None]).parameters[0, 0] - nm))
    print({name: np.round(errors, 3).tolist() for name, errors in off.items()})
    assert max(off["with"]) < 0.01
    assert max(off["without"]) > 2


def everything() -> ThinFilm:
    free = {"thickness_nm": (850.0, 950.0), "cauchy_a": (1.9, 2.0), "thickness_spread_nm": (0.0, 10.0)}
    plate = Layer(GLASS, 1e6, {"share": (0.0, 1.0)}, coherent=False, share=0.8)
    return ThinFilm(
        "air",
        (Layer(NITRIDE, 900.0, free, thickness_spread_nm=4.0), plate),
        free={
            "angular_spread_deg": (0.0, 1.0),
            "aoi_offset_deg": (-1.0, 1.0),
            "delta_offset_deg": (-3.0, 3.0),
        },
        angular_spread_deg=0.3,
        bandwidth_nm=((400.0, 4.0), (900.0, 9.0)),
    )


def test_derivatives_of_averages_are_differences() -> None:
    curve = ExactCurve(everything(), WAVES, np.full(len(WAVES), 60.0))
    start = np.array([[parameter.start for parameter in curve.parameters]]) + 1e-3
    angles, slopes = curve(start)
    assert angles == pytest.approx(curve.values(start), abs=1e-10)
    for number in range(len(slopes)):
        step = np.zeros_like(start)
        step[0, number] = 1e-4
        differences = (curve.values(start + step) - curve.values(start - step)) / 2e-4
        assert slopes[number] == pytest.approx(differences, rel=1e-4, abs=1e-5)


def test_mixed_light_is_depolarised() -> None:
    assert film().depolarization(WAVES) == pytest.approx(0, abs=1e-12)
    mixed = film(bandwidth_nm=5.0).depolarization(WAVES)
    assert mixed.min() > 0
    assert mixed.max() > 0.01


def test_the_bandwidth_of_the_data() -> None:
    asked = film(bandwidth_nm="file")
    with pytest.raises(SettingError, match="do not tell the bandwidth"):
        asked.psi_delta(WAVES)
    told = asked.with_bandwidths(pd.DataFrame({"wavelength_nm": WAVES, "bandwidth_nm": 5.0}))
    assert told.psi_delta(WAVES)[0] == pytest.approx(film(bandwidth_nm=5.0).psi_delta(WAVES)[0])


def test_what_washes_out_is_no_coherent_layer() -> None:
    with pytest.raises(SettingError, match="coherent = false"):
        film(60_000.0, bandwidth_nm=20.0).psi_delta(WAVES)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: film(bandwidth_nm=-1.0), "bandwidth_nm must be"),
        (lambda: film(bandwidth_nm=((500.0, 5.0), (400.0, 5.0))), "ascending pairs"),
        (lambda: film(angular_spread_deg=9.0), "within 0..5 deg"),
        (lambda: Layer(NITRIDE, 10.0, share=0.5), "coherent = false"),
        (lambda: Layer(NITRIDE, 1e6), "within 0..100000 nm"),
        (lambda: Layer(GLASS, 1e6, coherent=False, share=1.5), "within 0..1"),
        (lambda: Layer(GLASS, 1e6, coherent=False, thickness_spread_nm=5.0), "leave thickness_spread_nm out"),
        (lambda: Layer(NITRIDE, 10.0, thickness_spread_nm=-5.0), "must not be negative"),
    ],
)
def test_what_is_no_instrument_is_refused(make, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        make()


def test_the_column_of_a_file_is_the_bandwidth() -> None:
    psi, delta = averaged(900.0, wavelength_sd=5 / FWHM)
    table = pd.DataFrame({"spectrum": 0, "wavelength_nm": WAVES, "aoi_deg": 65.0, "Psi": psi, "Delta": delta})
    told = Spectra("a", table.assign(bandwidth_nm=5.0))
    fits = fit_spectra(told, film(free=("thickness_nm", "cauchy_a"), bandwidth_nm="file"))
    assert fits.fits[0].parameters["thickness_nm"] == pytest.approx(900, abs=0.01)
    assert fits.fits[0].mse < 0.1
    assert fits.fits[0].curves["Psi_model"].to_numpy() == pytest.approx(psi, abs=0.01)
    with pytest.raises(SettingError, match="do not tell the bandwidth"):
        fit_spectra(Spectra("a", table), film(bandwidth_nm="file"))


def test_the_bandwidth_of_maps_is_theirs() -> None:
    psi, delta = averaged(900.0, wavelength_sd=5 / FWHM)
    delta, psi = (part[:, None, None] * np.ones((1, 4, 4)) for part in (delta, psi))
    stack = ImageStack.from_arrays(delta, psi, WAVES, 65.0, name="a")
    stack = replace(stack, bands=stack.bands.assign(bandwidth_nm=5.0))
    fit = fit_map(stack, film(free=("thickness_nm", "cauchy_a"), bandwidth_nm="file"))
    assert fit.median("thickness_nm") == pytest.approx(900, abs=0.01)
