"""The recipe of a run: a default, a file below the data root, or a text."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st
from cachetools import TTLCache, cached

from ellimaps.batch.cells import CellWork
from ellimaps.batch.maps import MapWork
from ellimaps.batch.recipes import read_work
from ellimaps.batch.time_limit import NAME
from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.core.small_files import read_toml
from ellimaps.maps.films.recipe import FitRecipe, fit_of
from ellimaps.maps.recipe import MAX_RECIPE_BYTES
from ellimaps.maps.settings import DECLARED
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.ui.pages.experiments.folders import called
from ellimaps.ui.shared.data_root import data_root, files_in, folders_from
from ellimaps.ui.shared.state import kept

DEFAULTS: dict[str, Callable[[], MapWork | CellWork]] = {
    "Maps: segment, as many clusters as suggested": MapWork,
    "Fluorescence: count round objects": CellWork,
    "Fluorescence: count nuclei of any shape": lambda: CellWork(CellSettings(kind="nuclei")),
}
_OWN = "Paste or upload a recipe"
_TEXT = "experiments_recipe_text"
_NO_MODEL = "none"


def choose_work(root: Path, *, has_maps: bool) -> MapWork | CellWork:
    """Show the recipes and return what the chosen one does.

    Parameters
    ----------
    root : Path
        The tree to run.
    has_maps : bool
        Whether it has ellipsometric maps.

    Raises
    ------
    ReadError, SettingError
        If the recipe cannot be read or is none.
    """
    defaults = sorted(DEFAULTS, key=lambda name: name.startswith("Maps") != has_maps)
    chosen = st.selectbox(
        "Recipe",
        [*defaults, *recipe_files(data_root()), _OWN],
        # Another kind of tree begins with another recipe.
        **kept(f"experiments_recipe_{'maps' if has_maps else 'images'}"),
        help="Recipes below the data root are offered; the page Maps writes them, in *Export* and *Objects*.",
    )
    if chosen in DEFAULTS:
        work = DEFAULTS[chosen]()
    elif chosen == _OWN:
        work = work_of(_own_text())
    else:
        work = read_work(data_root() / chosen, within=data_root())
    if isinstance(work, MapWork) and work.fit is None:
        work = _with_model(work, root)
    with st.expander("What the recipe says"):
        st.code(work.recipe(), "toml", wrap_lines=True, height=220)
        st.button(
            "Change it", icon=":material/edit:", key="experiments_edit", on_click=_edit, args=(work, has_maps)
        )
    return work


def work_of(text: str) -> MapWork | CellWork:
    """Return what a recipe's text describes.

    Raises
    ------
    ReadError, SettingError
        If it is no recipe.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            return read_work(path, within=data_root())
        except EllimapsError as error:
            raise type(error)(str(error).replace(str(path), path.name)) from None


@cached(TTLCache(16, 15), lock=Lock())
def recipe_files(root: Path) -> list[str]:
    """Return recipes below a root, by their paths below it; the search is bounded."""
    known = {*DECLARED, "ellimaps", "cells", "fit", NAME}
    found = ((file, _values(file)) for file in _toml_files(root))
    return [file.relative_to(root).as_posix() for file, values in found if values and values.keys() <= known]


@cached(TTLCache(16, 15), lock=Lock())
def film_models(root: Path) -> dict[str, FitRecipe]:
    """Return film models that differ, by the path of the first of each below a root."""
    found: dict[str, FitRecipe] = {}
    for file in _toml_files(root):
        if "substrate" in _values(file):
            # What makes no model is not offered.
            with suppress(EllimapsError):
                model = fit_of({}, file.parent, file.name, file)
                if model is not None and model not in found.values():
                    found[file.relative_to(root).as_posix()] = model
    return found


def _toml_files(root: Path) -> Iterator[Path]:
    for folder in folders_from(root):
        yield from (file for file in files_in(folder) if file.suffix.casefold() == ".toml")


def _values(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file, "recipe", MAX_RECIPE_BYTES)
    except EllimapsError:
        return {}


def _own_text() -> str:
    # It fills the text, which can then be changed.
    st.file_uploader(
        "recipe.toml",
        type="toml",
        key="experiments_recipe_file",
        on_change=_take_upload,
        max_upload_size=MAX_RECIPE_BYTES >> 20,
    )
    text = st.text_area("Recipe (TOML)", height=160, placeholder="k = 4", **kept(_TEXT))
    if not text.strip():
        raise ReadError("Paste a recipe, or upload a recipe.toml.")
    return text


def _take_upload() -> None:
    file = st.session_state["experiments_recipe_file"]
    if file is not None:
        st.session_state[_TEXT] = file.getvalue().decode("utf-8-sig", "replace")


def _edit(work: MapWork | CellWork, has_maps: bool) -> None:
    st.session_state[_TEXT] = work.recipe()
    st.session_state[f"experiments_recipe_{'maps' if has_maps else 'images'}"] = _OWN


def _with_model(work: MapWork, root: Path) -> MapWork:
    """Let the user choose a film model to fit to the clusters; without one there is no thickness."""
    own = {f"{called(root / name)}": fit for name, fit in film_models(root).items()}
    models = own | {name: fit for name, fit in film_models(data_root()).items() if fit not in own.values()}
    chosen = st.selectbox(
        "Film model, for thicknesses",
        [_NO_MODEL, *models],
        # Where all samples of a tree have the same model, it is meant for them.
        index=int(len(own) == 1),
        **kept(f"experiments_model_{called(root)}"),
        help="A model.toml below the data root. With none there are clusters and spectra, and no thickness.",
    )
    return work if chosen == _NO_MODEL else replace(work, fit=models[chosen])
