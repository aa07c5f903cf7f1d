"""Small stacks with known values, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.stack import DELTA, PSI, ImageStack
from ellimaps.images.preprocessing import preprocess
from ellimaps.optics.layers import Layer
from ellimaps.optics.model import ThinFilm
from ellimaps.readers import open_stack
from ellimaps.samples import sample_ep4


def delta_psi(delta: Any, psi: Any, **fields: Any) -> ImageStack:
    """Return a stack of Delta and Psi maps, each of shape (wavelength, y, x) or (y, x)."""
    maps = [np.asarray(m, dtype=np.float32).reshape(-1, *np.shape(m)[-2:]) for m in (delta, psi)]
    waves = 500.0 + 50 * np.arange(len(maps[0]))
    bands = pd.DataFrame(
        {"quantity": np.repeat([DELTA, PSI], len(waves)), "wavelength_nm": np.tile(waves, 2), "aoi_deg": 50.0}
    )
    return ImageStack(np.concatenate(maps), bands, "test", **fields)


def intensities(values: Any, **fields: Any) -> ImageStack:
    """Return a stack of intensity maps of shape (channel, y, x) or (y, x)."""
    maps = np.asarray(values, dtype=np.float32)
    maps = maps.reshape(-1, *maps.shape[-2:])
    bands = pd.DataFrame(
        {"quantity": ["intensity"] * len(maps), "channel": [f"C{i}" for i in range(len(maps))]}
    )
    return ImageStack(maps, bands, "test", **fields)


def row(features: Any) -> ImageStack:
    """Return pixels (pixel, feature) as a one-row stack, to be clustered with ``features="raw"``."""
    return intensities(np.asarray(features, dtype=np.float32).T[:, None, :])


def clouds(n: int, k: int, noise: float, seed: int = 0) -> np.ndarray:
    """Return points (pixel, feature) of clouds of unequal size."""
    rng = np.random.default_rng(seed)
    kinds = np.minimum(rng.geometric(0.5, n) - 1, k - 1)
    return np.asarray(rng.uniform(-5, 5, (k, 3))[kinds] + rng.normal(0, noise, (n, 3)))


@cache
def sample(**settings: Any) -> tuple[ImageStack, dict[str, np.ndarray]]:
    """Return a generated measurement, preprocessed, and its truth."""
    with TemporaryDirectory() as folder:
        written = sample_ep4(Path(folder) / "sample", **settings)
        with np.load(written / "truth.npz") as truth:
            return preprocess(open_stack(written)), dict(truth)


def oxide(thickness_nm: Any, *, noise_deg: float = 0.15, seed: int = 0) -> ImageStack:
    """Return Delta and Psi, with noise, of oxide on silicon whose thickness is given for every pixel."""
    thickness = np.asarray(thickness_nm, dtype=float)
    film = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 400.0)}),))
    wavelengths = np.linspace(450, 750, 7)
    grid = np.linspace(thickness.min(), thickness.max() + 1e-6, 1000)
    psi, delta = film.psi_delta(wavelengths, 55.0, grid[:, None])
    place = np.searchsorted(grid, thickness).clip(0, 999)
    rng = np.random.default_rng(seed)
    shape = (wavelengths.size, *thickness.shape)
    delta, psi = (values[place].transpose(2, 0, 1) for values in (delta, psi))
    delta, psi = delta + rng.normal(0, noise_deg, shape), psi + rng.normal(0, noise_deg / 2, shape)
    return delta_psi(delta % 360, psi)


@cache
def real(folder: Path) -> ImageStack:
    """Return a real measurement, preprocessed."""
    return preprocess(open_stack(folder))


def one_sentence(error: Any) -> bool:
    """Whether an error's message is one sentence of one line."""
    text = str(error.value)
    return text.endswith(".") and "\n" not in text and ". " not in text
