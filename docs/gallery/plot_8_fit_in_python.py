"""
Fit in Python
=============

A model is a function: it can be looked at, fitted by ellimaps, or by a minimizer of your own. Here both fit
85 nm of oxide on silicon whose angle of incidence is not quite what the instrument says, and agree.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import least_squares

import ellimaps as em

waves = np.linspace(400, 900, 51)
true = em.ThinFilm("Si", em.Layer("SiO2", 85.0), aoi_deg=65.2)
psi, delta = true.psi_delta(waves)
noise = np.random.default_rng(7)
measured_psi, measured_delta = (
    psi + noise.normal(0, 0.05, waves.shape),
    delta + noise.normal(0, 0.1, waves.shape),
)

# %%
# With ellimaps: what is free stands in the model, with its bounds.

start = em.ThinFilm(
    "Si",
    em.Layer("SiO2", 60.0, {"thickness_nm": (0, 300)}),
    aoi_deg=65.0,
    free={"aoi_offset_deg": (-0.5, 0.5)},
)
table = pd.DataFrame(
    {
        "spectrum": "spot",
        "wavelength_nm": waves,
        "aoi_deg": 65.0,
        "Psi": measured_psi,
        "Delta": measured_delta,
    }
)
fits = em.fit_spectra(em.Spectra("spot", table.assign(Psi_sd=0.05, Delta_sd=0.1)), start)
[fit] = fits.fits
print(fits.table().filter(regex="thickness|aoi|mse|flag").T)

# %%
# With SciPy: ``psi_delta`` takes the free parameters, in the order of the fit's own.


def residuals(parameters: np.ndarray) -> np.ndarray:
    """Return measured minus modelled over noise; Delta is an angle, so its difference is wrapped."""
    model_psi, model_delta = start.psi_delta(waves, parameters=parameters)
    turned = (measured_delta - model_delta + 180) % 360 - 180
    return np.concatenate([(measured_psi - model_psi) / 0.05, turned / 0.1])


own = least_squares(residuals, [60.0, 0.0], x_scale=[10, 0.1])
errors = np.sqrt(np.diag(np.linalg.inv(own.jac.T @ own.jac)))
for name, value, error in zip(fit.parameters, own.x, errors, strict=True):
    print(f"{name} {value:.4f} ± {error:.4f}")

# %%
# How chi squared rises around the result says the same: the ellipse is where it is one above its least.

thickness, offset = np.meshgrid(
    own.x[0] + errors[0] * np.linspace(-3, 3, 41), own.x[1] + errors[1] * np.linspace(-3, 3, 41)
)
above = [np.sum(residuals(pair) ** 2) for pair in np.stack([thickness.ravel(), offset.ravel()], axis=1)]
above = np.reshape(above, thickness.shape) - 2 * own.cost

figure, axes = plt.subplots(figsize=(5, 3.6), layout="constrained")
axes.contour(thickness, offset, above, levels=[1, 4, 9], colors=["C0", "C0", "C0"])
values, standard_errors = list(fit.parameters.values()), list(fit.standard_errors.values())
axes.errorbar(values[0], values[1], standard_errors[1], standard_errors[0], "o", color="C1", label="ellimaps")
axes.plot(85.0, 0.2, "+", color="black", markersize=12, label="true")
axes.set(xlabel="oxide (nm)", ylabel="angle of incidence - 65 (deg)")
axes.locator_params(axis="x", nbins=5)
axes.legend()

# %%
# Both find the same, with the same errors, and the truth is within three of these.

np.testing.assert_allclose(values, own.x, atol=1e-3)
np.testing.assert_allclose(standard_errors, errors, rtol=0.02)
assert np.all(np.abs(own.x - [85.0, 0.2]) < 3 * errors)
