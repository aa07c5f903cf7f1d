"""Which models are refused because the data bear fewer free parameters, and what their fits would have been.

Run ``python benchmarks/bench_refusals.py [--json FILE]``. A row is a model; *told* is the share of the places
within its bounds where the look before a fit finds every parameter determined, *ok* the share of noisy films
from anywhere within the bounds whose fit is then ok, *ok and wrong* those of these off by more than five
standard errors. Two sets with different angles, wavelengths, noise and forward models: the least share that
is not refused was chosen on the first (ellimaps' own films) and is judged on the second (pyElli).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bench_fits import medium_of
from tools import Figures, arguments, report

from ellimaps.core.errors import SettingError
from ellimaps.optics.absorbing import OscillatorSum
from ellimaps.optics.determined import check_determined, share_told
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.oscillators import TaucLorentz
from ellimaps.optics.spectra import SpectraFitter

FILMS = 200
Bounds = dict[str, tuple[float, float]]
HALVES = {
    "chosen on": (50.0, np.linspace(450.0, 750.0, 11), 0.05, 1),
    "judged by": (65.0, np.linspace(420.0, 880.0, 16), 0.08, 101),
}


def models() -> dict[str, ThinFilm]:
    """Return models from what every instrument bears to what none does."""
    tauc = {
        "amplitude_ev": (30.0, 100.0),
        "broadening_ev": (1.0, 4.0),
        "energy_ev": (3.0, 5.0),
        "gap_ev": (1.0, 2.5),
    }
    second = {"amplitude_ev": (0.0, 60.0), "broadening_ev": (0.5, 3.0), "energy_ev": (4.0, 7.0)}
    one = {f"tauc_lorentz_{name}": bounds for name, bounds in tauc.items()} | {"offset": (1.0, 3.0)}
    both = {f"tauc_lorentz_1_{name}": bounds for name, bounds in tauc.items()}
    both |= {f"tauc_lorentz_2_{name}": bounds for name, bounds in second.items()} | {"offset": (1.0, 3.0)}
    terms = TaucLorentz(60.0, 2.5, 3.8, 2.0), TaucLorentz(20.0, 1.5, 5.0, 2.5)
    cauchy = {"cauchy_a": (1.3, 2.5), "cauchy_b": (0.0, 0.05), "cauchy_c": (0.0, 0.005)}
    return {
        **{f"Cauchy A to {nm} nm": transparent(cauchy, 1, nm) for nm in (10, 20, 50, 400)},
        **{f"Cauchy A, B to {nm} nm": transparent(cauchy, 2, nm) for nm in (10, 20, 50, 400)},
        **{f"Cauchy A, B, C to {nm} nm": transparent(cauchy, 3, nm) for nm in (20, 50, 400)},
        "narrow index to 10 nm": transparent({"cauchy_a": (1.4, 1.6)}, 1, 10),
        "Tauc-Lorentz": film(OscillatorSum(terms[:1], 1.5), one, None),
        "Tauc-Lorentz and thickness": film(OscillatorSum(terms[:1], 1.5), one, 200.0),
        "two Tauc-Lorentz": film(OscillatorSum(terms, 1.5), both, None),
        "two Tauc-Lorentz and thickness": film(OscillatorSum(terms, 1.5), both, 200.0),
        "two layers of one oxide": ThinFilm(
            "Si", tuple(Layer("SiO2", 60.0, {"thickness_nm": (0.0, 200.0)}) for _ in "ab")
        ),
    }


def transparent(bounds: Bounds, count: int, nm: float) -> ThinFilm:
    """Return a film of free thickness with so many coefficients of its Cauchy formula free."""
    return film(Cauchy(1.5, 0.005, 0.0001), dict(list(bounds.items())[:count]), nm)


def film(material: Any, free: Bounds, thickest_nm: float | None) -> ThinFilm:
    """Return a film on silicon, its thickness free up to a value or held at 60 nm."""
    thickness: Bounds = {} if thickest_nm is None else {"thickness_nm": (0.0, thickest_nm)}
    nm = 60.0 if thickest_nm is None else thickest_nm / 2
    return ThinFilm("Si", (Layer(material, nm, thickness | free),))


def row(model: ThinFilm, half: str) -> dict[str, Any]:
    """Return what is found of a model before a fit, and what becomes of fits."""
    aoi, waves, sigma, seed = HALVES[half]
    angles = np.full(len(waves), aoi)
    exact = ExactCurve(model, waves, angles)
    rng = np.random.default_rng(seed)
    truth = exact.low + (exact.high - exact.low) * rng.uniform(0.02, 0.98, (FILMS, len(exact.low)))
    made = by_pyelli(model, waves, aoi, truth) if half == "judged by" else model.psi_delta(waves, aoi, truth)
    psi = made[0] + rng.normal(0, sigma, made[0].shape)
    delta = made[1] + 2 * rng.normal(0, sigma, psi.shape) / np.sin(np.deg2rad(2 * psi))
    noise = Noise(np.full(len(waves), sigma), np.full(len(waves), 2 * sigma), is_known=True)
    fit = SpectraFitter(model, waves, angles, FitOptions(), noise).fit(psi, delta % 360)
    trusted = fit.flags == Flag.OK
    wrong = (np.abs(fit.parameters - truth) > 5 * fit.standard_errors).any(axis=1)
    try:
        check_determined(exact, noise)
        said = ""
    except SettingError as error:
        said = str(error)
    return {
        "told": round(share_told(exact, noise), 3),
        "ok": round(float(trusted.mean()), 3),
        "ok_and_wrong": round(float(np.mean(trusted & wrong)), 3),
        "refused": said or "no",
    }


def by_pyelli(model: ThinFilm, waves: np.ndarray, aoi: float, truth: np.ndarray) -> np.ndarray:
    """Return Psi and Delta in degrees by pyElli, shape (2, film, band)."""
    import elli

    substrate = elli.IsotropicMaterial(elli.Table(lbda=waves, n=model.substrate(waves)))
    made = []
    for values in truth:
        layers = [
            elli.Layer(medium_of(layer.material, waves), layer.thickness_nm)
            for layer in model.with_parameters(values).layers
        ]
        result = elli.Structure(elli.AIR, layers, substrate).evaluate(waves, aoi, solver=elli.Solver2x2)
        made.append(np.stack([result.psi, result.delta % 360]))
    return np.stack(made, axis=1)


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    figures: Figures = {half: {name: row(model, half) for name, model in models().items()} for half in HALVES}
    report(figures, options.json)


if __name__ == "__main__":
    main()
