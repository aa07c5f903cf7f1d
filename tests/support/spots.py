"""Files of spectra with known films, as a user has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ellimaps.optics.layers import Layer
from ellimaps.optics.model import ThinFilm

FILM = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 300.0)}),))
MODEL_TEXT = (
    'substrate = "Si"\n[[layers]]\nmaterial = "SiO2"\nthickness_nm = 100.0\n'
    "free = { thickness_nm = [0.0, 300.0] }\n"
)
WAVES = np.linspace(400.0, 800.0, 41)
# By spectrum: x and y in mm, and the thickness there in nm.
PLACES = {0: (-10.0, 0.0, 80.0), 1: (0.0, 0.0, 100.0), 2: (10.0, 0.0, 120.0), 3: (10.0, 5.0, 140.0)}


def spectrum_of(thickness_nm: float, seed: int = 0, angle: float = 65.0) -> pd.DataFrame:
    """One spectrum of a film, with noise and its size."""
    draw = np.random.default_rng(seed)
    psi, delta = FILM.psi_delta(WAVES, np.full(len(WAVES), angle), [thickness_nm])
    return pd.DataFrame(
        {
            "wavelength_nm": WAVES,
            "aoi_deg": angle,
            "Psi": psi + draw.normal(0, 0.03, len(WAVES)),
            "Delta": (delta + draw.normal(0, 0.06, len(WAVES))) % 360,
            "Psi_sd": 0.03,
            "Delta_sd": 0.06,
        }
    )


def spots_folder(root: Path) -> Path:
    """A folder with one spot, several spots at places, one that misses the film, and one without titles."""
    folder = root / "spots"
    folder.mkdir()
    spectrum_of(123.4).to_csv(folder / "spot.csv", index=False)
    parts = [
        spectrum_of(thickness, number).assign(spectrum=number, x_mm=x, y_mm=y)
        for number, (x, y, thickness) in PLACES.items()
    ]
    # Nobody's film.
    parts[2]["Psi"] += 8 * np.sin(WAVES / 40)
    pd.concat(parts).to_csv(folder / "wafer.csv", index=False)
    untitled = spectrum_of(123.4)[["Psi", "Delta", "aoi_deg", "wavelength_nm"]]
    np.savetxt(folder / "untitled.txt", untitled.to_numpy(), fmt="%.6f")
    (folder / "notes.txt").write_text("Measured on Monday.\n")
    (folder / "model.toml").write_text(MODEL_TEXT)
    return folder
