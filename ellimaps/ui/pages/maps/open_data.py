"""Opening a measurement: path, folder browser, examples, recent folders, upload."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from ellimaps.core.errors import ReadError
from ellimaps.readers import list_datasets
from ellimaps.readers.spectra import ColumnsQuestion, looks_like_spectra, may_be_spectra
from ellimaps.ui.pages.maps.loading import Source, load, loaded_spectra, name_of
from ellimaps.ui.pages.maps.state import AskedColumns, MapsState, OfferedDatasets, go_to
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.data_root import (
    data_root,
    example_folders,
    file_marks,
    files_in,
    inside_root,
    measurements_below,
    subfolders,
    told,
)
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.uploads import store_uploads
from ellimaps.ui.shared.widgets import guarded, progress_bar

# As many buttons as a browser is quick with.
_MOST_OFFERED = 24
_LOOKED_AT: BoundedCache[bool] = BoundedCache(4096)


def open_panel(state: MapsState) -> None:
    """Show every way to open a measurement."""
    root = data_root()
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        st.markdown("### Maps", width="content")
        st.caption(
            "Open ellipsometric maps, a fluorescence stack or spectra: find zones, read one spectrum per "
            "zone, fit films, export."
        )
        if state.source is not None:
            name = name_of(state.source)
            if st.button(f"Back to {escaped(name)}", icon=":material/arrow_back:", key="back"):
                state.opening = False
                st.rerun()
    # Errors are told in places of their own: an element that came between would shift those below it, and
    # the browser would make them anew, chosen files lost.
    with st.container(), guarded():
        _path_form(state)
    messages = st.container()
    browse, upload = st.columns(2, gap="large")
    with browse:
        _examples(state, root)
        _recent(state)
        _browser(state, root)
    with upload, guarded():
        _upload(state)
    with messages:
        # Asked for by a callback and kept until it is opened or refused: a run broken off loses no click.
        if state.asked is not None:
            with guarded():
                _open(state, _place(state, state.asked), state.asked)
            state.asked = None
        _below(state)


def _path_form(state: MapsState) -> None:
    with st.form("open", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Measurement folder",
            key="path",
            placeholder="Paste a folder, its .ds.dat or one of its PNG files, a TIFF, or a file of spectra",
            help=f"Below the data root {escaped(data_root())}; absolute, or relative to it.",
        )
        clicked = st.form_submit_button("Open", type="primary")
    if clicked:
        state.below = []
        if not text.strip():
            raise ReadError("Paste the path of a measurement folder, or choose one below.")
        _open(state, inside_root(text), text.strip())


def _examples(state: MapsState, root: Path) -> None:
    if examples := example_folders(root):
        st.markdown("**Examples**")
        with st.container(horizontal=True):
            for number, folder in enumerate(examples):
                # The data root may have an example called as one of ours is.
                same = [other.name for other in examples[:number]].count(folder.name)
                st.button(
                    escaped(folder.name),
                    icon=":material/science:",
                    key=f"example_{folder.name}" + (f"_{same}" if same else ""),
                    help=f"Generated, with known truth: {escaped(folder)}",
                    on_click=state.ask,
                    args=(str(folder),),
                )


def _recent(state: MapsState) -> None:
    if state.recent:
        st.markdown("**Recent**")
        with st.container(gap=None, key="recent"):
            for number, path in enumerate(state.recent):
                st.button(
                    escaped(path),
                    icon=":material/history:",
                    key=f"recent_{number}",
                    type="tertiary",
                    on_click=state.ask,
                    args=(path,),
                )


def _browser(state: MapsState, root: Path, most: int = 200) -> None:
    # Each folder is a button, and a browser is slow with many.
    st.markdown("**Browse**")
    here = state.browsed or root
    if not here.is_dir() or (here != root and root not in here.parents):
        here = root
    folders = subfolders(here)
    with st.container(border=True, height=230, key="browser", gap=None):
        st.markdown(f":material/folder_open: {escaped(Path(root.name, here.relative_to(root)))}")
        up = [("..", "arrow_upward", "up", here.parent)] if here != root else []
        down = [(folder.name, "folder", str(folder), folder) for folder in folders[:most]]
        for name, icon, key, target in [*up, *down]:
            st.button(
                escaped(name),
                icon=f":material/{icon}:",
                type="tertiary",
                key=f"browse_{key}",
                on_click=state.browse,
                args=(target,),
            )
        files = spectra_in(here)
        for file in files[:most]:
            st.button(
                escaped(file.name),
                icon=":material/show_chart:",
                type="tertiary",
                key=f"spectra_{file}",
                help="A file of spectra",
                on_click=state.ask,
                args=(str(file),),
            )
        if not folders and not files:
            st.caption("No folders and no spectra in here.")
        if (more := max(len(folders) - most, 0) + max(len(files) - most, 0)) > 0:
            st.caption(f"{more} more: paste the path above.")
    st.button("Open this folder", key="browse_open", on_click=state.ask, args=(str(here),))


def spectra_in(folder: Path) -> list[Path]:
    """Return the files of a folder that look like spectra; each is looked into once."""
    # A look into the first bytes takes a millisecond, and is kept while the file stays as it is.
    return [
        file
        for file in files_in(folder)[:1000]
        if _LOOKED_AT.get(file_marks([file]), partial(looks_like_spectra, file))
    ]


def _upload(state: MapsState) -> None:
    st.markdown("**Upload**")
    with st.form("upload", clear_on_submit=True, border=True):
        files = st.file_uploader(
            "A zip of the folder, or all of its files; a TIFF; or a file of spectra",
            accept_multiple_files=True,
            help="Kept on the server for a day at most.",
        )
        clicked = st.form_submit_button("Open the upload")
    if clicked:
        if not files:
            raise ReadError("Choose a zip or the files of a measurement first.")
        with st.spinner("Unpacking"):
            folder = store_uploads(files)
        state.uploads = [*state.uploads, folder][-2:]
        _open(state, _uploaded(Path(folder.name)), f"the upload {files[0].name}")


def _uploaded(folder: Path) -> Path:
    """Return what was uploaded: a folder, or the file of spectra that came alone or with its provenance."""
    folder = _lone_folder(folder)
    within = list(folder.iterdir())
    text = [file for file in within if file.suffix.lower() != ".json" and may_be_spectra(file)]
    return text[0] if len(text) == 1 and len(within) <= 2 else folder


def _lone_folder(folder: Path) -> Path:
    """Return the folder in which a zip's measurement stands, where it was zipped with its folder."""
    within = list(folder.iterdir())
    return _lone_folder(within[0]) if len(within) == 1 and within[0].is_dir() else folder


def _place(state: MapsState, asked: str) -> Path:
    return Path(asked) if state.is_uploaded(asked) else inside_root(asked)


def _open(state: MapsState, path: Path, shown: str) -> None:
    recent = None if state.is_uploaded(str(path)) else shown
    if path.is_dir():
        with st.spinner("Looking into the folder"):
            names = _datasets(state, path, shown)
        if len(names) > 1:
            state.asked = None
            state.offered = OfferedDatasets(str(path), shown, recent, tuple(names))
            st.rerun()
    open_source(state, Source.of(path, None, state.columns_of(str(path))), recent)


def _datasets(state: MapsState, path: Path, shown: str) -> list[str]:
    names = list_datasets(path)
    if not names:
        files, folders = spectra_in(path), measurements_below(path)
        state.below = [str(one) for one in (*files[:_MOST_OFFERED], *folders)]
        if files:
            raise ReadError(f"{shown} holds no maps but spectra: choose one of its files.")
        if folders:
            raise ReadError(f"{shown} holds no data set itself: choose one of the folders below it.")
    return names


def _below(state: MapsState) -> None:
    """Offer the measurements below a folder that is none itself."""
    root = data_root()
    with st.container(horizontal=True):
        for path in state.below:
            name = str(Path(path).relative_to(root)) if root in Path(path).parents else Path(path).name
            st.button(
                escaped(name),
                icon=":material/show_chart:" if Path(path).is_file() else ":material/layers:",
                key=f"below_{path}",
                on_click=state.ask,
                args=(path,),
            )


def follow_address(state: MapsState) -> None:
    """Open what a link names, and name in the address what is open."""
    shown, asked = st.query_params, st.query_params.get("folder", "")
    if state.source is None and asked and asked != state.refused:
        state.refused = asked
        source = Source.of(inside_root(asked), shown.get("dataset"), shown.get("columns", ""))
        if _load(state, source, asked):
            state.open(source, asked)
    if state.source is not None and not state.is_uploaded(state.source.path):
        source = state.source
        named = {"folder": _below_root(Path(source.path)), "dataset": source.dataset or ""}
        named["columns"] = source.columns
        for key, value in named.items():
            if value and shown.get(key) != value:
                shown[key] = value
            elif not value:
                shown.pop(key, None)


def _below_root(path: Path) -> str:
    root = data_root()
    return path.relative_to(root).as_posix() if root in path.parents else str(path)


def choose_dataset(state: MapsState) -> bool:
    """Ask which data set to open where a folder holds several; tell whether there is something to ask."""
    offered = state.offered
    if offered is None:
        return False
    with st.form("dataset"):
        name = st.selectbox(f"{escaped(offered.shown)} holds {len(offered.names)} data sets", offered.names)
        with st.container(horizontal=True):
            chosen = st.form_submit_button("Open this data set", type="primary")
            cancelled = st.form_submit_button("Cancel")
    if cancelled:
        state.offered = None
        st.rerun()
    if chosen:
        with guarded():
            open_source(state, Source.of(Path(offered.path), name), offered.recent)
    return True


def open_source(state: MapsState, source: Source, recent: str | None) -> None:
    """Read a measurement and make it the open one."""
    if _load(state, source, recent):
        state.open(source, recent)
        go_to("Data")
    st.rerun()


def _load(state: MapsState, source: Source, recent: str | None) -> bool:
    """Read a measurement; false where the user has to say first what the columns of a file are."""
    try:
        with progress_bar() as show:
            if source.is_spectra:
                loaded_spectra(source)
            else:
                load(source, show)
    except ColumnsQuestion as error:
        state.question, state.asked = AskedColumns(source.path, recent, told(error.why)), None
        return False
    return True
