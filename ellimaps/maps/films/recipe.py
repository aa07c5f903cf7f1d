"""A film model and how it is fitted, as the table ``[fit]`` of a recipe."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import toml_value
from ellimaps.maps.films.results import thickness_name
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_files, model_of, model_text, read_model

_KEYS = ("model", "tables", "shared", "pixels")


@dataclass(frozen=True)
class FitRecipe:
    """A film model to fit to the clusters, or to every pixel.

    Attributes
    ----------
    film : ThinFilm
        The model.
    options : FitOptions
        Standard deviations and limits.
    shared : tuple of str
        Parameters with one value for all clusters.
    pixels : bool
        Whether every pixel is fitted.
    """

    film: ThinFilm
    options: FitOptions = field(default_factory=FitOptions)
    shared: tuple[str, ...] = ()
    pixels: bool = False

    def facts(self) -> dict[str, Any]:
        """Return every choice the fit depends on, ready for JSON."""
        # The text only names n, k files; their values count.
        values = sha256(repr(self.film).encode()).hexdigest()
        film = {"model": model_text(self.film), "sha256": values, "options": asdict(self.options)}
        return {**film, "shared": list(self.shared), "pixels": self.pixels}


def fit_text(fit: FitRecipe) -> str:
    """Return a fit as TOML that needs no other file: the model, and the n, k tables that it names."""
    files = {name: content.decode() for name, content in model_files(fit.film).items()}
    values: dict[str, Any] = {"model": tomllib.loads(files.pop("model.toml"))}
    if files:
        values["tables"] = files
    if fit.shared:
        values["shared"] = fit.shared
    if fit.pixels:
        values["pixels"] = True
    chosen = asdict(fit.options).items() - asdict(FitOptions()).items()
    lines = [f"{name} = {toml_value(value)}" for name, value in [*values.items(), *sorted(chosen)]]
    return "\n".join(["", "[fit]", *lines, ""])


def fit_of(
    values: Mapping[str, Any],
    folder: Path,
    name: str,
    model: Path | None = None,
    *,
    within: Path | None = None,
) -> FitRecipe | None:
    """Return the fit that a recipe's table describes; None if it has no model.

    Parameters
    ----------
    values : mapping
        What stands in ``[fit]``: ``model``, a model's values or the name of its file; ``tables``, texts of
        the n, k files that the values name; ``shared``, ``pixels`` and options of a fit.
    folder : Path
        The recipe's folder: the model it names lies there or below.
    name : str
        What the recipe is called in error messages.
    model : Path, optional
        A model's file, in place of the recipe's.
    within : Path, optional
        Another folder below which the model may lie.

    Raises
    ------
    ReadError
        If a file cannot be read.
    SettingError
        If the model lies elsewhere, or there is an option ellimaps does not know, or one that does not fit.
    """
    if model is None and not values:
        return None
    known = [field.name for field in fields(FitOptions)]
    for key in values:
        if key not in (*_KEYS, *known):
            everything = ", ".join((*_KEYS, *known))
            raise SettingError(f"{name}: [fit] has the unknown setting {key!r:.80}: use {everything}.")
    film = read_model(model) if model is not None else _film(values, folder, name, within)
    thickness_name(film)
    shared, pixels = values.get("shared", []), values.get("pixels", False)
    if not isinstance(pixels, bool) or not isinstance(shared, list):
        raise SettingError(f"{name}: in [fit], pixels is true or false and shared a list of parameters.")
    options = FitOptions(**{key: value for key, value in values.items() if key in known})
    return FitRecipe(film, options, tuple(map(str, shared)), pixels)


def _film(values: Mapping[str, Any], folder: Path, name: str, within: Path | None) -> ThinFilm:
    given, tables = values.get("model"), values.get("tables", {})
    if isinstance(given, str):
        return read_model(_named(given, folder, name, within))
    if not isinstance(given, dict) or not isinstance(tables, dict):
        raise SettingError(f"{name}: [fit] needs a film model as model: its file's name, or its values.")
    with tempfile.TemporaryDirectory() as beside:
        for file, text in tables.items():
            # What no file can be called is no table that a model names either.
            with suppress(OSError, ValueError):
                (Path(beside) / Path(file).name).write_text(str(text), encoding="utf-8")
        return model_of(given, Path(beside))


def _named(given: str, folder: Path, name: str, within: Path | None) -> Path:
    """Return a model's file; a recipe from elsewhere must not make ellimaps read files all over the disk."""
    what = f"{name}: [fit] names the model {given!r:.200}, which"
    try:
        path = (folder / given).resolve()
        allowed = [one.resolve() for one in (folder, within) if one is not None]
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError(
            f"{name}: [fit] names the model {given!r:.200}, which is no path: {error}."
        ) from error
    if not any(one in path.parents for one in allowed):
        raise SettingError(
            f"{what} does not lie below the recipe's folder: put it there, or choose it yourself (--model)."
        )
    return path
