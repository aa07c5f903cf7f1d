"""Recipes: the choices between a folder and its clusters as a small readable file, and as Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import read_toml, toml_value
from ellimaps.maps.refinement import Refinement, refinement_facts, refinement_of
from ellimaps.maps.regions import Region
from ellimaps.maps.settings import (
    DECLARED,
    Corrections,
    Kind,
    Number,
    OneOf,
    Opening,
    Percentiles,
    Plane,
    Preprocessing,
    Settings,
    Switch,
    Tables,
    Text,
    Texts,
    Whole,
    WholeOrAuto,
    Window,
    names_of,
    values_of,
)

if TYPE_CHECKING:
    from ellimaps.maps.films.recipe import FitRecipe

MAX_RECIPE_BYTES = 4 * 1024 * 1024
"""Outlines of some 100,000 vertices: more than anybody draws."""

_HEADER = "# ellimaps recipe; run it again with: ellimaps segment FOLDER --recipe THIS_FILE --out DIR"
_OF_OTHERS = ("ellimaps", "fit", "time_limit_s")
_NUMBER = (int, float)
# What TOML holds of each kind of setting. True is no number, although Python takes it for one.
_WRITTEN: dict[type[Kind], tuple[type, ...]] = {
    Text: (str,),
    Texts: (list,),
    Switch: (bool,),
    Plane: (int, str),
    OneOf: (str,),
    Whole: (int,),
    WholeOrAuto: (int,),
    Number: _NUMBER,
    Percentiles: (list,),
    Window: (list,),
    Tables: (list,),
}


def recipe_text(settings: Settings, fit: FitRecipe | None = None) -> str:
    """Return settings as TOML, and how a film is fitted; what is not given or empty is left out.

    Raises
    ------
    SettingError
        If a text holds what is no Unicode character.
    """
    lines = [_HEADER, f"ellimaps = {toml_value(version('ellimaps'))}"]
    for name, setting in DECLARED.items():
        value = getattr(settings, name)
        if value not in (None, ()) and not isinstance(setting.kind, Tables):
            lines.append(f"{name} = {toml_value(value)}")
    for step in settings.refine:
        lines += ["", "[[refine]]", *_pairs(refinement_facts(step))]
    for region in settings.regions:
        values = {"name": region.name, "kind": region.kind, "vertices": region.vertices}
        lines += ["", "[[regions]]", *_pairs(values)]
    text = "\n".join(lines) + "\n"
    if fit is None:
        return text
    from ellimaps.maps.films.recipe import fit_text

    return text + fit_text(fit)


def read_recipe(path: str | Path) -> Settings:
    """Read settings from a recipe.

    Raises
    ------
    ReadError
        If the file cannot be read or is not TOML.
    SettingError
        If it holds a setting ellimaps does not know, or one of the wrong type or out of bounds.
    """
    path = Path(path)
    return settings_of(recipe_values(path), path.name)


def recipe_values(path: Path) -> dict[str, Any]:
    """Read the values of a recipe.

    Raises
    ------
    ReadError
        If the file cannot be read or is not TOML.
    """
    return read_toml(path, "recipe", MAX_RECIPE_BYTES)


def settings_of(values: Mapping[str, Any], name: str = "recipe") -> Settings:
    """Return the settings that a recipe's values describe.

    Parameters
    ----------
    values : mapping
        What the recipe holds; the version under ``ellimaps`` is not used, nor how a film is fitted or how
        long a batch waits for it.
    name : str
        What the recipe is called in error messages.

    Raises
    ------
    SettingError
        If there is a setting ellimaps does not know, or one of the wrong type or out of bounds.
    """
    chosen = {key: value for key, value in values.items() if key not in _OF_OTHERS}
    for key in chosen:
        if key not in DECLARED:
            raise SettingError(f"{name} has the unknown setting {key!r:.80}: use {', '.join(DECLARED)}.")
    try:
        return Settings(**{key: _read(key, value) for key, value in chosen.items()})
    except SettingError as error:
        raise SettingError(f"{name}: {error}") from None


def _read(name: str, value: Any) -> Any:
    """Return a setting as it stands in a recipe, checked."""
    kind = DECLARED[name].kind
    if not _is(value, _WRITTEN[type(kind)]):
        raise SettingError(f"{name} cannot be {value!r:.80}.")
    if name in _OBJECTS:
        return tuple(_OBJECTS[name](row) for row in value)
    _check_items(name, kind, value)
    kind.check(name, value)
    return tuple(value) if isinstance(value, list) else value


def _check_items(name: str, kind: Kind, value: Any) -> None:
    match kind:
        case Window() if len(value) != 4 or not all(_is(side, (int,)) for side in value):
            raise SettingError(f"{name} must be four whole numbers, y0 y1 x0 x1.")
        case Texts() if not all(isinstance(text, str) for text in value):
            raise SettingError(f"{name} must be a list of texts.")
        case Percentiles() if not all(_is(percentile, _NUMBER) for percentile in value):
            raise SettingError(f"{name} must be two percentiles, low and high.")


def python_lines(settings: Settings, path: str, out: str = "results") -> str:
    """Return Python that does what these settings do.

    Parameters
    ----------
    settings : Settings
        The choices.
    path : str
        The measurement.
    out : str
        Folder for the files.
    """
    imports = ["import ellimaps"]
    changes = [*_changed(settings, names_of(Preprocessing))]
    lines = [
        f"stack = ellimaps.open_stack({', '.join([repr(path), *_changed(settings, names_of(Opening))])})"
    ]
    if settings.pixel_size_um is not None:
        lines.append(f"stack = stack.with_values(stack.values, pixel_size_um={settings.pixel_size_um!r})")
    if _changed(settings, names_of(Corrections)):
        corrections = [f"{name}={value!r}" for name, value in values_of(settings, Corrections).items()]
        lines.append(f"stack = ellimaps.correct_intensities({', '.join(['stack', *corrections])})")
    lines.append(f"stack = ellimaps.preprocess({', '.join(['stack', *changes])})")
    clustering = _changed(settings, ("features", "seed"))
    k, extras = repr(settings.k), _changed(settings, ("names", "regions"))
    if settings.k is None:
        span = f"k_range=range({settings.k_min!r}, {settings.k_max!r} + 1)"
        lines.append(f"suggestion = ellimaps.suggest_k({', '.join(['stack', span, *clustering])})")
        k = "suggestion.suggested_k"
        extras.append("suggestion=suggestion")
    lines.append(f"segmentation = ellimaps.segment({', '.join(['stack', f'k={k}', *clustering])})")
    if settings.refine:
        kinds = sorted({type(step).__name__ for step in settings.refine})
        imports.append(f"from ellimaps.maps.refinement import {', '.join([*kinds, 'refine'])}")
        lines.append(f"segmentation = refine(segmentation, {list(settings.refine)!r})")
    if settings.regions:
        imports.append("from ellimaps.maps.regions import Region")
    lines.append(f"ellimaps.export_segmentation({', '.join(['segmentation', repr(out), *extras])})")
    return "\n".join([*imports, "", *lines]) + "\n"


def _changed(settings: Settings, names: tuple[str, ...]) -> list[str]:
    default = Settings()
    return [
        f"{name}={getattr(settings, name)!r}"
        for name in names
        if getattr(settings, name) != getattr(default, name)
    ]


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {toml_value(value)}" for key, value in values.items()]


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _refinement(row: Any) -> Refinement:
    if not isinstance(row, dict):
        raise SettingError("refine must be given as [[refine]] tables.")
    return refinement_of(row)


def _region(row: Any) -> Region:
    if not isinstance(row, dict) or set(row) != {"name", "kind", "vertices"}:
        raise SettingError("each of [[regions]] needs name, kind and vertices, and nothing else.")
    vertices = row["vertices"]
    if not isinstance(vertices, list) or not all(_is_vertex(vertex) for vertex in vertices):
        raise SettingError(f"the vertices of region {row['name']!r:.80} must be pairs of numbers, x y.")
    return Region(row["name"], row["kind"], tuple((x, y) for x, y in vertices))


def _is_vertex(vertex: Any) -> bool:
    return isinstance(vertex, list) and len(vertex) == 2 and all(_is(value, _NUMBER) for value in vertex)


_OBJECTS: dict[str, Callable[[Any], Any]] = {"refine": _refinement, "regions": _region}
