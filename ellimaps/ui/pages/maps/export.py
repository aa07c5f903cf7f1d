"""Files out: a zip, a server folder, a report, a recipe, Python."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path

import streamlit as st

from ellimaps.core.errors import ExportError
from ellimaps.core.files import write_files
from ellimaps.maps.export import export_contents, provenance_name
from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.films.recipe import FitRecipe
from ellimaps.maps.films.results import MapFit, ShotFits
from ellimaps.maps.labels import cluster_areas, clusters_tiff, region_areas
from ellimaps.maps.recipe import python_lines, recipe_text
from ellimaps.maps.report import report_html
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings
from ellimaps.optics.model_file import model_files
from ellimaps.ui.pages.maps.fitting import last_map, last_shots
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.segment import pending_changes, segmentation_title
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.data_root import data_root, located
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.masks import mask_downloads, outline_downloads
from ellimaps.ui.shared.widgets import download, guarded


def export_tab(state: MapsState, source: Source) -> None:
    """Show every way out for the segmentation shown."""
    segmentation = state.shown()
    if segmentation is None:
        st.info("Nothing is segmented yet: choose k above and press **Segment** first.")
        return
    settings = state.full_settings()
    name = segmentation.stack.name
    _what(state, settings, segmentation)
    files, report = st.columns(2, gap="large")
    with files, guarded():
        st.markdown("##### Files")
        download(
            "Download all files (zip)",
            f"{name}_k{segmentation.k}.zip",
            lambda: zipped(_contents(state, source, segmentation)),
            key="download_zip",
            type="primary",
            help=f"{_spectra(segmentation)}, coordinates, label image, figure, provenance: the files that "
            "ellimaps segment writes, byte for byte; and fits, report and recipe.",
        )
        _masks(settings, segmentation)
        _server_folder(state, source, segmentation)
        for sentence in _lacking(state, source, segmentation):
            st.caption(f":material/info: {escaped(sentence)}")
    with report:
        st.markdown("##### Report and recipe")
        download(
            "Report (HTML)",
            f"{name}_report.html",
            lambda: _report(state, source, segmentation),
            key="download_report",
            icon=":material/description:",
        )
        download(
            "Recipe (TOML)",
            "recipe.toml",
            lambda: _recipe(state, source),
            key="download_recipe",
            icon=":material/receipt_long:",
        )
        st.caption(
            "A recipe repeats every choice: here (**Load a recipe**), with `ellimaps segment FOLDER --recipe "
            "recipe.toml --out DIR` and with `ellimaps batch recipe.toml FOLDERS --out DIR`"
        )
    st.markdown("##### The same in Python")
    st.caption("The button at the right end of the box copies the lines.")
    st.code(python_lines(settings, source.path), language="python")


def _what(state: MapsState, settings: Settings, segmentation: Segmentation) -> None:
    regions = f", {len(settings.regions)} regions of interest" if settings.regions else ""
    st.markdown(
        f"Exported: **{segmentation.k} clusters** ({escaped(segmentation_title(settings))}){regions}."
    )
    if state.drawn is not None:
        st.caption(f"The region {escaped(state.drawn.name)} is drawn but not added: see Explore.")
    if changed := pending_changes(state):
        st.caption(f":material/info: Changed since this segmentation was made: {changed}. Press Segment.")


def _masks(settings: Settings, segmentation: Segmentation) -> None:
    name = segmentation.stack.name
    with st.container(horizontal=True, key="mask_downloads"):
        mask_downloads(
            name,
            lambda: clusters_tiff(segmentation, settings.names),
            lambda: cluster_areas(segmentation, settings.names),
            "annotation",
            key="clusters",
        )
        if settings.regions:
            with st.popover("Regions of interest", icon=":material/pentagon:"):
                outlines = partial(region_areas, settings.regions)
                outline_downloads(f"{name}_regions", outlines, "annotation", key="regions")


def _spectra(segmentation: Segmentation) -> str:
    if segmentation.stack.is_ellipsometric:
        return "Spectra per cluster, also in the vendor's layout"
    return "Mean intensities per cluster"


def zipped(files: dict[str, bytes]) -> bytes:
    """Return files as a zip; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # The first date that a zip can hold: that of the export would change the bytes.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _contents(state: MapsState, source: Source, segmentation: Segmentation) -> dict[str, bytes]:
    """Return everything that was made: segmentation, fits in folders of their own, report, recipe."""
    settings = state.full_settings()
    files = export_contents(segmentation, names=settings.names, regions=settings.regions)
    files[f"{segmentation.stack.name}_report.html"] = _report(state, source, segmentation)
    files["recipe.toml"] = _recipe(state, source)
    shots, pixels = _shots(state, source), _pixels(state, source)
    for folder, fit in (("fit_clusters", shots), ("fit_pixels", pixels)):
        if fit is not None:
            contents = fit_contents(fit) | model_files(fit.model)
            files |= {f"{folder}/{name}": content for name, content in contents.items()}
    if lacking := _lacking(state, source, segmentation):
        files["NOT_IN_HERE.txt"] = "".join(f"{sentence}\n" for sentence in lacking).encode()
    return files


def _shots(state: MapsState, source: Source) -> ShotFits | None:
    return None if state.current is None else last_shots(state.film, source, state.current)


def _pixels(state: MapsState, source: Source) -> MapFit | None:
    return None if state.current is None else last_map(state.film, source, state.current)


def _recipe(state: MapsState, source: Source) -> bytes:
    """Return the recipe of what is shown, with the film model as it was fitted."""
    setup = state.film.setup
    fit = None
    if setup is not None:
        fit = FitRecipe(setup.model, setup.options, setup.shared, _pixels(state, source) is not None)
    return recipe_text(state.full_settings(), fit).encode()


def _report(state: MapsState, source: Source, segmentation: Segmentation) -> bytes:
    settings = state.full_settings()
    return report_html(
        segmentation,
        names=settings.names,
        regions=settings.regions,
        fit=_shots(state, source),
        lacking=_lacking(state, source, segmentation),
    ).encode()


def _lacking(state: MapsState, source: Source, segmentation: Segmentation) -> list[str]:
    """Say what could be exported but was not computed."""
    if not segmentation.stack.is_ellipsometric:
        return []
    if _shots(state, source) is None:
        return ["No film model was fitted: the view Fit does it."]
    if _pixels(state, source) is None:
        return ["The film model was not fitted to every pixel of these maps: Fit every pixel does it."]
    return []


def _server_folder(state: MapsState, source: Source, segmentation: Segmentation) -> None:
    with st.form("server_folder", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        default = str(Path("results") / segmentation.stack.name)
        text = st.text_input(
            "Folder on the server",
            value=default,
            key=f"out_{segmentation.stack.name}",
            help="Below the folder results where the server was started, or below the data root.",
        )
        clicked = st.form_submit_button("Write files")
    if clicked:
        folder = output_folder(text)
        with st.spinner("Writing"):
            written = write_files(
                folder, _contents(state, source, segmentation), listing=provenance_name(segmentation.stack)
            )
        st.success(f"{len(written)} files written to {escaped(folder)}")


def output_folder(text: str) -> Path:
    """Return the folder to write to: below ``results`` where the server was started, or below the data root.

    Raises
    ------
    ExportError
        If it lies elsewhere.
    """
    if not text.strip() or "\0" in text or text.strip().startswith(("\\\\", "//")):
        raise ExportError(f"{text!r:.200} is not a folder that can be written.")
    try:
        folder = located(str(Path(text.strip()).expanduser()), Path.cwd())
    except (OSError, ValueError, RuntimeError) as error:
        raise ExportError(f"{text!r:.200} is not a folder that can be written: {error}.") from error
    allowed = [Path("results").resolve(), data_root()]
    if not any(folder == root or root in folder.parents for root in allowed):
        raise ExportError(f"{folder} is not below {allowed[0]} or {allowed[1]}: choose a folder there.")
    return folder
