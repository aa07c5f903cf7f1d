"""Fits of spectra as files: a table, the curves, a figure and where they come from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.figures import figure_png
from ellimaps.core.files import csv_bytes, with_listing, write_files
from ellimaps.core.provenance import software_facts
from ellimaps.optics.model_file import model_text
from ellimaps.spectra.figures import fits_figure, spots_figure
from ellimaps.spectra.fit import SpectraFits, SpectrumFit


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
        ``NAME_fit.csv``, ``NAME_fit_curves.csv``, ``NAME_fit_sensitivity.csv``, ``NAME_fit.png`` and
        ``NAME_fit.json``; ``NAME_fit_certainty.csv`` where something was fitted, and of several places also
        ``NAME_fit_spots.png``.

    Raises
    ------
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    listing = f"{fits.spectra.name}_fit.json"
    return write_files(Path(out), spectra_fit_contents(fits), listing=listing)


def spectra_fit_contents(fits: SpectraFits) -> dict[str, bytes]:
    """Return what `export_spectra_fit` writes: the contents of each file by its name."""
    name = fits.spectra.name
    by_name = {str(fit.spectrum): fit for fit in fits.fits}
    certainties = {spectrum: fit.certainty() for spectrum, fit in by_name.items()}
    tables = {
        "curves": {spectrum: fit.curves for spectrum, fit in by_name.items()},
        "sensitivity": {spectrum: fit.sensitivity() for spectrum, fit in by_name.items()},
        "certainty": {spectrum: one.table() for spectrum, one in certainties.items() if one},
    }
    files = {f"{name}_fit.csv": csv_bytes(fits.table()), f"{name}_fit.png": figure_png(fits_figure(fits))}
    for end, parts in tables.items():
        if parts:
            table = pd.concat(parts, names=["spectrum"]).reset_index("spectrum")
            files[f"{name}_fit_{end}.csv"] = csv_bytes(table)
    if fits.has_map:
        files[f"{name}_fit_spots.png"] = figure_png(spots_figure(fits))
    facts = {
        "software": software_facts(),
        "name": name,
        "inputs_sha256": dict(fits.spectra.inputs),
        "model": model_text(fits.model),
        "options": asdict(fits.options),
        "spectra": [spectrum_facts(fit) for fit in fits.fits],
        "warnings": list(fits.spectra.warnings),
    }
    return with_listing(files, f"{name}_fit.json", facts)


def spectrum_facts(fit: SpectrumFit) -> dict[str, Any]:
    """Return a spectrum's fit as plain values, ready for JSON; null where nothing is known."""

    def known(value: float) -> float | None:
        return value if np.isfinite(value) else None

    certainty = fit.certainty()
    return {
        "spectrum": fit.spectrum,
        "parameters": {name: known(value) for name, value in fit.parameters.items()},
        "standard_errors": {name: known(value) for name, value in fit.standard_errors.items()},
        "mse": known(fit.mse),
        "chi2": known(fit.chi2),
        "n_wavelengths": fit.n_wavelengths,
        "flag": fit.flag.text,
        "others": [{"parameters": dict(parameters), "chi2": chi2} for parameters, chi2 in fit.others],
        "remarks": [*fit.remarks, *(certainty.remarks if certainty else ())],
    }
