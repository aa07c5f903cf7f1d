"""Recipes: the choices between a folder and its clusters as a small readable file, and as Python."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ellimaps.errors import ReadError, SettingError
from ellimaps.pipeline import Settings
from ellimaps.refinement import Refinement, refinement_of_row, refinement_row
from ellimaps.regions import Region

_TABLES = ("refine", "regions")
_HEADER = "# ellimaps recipe; run it again with: ellimaps segment FOLDER --recipe THIS_FILE --out DIR\n"


def recipe_text(settings: Settings) -> str:
    """Return settings as TOML; what has its default value is left out, k and features excepted."""
    default = Settings()
    lines = [_HEADER + f"ellimaps = {_toml(version('ellimaps'))}"]
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name not in _TABLES and value is not None and value != getattr(default, field.name):
            lines.append(f"{field.name} = {_toml(value)}")
    if settings.seed == default.seed:
        lines.append(f"seed = {settings.seed}")
    for step in settings.refine:
        lines += ["", "[[refine]]", *_pairs(refinement_row(step))]
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
        If it holds a setting ellimaps does not know.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(f"The recipe {path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ReadError(f"The recipe {path.name} is not valid TOML: {error}.") from error
    return settings_of(values, path.name)


def settings_of(values: dict[str, Any], name: str = "recipe") -> Settings:
    """Return the settings that a recipe's values describe."""
    known = {field.name for field in fields(Settings)}
    unknown = sorted(set(values) - known - {"ellimaps"})
    if unknown:
        raise SettingError(f"{name} has the unknown setting {unknown[0]!r}: use {', '.join(sorted(known))}.")
    chosen: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    chosen.pop("ellimaps", None)
    chosen["refine"] = tuple(_refinements(values.get("refine", []), name))
    chosen["regions"] = tuple(_regions(values.get("regions", []), name))
    _check_types(chosen, name)
    return Settings(**chosen)


def python_lines(settings: Settings, path: str, out: str = "results") -> str:
    """Return Python that does what these settings do."""
    open_arguments = [repr(path)] + ([f"dataset={settings.dataset!r}"] if settings.dataset else [])
    lines = [
        "import ellimaps",
        f"stack = ellimaps.open_stack({', '.join(open_arguments)})",
        f"stack = ellimaps.preprocess({', '.join(['stack', *_changed(settings, _PREPROCESSING)])})",
    ]
    k = str(settings.k)
    if settings.k is None:
        span = f"k_range=range({settings.k_min}, {settings.k_max + 1})"
        arguments = ["stack", span, *_changed(settings, ("features", "seed"))]
        lines.append(f"estimate = ellimaps.estimate_k({', '.join(arguments)})")
        k = "estimate.suggested_k"
    arguments = ["stack", f"k={k}", *_changed(settings, ("features", "seed"))]
    lines.append(f"segmentation = ellimaps.segment({', '.join(arguments)})")
    if settings.refine:
        steps = ", ".join(f"refinement.{step!r}" for step in settings.refine)
        lines.insert(1, "from ellimaps import refinement")
        lines.append(f"segmentation = refinement.refine(segmentation, [{steps}])")
    extras = ""
    if settings.regions:
        lines.insert(1, "from ellimaps.regions import Region")
        extras += f", regions={list(settings.regions)!r}"
    if settings.names:
        extras += f", names={list(settings.names)!r}"
    lines.append(f"ellimaps.export_segmentation(segmentation, {out!r}{extras})")
    return "\n".join(lines) + "\n"


_PREPROCESSING = ("gaps", "despike", "smooth", "roi", "binning")


def _changed(settings: Settings, names: tuple[str, ...]) -> list[str]:
    default = Settings()
    return [
        f"{name}={getattr(settings, name)!r}"
        for name in names
        if getattr(settings, name) != getattr(default, name)
    ]


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: Any) -> str:
    """JSON's strings, numbers and lists are also TOML's."""
    return json.dumps(value, ensure_ascii=False)


def _refinements(rows: Any, name: str) -> list[Refinement]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SettingError(f"{name}: refine must be given as [[refine]] tables.")
    return [refinement_of_row(row) for row in rows]


def _regions(rows: Any, name: str) -> list[Region]:
    try:
        return [
            Region(str(row["name"]), row["kind"], tuple((float(x), float(y)) for x, y in row["vertices"]))
            for row in rows
        ]
    except (TypeError, KeyError, ValueError):
        raise SettingError(f"{name}: each of [[regions]] needs name, kind and vertices (x, y).") from None


def _check_types(values: dict[str, Any], name: str) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "k": (int,),
        "k_min": (int,),
        "k_max": (int,),
        "seed": (int,),
        "binning": (int,),
        "despike": (int, float),
        "smooth": (int, float),
        "gaps": (str,),
        "features": (str,),
        "dataset": (str,),
        "roi": (tuple,),
        "names": (tuple,),
    }
    for key, value in values.items():
        if key in kinds and (not isinstance(value, kinds[key]) or isinstance(value, bool)):
            raise SettingError(f"{name}: {key} cannot be {value!r}.")
    if "roi" in values and (len(values["roi"]) != 4 or not all(type(v) is int for v in values["roi"])):
        raise SettingError(f"{name}: roi must be four whole numbers, y0 y1 x0 x1.")
