"""n and k over wavelength: those of the material, and the scatter of many fits as their errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.fitted import FilmFit, MeasuredSpectrum
from ellimaps.optics.flags import Flag
from ellimaps.optics.index_curves import fitted_curves, index_curves
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material
from ellimaps.optics.materials import Cauchy, Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.noise import Noise
from ellimaps.optics.spectra import SpectraFitter

WAVES = np.linspace(450.0, 750.0, 21)


def test_curves_are_the_material_within_its_range() -> None:
    silicon = material("Si")
    assert isinstance(silicon, Material)
    table = index_curves(silicon, np.array([200.0, 400.0, 600.0]))
    assert table["wavelength_nm"].tolist() == [400.0, 600.0]
    np.testing.assert_array_equal(table["n"] + 1j * table["k"], silicon(np.array([400.0, 600.0])))
    crystal = UniaxialMaterial(Cauchy(2.1), Cauchy(1.7))
    table = index_curves(crystal, WAVES)
    assert table.groupby("axis")["n"].first().to_dict() == {"ordinary": 2.1, "extraordinary": 1.7}


def test_errors_are_the_scatter_of_many_fits() -> None:
    """A and B of a Cauchy formula are known far worse than n, as they go together."""
    free = {"thickness_nm": (60.0, 140.0), "cauchy_a": (1.3, 1.7), "cauchy_b": (0.0, 0.03)}
    model = ThinFilm("Si", (Layer(Cauchy(1.5, 0.01), 100.0, free),))
    options = FitOptions(
        sigma_psi_deg=0.05, sigma_delta_deg=0.1, systematic_deg=0.001, delta_noise="constant"
    )
    draw, angles = np.random.default_rng(2), np.full(len(WAVES), 60.0)
    psi, delta = model.psi_delta(WAVES, 60.0)
    psi, delta = psi + draw.normal(0, 0.05, (200, 21)), delta + draw.normal(0, 0.1, (200, 21))
    found = SpectraFitter(model, WAVES, angles, options).fit(psi, delta)
    scatter = np.std([Cauchy(a, b)(WAVES).real for _, a, b in found.parameters], axis=0)
    fitted = model.with_parameters(found.parameters[0])
    names = [one.name for one in model.parameters]
    fit = FilmFit(
        parameters=dict(zip(names, found.parameters[0], strict=True)),
        standard_errors=dict(zip(names, found.standard_errors[0], strict=True)),
        mse=0.0,
        chi2=1.0,
        n_wavelengths=21,
        wild=np.zeros(42, dtype=bool),
        flag=Flag.OK,
        others=(),
        model=fitted,
        measured=MeasuredSpectrum(pd.DataFrame({"wavelength_nm": WAVES, "aoi_deg": 60.0}), psi[0], delta[0]),
        noise=Noise(np.full((1, 21), 0.05), np.full((1, 21), 0.1), grows=False),
        options=options,
    )
    table = fitted_curves(fit, 0, WAVES)
    np.testing.assert_array_equal(table["n"], fitted.layers[0].material(WAVES).real)
    assert table["n_se"].to_numpy() == pytest.approx(scatter, rel=0.25)
    assert (table["k_se"] == 0).all()
    # Without their correlation the errors of A and B make another band.
    a, b = (fit.standard_errors[name] for name in ("cauchy_a", "cauchy_b"))
    alone = np.hypot(a, b / (WAVES / 1000) ** 2)
    assert (alone > 1.5 * scatter).all()
