"""Fits of spectra as files: a table, the curves, a figure and where they come from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.figures import figure_png
from ellimaps.core.files import csv_bytes, with_listing, write_files
from ellimaps.core.numbers import number_text, with_error
from ellimaps.core.provenance import software_facts
from ellimaps.optics.model_file import model_text
from ellimaps.spectra.fit import SpectraFits, SpectrumFit, residuals

# Lines that can still be told apart; the table has all.
_MOST_DRAWN = 12


def export_spectra_fit(fits: SpectraFits, out: str | Path) -> list[Path]:
    """Write the fits of a file of spectra.

    Parameters
    ----------
    fits : SpectraFits
        What to write.
    out : str or Path
        Folder to write into; made if need be.

    Returns
    -------
    list of Path
        ``NAME_fit.csv``, ``NAME_fit_curves.csv``, ``NAME_fit.png`` and ``NAME_fit.json``.

    Raises
    ------
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    name = fits.spectra.name
    curves = {str(fit.spectrum): fit.curves for fit in fits.fits}
    files = {
        f"{name}_fit.csv": csv_bytes(fits.table()),
        f"{name}_fit_curves.csv": csv_bytes(pd.concat(curves, names=["spectrum"]).reset_index("spectrum")),
        f"{name}_fit.png": figure_png(fits_figure(fits)),
    }
    listing = f"{name}_fit.json"
    facts = {
        "software": software_facts(),
        "name": name,
        "inputs_sha256": dict(fits.spectra.inputs),
        "model": model_text(fits.model),
        "options": asdict(fits.options),
        "spectra": [spectrum_facts(fit) for fit in fits.fits],
        "warnings": list(fits.spectra.warnings),
    }
    return write_files(Path(out), with_listing(files, listing, facts), listing=listing)


def spectrum_facts(fit: SpectrumFit) -> dict[str, Any]:
    """Return a spectrum's fit as plain values, ready for JSON; null where nothing is known."""

    def known(value: float) -> float | None:
        return value if np.isfinite(value) else None

    return {
        "spectrum": fit.spectrum,
        "parameters": {name: known(value) for name, value in fit.parameters.items()},
        "standard_errors": {name: known(value) for name, value in fit.standard_errors.items()},
        "mse": known(fit.mse),
        "chi2": known(fit.chi2),
        "n_wavelengths": fit.n_wavelengths,
        "flag": fit.flag.text,
        "others": [{"parameters": dict(parameters), "chi2": chi2} for parameters, chi2 in fit.others],
        "remarks": list(fit.remarks),
    }


def fits_figure(fits: SpectraFits) -> Figure:
    """Return one page: measured and modelled Delta and Psi with their residuals, and the numbers."""
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=(4, 1.2, 0.8))
    for column, quantity in enumerate(("Delta", "Psi")):
        curve = figure.add_subplot(grid[0, column])
        rest = figure.add_subplot(grid[1, column], sharex=curve)
        for number, fit in enumerate(fits.fits[:_MOST_DRAWN]):
            color = CLUSTER_COLORS[number % len(CLUSTER_COLORS)]
            for _, angle in fit.curves.groupby("aoi_deg", dropna=False):
                x = angle["wavelength_nm"].to_numpy()
                curve.plot(x, angle[quantity], "o", color=color, markersize=3)
                curve.plot(x, angle[f"{quantity}_model"], "-", color=color, linewidth=1.2)
                rest.plot(x, residuals(angle, quantity), "-", color=color, linewidth=1)
        curve.set(ylabel=f"{quantity} (°)", title="measured (points) and modelled (lines)")
        rest.set(ylabel="residual (°)", xlabel="wavelength (nm)")
        for axes in (curve, rest):
            axes.grid(alpha=0.3)
    words = figure.add_subplot(grid[2, :])
    words.axis("off")
    lines = [_in_words(fit) for fit in fits.fits[:_MOST_DRAWN]]
    for number, line in enumerate(lines):
        color = CLUSTER_COLORS[number % len(CLUSTER_COLORS)]
        height = 1 - (number + 0.5) / len(lines)
        words.text(
            0.0, height, line, color=color, fontsize=9 if len(lines) < 6 else 6, va="center", parse_math=False
        )
    figure.suptitle(fits.spectra.name, fontsize=11, parse_math=False)
    return figure


def _in_words(fit: SpectrumFit) -> str:
    values = ", ".join(
        f"{name} {with_error(value, fit.standard_errors[name])}" for name, value in fit.parameters.items()
    )
    return f"{fit.spectrum}: {values}; MSE {number_text(fit.mse, 3)}, {fit.flag.text}"
