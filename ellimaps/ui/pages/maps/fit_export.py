"""Files of a fit: what ``ellimaps fit`` writes, and the model."""

from __future__ import annotations

import streamlit as st

from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.films.results import MapFit, ShotFits
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_files
from ellimaps.ui.pages.maps.export import zipped
from ellimaps.ui.shared.widgets import download


def fit_downloads(fit: ShotFits | MapFit) -> None:
    """Offer a fit's files as a zip, and its model."""
    pixels = isinstance(fit, MapFit)
    stack = fit.stack if isinstance(fit, MapFit) else fit.segmentation.stack
    with st.container(horizontal=True, vertical_alignment="center", key="fit_downloads"):
        download(
            "Download the fit (zip)",
            f"{stack.name}_fit_{'pixels' if pixels else 'clusters'}.zip",
            lambda: zipped(fit_contents(fit)),
            key="download_fit",
            type="primary",
            help="Table, maps in nm (NaN where not trusted), figure, provenance: the files that ellimaps fit "
            "writes, byte for byte.",
        )
        model_download(fit.model, "download_fit_model")
        what = "--pixels" if pixels else f"-k {fit.segmentation.k}" if isinstance(fit, ShotFits) else ""
        st.caption(f"`ellimaps fit FOLDER --model model.toml {what} --out DIR`", width="content")


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
