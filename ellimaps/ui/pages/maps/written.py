"""What was made of a measurement, as it is written down: recipes, names, regions, film model and fit."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.maps.recipe import recipe_text, settings_of
from ellimaps.maps.settings import Settings
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_files, read_model
from ellimaps.ui.pages.maps.fitting import FilmWork, FitSetup
from ellimaps.ui.pages.maps.looks import Look

if TYPE_CHECKING:
    from ellimaps.ui.pages.maps.state import MapsState

_MODEL = "model.toml"


def made_facts(state: MapsState) -> dict[str, Any]:
    """Return what a user made of the open measurement, ready for JSON."""
    return {
        "settings": recipe_text(state.settings),
        "kept": [recipe_text(settings) for settings in state.kept],
        "looks": [[state.looks[settings].names, state.looks[settings].colors] for settings in state.kept],
        "current": state.kept.index(state.current) if state.current is not None else None,
        "regions": recipe_text(Settings(regions=tuple(state.regions))),
        "film": _film_facts(state.film),
    }


def take_made(state: MapsState, facts: Mapping[str, Any]) -> None:
    """Put what was made of a measurement in place.

    Raises
    ------
    EllimapsError, KeyError, TypeError, ValueError
        If it was written down wrongly; nothing is changed then.
    """
    kept = [_settings(text) for text in facts["kept"]]
    looks = {
        settings: Look(tuple(map(str, names)), tuple(int(color) % len(CLUSTER_COLORS) for color in colors))
        for settings, (names, colors) in zip(kept, facts["looks"], strict=True)
    }
    current = None if facts["current"] is None else kept[facts["current"]]
    settings, regions = _settings(facts["settings"]), list(_settings(facts["regions"]).regions)
    film = _film(facts["film"], state.film)
    state.settings, state.kept, state.looks, state.current = settings, kept, looks, current
    state.regions, state.film = regions, film


def _settings(text: str) -> Settings:
    return settings_of(tomllib.loads(text))


def _film_facts(film: FilmWork) -> dict[str, Any]:
    setup = film.setup
    return {
        "name": film.name,
        "model": None if film.model is None else _files_of(film.model),
        "setup": None
        if setup is None
        else {"model": _files_of(setup.model), "shared": setup.shared, "options": asdict(setup.options)},
        "pixels": film.mapped is not None or film.pixels_wanted,
        "line": film.line,
    }


def _film(facts: Mapping[str, Any], last: FilmWork) -> FilmWork:
    setup = facts["setup"]
    if setup is not None:
        options = FitOptions(**setup["options"])
        setup = FitSetup(_model_of(setup["model"]), tuple(setup["shared"]), options)
    return replace(
        last.renewed(),
        name=str(facts["name"]),
        model=None if facts["model"] is None else _model_of(facts["model"]),
        setup=setup,
        pixels_wanted=bool(facts["pixels"]),
        line=tuple((float(x), float(y)) for x, y in facts["line"]),
    )


def _files_of(model: ThinFilm) -> dict[str, str]:
    return {name: content.decode() for name, content in model_files(model).items()}


def _model_of(files: Mapping[str, str]) -> ThinFilm:
    """Return a model of the texts of its file and of the n, k files it names."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / Path(file).name).write_text(text, encoding="utf-8")
        return read_model(folder / _MODEL)
