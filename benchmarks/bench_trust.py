"""How far the word *ok* of a thin-film fit can be trusted, against truth made without ellimaps' optics.

Run ``python benchmarks/bench_trust.py [--json FILE]``. Every row is a map of 40 terraces of 10 x 10 pixels
with noise, fitted with the defaults; a pixel is *wrong* if it is off by more than five of its own standard
errors. *pull* is the standard deviation of error over standard error, *bound* the RMSE over the Cramer-Rao
bound for the values measured; both over the pixels that are ok. Two sets with different thicknesses,
angles, wavelengths, noise and forward models: thresholds were chosen on the first (transfer matrices,
below) and are judged on the second (pyElli). Indices of refraction are those of ellimaps' own tables, as
they would be in the laboratory.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.maps.films.fit import fit_map, fit_shots
from ellimaps.maps.segmentation import segmentation_of_labels
from ellimaps.optics.certainty import certainty_of
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material
from ellimaps.optics.materials import Cauchy, Constant
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.spectra import FitProblem, SpectraFitter

TERRACES, TERRACE_PX = (5, 8), 10
Index = Any
"""A function of wavelength in nm that gives n + ik, or a pair of them (ordinary, extraordinary)."""
Film = tuple[Index, float]
Sample = tuple[list[Film], Index]
"""Films from the ambient down, and the substrate."""
Generator = Callable[[Sample, np.ndarray, float], np.ndarray]


def transfer_matrices(sample: Sample, waves: np.ndarray, aoi_deg: float) -> np.ndarray:
    """Return rho by characteristic matrices of every film (Abeles), fields exp(-i omega t)."""
    films, substrate = sample
    sine = np.sin(np.deg2rad(aoi_deg))

    def normal(index: Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ordinary, extraordinary = (part(waves) for part in pair_of(index))
        p = np.emath.sqrt(ordinary**2 * (1 - (sine / extraordinary) ** 2))
        return p, np.emath.sqrt(ordinary**2 - sine**2), ordinary**2

    reflected = []
    for light in (0, 1):
        top, bottom = (normal(index) for index in (Constant(1.0), substrate))
        field_e = np.ones(len(waves), dtype=complex)
        field_h = bottom[2] / bottom[0] if light == 0 else bottom[1]
        for index, thickness in reversed(films):
            film = normal(index)
            admittance = film[2] / film[0] if light == 0 else film[1]
            phase = 2 * np.pi * film[light] * thickness / waves
            cosine, turned = np.cos(phase), -1j * np.sin(phase)
            field_e, field_h = (
                cosine * field_e + turned / admittance * field_h,
                turned * admittance * field_e + cosine * field_h,
            )
        outside = top[2] / top[0] if light == 0 else top[1]
        reflected.append((outside * field_e - field_h) / (outside * field_e + field_h))
    # Along the surface, r_p = r_s at normal incidence; as ellipsometers count it is the opposite.
    return np.asarray(-reflected[0] / reflected[1])


def pyelli(sample: Sample, waves: np.ndarray, aoi_deg: float) -> np.ndarray:
    """Return rho by pyElli."""
    import elli

    films, substrate = sample

    def medium(index: Index) -> Any:
        ordinary, extraordinary = (
            elli.Table(lbda=waves, n=np.asarray(part(waves), dtype=complex)) for part in pair_of(index)
        )
        if is_crystal(index):
            return elli.UniaxialMaterial(ordinary, extraordinary)
        return elli.IsotropicMaterial(ordinary)

    layers = [elli.Layer(medium(index), thickness) for index, thickness in films]
    crystal = any(is_crystal(index) for index, _ in films)
    solver = elli.Solver4x4 if crystal else elli.Solver2x2
    return np.asarray(
        elli.Structure(elli.AIR, layers, medium(substrate)).evaluate(waves, aoi_deg, solver=solver).rho
    )


def is_crystal(index: Index) -> bool:
    """Whether an index is that of a layered crystal."""
    return hasattr(index, "ordinary")


def pair_of(index: Index) -> tuple[Index, Index]:
    """Return ordinary and extraordinary index, the same one twice where there is no crystal."""
    return (index.ordinary, index.extraordinary) if is_crystal(index) else (index, index)


@dataclass(frozen=True)
class Bench:
    """One instrument and the samples put on it."""

    name: str
    rho: Generator
    aoi_deg: float
    waves: np.ndarray
    sigma_psi: float
    thin: tuple[float, float]
    """Range of a thin film on a thick oxide, nm."""
    usual: tuple[float, float]
    """Range of a film by itself, nm."""
    seed: int

    def angles(self, sample: Sample, aoi_deg: float) -> np.ndarray:
        """Return Psi and Delta in degrees, shape (2, band)."""
        rho = self.rho(sample, self.waves, aoi_deg)
        return np.stack([np.rad2deg(np.arctan(np.abs(rho))), np.rad2deg(-np.angle(rho)) % 360])


BENCHES = (
    Bench("chosen on", transfer_matrices, 50.0, np.linspace(450, 750, 31), 0.05, (3, 60), (60, 350), 1),
    Bench("judged by", pyelli, 65.0, np.linspace(420, 880, 24), 0.08, (6, 90), (35, 290), 101),
)


@dataclass(frozen=True)
class Case:
    """A row: what is there, what is fitted."""

    name: str
    sample: Callable[[float], Sample]
    model: ThinFilm
    thickness: tuple[float, float]
    aoi_deg: float | None = None
    waves: np.ndarray | None = None
    tilt_deg: float = 0.0
    spoiled: Callable[[np.ndarray, np.random.Generator], np.ndarray] = field(
        default=lambda values, rng: values  # noqa: ARG005
    )
    group: str = ""


def film_model(film: Any, high: float, *below: Layer, substrate: Any = "Si", **free: Any) -> ThinFilm:
    """Return a model with a film's thickness free from 0 to high."""
    bounds = {"thickness_nm": (0.0, float(high)), **free}
    return ThinFilm(substrate, (Layer(film, high / 4, bounds), *below))


def mixed(first: Index, second: Index, share: float) -> Index:
    """Return the index of a Bruggeman mixture, isotropic inclusions."""

    def index(waves: np.ndarray) -> np.ndarray:
        one, two = first(waves) ** 2, second(waves) ** 2
        b = (3 * share - 1) * one + (2 - 3 * share) * two
        return np.asarray(np.sqrt((b + np.sqrt(b**2 + 8 * one * two)) / 4))

    return index


def cases(bench: Bench) -> Iterator[Case]:
    """Yield all maps of pixels."""
    si, silica, alumina, chromium = (material(name) for name in ("Si", "SiO2", "Al2O3", "Cr"))
    hbn, nitride, titania, air = (material(name) for name in ("hBN", "Si3N4", "TiO2", "air"))
    polymer = Cauchy(1.50, 0.005)
    oxide = film_model("SiO2", 400)
    few = np.linspace(bench.waves[0], bench.waves[-1], 11)
    many = np.linspace(bench.waves[0], bench.waves[-1], 50)

    def on_silicon(film: Index) -> Callable[[float], Sample]:
        return lambda d: ([(film, d)], si)

    def chromium_of(nm: float) -> Callable[[float], Sample]:
        return lambda _: ([(chromium, float(nm))], si)

    usual, thin = bench.usual, bench.thin
    chromium_model = film_model("Cr", 2000)
    for nm in (1000, 80, 40, 20):
        yield Case(f"1 Cr {nm} nm, bounds 0..2000", chromium_of(nm), chromium_model, (nm, nm), waves=few)
    yield Case("1 SiO2 0..2000, right", on_silicon(silica), film_model("SiO2", 2000), (5, 1950), waves=few)
    yield Case("2 70 deg, 50 bands", on_silicon(silica), oxide, usual, 70.0, many)
    yield Case("2 76 deg, 11 bands", on_silicon(silica), oxide, usual, 76.0, few)
    yield Case("5 30 % of the values missing", on_silicon(silica), oxide, usual, spoiled=missing(0.3))
    yield Case("6 1 % wild, 50 bands", on_silicon(silica), oxide, usual, waves=many, spoiled=wild(0.01))
    yield Case("6 1 % wild, 11 bands", on_silicon(silica), oxide, usual, waves=few, spoiled=wild(0.01))

    held = Layer("SiO2", 290.0)
    rough, interface = mixed(silica, air, 0.5), mixed(silica, si, 0.5)
    aluminum, titania_model = material("Al"), film_model("TiO2", 300)
    on_silver = film_model("Si3N4", 350, substrate="Ag")
    nitride_model, below = film_model("Si3N4", 350), film_model("hBN", 150, held)
    glassy, crystal = film_model(Cauchy(1.45, 0.0035), 400), film_model("hBN-o", 150, held)

    def below_hbn(oxide_nm: float) -> Callable[[float], Sample]:
        return lambda d: ([(hbn, d), (silica, oxide_nm)], si)

    wrong = [
        ("polymer of 20 nm missing", lambda d: ([(polymer, 20.0), (silica, d)], si), oxide, usual),
        ("polymer missing on Si3N4", lambda d: ([(polymer, 20.0), (nitride, d)], si), nitride_model, usual),
        ("oxide 1 nm thicker below hBN", below_hbn(291.0), below, thin),
        ("oxide 1 nm thinner below hBN", below_hbn(289.0), below, thin),
        ("interface of 1 nm missing", lambda d: ([(silica, d), (interface, 1.0)], si), oxide, usual),
        ("Al2O3 fitted as SiO2", on_silicon(alumina), oxide, usual),
        ("index 0.01 too low", on_silicon(Cauchy(1.46, 0.0035)), glassy, usual),
        ("index 0.01 too high", on_silicon(Cauchy(1.44, 0.0035)), glassy, usual),
        ("roughness of 5 nm missing", lambda d: ([(rough, 5.0), (silica, d)], si), oxide, usual),
        ("native oxide of 2 nm missing", lambda d: ([(titania, d), (silica, 2.0)], si), titania_model, thin),
        ("absorption k = 0.01 missing", on_silicon(lambda w: silica(w) + 0.01j), oxide, usual),
        ("crystal fitted as isotropic", below_hbn(290.0), crystal, thin),
        ("nitride on Al fitted on Ag", lambda d: ([(nitride, d)], aluminum), on_silver, usual),
    ]
    for name, sample, model, range_nm in wrong:
        yield Case(f"3 {name}", sample, model, range_nm, group="3 all fourteen wrong models")
    name = "angle 0.2 deg off"
    yield Case(
        f"3 {name}", on_silicon(silica), oxide, usual, tilt_deg=0.2, group="3 all fourteen wrong models"
    )

    a, b = {"cauchy_a": (1.4, 1.6)}, {"cauchy_b": (0.0, 0.02)}
    both = film_model("hBN", 150, Layer("SiO2", 280.0, {"thickness_nm": (200.0, 400.0)}))
    right = [
        ("SiO2", on_silicon(silica), oxide, usual),
        ("Si3N4", on_silicon(nitride), nitride_model, usual),
        ("TiO2", on_silicon(titania), titania_model, thin),
        ("hBN on oxide", below_hbn(290.0), below, thin),
        ("polymer, index free", on_silicon(polymer), film_model(Cauchy(1.48, 0.005), 400, **a), usual),
        ("polymer, A and B free", on_silicon(polymer), film_model(Cauchy(1.48, 0.004), 400, **a, **b), usual),
        ("hBN and oxide free", below_hbn(290.0), both, thin),
    ]
    for name, sample, model, range_nm in right:
        yield Case(f"right: {name}", sample, model, range_nm, group="right models")


def missing(share: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Return what takes values out here and there."""
    return lambda values, rng: np.where(rng.random(values.shape) < share, np.nan, values)


def wild(share: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Return what puts any angle in place of values here and there; values are Delta, then Psi."""

    def spoil(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        largest = np.repeat([360.0, 90.0], len(values) // 2)[:, None, None]
        return np.where(rng.random(values.shape) < share, largest * rng.random(values.shape), values)

    return spoil


@dataclass(frozen=True)
class Truth:
    """A generated map with what is known about it."""

    stack: ImageStack
    thickness: np.ndarray
    bound: np.ndarray
    """Cramer-Rao bound of each pixel's thickness for the values it has, nm."""


def made(case: Case, bench: Bench) -> Truth:
    """Return the map of a case: terraces of random thickness, noise of Delta growing as 1 / sin 2 Psi."""
    bench = replace(bench, waves=bench.waves if case.waves is None else case.waves)
    aoi = bench.aoi_deg if case.aoi_deg is None else case.aoi_deg
    rng = np.random.default_rng(bench.seed)
    nm = rng.uniform(*case.thickness, TERRACES)
    n = len(bench.waves)
    curves = np.array([[bench.angles(case.sample(d), aoi + case.tilt_deg) for d in row] for row in nm])
    sigma = np.broadcast_to(bench.sigma_psi, curves.shape).copy()
    sigma[:, :, 1] *= 2 / np.sin(np.deg2rad(2 * curves[:, :, 0]))
    curves, sigma, thickness = (np.kron(part, np.ones((TERRACE_PX, TERRACE_PX)).reshape(
        TERRACE_PX, TERRACE_PX, *(1,) * (part.ndim - 2))) for part in (curves, sigma, nm))  # fmt: skip
    noisy = curves + sigma * rng.normal(size=curves.shape)
    values = np.moveaxis(noisy[:, :, ::-1], (2, 3), (0, 1)).reshape(2 * n, *thickness.shape)
    values[:n] %= 360
    values = case.spoiled(values, rng)
    table = pd.DataFrame({"quantity": np.repeat([DELTA, PSI], n), "wavelength_nm": np.tile(bench.waves, 2)})
    stack = ImageStack(values, table.assign(aoi_deg=aoi), case.name)
    return Truth(stack, thickness, bound_of(case, bench, aoi, thickness, values, sigma))


def bound_of(
    case: Case, bench: Bench, aoi_deg: float, thickness: np.ndarray, values: np.ndarray, sigma: np.ndarray
) -> np.ndarray:
    """Return the Cramer-Rao bound of the thickness, with the other free parameters of a right model free."""
    n = len(bench.waves)
    known = np.isfinite(np.moveaxis(values.reshape(2, n, *thickness.shape), (0, 1), (2, 3))[:, :, ::-1])
    bounds = np.full(thickness.shape, np.nan)
    for nm in np.unique(thickness):
        here = thickness == nm
        slopes = np.array([slope.ravel() for slope in slopes_of(case, bench, aoi_deg, float(nm))])
        scaled = slopes / sigma[here][0].ravel() * known[here].reshape(-1, 1, 2 * n)
        information = scaled @ np.swapaxes(scaled, 1, 2)
        singular = np.linalg.cond(information) > 1e14
        information[singular] = np.eye(len(slopes))
        bounds[here] = np.where(singular, np.nan, np.sqrt(np.linalg.inv(information)[:, 0, 0]))
    return bounds


def slopes_of(case: Case, bench: Bench, aoi_deg: float, nm: float) -> list[np.ndarray]:
    """Return derivatives of Psi and Delta by thickness and by what else is free, by differences."""

    def slope(change: Callable[[float], Sample], step: float) -> np.ndarray:
        rise = bench.angles(change(step), aoi_deg) - bench.angles(change(-step), aoi_deg)
        rise[1] -= 360 * np.round(rise[1] / 360)
        return rise / (2 * step)

    def with_index(number: int, term: int) -> Callable[[float], Sample]:
        def change(step: float) -> Sample:
            films, substrate = case.sample(nm)
            index, thickness = films[number]
            films[number] = (lambda w: index(w) + step * (w / 1000.0) ** (-2 * term), thickness)
            return films, substrate

        return change

    def thicker(step: float) -> Sample:
        films, substrate = case.sample(nm)
        films[1] = (films[1][0], films[1][1] + step)
        return films, substrate

    found = [slope(lambda step: case.sample(nm + step), 1e-3)]
    for parameter in case.model.parameters[1:]:
        if parameter.kind == "thickness_nm":
            found.append(slope(thicker, 1e-3))
        else:
            found.append(slope(with_index(0, int(parameter.kind == "cauchy_b")), 1e-5))
    return found


def row_of(case: Case, bench: Bench) -> dict[str, float]:
    """Fit a case's map and return how right the verdict is."""
    truth = made(case, bench)
    fit = fit_map(truth.stack, case.model)
    error = fit.parameters[0] - truth.thickness
    with np.errstate(invalid="ignore", divide="ignore"):
        pulls = error / fit.standard_errors[0]
    ok = fit.flags == Flag.OK
    wrong = ok & ~(np.abs(pulls) <= 5)
    known = ok & np.isfinite(truth.bound)
    rmse = np.sqrt(np.mean(error[known] ** 2)) if known.any() else np.nan
    bound = np.sqrt(np.mean(truth.bound[known] ** 2)) if known.any() else np.nan
    return {
        "ok": float(ok.mean()),
        "ok_and_wrong": float(wrong.mean()),
        "pull": float(np.std(pulls[ok])) if ok.any() else np.nan,
        "rmse_over_bound": float(rmse / bound),
        "median_chi2": float(np.nanmedian(fit.chi2)),
    }


def survivors(bench: Bench) -> dict[str, float]:
    """Return how clusters fare of which few pixels were measured at some wavelength, and those biased."""
    rng = np.random.default_rng(bench.seed)
    silica, si = material("SiO2"), material("Si")
    oks, wrongs, pulls = [], [], []
    for number, nm in enumerate(rng.uniform(*bench.usual, 40)):
        case = Case("4", lambda _, nm=nm: ([(silica, nm)], si), film_model("SiO2", 400), (nm, nm))
        truth = made(case, bench)
        values = truth.stack.values.copy()
        n = len(bench.waves)
        for band in rng.choice(n, 2, replace=False):
            gone = rng.random(truth.stack.shape) < (0.93 if number % 2 else 0.6)
            values[[band, band + n]] += np.array([3.0, 1.5])[:, None, None]
            values[[band, band + n]] = np.where(gone, np.nan, values[[band, band + n]])
        stack = truth.stack.with_values(values)
        labels = np.zeros(stack.shape, dtype=np.int16)
        shots = segmentation_of_labels(stack, labels, {"features": "ncs", "seed": 0, "k": 1})
        if not np.isfinite(shots.means).any():
            continue
        (fit,) = fit_shots(shots, case.model).clusters
        pulls.append((fit.parameters["thickness_nm"] - nm) / fit.standard_errors["thickness_nm"])
        oks.append(fit.flag == Flag.OK)
        wrongs.append(fit.flag == Flag.OK and not abs(pulls[-1]) <= 5)
    chosen = np.array(pulls)[np.array(oks)]
    return {
        "ok": float(np.mean(oks)),
        "ok_and_wrong": float(np.mean(wrongs)),
        "pull": float(chosen.std()) if len(chosen) else np.nan,
        "rmse_over_bound": np.nan,
    }


def coverage(bench: Bench, n_free: int) -> dict[str, float]:
    """Return how often the 90 % limits of 1,000 fits hold the truth, parameter by parameter."""
    rng = np.random.default_rng(bench.seed + n_free)
    bounds = {
        "thickness_nm": (0.0, 400.0),
        "cauchy_a": (1.4, 1.6),
        "cauchy_b": (0.0, 0.02),
        "aoi_offset_deg": (-2.0, 2.0),
    }
    free = dict(list(bounds.items())[: min(n_free, 3)])
    of_all = {"aoi_offset_deg": bounds["aoi_offset_deg"]} if n_free == 4 else {}
    model = ThinFilm("Si", (Layer(Cauchy(1.48, 0.005), 100.0, free),), free=of_all)
    truth = np.column_stack(
        [rng.uniform(*bench.usual, 1000), rng.uniform(1.45, 1.55, 1000), rng.uniform(4e-3, 8e-3, 1000)]
    )
    truth[:, n_free:] = (0.0, 1.48, 0.005)[n_free:]
    si, n = material("Si"), len(bench.waves)
    curves = np.array([bench.angles(([(Cauchy(a, b), d)], si), bench.aoi_deg) for d, a, b in truth])
    psi = curves[:, 0] + bench.sigma_psi * rng.normal(size=(1000, n))
    sigma = 2 * bench.sigma_psi / np.sin(np.deg2rad(2 * curves[:, 0]))
    delta = (curves[:, 1] + sigma * rng.normal(size=(1000, n))) % 360
    options = FitOptions(bench.sigma_psi, 2 * bench.sigma_psi)
    fitter = SpectraFitter(model, bench.waves, np.full(n, bench.aoi_deg), options)
    fit = fitter.fit(psi, delta)
    true = np.column_stack([truth, np.zeros(1000)])[:, :n_free]
    target, inside = fitter.target(psi, delta), []
    for number in range(1000):
        problem = FitProblem(fitter, target.part(np.array([number])), fitter.noise)
        found = certainty_of(
            fitter, problem, fit.parameters[number], fit.standard_errors[number], across=False
        )
        inside.append((found.limits[:, 0] <= true[number]) & (true[number] <= found.limits[:, 1]))
    shares = np.mean(inside, axis=0)
    return dict(zip([p.name for p in model.parameters], map(float, shares), strict=True))


def rows(bench: Bench, only: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the rows of one bench, and the means of groups after them."""
    groups: dict[str, list[dict[str, float]]] = {}
    for case in cases(bench):
        if only not in case.name:
            continue
        row = row_of(case, bench)
        if case.group:
            groups.setdefault(case.group, []).append(row)
        yield case.name, row
    name = "4 clusters with few survivors"
    if only in name:
        yield name, survivors(bench)
    for name, members in groups.items():
        yield f"{name} (mean)", {key: float(np.nanmean([row[key] for row in members])) for key in members[0]}


def line_of(row: dict[str, float]) -> str:
    """Return a row's figures, aligned below the headings."""
    return (
        f"{row['ok']:8.2%} {row['ok_and_wrong']:10.2%} {row['pull']:6.2f} {row['rmse_over_bound']:6.2f} "
        f"{row.get('median_chi2', np.nan):8.3g}"
    )


def main() -> None:
    """Print the table and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--only", default="", help="only the rows whose name contains this text")
    arguments = parser.parse_args()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for bench in BENCHES:
        print(f"{bench.name}: {bench.rho.__name__}, {bench.aoi_deg:g} deg, {len(bench.waves)} wavelengths, "
              f"noise {bench.sigma_psi:g} deg")  # fmt: skip
        print(f"  {'':44} {'ok':>8} {'ok, wrong':>10} {'pull':>6} {'bound':>6} {'chi2':>8}")
        figures[bench.name] = {}
        for name, row in rows(bench, arguments.only):
            figures[bench.name][name] = row
            print(f"  {name:44} {line_of(row)}", flush=True)
        for n_free in range(1, 5):
            name = f"90 % limits, {n_free} free"
            if arguments.only in name:
                figures[bench.name][name] = coverage(bench, n_free)
                shares = ", ".join(f"{key} {share:.1%}" for key, share in figures[bench.name][name].items())
                print(f"  {name:44} {shares}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
