"""A recipe file as work: segment, fit where it has a model, or find cells."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from ellimaps.batch.cell_recipe import cells_of, without_none
from ellimaps.batch.cells import CellWork
from ellimaps.batch.maps import FitRecipe, MapWork
from ellimaps.batch.work import Work
from ellimaps.core.errors import SettingError
from ellimaps.maps.films.results import thickness_name
from ellimaps.maps.recipe import recipe_values, settings_of
from ellimaps.objects.column_names import names_called
from ellimaps.optics.model_file import read_model
from ellimaps.optics.spectra import FitOptions

_FIT_KEYS = ("model", "shared", "pixels")


def read_work(
    path: Path,
    *,
    model: Path | None = None,
    kind: str | None = None,
    radius: tuple[float, float] | None = None,
) -> Work:
    """Read a recipe.

    Parameters
    ----------
    path : Path
        The settings of a segmentation; or a table ``[cells]``, the settings of
        `ellimaps.objects.analysis.CellSettings` and ``names``, what measures are called. A table ``[fit]``
        names a film model's file, relative to the recipe, as ``model``, and may have ``shared``, ``pixels``
        and the options of a fit.
    model : Path, optional
        A film model to fit, in place of the recipe's.
    kind, radius
        In place of those of ``[cells]``.

    Raises
    ------
    ReadError
        If a file cannot be read.
    SettingError
        If it holds a setting that ellimaps does not know, or that does not fit.
    """
    values = dict(recipe_values(path))
    cells, fit = values.pop("cells", None), values.pop("fit", None)
    if not all(isinstance(table, dict | None) for table in (cells, fit)):
        raise SettingError(f"{path.name}: cells and fit must be tables, [cells] and [fit].")
    if cells is not None:
        _refuse(values.keys() - {"ellimaps"} | ({"fit"} if fit or model else set()), path.name)
        names = names_called(cells.pop("names", "skimage"))
        given = without_none({"kind": kind, "radius": radius})
        return CellWork(cells_of(cells | given, path.name), names)
    if kind is not None or radius is not None:
        raise SettingError(f"{path.name} segments maps: kind and radius belong to a recipe with [cells].")
    settings = settings_of(values, path.name)
    fit = dict(fit or {})
    if model is None and fit:
        if not isinstance(fit.get("model"), str):
            raise SettingError(f"{path.name}: [fit] needs the name of a film model's file as model.")
        model = path.parent / fit["model"]
    return MapWork(settings, _fit(fit, model, path.name) if model is not None else None)


def _refuse(others: set[str], name: str) -> None:
    if others:
        raise SettingError(f"{name} has [cells]: leave out {', '.join(sorted(others))}.")


def _fit(values: dict[str, Any], model: Path, name: str) -> FitRecipe:
    film = read_model(model)
    thickness_name(film)
    known = [field.name for field in fields(FitOptions)]
    for key in values:
        if key not in (*_FIT_KEYS, *known):
            everything = ", ".join((*_FIT_KEYS, *known))
            raise SettingError(f"{name}: [fit] has the unknown setting {key!r:.80}: use {everything}.")
    shared, pixels = values.get("shared", []), values.get("pixels", False)
    if not isinstance(pixels, bool) or not isinstance(shared, list):
        raise SettingError(f"{name}: in [fit], pixels is true or false and shared a list of parameters.")
    if pixels and shared:
        raise SettingError(f"{name}: pixels are fitted one by one and share nothing.")
    options = FitOptions(**{key: value for key, value in values.items() if key in known})
    return FitRecipe(film, options, tuple(map(str, shared)), pixels)
