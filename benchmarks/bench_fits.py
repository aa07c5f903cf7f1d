"""How fast and how right thin-film fits of every pixel are, side by side with fits one by one.

Run ``python benchmarks/bench_fits.py [--pixels N] [--bands N] [--json FILE] [NAME ...]``; with
``--constants`` it varies the tuned constants of the look-up, the solver and the curve table in turn, and
tells what becomes of the fits. The maps are computed, with the noise of a good instrument: oxide on silicon
with one to three free parameters, a polymer on oxide with four, an amorphous semiconductor (Tauc-Lorentz) on
oxide with four and six. Each runs in a process of its own on two processors (``--cores``), whose peak of
memory is told. scipy's ``least_squares`` (a grid for its start, then one call per pixel) and pyElli's model
under lmfit (which needs ``pip install -e '.[bench]'``) are run on a sample of the pixels and extrapolated to
all of them; the table says so. The same fits without numba, and what compiling costs, stand beside.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from tools import Figures, in_process, report

from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.maps.films.fit import fit_map
from ellimaps.maps.films.results import MapFit
from ellimaps.optics import curve_table, lookup, solver, spectra
from ellimaps.optics.absorbing import OscillatorSum
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.oscillators import TaucLorentz
from ellimaps.optics.spectra import SpectraFitter

AOI_DEG = 50.0
SIGMA_PSI_DEG, SIGMA_DELTA_DEG = 0.05, 0.1
A_RANGE = 1.40, 1.50
SCIPY_SAMPLE, LMFIT_SAMPLE = 100, 8
REPEATS = 3
BOUNDS = {"thickness_nm": (0.0, 400.0), "cauchy_a": A_RANGE, "cauchy_b": (0.0, 0.01)}
OXIDE_TRUTHS = ((20.0, 380.0), (1.43, 1.47), (0.002, 0.008))
FIRST_FIT = """
import time
start = time.perf_counter()
import numpy as np
from ellimaps.optics.materials import Cauchy
from ellimaps.optics.layers import Layer
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.spectra import SpectraFitter
free = {"thickness_nm": (0.0, 400.0), "cauchy_a": (1.4, 1.5)}
waves, angles = np.linspace(450.0, 750.0, 11), np.full(11, 50.0)
model = ThinFilm("Si", (Layer(Cauchy(1.45, 0.0035), 100.0, free),))
fitter = SpectraFitter(model, waves, angles, FitOptions(), many=True)
before = time.perf_counter()
fitter.fit(np.full((1, 11), 20.0), np.full((1, 11), 90.0))
print(before - start, time.perf_counter() - before)
"""
# What a new process measures: imports and the map are in its peak, and told beside it.
ONE_FILM = """
import json, os, re, sys
from pathlib import Path
name, pixels, bands, cores, folder = sys.argv[1:]
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(cores)])
sys.path.insert(0, folder)
import bench_fits
figures = bench_fits.whole_map(name, int(pixels), int(bands))
"""
CONSTANTS_WAVES = np.linspace(450.0, 750.0, 11)
CONSTANTS: list[tuple[Any, str, tuple[Any, ...]]] = [
    (lookup, "_MOST_NODES", (12_000, 48_000)),
    (lookup, "_LEFT_OUT", (1e-3, 1e-5)),
    (spectra, "_ALWAYS", (3, 12)),
    (lookup, "_PART_OF_WAVELENGTH", ({1: 1 / 75, 2: 1 / 25}, {1: 1 / 300, 2: 1 / 100})),
    (lookup, "_PART_OF_MANY", (1 / 20, 1 / 80)),
    (solver, "_MOST_STEPS", (30, 120)),
    (solver, "_FIRST_DAMPING", (1e-5, 1e-3)),
    (solver, "_LEAST_DAMPING", (1e-10, 1e-8)),
    (solver, "_MOST_DAMPING", (1e7, 1e9)),
    (solver, "_CLOSE", (1e-6, 1e-4)),
    (curve_table, "_FIRST_CELLS", (128, 512)),
    (curve_table, "_MOST_CELLS", (4096, 16384)),
    (curve_table, "_TOLERANCE_DEG", (1e-5, 1e-3)),
]


def oxide(n_parameters: int) -> ThinFilm:
    """Return oxide on silicon with its thickness free, its Cauchy A, and its Cauchy B."""
    free = dict(list(BOUNDS.items())[:n_parameters])
    return ThinFilm("Si", (Layer(Cauchy(1.45, 0.0035), 100.0, free),))


def on_oxide(material: Material, free: dict[str, tuple[float, float]], oxide_nm: float) -> ThinFilm:
    """Return a film on an oxide of free thickness up to three times ``oxide_nm`` on silicon."""
    below = Layer("SiO2", oxide_nm, {"thickness_nm": (0.0, 3 * oxide_nm)})
    return ThinFilm("Si", (Layer(material, 100.0, free), below))


def semiconductor() -> OscillatorSum:
    """Return an amorphous semiconductor whose gap lies within the wavelengths of the map."""
    return OscillatorSum((TaucLorentz(60.0, 2.5, 3.8, 2.0),), 1.5)


def films() -> dict[str, tuple[ThinFilm, tuple[tuple[float, float], ...]]]:
    """Return the models, and between what the true parameters lie."""
    polymer = {"thickness_nm": (0.0, 400.0), "cauchy_a": (1.4, 1.7), "cauchy_b": (0.0, 0.02)}
    tauc = {
        "thickness_nm": (0.0, 200.0),
        "tauc_lorentz_amplitude_ev": (30.0, 100.0),
        "tauc_lorentz_gap_ev": (1.5, 2.5),
    }
    more = {"tauc_lorentz_energy_ev": (3.4, 4.2), "offset": (1.0, 2.0)}
    truths = (10.0, 180.0), (40.0, 90.0)
    return {
        **{f"{n} of oxide": (oxide(n), OXIDE_TRUTHS[:n]) for n in (1, 2, 3)},
        "4 of polymer on oxide": (
            on_oxide(Cauchy(1.55, 0.005), polymer, 100.0),
            ((20.0, 380.0), (1.5, 1.65), (0.002, 0.015), (20.0, 280.0)),
        ),
        "4 of Tauc-Lorentz on oxide": (
            on_oxide(semiconductor(), tauc, 50.0),
            (*truths, (1.6, 2.4), (5.0, 140.0)),
        ),
        "6 of Tauc-Lorentz on oxide": (
            on_oxide(semiconductor(), tauc | more, 50.0),
            (*truths, (3.5, 4.1), (1.6, 2.4), (1.2, 1.8), (5.0, 140.0)),
        ),
    }


def map_of(name: str, pixels: int, bands: int) -> tuple[ThinFilm, ImageStack, np.ndarray]:
    """Return a model, a measured map and its true parameters, shape (parameter, pixel)."""
    model, truths = films()[name]
    rng = np.random.default_rng(0)
    waves = np.linspace(450.0, 750.0, bands)
    truth = np.column_stack([rng.uniform(*one, pixels) for one in truths])
    blocks = [model.psi_delta(waves, AOI_DEG, part) for part in np.array_split(truth, max(1, pixels // 2000))]
    psi, delta = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    psi += rng.normal(0, SIGMA_PSI_DEG, psi.shape)
    delta = (delta + rng.normal(0, SIGMA_DELTA_DEG, delta.shape) / np.sin(np.deg2rad(2 * psi))) % 360
    table = pd.DataFrame({"quantity": np.repeat([DELTA, PSI], bands), "wavelength_nm": np.tile(waves, 2)})
    values = np.concatenate([delta.T, psi.T]).astype(np.float32)
    rows = next(side for side in range(int(pixels**0.5), 0, -1) if pixels % side == 0)
    stack = ImageStack(values.reshape(2 * bands, rows, -1), table.assign(aoi_deg=AOI_DEG), "bench")
    return model, stack, truth.T


def whole_map(name: str, pixels: int, bands: int) -> dict[str, Any]:
    """Fit every pixel; the median time of some runs, and how right it is."""
    model, stack, truth = map_of(name, pixels, bands)
    repeats = REPEATS if len(model.parameters) < 4 else 1
    # What compiling takes is measured by itself.
    fit_map(stack, model, mask=np.arange(pixels).reshape(stack.shape) < 64)
    before_mb = peak_mb()
    seconds, processor = [], []
    for _ in range(repeats):
        start, start_processor = time.perf_counter(), time.process_time()
        fit = fit_map(stack, model)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    found = {
        "seconds": float(np.median(seconds)),
        "seconds_best": min(seconds),
        "processor_seconds": float(np.median(processor)),
        "processor_seconds_best": min(processor),
        "peak_mb_before_fit": before_mb,
        "peak_mb_of_fit": peak_mb() - before_mb,
    } | against_truth(model, stack, fit, truth)
    return found | (without_numba(model, stack, fit) if len(model.parameters) < 4 else {})


def against_truth(model: ThinFilm, stack: ImageStack, fit: MapFit, truth: np.ndarray) -> dict[str, Any]:
    """Return how right the fits are; wrong is off by five standard errors in some parameter."""
    error = fit.parameters.reshape(truth.shape) - truth
    standard = fit.standard_errors.reshape(truth.shape)
    trusted = fit.trusted.ravel()
    wrong = ~(np.abs(error) <= 5 * standard).all(axis=0)
    bound = cramer_rao(model, np.array(stack.wavelengths_nm), truth[:, trusted][:, :2000])
    rmse = np.sqrt(np.mean(error[:, trusted] ** 2, axis=1))
    return {
        "rmse_nm": float(rmse[0]),
        "rmse_over_cramer_rao": [round(float(one), 3) for one in rmse / bound],
        "wrong_by_1_nm": float(np.mean(np.abs(error[0, trusted]) > 1)),
        "ok": float(trusted.mean()),
        "ok_and_wrong": float(np.mean(trusted & wrong)),
        "wrong": float(wrong.mean()),
        "flags": {
            Flag(flag).text: int(n) for flag, n in zip(*np.unique(fit.flags, return_counts=True), strict=True)
        },
        "pulls": [round(float(pull), 3) for pull in (error / standard)[:, trusted].std(axis=1)],
    }


def cramer_rao(model: ThinFilm, waves: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the least RMSE that the noise allows for films like some true ones, shape (parameter,)."""
    angles, slopes = ExactCurve(model, waves, np.full(len(waves), AOI_DEG))(truth.T)
    growing = SIGMA_DELTA_DEG / np.sin(np.deg2rad(2 * angles[:, : len(waves)]))
    scaled = slopes / np.concatenate([np.full_like(growing, SIGMA_PSI_DEG), growing], axis=1)
    variances = np.diagonal(np.linalg.inv(np.einsum("ipb,jpb->pij", scaled, scaled)), axis1=1, axis2=2)
    return np.asarray(np.sqrt(variances.mean(axis=0)))


def peak_mb() -> float:
    """Return the most memory this process has had; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.is_file() else None
    return int(found[1]) / 1024 if found else np.nan


def without_numba(model: ThinFilm, stack: ImageStack, compiled: MapFit) -> dict[str, Any]:
    """Fit every pixel with arrays instead of compiled loops; how long it takes and how much differs."""
    usual = spectra.find_spec
    spectra.find_spec = lambda _: None
    start = time.process_time()
    try:
        fit = fit_map(stack, model)
    finally:
        spectra.find_spec = usual
    both = fit.trusted & compiled.trusted
    difference = np.abs(fit.parameters - compiled.parameters) / compiled.standard_errors
    return {
        "processor_seconds_without_numba": time.process_time() - start,
        "flags_that_differ": int(np.count_nonzero(fit.flags != compiled.flags)),
        "largest_difference_in_errors": float(difference[:, both].max()),
    }


def compiling() -> dict[str, float]:
    """Return how long imports and a first fit take in a new process, before and after numba compiled."""
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for name in ("compiled", "from_cache"):
            command = [sys.executable, "-c", FIRST_FIT]
            run = subprocess.run(
                command, env=os.environ | {"NUMBA_CACHE_DIR": cache}, capture_output=True, check=True
            )
            imports, first = map(float, run.stdout.split())
            found |= {f"imports_s_{name}": imports, f"first_fit_s_{name}": first}
    return found


def seconds_per_pixel(fit: Callable[[np.ndarray, np.ndarray], Any], stack: ImageStack, count: int) -> float:
    """Return the time one pixel takes, from a sample."""
    n = len(stack.bands) // 2
    flat = stack.values.reshape(2 * n, -1).astype(np.float64)
    chosen = np.linspace(0, flat.shape[1] - 1, count).astype(int)
    start = time.perf_counter()
    for pixel in chosen:
        fit(flat[n:, pixel], flat[:n, pixel])
    return (time.perf_counter() - start) / count


def scipy_fit(model: ThinFilm, waves: np.ndarray) -> Callable[[np.ndarray, np.ndarray], Any]:
    """Return a fit of one pixel by `least_squares` from the best of a grid."""
    low, high = (np.array(side) for side in zip(*((p.low, p.high) for p in model.parameters), strict=True))
    counts = {1: (80,), 2: (80, 6), 3: (80, 6, 4), 4: (20, 6, 4, 20), 6: (8, 4, 4, 4, 3, 8)}[len(low)]
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, counts, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    grid_psi, grid_delta = model.psi_delta(waves, AOI_DEG, grid)

    def rest(psi: Any, delta: Any, model_psi: Any, model_delta: Any) -> Any:
        turned = (delta - model_delta + 180) % 360 - 180
        return np.concatenate([(psi - model_psi) / SIGMA_PSI_DEG, turned / SIGMA_DELTA_DEG], axis=-1)

    def fit(psi: np.ndarray, delta: np.ndarray) -> Any:
        start = grid[np.square(rest(psi, delta, grid_psi, grid_delta)).sum(axis=1).argmin()]
        return least_squares(
            lambda x: rest(psi, delta, *model.psi_delta(waves, AOI_DEG, x)),
            np.clip(start, low + 1e-6, high - 1e-6),
            bounds=(low, high),
            x_scale=high - low,
        )

    return fit


def medium_of(material: Material, waves: np.ndarray) -> Any:
    """Return pyElli's material: by its own formula, or tabulated at these wavelengths."""
    import elli

    if isinstance(material, Cauchy):
        return elli.Cauchy(n0=material.a, n1=1e4 * material.b, n2=1e5 * material.c).get_mat()
    if isinstance(material, OscillatorSum):
        total = elli.EpsilonInf(eps=material.offset)
        for term in material.terms:
            assert isinstance(term, TaucLorentz)
            one = elli.TaucLorentz(Eg=term.gap_ev)
            one.add(A=term.amplitude_ev, E=term.energy_ev, C=term.broadening_ev)
            total += one
        return total.get_mat()
    return elli.IsotropicMaterial(elli.Table(lbda=waves, n=material(waves)))


def lmfit_fit(model: ThinFilm, waves: np.ndarray) -> Callable[[np.ndarray, np.ndarray], Any]:
    """Return a fit of one pixel by lmfit with pyElli's model, from the model's own values."""
    import elli
    import lmfit

    substrate = elli.IsotropicMaterial(elli.Table(lbda=waves, n=model.substrate(waves)))

    def rest(parameters: Any, psi: np.ndarray, delta: np.ndarray) -> Any:
        film = model.with_parameters([parameter.value for parameter in parameters.values()])
        layers = [elli.Layer(medium_of(layer.material, waves), layer.thickness_nm) for layer in film.layers]
        result = elli.Structure(elli.AIR, layers, substrate).evaluate(waves, AOI_DEG, solver=elli.Solver2x2)
        turned = (delta - result.delta + 180) % 360 - 180
        return np.concatenate([(psi - result.psi) / SIGMA_PSI_DEG, turned / SIGMA_DELTA_DEG])

    def fit(psi: np.ndarray, delta: np.ndarray) -> Any:
        parameters = lmfit.Parameters()
        for one in model.parameters:
            parameters.add(one.name, value=one.start, min=one.low, max=one.high)
        return lmfit.minimize(rest, parameters, args=(psi, delta))

    return fit


def vary_constants() -> None:
    """Print what other values of the tuned constants do to fits with one to four free parameters."""
    problems = [generated(n_parameters, count) for n_parameters, count in ((1, 6000), (2, 2000), (3, 500))]
    problems += [of_film(name, 1500) for name in films() if name.startswith("4")]
    print(f"{'as it is':40} {outcome(problems)}")
    for module, name, others in CONSTANTS:
        usual = getattr(module, name)
        for value in others:
            setattr(module, name, value)
            print(f"{f'{name} = {value}':40} {outcome(problems)}", flush=True)
        setattr(module, name, usual)


def of_film(name: str, count: int) -> tuple[ThinFilm, np.ndarray, np.ndarray, np.ndarray]:
    """Return one of the films, true parameters, and noisy Psi and Delta at few wavelengths."""
    model, stack, truth = map_of(name, count, len(CONSTANTS_WAVES))
    delta, psi = np.split(stack.values.reshape(2 * len(CONSTANTS_WAVES), -1).T.astype(np.float64), 2, axis=1)
    return model, truth.T, psi, delta


def generated(n_parameters: int, count: int) -> tuple[ThinFilm, np.ndarray, np.ndarray, np.ndarray]:
    """Return a model with thickness, Cauchy A and B free, true parameters, and noisy Psi and Delta."""
    rng = np.random.default_rng(n_parameters)
    bounds = {"thickness_nm": (0.0, 800.0), "cauchy_a": (1.4, 1.6), "cauchy_b": (0.0, 0.01)}
    free = dict(list(bounds.items())[:n_parameters])
    model = ThinFilm("Si", (Layer(Cauchy(1.45, 0.0035), 100.0, free),))
    low, high = np.array(list(free.values())).T
    truth = low + (high - low) * rng.uniform(0.05, 0.95, (count, n_parameters))
    psi, delta = model.psi_delta(CONSTANTS_WAVES, AOI_DEG, truth)
    psi += rng.normal(0, SIGMA_PSI_DEG, psi.shape)
    return model, truth, psi, (delta + rng.normal(0, SIGMA_DELTA_DEG, delta.shape)) % 360


def outcome(problems: list[tuple[ThinFilm, np.ndarray, np.ndarray, np.ndarray]]) -> str:
    """Return how many fits went astray, are trusted, and how long they took, by free parameters."""
    texts = []
    for model, truth, psi, delta in problems:
        start = time.process_time()
        angles = np.full(len(CONSTANTS_WAVES), AOI_DEG)
        fit = SpectraFitter(model, CONSTANTS_WAVES, angles, FitOptions(), many=True).fit(psi, delta)
        seconds = time.process_time() - start
        astray = np.abs(fit.parameters - truth)[:, 0] > np.maximum(1, 6 * fit.standard_errors[:, 0])
        texts.append(f"{astray.sum()} astray, {np.mean(fit.flags == Flag.OK):.2%} ok, {seconds:.2f} s")
    return " | ".join(texts)


def measure(name: str, pixels: int, bands: int, cores: int) -> dict[str, Any]:
    """Return the figures of one film."""
    found = in_process(ONE_FILM, name, pixels, bands, cores, Path(__file__).parent)
    if "failed" in found:
        return found
    # Few pixels: what a fit of one takes does not depend on how many there are.
    model, stack, _ = map_of(name, max(SCIPY_SAMPLE, LMFIT_SAMPLE), bands)
    waves = np.array(stack.wavelengths_nm)
    scipy_s = seconds_per_pixel(scipy_fit(model, waves), stack, SCIPY_SAMPLE) * pixels
    found |= {"least_squares_s_extrapolated": scipy_s, "times_least_squares": scipy_s / found["seconds"]}
    try:
        lmfit_s = seconds_per_pixel(lmfit_fit(model, waves), stack, LMFIT_SAMPLE) * pixels
    except ImportError as error:
        return found | {"pyelli_lmfit": f"not run: {error}"}
    return found | {"pyelli_lmfit_s_extrapolated": lmfit_s, "times_pyelli_lmfit": lmfit_s / found["seconds"]}


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(films())}")
    parser.add_argument("--pixels", type=int, default=120_000)
    parser.add_argument("--bands", type=int, default=50)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--constants", action="store_true", help="vary the tuned constants instead")
    arguments = parser.parse_args()
    if arguments.constants:
        vary_constants()
        return
    print(f"{arguments.pixels:,} pixels x {arguments.bands} wavelengths on {arguments.cores} processors of "
          f"{os.cpu_count()}, load {load()}")  # fmt: skip
    print(
        f"  per-pixel fits extrapolated from {SCIPY_SAMPLE} (least_squares) and {LMFIT_SAMPLE} (lmfit) pixels"
    )
    figures: Figures = {} if arguments.names else {"compiling": compiling()}
    for name in arguments.names or films():
        figures[name] = measure(name, arguments.pixels, arguments.bands, arguments.cores)
    report(figures, arguments.json)


def load() -> str:
    """Return how busy the machine is, which times depend on."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"


if __name__ == "__main__":
    main()
