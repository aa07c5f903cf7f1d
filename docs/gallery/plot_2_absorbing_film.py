"""
An absorbing film
=================

Where a film absorbs, its index is not known beforehand, and n, k and thickness have to be found together.
An oscillator ties n and k over all wavelengths to four numbers. Here: 120 nm of amorphous silicon on glass,
at two angles of incidence, with the noise of a good instrument.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import ellimaps as em
from ellimaps.optics.index_curves import fitted_curves

MODEL = """
substrate = "glass"

[[layers]]
thickness_nm = {thickness}

[layers.free]
thickness_nm = [50.0, 250.0]
tauc_lorentz_amplitude_ev = [50.0, 250.0]
tauc_lorentz_broadening_ev = [1.0, 4.0]
tauc_lorentz_energy_ev = [3.0, 4.5]
tauc_lorentz_gap_ev = [1.0, 2.2]

[[layers.material.oscillators]]
tauc_lorentz = {{ amplitude_ev = {a}, broadening_ev = {c}, energy_ev = {e0}, gap_ev = {eg} }}
"""
scratch = TemporaryDirectory()


def film(**numbers: float) -> em.ThinFilm:
    """Return the model with these numbers, as from a file that somebody wrote."""
    path = Path(scratch.name) / "model.toml"
    path.write_text(MODEL.format(**numbers))
    return em.read_model(path)


# %%
# The truth, and what an instrument would measure of it.

true = film(thickness=120.0, a=122.0, c=2.4, e0=3.45, eg=1.6)
waves = np.linspace(350, 1000, 66)
noise = np.random.default_rng(1)
tables = []
for aoi_deg in (55.0, 65.0):
    psi, delta = true.psi_delta(waves, aoi_deg)
    measured = {
        "Psi": psi + noise.normal(0, 0.05, psi.shape),
        "Delta": (delta + noise.normal(0, 0.1, psi.shape)) % 360,
    }
    facts = {"spectrum": "film", "wavelength_nm": waves, "aoi_deg": aoi_deg, "Psi_sd": 0.05, "Delta_sd": 0.1}
    tables.append(pd.DataFrame(facts | measured))
spectra = em.Spectra("amorphous silicon", pd.concat(tables, ignore_index=True))

# %%
# The fit begins elsewhere: 90 nm, and an oscillator with other numbers.

fits = em.fit_spectra(spectra, film(thickness=90.0, a=100.0, c=2.0, e0=3.8, eg=1.4))
[fit] = fits.fits
found = fits.table().iloc[0]
print(f"{found.thickness_nm:.2f} ± {found.thickness_nm_se:.2f} nm (true: 120), {found.flag}")

# %%
# n and k with their standard error, and the truth as a line of dots.

curves = fitted_curves(fit, 0, waves)
index = true.layers[0].material(waves)
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, part, color in (("n", index.real, "C0"), ("k", index.imag, "C3")):
    axes.plot(waves, curves[name], color=color, label=f"{name}, fitted")
    axes.fill_between(
        waves,
        curves[name] - curves[f"{name}_se"],
        curves[name] + curves[f"{name}_se"],
        color=color,
        alpha=0.3,
    )
    axes.plot(waves[::3], part[::3], ".", color="black", markersize=3, label="true" if name == "n" else None)
axes.set(xlabel="wavelength (nm)", ylabel="n, k")
axes.legend()

# %%
# Thickness, n and k are the true ones.

worst = max(np.abs(curves["n"] - index.real).max(), np.abs(curves["k"] - index.imag).max())
print(f"n and k are off by at most {worst:.4f}")
assert abs(found.thickness_nm - 120) < 4 * found.thickness_nm_se < 1
assert worst < 0.02
assert found.flag == "ok"
