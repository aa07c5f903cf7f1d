"""A recipe file as work: segment, fit where it has a model, or find cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ellimaps.batch.cells import CellWork
from ellimaps.batch.work import FitRecipe, MapWork, Work
from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import toml_value
from ellimaps.maps.films.results import thickness_name
from ellimaps.maps.recipe import recipe_values, settings_of
from ellimaps.objects.analysis import CellSettings
from ellimaps.objects.column_names import names_called
from ellimaps.objects.nuclei import Criteria
from ellimaps.objects.quality import QualityLimits
from ellimaps.optics.model_file import read_model
from ellimaps.optics.spectra import FitOptions

_HEADER = "# ellimaps recipe; run it with: ellimaps batch THIS_FILE ROOT --out DIR"
_FIT_KEYS = ("model", "shared", "pixels")


def cell_settings(**given: Any) -> CellSettings:
    """Return the default settings but for what is given and not None."""
    return _cells(_without_none(given), "cells detect")


def cells_recipe(work: CellWork) -> str:
    """Return what finds objects as the text of a recipe, as `read_work` reads it."""
    values = _without_none(asdict(work.settings)) | {"names": work.names}
    lines = [f"{name} = {toml_value(value)}" for name, value in values.items()]
    return "\n".join([_HEADER, f"ellimaps = {toml_value(version('ellimaps'))}", "", "[cells]", *lines]) + "\n"


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


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
        given = _without_none({"kind": kind, "radius": radius})
        return CellWork(_cells(cells | given, path.name), names)
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


def _cells(values: Mapping[str, Any], name: str) -> CellSettings:
    known = [field.name for field in fields(CellSettings)]
    for key in values:
        if key not in known:
            raise SettingError(f"{name} has the unknown setting {key!r:.80}: use {', '.join(known)}.")
    chosen = {key: _frozen(value) for key, value in values.items()}
    if not isinstance(chosen.get("channel", 0), int):
        raise SettingError(f"{name}: channel must be a whole number, not {chosen['channel']!r:.80}.")
    try:
        for key, table in (("criteria", Criteria), ("limits", QualityLimits)):
            if key in chosen:
                chosen[key] = table(**{name: _frozen(value) for name, value in dict(chosen[key]).items()})
        return CellSettings(**chosen)
    except (TypeError, ValueError) as error:
        raise SettingError(f"{name}: [cells] has a value of the wrong type ({error}).") from None


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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
