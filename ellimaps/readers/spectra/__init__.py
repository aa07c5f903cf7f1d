"""Files of spectra, whichever program wrote them; one module for each format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ellimaps.core.angles import full_circle
from ellimaps.core.errors import ReadError
from ellimaps.core.inputs import InputFile, as_input
from ellimaps.core.spectra import OPTIONAL, REQUIRED, Spectra
from ellimaps.core.sums import check_beside
from ellimaps.readers.spectra import clustershots, ep4, filmsense, plain, spectraray, woollam
from ellimaps.readers.spectra.noise import with_noise
from ellimaps.readers.spectra.quantities import SHAPES, ColumnsQuestion, averaged, meaning_of, question
from ellimaps.readers.spectra.text import SpectrumText, beginning_of, text_of

# The plain table comes last: it takes what no program's own layout is.
_FORMATS = (ep4, clustershots, filmsense, woollam, spectraray, plain)
_ENDINGS = (".dat", ".txt", ".csv", ".tsv", ".asc")
_IMAGES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".xml")


def open_spectra(path: str | Path | InputFile, *, columns: str | None = None) -> Spectra:
    """Open a file of Psi and Delta over wavelength.

    Parameters
    ----------
    path : str, Path or InputFile
        A numeric ``.ds.dat`` of an Accurion EP4, also those that ellimaps writes; ``NAME_clustershot.dat``
        and ``_full.csv`` of ellimaps; text of WVASE, CompleteEASE, SpectraRay or FilmSense; or a plain table
        of wavelength (or energy), angle of incidence, and Psi and Delta, tan Psi and cos Delta, N, C and S,
        or rho.
    columns : str, optional
        What the columns of a plain table are, such as ``"wavelength_nm aoi_deg Psi Delta"``, where it does
        not say so or says it in other words; ``-`` is a column to leave out.

    Returns
    -------
    Spectra
        The spectra. Several readings at one wavelength and angle, such as the zones of a nulling
        ellipsometer, are averaged on the circle. Clusters have the noise of their maps where the provenance
        that was written with them lies beside the file.

    Raises
    ------
    ReadError
        If the file cannot be read, holds no spectrum, is a clustershot that was changed after it was
        written, or can be read in two ways; the message then asks.
    """
    file = as_input(path)
    text = text_of(file)
    facts = check_beside(file.path, text.sha256, "*_segmentation.json") if file.is_on_disk else {}
    chosen = plain if columns else next(one for one in _FORMATS if one.is_of(text))
    table, warnings = plain.table_in(text, columns) if columns else chosen.table_in(text)
    spectra = Spectra(text.stem, _checked(table, text.name), {text.name: text.sha256}, warnings)
    return with_noise(spectra, facts.get("noise"))


def may_be_spectra(path: Path) -> bool:
    """Tell whether a path is a text file of spectra rather than maps or images."""
    if not path.is_file() or path.suffix.lower() in _IMAGES:
        return False
    try:
        text = text_of(InputFile(path))
    except ReadError:
        return False
    return not text.lists_maps


def looks_like_spectra(path: Path) -> bool:
    """Tell by its ending and its beginning whether a file is to be offered among those of spectra."""
    if path.suffix.lower() not in _ENDINGS:
        return False
    try:
        text = beginning_of(InputFile(path))
        if text.lists_maps:
            return False
        if any(one.is_of(text) for one in _FORMATS if one is not plain):
            return True
        labels = text.rows.labels
    except ReadError:
        return False
    known = {meaning_of(label)[0] for label in labels}
    return not labels or any(known.issuperset(shape) for shape in SHAPES)


def first_rows(path: Path, most: int = 5) -> tuple[list[str], list[list[float]]]:
    """Return titles (none where there are none) and first rows of a table, to say what its columns are.

    Raises
    ------
    ReadError
        If it holds no rows of numbers.
    """
    rows = beginning_of(InputFile(path)).rows
    return rows.labels, rows.cells[:most]


def _checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table with its columns in order and its angles in their ranges, repeated readings averaged."""
    table = table.assign(**{column: np.nan for column in ("aoi_deg",) if column not in table})
    if "spectrum" not in table:
        table = table.assign(spectrum=0)
    numbers = table["spectrum"]
    if np.isfinite(numbers).all() and (numbers == numbers.round()).all():
        table = table.assign(spectrum=numbers.astype(int))
    known = table[
        np.isfinite(table["wavelength_nm"]) & (np.isfinite(table["Psi"]) | np.isfinite(table["Delta"]))
    ]
    if known.empty:
        raise ReadError(f"{name} holds no value of Psi or Delta: export the measurement again.")
    for column, low, high in (("wavelength_nm", 1.0, 1e6), ("Psi", -0.5, 90.5), ("aoi_deg", 0.0, 90.0)):
        values = known[column].dropna()
        if not values.between(low, high).all():
            wrong = values[~values.between(low, high)].iloc[0]
            raise question(f"{name} has {column} {wrong:g}, which is not within {low:g}..{high:g}")
    known = averaged(known.assign(Psi=known["Psi"].clip(0, 90), Delta=full_circle(known["Delta"].to_numpy())))
    ordered = [*REQUIRED, *(column for column in OPTIONAL if column in known)]
    return known[ordered].reset_index(drop=True)


__all__ = [
    "ColumnsQuestion",
    "SpectrumText",
    "first_rows",
    "looks_like_spectra",
    "may_be_spectra",
    "open_spectra",
]
