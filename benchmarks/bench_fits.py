"""How fast and how right thin-film fits of every pixel are, side by side with fits one by one.

Run ``python benchmarks/bench_fits.py [--pixels N] [--bands N] [--json FILE]``; with ``--constants`` it
varies the tuned constants of the look-up, the solver and the curve table in turn, and tells what becomes of
the fits. The map is computed: oxide on silicon with the noise of a good instrument. scipy's
``least_squares`` (a grid for its start, then one call per pixel) and pyElli's model under lmfit (which
needs ``pip install -e '.[bench]'``) are run on a sample of the pixels and extrapolated to all of them; the
table says so. The same fits without numba, and what compiling costs, stand beside.
"""

from __future__ import annotations

import argparse
import json
import os
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

from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.maps.films.fit import fit_map
from ellimaps.maps.films.results import MapFit
from ellimaps.optics import curve_table, lookup, solver, spectra
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.spectra import SpectraFitter

AOI_DEG = 50.0
SIGMA_PSI_DEG, SIGMA_DELTA_DEG = 0.05, 0.1
A_RANGE = 1.40, 1.50
SCIPY_SAMPLE, LMFIT_SAMPLE = 100, 8
REPEATS = 3
BOUNDS = {"thickness_nm": (0.0, 400.0), "cauchy_a": A_RANGE, "cauchy_b": (0.0, 0.01)}
TRUTHS = (20.0, 380.0), (1.43, 1.47), (0.002, 0.008)
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
CONSTANTS_WAVES = np.linspace(450.0, 750.0, 11)
CONSTANTS: list[tuple[Any, str, tuple[Any, ...]]] = [
    (lookup, "_MOST_NODES", (30_000, 120_000)),
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


def film(n_parameters: int) -> ThinFilm:
    """Return oxide on silicon with its thickness free, its Cauchy A, and its Cauchy B."""
    free = dict(list(BOUNDS.items())[:n_parameters])
    return ThinFilm("Si", (Layer(Cauchy(1.45, 0.0035), 100.0, free),))


def map_of(model: ThinFilm, pixels: int, bands: int) -> tuple[ImageStack, np.ndarray]:
    """Return a measured map and its true parameters, shape (parameter, pixel)."""
    rng = np.random.default_rng(0)
    waves = np.linspace(450.0, 750.0, bands)
    truth = np.column_stack([rng.uniform(*TRUTHS[i], pixels) for i in range(len(model.parameters))])
    blocks = [model.psi_delta(waves, AOI_DEG, part) for part in np.array_split(truth, max(1, pixels // 2000))]
    psi, delta = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    psi += rng.normal(0, SIGMA_PSI_DEG, psi.shape)
    delta = (delta + rng.normal(0, SIGMA_DELTA_DEG, delta.shape) / np.sin(np.deg2rad(2 * psi))) % 360
    table = pd.DataFrame({"quantity": np.repeat([DELTA, PSI], bands), "wavelength_nm": np.tile(waves, 2)})
    values = np.concatenate([delta.T, psi.T]).astype(np.float32)
    rows = next(side for side in range(int(pixels**0.5), 0, -1) if pixels % side == 0)
    return ImageStack(values.reshape(2 * bands, rows, -1), table.assign(aoi_deg=AOI_DEG), "bench"), truth.T


def whole_map(model: ThinFilm, stack: ImageStack, truth: np.ndarray) -> dict[str, Any]:
    """Fit every pixel; the median time of some runs, and how right it is."""
    seconds, processor = [], []
    for _ in range(REPEATS):
        start, start_processor = time.perf_counter(), time.process_time()
        fit = fit_map(stack, model)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    error = fit.parameters.reshape(truth.shape) - truth
    trusted = fit.trusted.ravel()
    pulls = (error / fit.standard_errors.reshape(truth.shape))[:, trusted].std(axis=1)
    return {
        "seconds": float(np.median(seconds)),
        "seconds_best": min(seconds),
        "processor_seconds": float(np.median(processor)),
        "processor_seconds_best": min(processor),
        "rmse_nm": float(np.sqrt(np.mean(error[0, trusted] ** 2))),
        "wrong_by_1_nm": float(np.mean(np.abs(error[0, trusted]) > 1)),
        "trusted": float(trusted.mean()),
        "pulls": [round(float(pull), 3) for pull in pulls],
    } | without_numba(model, stack, fit)


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
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, (80, 6, 4), strict=False)]
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


def lmfit_fit(n_parameters: int, waves: np.ndarray) -> Callable[[np.ndarray, np.ndarray], Any]:
    """Return a fit of one pixel by lmfit with pyElli's model, from a start near the truth's middle."""
    import elli
    import lmfit

    substrate = elli.IsotropicMaterial(elli.Table(lbda=waves, n=film(1).substrate(waves)))

    def rest(parameters: Any, psi: np.ndarray, delta: np.ndarray) -> Any:
        oxide = elli.Cauchy(n0=parameters["a"].value, n1=1e4 * parameters["b"].value, n2=0).get_mat()
        layers = [elli.Layer(oxide, parameters["d"].value)]
        result = elli.Structure(elli.AIR, layers, substrate).evaluate(waves, AOI_DEG, solver=elli.Solver2x2)
        turned = (delta - result.delta + 180) % 360 - 180
        return np.concatenate([(psi - result.psi) / SIGMA_PSI_DEG, turned / SIGMA_DELTA_DEG])

    def fit(psi: np.ndarray, delta: np.ndarray) -> Any:
        parameters = lmfit.Parameters()
        parameters.add("d", value=200.0, min=0.0, max=400.0)
        parameters.add("a", value=1.45, min=A_RANGE[0], max=A_RANGE[1], vary=n_parameters > 1)
        parameters.add("b", value=0.0035, min=0.0, max=0.01, vary=n_parameters > 2)
        return lmfit.minimize(rest, parameters, args=(psi, delta))

    return fit


def vary_constants() -> None:
    """Print what other values of the tuned constants do to fits with one to three free parameters."""
    problems = [generated(n_parameters, count) for n_parameters, count in ((1, 6000), (2, 2000), (3, 500))]
    print(f"{'as it is':40} {outcome(problems)}")
    for module, name, others in CONSTANTS:
        usual = getattr(module, name)
        for value in others:
            setattr(module, name, value)
            print(f"{f'{name} = {value}':40} {outcome(problems)}")
        setattr(module, name, usual)


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


def measure(n_parameters: int, pixels: int, bands: int) -> dict[str, Any]:
    """Return the figures for one to three free parameters."""
    model = film(n_parameters)
    stack, truth = map_of(model, pixels, bands)
    waves = np.array(stack.wavelengths_nm)
    found = whole_map(model, stack, truth)
    scipy_s = seconds_per_pixel(scipy_fit(model, waves), stack, SCIPY_SAMPLE) * pixels
    found |= {"least_squares_s_extrapolated": scipy_s, "times_least_squares": scipy_s / found["seconds"]}
    try:
        lmfit_s = seconds_per_pixel(lmfit_fit(n_parameters, waves), stack, LMFIT_SAMPLE) * pixels
    except ImportError as error:
        return found | {"pyelli_lmfit": f"not run: {error}"}
    return found | {"pyelli_lmfit_s_extrapolated": lmfit_s, "times_pyelli_lmfit": lmfit_s / found["seconds"]}


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=120_000)
    parser.add_argument("--bands", type=int, default=50)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--constants", action="store_true", help="vary the tuned constants instead")
    arguments = parser.parse_args()
    if arguments.constants:
        vary_constants()
        return
    print(
        f"{arguments.pixels:,} pixels x {arguments.bands} wavelengths, {os.cpu_count()} CPUs, load {load()}"
    )
    print(
        f"  per-pixel fits extrapolated from {SCIPY_SAMPLE} (least_squares) and {LMFIT_SAMPLE} (lmfit) pixels"
    )
    figures = {"compiling": compiling()}
    print(figures["compiling"])
    for n_parameters in (1, 2, 3):
        name = f"{n_parameters} parameter{'s' if n_parameters > 1 else ''}"
        figures[name] = measure(n_parameters, arguments.pixels, arguments.bands)
        print(name)
        for key, value in figures[name].items():
            print(f"  {key:30} {f'{value:.4g}' if isinstance(value, float) else value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def load() -> str:
    """Return how busy the machine is, which times depend on."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"


if __name__ == "__main__":
    main()
