"""Settings of objects as a recipe, and from options or a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

from ellimaps.batch.cells import CellWork
from ellimaps.batch.time_limit import with_time_limit
from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import toml_value
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.nuclei import Criteria
from ellimaps.objects.quality import QualityLimits

_HEADER = "# ellimaps recipe; run it with: ellimaps batch THIS_FILE ROOT --out DIR"


def cell_settings(**given: Any) -> CellSettings:
    """Return the default settings but for what is given and not None."""
    return cells_of(without_none(given), "cells detect")


def cells_recipe(work: CellWork) -> str:
    """Return what finds objects as the text of a recipe, as `ellimaps.batch.recipes.read_work` reads it."""
    values = without_none(asdict(work.settings)) | {"names": work.names, "outlines": work.outlines}
    lines = [f"{name} = {toml_value(value)}" for name, value in values.items()]
    text = "\n".join([_HEADER, f"ellimaps = {toml_value(version('ellimaps'))}", "", "[cells]", *lines]) + "\n"
    return with_time_limit(text, work.time_limit_s)


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is not None, also of tables within."""
    return {
        name: without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


def cells_of(values: Mapping[str, Any], name: str) -> CellSettings:
    """Return the settings that the values of a table describe.

    Parameters
    ----------
    values : mapping
        What the table ``[cells]`` of a recipe holds, without ``names`` and ``outlines``.
    name : str
        What the recipe is called in error messages.

    Raises
    ------
    SettingError
        If there is a setting that ellimaps does not know, or one that does not fit.
    """
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
