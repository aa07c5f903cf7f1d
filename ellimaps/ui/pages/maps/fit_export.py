"""Files of a fit: what ``ellimaps fit`` writes, and the model."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.films.results import MapFit, ShotFits
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_files
from ellimaps.ui.pages.maps.export import zipped
from ellimaps.ui.shared.widgets import download


def fit_downloads(fit: ShotFits | MapFit) -> None:
    """Offer a fit's files as a zip, and its model."""
    of_pixels = isinstance(fit, MapFit)
    what = "--pixels" if isinstance(fit, MapFit) else f"-k {fit.segmentation.k}"
    downloads(
        f"{fit.stack.name}_fit_{'pixels' if of_pixels else 'clusters'}.zip",
        lambda: fit_contents(fit),
        fit.model,
        "Table, maps in nm (NaN where not trusted), figure, provenance",
        f"ellimaps fit FOLDER --model model.toml {what} --out DIR",
    )


def downloads(
    name: str, contents: Callable[[], dict[str, bytes]], model: ThinFilm, what: str, command: str
) -> None:
    """Offer the files of a fit as a zip, and its model.

    Parameters
    ----------
    name : str
        Of the zip.
    contents : callable
        Gives the files by name.
    model : ThinFilm
        The model.
    what, command : str
        What the files are, and the command that writes them.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="fit_downloads"):
        download(
            "Download the fit (zip)",
            name,
            lambda: zipped(contents()),
            key="download_fit",
            type="primary",
            help=f"{what}: the files that ellimaps fit writes, byte for byte.",
        )
        model_download(model, "download_fit_model")
        st.caption(f"`{command}`", width="content")


def model_download(model: ThinFilm, key: str) -> None:
    """Offer a model as model.toml, zipped with its n, k tables where it names some."""
    files = model_files(model)
    alone = len(files) == 1
    download(
        "Model (TOML)" if alone else "Model and its n, k files (zip)",
        "model.toml" if alone else "model.zip",
        lambda: files["model.toml"] if alone else zipped(files),
        key=key,
        icon=":material/layers:",
    )
