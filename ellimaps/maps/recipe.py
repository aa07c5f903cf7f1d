"""Recipes: the choices between a folder and its clusters as a small readable file, and as Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import read_toml
from ellimaps.maps.pipeline import Settings
from ellimaps.maps.refinement import Refinement, refinement_facts, refinement_of
from ellimaps.maps.regions import Region

MAX_RECIPE_BYTES = 4 * 1024 * 1024

_HEADER = "# ellimaps recipe; run it again with: ellimaps segment FOLDER --recipe THIS_FILE --out DIR"
_PREPROCESSING = ("gaps", "despike", "smooth", "roi", "binning")
_OPENING = ("dataset", "z", "t", "channels")
_CORRECTIONS = ("background", "normalise", "log")
_NUMBER = (int, float)
_KINDS: dict[str, tuple[type, ...]] = {
    "dataset": (str,),
    "z": (int, str),
    "t": (int, str),
    "channels": (list,),
    "background": _NUMBER,
    "normalise": (list,),
    "log": (bool,),
    "pixel_size_um": _NUMBER,
    "gaps": (str,),
    "despike": _NUMBER,
    "smooth": _NUMBER,
    "roi": (list,),
    "binning": (int,),
    "k": (int,),
    "k_min": (int,),
    "k_max": (int,),
    "features": (str,),
    "seed": (int,),
    "refine": (list,),
    "names": (list,),
    "regions": (list,),
}


def recipe_text(settings: Settings) -> str:
    """Return settings as TOML; what is not given or empty is left out.

    Raises
    ------
    SettingError
        If a text holds what is no Unicode character.
    """
    lines = [_HEADER, f"ellimaps = {_toml(version('ellimaps'))}"]
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if value not in (None, ()) and field.name not in ("refine", "regions"):
            lines.append(f"{field.name} = {_toml(value)}")
    for step in settings.refine:
        lines += ["", "[[refine]]", *_pairs(refinement_facts(step))]
    for region in settings.regions:
        values = {"name": region.name, "kind": region.kind, "vertices": region.vertices}
        lines += ["", "[[regions]]", *_pairs(values)]
    return "\n".join(lines) + "\n"


def read_recipe(path: str | Path) -> Settings:
    """Read settings from a recipe.

    Raises
    ------
    ReadError
        If the file cannot be read or is not TOML.
    SettingError
        If it holds a setting ellimaps does not know, or one of the wrong type.
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
        What the recipe holds; the version under ``ellimaps`` is not used.
    name : str
        What the recipe is called in error messages.

    Raises
    ------
    SettingError
        If there is a setting ellimaps does not know, or one of the wrong type.
    """
    chosen = {key: value for key, value in values.items() if key != "ellimaps"}
    for key, value in chosen.items():
        if key not in _KINDS:
            raise SettingError(f"{name} has the unknown setting {key!r:.80}: use {', '.join(_KINDS)}.")
        if not _is(value, _KINDS[key]):
            raise SettingError(f"{name}: {key} cannot be {value!r:.80}.")
    if "roi" in chosen and not (len(chosen["roi"]) == 4 and all(_is(v, (int,)) for v in chosen["roi"])):
        raise SettingError(f"{name}: roi must be four whole numbers, y0 y1 x0 x1.")
    for key in ("names", "channels"):
        if not all(isinstance(text, str) for text in chosen.get(key, ())):
            raise SettingError(f"{name}: {key} must be a list of texts.")
    if not all(_is(value, _NUMBER) for value in chosen.get("normalise", ())):
        raise SettingError(f"{name}: normalise must be two percentiles, low and high.")
    chosen |= {key: tuple(value) for key, value in chosen.items() if isinstance(value, list)}
    try:
        chosen["refine"] = tuple(_refinement(row) for row in values.get("refine", ()))
        chosen["regions"] = tuple(_region(row) for row in values.get("regions", ()))
        return Settings(**chosen)
    except SettingError as error:
        raise SettingError(f"{name}: {error}") from None


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
    changes = [*_changed(settings, _PREPROCESSING)]
    lines = [f"stack = ellimaps.open_stack({', '.join([repr(path), *_changed(settings, _OPENING)])})"]
    if settings.pixel_size_um is not None:
        lines.append(f"stack = stack.with_values(stack.values, pixel_size_um={settings.pixel_size_um!r})")
    if _changed(settings, _CORRECTIONS):
        corrections = [f"{name}={getattr(settings, name)!r}" for name in _CORRECTIONS]
        lines.append(f"stack = ellimaps.correct_intensities({', '.join(['stack', *corrections])})")
    lines.append(f"stack = ellimaps.preprocess({', '.join(['stack', *changes])})")
    clustering = _changed(settings, ("features", "seed"))
    k, extras = repr(settings.k), _changed(settings, ("names", "regions"))
    if settings.k is None:
        span = f"k_range=range({settings.k_min!r}, {settings.k_max!r} + 1)"
        lines.append(f"estimate = ellimaps.estimate_k({', '.join(['stack', span, *clustering])})")
        k = "estimate.suggested_k"
        extras.append("estimate=estimate")
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
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: Any) -> str:
    """Return a value as TOML: JSON's texts, numbers and lists are also TOML's, DEL (0x7f) excepted."""
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingError(f"{text:.80} cannot go into a recipe: it is not valid Unicode.") from None
    return text


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
