"""How often new images are said to differ from those of a training, where they do and where they do not.

Run ``python benchmarks/bench_drift.py [--json FILE]``. Cells of two generators, two kinds each. Trainings of
20 images a kind, then 20 new ones: of both kinds, of one alone, and altered (magnified by 1.25, blurred, with
ten times the noise, brighter at the rim). The rule was chosen on the first generator, for at most 1 % of
alarms on folders that are alike. The second generator, which chose nothing, judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from tools import Figures, arguments, machine, report

from ellimaps.classify import measure_image
from ellimaps.classify.drift import LEAST_P, LEAST_SHARE, drift, training_spread
from ellimaps.classify.image_features import MEASUREMENTS

POOL, KIND, DRAWS = 60, 20, 200
SHARES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)

Image = NDArray[Any]


def arms(kind: int, seed: int) -> Image:
    """Return a round cell or one with arms, of one size."""
    random = np.random.default_rng((1, seed, kind))
    y, x = np.mgrid[-64:64, -64:64].astype(float)
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    mask = distance <= random.uniform(20, 26)
    if kind:
        for direction in random.uniform(-np.pi, np.pi) + np.arange(3 + seed % 3) * 2.1:
            across, along = distance * np.sin(angle - direction), distance * np.cos(angle - direction)
            mask |= (np.abs(across) <= 3) & (along > 0) & (along <= random.uniform(45, 58))
    grain = ndimage.gaussian_filter(random.normal(size=mask.shape), 2)
    bright = ndimage.gaussian_filter(mask * 30000.0, 0.7) * (1 + 0.15 * grain / grain.std())
    return np.clip(400 + bright + random.normal(0, 40, mask.shape), 0, 65535)


def waves(kind: int, seed: int) -> Image:
    """Return a small even cell or a large one with a wavy edge and fibers."""
    random = np.random.default_rng((2, seed, kind))
    y, x = np.mgrid[-64:64, -64:64].astype(float)
    turn, phase = random.uniform(0, 2 * np.pi, 2)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    depth, radius = (0.08, 0.2) if kind else (0.3, 0.34)
    angle = np.arctan2(across, along)
    edge = 128 * radius * random.uniform(0.9, 1.1) * (1 + depth * np.sin(3 * angle + phase))
    inside = 1 / (1 + np.exp((np.hypot(across * random.uniform(1.2, 1.9), along) - edge) / 1.5))
    fibers = 1.0 if kind else 0.65 + 0.35 * np.sin(across * 0.47)
    grain = ndimage.gaussian_filter(random.normal(size=inside.shape), 5)
    inside *= np.clip(fibers + 0.25 * grain / grain.std(), 0.2, None)
    return np.clip(random.normal(300 + 6000 * inside, 25), 0, 65535)


def magnified(image: Image, _: np.random.Generator) -> Image:
    """Return an image at a larger scale."""
    return np.asarray(ndimage.zoom(image, 1.25, order=1))


def blurred(image: Image, _: np.random.Generator) -> Image:
    """Return an image out of focus."""
    return np.asarray(ndimage.gaussian_filter(image, 2.5))


def noisy(image: Image, random: np.random.Generator) -> Image:
    """Return an image of few photons."""
    return np.asarray(image + random.normal(0, 0.05 * image.max(), image.shape))


def hollow(image: Image, _: np.random.Generator) -> Image:
    """Return an image whose cell is brighter at its rim: another stain."""
    smooth = ndimage.gaussian_filter(image, 6)
    return np.asarray(np.clip(image * (1.6 - 1.2 * smooth / smooth.max()), 0, None))


ALTERED: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "magnified by 1.25": magnified,
    "blurred": blurred,
    "ten times the noise": noisy,
    "another stain": hollow,
}


def measured(images: list[Image]) -> NDArray[np.float64]:
    """Return the measurements of images, one row each."""
    return np.array([[measure_image(one).measurements[name] for name in MEASUREMENTS] for one in images])


def found(cell: Callable[[int, int], Image]) -> dict[str, list[tuple[float, float]]]:
    """Return share and p of every draw, by what the new images are."""
    random = np.random.default_rng(0)
    pools = [measured([cell(kind, seed) for seed in range(POOL)]) for kind in (0, 1)]
    other = {
        name: [
            measured([alter(cell(kind, 500 + seed), random) for seed in range(POOL // 2)]) for kind in (0, 1)
        ]
        for name, alter in ALTERED.items()
    }
    truth = np.repeat([0, 1], KIND)
    draws: dict[str, list[tuple[float, float]]] = {}
    for _ in range(DRAWS):
        orders = [random.permutation(POOL) for _ in pools]
        spread = training_spread(
            np.concatenate([pool[order[:KIND]] for pool, order in zip(pools, orders, strict=True)]), truth
        )
        fresh = [pool[order[KIND : 2 * KIND]] for pool, order in zip(pools, orders, strict=True)]
        new = {
            "alike, both kinds": np.concatenate([one[: KIND // 2] for one in fresh]),
            "alike, first kind alone": fresh[0],
            "alike, second kind alone": fresh[1],
        }
        for name, kinds in other.items():
            new[name] = np.concatenate([random.permutation(one)[: KIND // 2] for one in kinds])
        for name, rows in new.items():
            compared = drift(spread, rows)
            assert compared is not None
            draws.setdefault(name, []).append((compared.share, compared.p))
    return draws


def alarms(draws: list[tuple[float, float]], least: float) -> float:
    """Return the share of draws that are told to differ."""
    return float(np.mean([share > least and p < LEAST_P for share, p in draws]))


def main() -> None:
    """Print how often each kind of folder is told to differ, on the generator that chose and on the other."""
    options = arguments(__doc__)
    figures: Figures = {"machine": machine()}
    for half, cell in (("chooses", arms), ("judges", waves)):
        draws = found(cell)
        for least in SHARES:
            rule = " (the rule)" if least == LEAST_SHARE else ""
            told = {name: f"{alarms(one, least):.1%}" for name, one in draws.items()}
            figures[f"{half}: share above {least:.2f}{rule}"] = told
    report(figures, options.json)


if __name__ == "__main__":
    main()
