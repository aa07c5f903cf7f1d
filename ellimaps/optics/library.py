"""Materials by name: those built in, pages of the database, and the user's own n, k files."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.small_files import read_small
from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.database.catalogue import page_material
from ellimaps.optics.database.page import Column, Published, page_text, read_page
from ellimaps.optics.materials import Cauchy, Constant, Material, Sellmeier, Table

MAX_TABLE_BYTES = 8 * 1024 * 1024
"""About 200,000 rows of n and k."""

# Each from the publication above it.
_FORMULAE: dict[str, Material] = {
    "air": Constant(1.0, name="air"),
    # I. H. Malitson, J. Opt. Soc. Am. 55, 1205 (1965), doi:10.1364/JOSA.55.001205: fused silica.
    "SiO2": Sellmeier(
        ((0.6961663, 0.0684043), (0.4079426, 0.1162414), (0.8974794, 9.896161)), (210.0, 6700.0), "SiO2"
    ),
    # H. R. Philipp, J. Electrochem. Soc. 120, 295 (1973), doi:10.1149/1.2403440; formula by T. Baak,
    # Appl. Opt. 21, 1069 (1982), doi:10.1364/AO.21.001069.
    "Si3N4": Sellmeier(((2.8939, 0.13967),), (207.0, 1240.0), "Si3N4"),
    # M. F. Al-Kuhaili, Opt. Mater. 27, 383 (2004), doi:10.1016/j.optmat.2004.04.014.
    "HfO2": Cauchy(1.875, 6.28e-3, 5.80e-4, (200.0, 2000.0), "HfO2"),
    # N. Sultanova et al., Acta Phys. Pol. A 116, 585 (2009).
    "PMMA": Sellmeier(((1.1819, 0.011313**0.5),), (436.8, 1052.0), "PMMA"),
    # Schott N-BK7, catalogue of 2017-01-20.
    "glass": Sellmeier(
        (
            (1.03961212, 0.00600069867**0.5),
            (0.231792344, 0.0200179144**0.5),
            (1.01046945, 103.560653**0.5),
        ),
        (300.0, 2500.0),
        "glass",
    ),
    # I. H. Malitson and M. J. Dodge, J. Opt. Soc. Am. 62, 1405 (1972).
    "sapphire-o": Sellmeier(
        ((1.4313493, 0.0726631), (0.65054713, 0.1193242), (5.3414021, 18.028251)),
        (200.0, 5000.0),
        "sapphire-o",
    ),
    "sapphire-e": Sellmeier(
        ((1.5039759, 0.0740288), (0.55069141, 0.1216529), (6.5927379, 20.072248)),
        (200.0, 5000.0),
        "sapphire-e",
    ),
}
_TABLES = (
    "Ag", "Al", "Al2O3", "Au", "Cr", "MoS2-e", "MoS2-o", "Si", "Ti", "TiO2", "graphite-e", "graphite-o",
    "hBN-e", "hBN-o",
)  # fmt: skip
_IS_PAGE = re.compile(r"^DATA\s*:", re.MULTILINE)
_CRYSTALS = ("MoS2", "graphite", "hBN", "sapphire")


def material_names() -> list[str]:
    """Return the names of the built-in materials, in alphabetical order."""
    return sorted([*_FORMULAE, *_TABLES, *_CRYSTALS], key=lambda name: (name.lower(), name))


def material(name: str) -> AnyMaterial:
    """Return a material by its name.

    Parameters
    ----------
    name : str
        One of :func:`material_names`. ``hBN``, ``MoS2``, ``graphite`` and ``sapphire`` are uniaxial; their
        indices by themselves end in ``-o`` (ordinary) and ``-e`` (extraordinary). Or a page of the
        refractiveindex.info database as `search_materials` names it, ``main/Ta2O5/Bright-amorphous``.

    Raises
    ------
    SettingError
        If there is no such material, or the page cannot be used; the message says why, or what there is.

    Notes
    -----
    Formulae of built-in materials are quoted in the source of this module, tables in
    ``ellimaps/optics/data``, both as collected by refractiveindex.info (CC0 1.0).
    """
    return page_material(name) if "/" in name else _built_in(name)


@cache
def _built_in(name: str) -> AnyMaterial:
    if name in _FORMULAE:
        return _FORMULAE[name]
    if name in _TABLES:
        source = resources.files("ellimaps.optics").joinpath(f"data/{name}.csv")
        return _table(source.read_text(encoding="ascii"), name)
    if name in _CRYSTALS:
        ordinary, extraordinary = material(f"{name}-o"), material(f"{name}-e")
        assert isinstance(ordinary, Material)
        assert isinstance(extraordinary, Material)
        return UniaxialMaterial(ordinary, extraordinary, name)
    known = ", ".join(material_names())
    raise SettingError(
        f"There is no material {name!r:.80}: use one of {known}, a page that `ellimaps materials search` "
        "finds, or your own n, k file."
    )


def read_nk(path: str | Path, name: str = "") -> Table | Published:
    """Read a material from a text file, a table of n and k or a page as refractiveindex.info has them.

    Parameters
    ----------
    path : str or Path
        Rows of ``wavelength_nm n k`` with ascending wavelengths, separated by blanks, tabs, commas or
        semicolons. Empty lines, lines that start with ``#`` and one row of column names are passed over;
        without a third column k is 0. Or the YAML of a page of refractiveindex.info, in um, with formulae and
        tables, which is told by its list ``DATA``.
    name : str
        What to call the material; by default the file's name.

    Raises
    ------
    ReadError
        If the file cannot be read or holds something else.
    """
    path = Path(path)
    content = read_small(path, "n, k file", MAX_TABLE_BYTES)
    text = content.decode("utf-8-sig", errors="replace")
    try:
        if _IS_PAGE.search(text):
            return read_page(text, name or path.name)
        table = _table(text, name or path.name)
        if table.range_nm[1] < 50:
            raise SettingError(
                f"{table.name} ends at {table.range_nm[1]:g} nm: give wavelengths in nm, not um."
            )
    except SettingError as error:
        raise ReadError(f"{path}: {error}") from None
    return table


def _table(text: str, name: str) -> Table:
    rows: list[tuple[float, float, float]] = []
    titled = False
    for number, line in enumerate(text.splitlines(), start=1):
        cells = line.replace(",", " ").replace(";", " ").split()
        if not cells or cells[0].startswith("#"):
            continue
        try:
            wavelength, n, k = (float(cell) for cell in (*cells, "0")[:3])
        except ValueError:
            if rows or titled:
                raise SettingError(
                    f"line {number} of {name} is not wavelength_nm n k: {line.strip()!r:.60}."
                ) from None
            titled = True
            continue
        rows.append((wavelength, n, k))
    return Table(tuple(rows), name)


def nk_text(shown: Material, suffix: str) -> str:
    """Return a material as the text of a file that `read_nk` reads.

    Parameters
    ----------
    shown : Material
        What it holds. A formula is written at 500 wavelengths, which is not quite the formula any more; a
        table at its own.
    suffix : str
        ``.nk`` or ``.csv`` for a table of n and k in nm, ``.yml`` for a published page as it is.

    Raises
    ------
    SettingError
        If the suffix is another one, or a page is wanted of what is none.
    """
    if suffix == ".yml" and isinstance(shown, Published):
        return page_text(shown)
    if suffix not in (".nk", ".csv"):
        ways = ".nk, .csv or .yml" if isinstance(shown, Published) else ".nk or .csv"
        raise SettingError(f"A file of {shown.name} ends in {ways}, not in {suffix!r:.20}.")
    low, high = shown.range_nm
    is_table = isinstance(shown, Table) or (isinstance(shown, Published) and isinstance(shown.n, Column))
    waves = (
        shown.telling_nm if is_table else np.geomspace(max(low, 10.0), min(high, 1e6), 500).clip(low, high)
    )
    between = "," if suffix == ".csv" else " "
    source = [f"# {shown.reference}"] if isinstance(shown, Published) and shown.reference else []
    titles = between.join(("wavelength_nm", "n", "k"))
    lines = [f"# {shown.name}", *source, titles if suffix == ".csv" else f"# {titles}"]
    rows = zip(waves.tolist(), shown(waves).tolist(), strict=True)
    lines += [between.join(map(repr, (wave, index.real, index.imag))) for wave, index in rows]
    return "\n".join([*lines, ""])


def is_built_in(candidate: AnyMaterial) -> bool:
    """Whether a material is the built-in one of its name."""
    return candidate.name in material_names() and candidate == material(candidate.name)


def spec_of(film: AnyMaterial) -> Any:
    """Return how a model file gives a material: a built-in one by its name.

    Raises
    ------
    SettingError
        If no file can hold it.
    """
    if is_built_in(film):
        return film.name
    if isinstance(film, UniaxialMaterial):
        return {"ordinary": spec_of(film.ordinary), "extraordinary": spec_of(film.extraordinary)}
    return film.spec
