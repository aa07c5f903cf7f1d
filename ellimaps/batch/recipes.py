"""A recipe file as work: segment, fit where it has a model, or find cells."""

from __future__ import annotations

from pathlib import Path

from ellimaps.batch.cell_recipe import cells_of, without_none
from ellimaps.batch.cells import CellWork
from ellimaps.batch.maps import MapWork
from ellimaps.batch.time_limit import NAME, time_limit
from ellimaps.core.errors import SettingError
from ellimaps.maps.films.recipe import fit_of
from ellimaps.maps.recipe import recipe_values, settings_of
from ellimaps.objects.column_names import names_called
from ellimaps.regions.outline_files import outline_formats


def read_work(
    path: Path,
    *,
    model: Path | None = None,
    kind: str | None = None,
    radius: tuple[float, float] | None = None,
    time_limit_s: float | None = None,
    within: Path | None = None,
) -> MapWork | CellWork:
    """Read a recipe.

    Parameters
    ----------
    path : Path
        The settings of a segmentation; or a table ``[cells]``, the settings of
        `ellimaps.objects.analysis.CellSettings`, ``names``, what measures are called, and ``outlines``,
        which files of outlines are written. A table ``[fit]`` as `ellimaps.maps.films.recipe.fit_of` reads
        it.
    model : Path, optional
        A film model to fit, in place of the recipe's.
    kind, radius
        In place of those of ``[cells]``.
    time_limit_s : float, optional
        In place of the recipe's: how long an image may take, in seconds.
    within : Path, optional
        A folder below which the recipe may name a model, beside its own.

    Raises
    ------
    ReadError
        If a file cannot be read.
    SettingError
        If it holds a setting that ellimaps does not know, or that does not fit.
    """
    values = dict(recipe_values(path))
    cells, fit = values.pop("cells", None), values.pop("fit", None)
    written = values.pop(NAME, None)
    limit_s = time_limit(written if time_limit_s is None else time_limit_s)
    if not all(isinstance(table, dict | None) for table in (cells, fit)):
        raise SettingError(f"{path.name}: cells and fit must be tables, [cells] and [fit].")
    if cells is not None:
        _refuse(values.keys() - {"ellimaps"} | ({"fit"} if fit or model else set()), path.name)
        names = names_called(cells.pop("names", "skimage"))
        outlines = outline_formats(cells.pop("outlines", ()))
        given = without_none({"kind": kind, "radius": radius})
        return CellWork(cells_of(cells | given, path.name), names, limit_s, outlines)
    if kind is not None or radius is not None:
        raise SettingError(f"{path.name} segments maps: kind and radius belong to a recipe with [cells].")
    settings = settings_of(values, path.name)
    found = fit_of(fit or {}, path.parent, path.name, model, within=within)
    # The workbench fits clusters and pixels, a batch one of them.
    if found is not None and found.pixels and found.shared:
        raise SettingError(f"{path.name}: pixels are fitted one by one and share nothing.")
    return MapWork(settings, found, limit_s)


def _refuse(others: set[str], name: str) -> None:
    if others:
        raise SettingError(f"{name} has [cells]: leave out {', '.join(sorted(others))}.")
