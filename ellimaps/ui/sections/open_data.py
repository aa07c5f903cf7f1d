"""Opening a measurement: path, folder browser, examples, recent folders, upload."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ellimaps.errors import ReadError
from ellimaps.readers import list_datasets
from ellimaps.ui.data_root import data_root, example_folders, inside_root
from ellimaps.ui.loading import Source, load
from ellimaps.ui.state import Session, go_to
from ellimaps.ui.uploads import store_uploads
from ellimaps.ui.widgets import progress_bar

_FOLDERS_SHOWN = 200


def open_panel(state: Session) -> None:
    """Show every way to open a measurement."""
    root = data_root()
    _path_form(state)
    browse, upload = st.columns(2, gap="large")
    with browse:
        _examples(state, root)
        _recent(state)
        _browser(state, root)
    with upload:
        _upload(state)


def _path_form(state: Session) -> None:
    with st.form("open", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Measurement folder",
            key="path",
            placeholder="Paste a folder, its .ds.dat or one of its PNG files",
            help=f"Below the data root {data_root()}; absolute, or relative to it.",
        )
        clicked = st.form_submit_button("Open", type="primary")
    if clicked:
        if not text.strip():
            raise ReadError("Paste the path of a measurement folder, or choose one below.")
        _open(state, inside_root(text), text.strip())


def _examples(state: Session, root: Path) -> None:
    examples = example_folders(root)
    if not examples:
        return
    st.caption("Examples")
    with st.container(horizontal=True):
        for folder in examples:
            if st.button(folder.name, icon=":material/science:", key=f"example_{folder.name}"):
                _open(state, folder, str(folder))


def _recent(state: Session) -> None:
    if not state.recent:
        return
    st.caption("Recent")
    for number, path in enumerate(state.recent):
        if st.button(path, icon=":material/history:", key=f"recent_{number}", type="tertiary"):
            _open(state, inside_root(path), path)


def _browser(state: Session, root: Path) -> None:
    st.caption("Browse")
    here = Path(state.memory.get("browse", root))
    if not here.is_dir() or (here != root and root not in here.parents):
        here = root
    with st.container(border=True, height=260):
        st.markdown(
            f":material/folder_open: `{here.relative_to(root.parent) if here != root else root.name}`"
        )
        if here != root and st.button("..", icon=":material/arrow_upward:", type="tertiary", key="browse_up"):
            _browse_to(state, here.parent)
        for folder in _subfolders(here):
            if st.button(folder.name, icon=":material/folder:", type="tertiary", key=f"browse_{folder}"):
                _browse_to(state, folder)
    if st.button("Open this folder", key="browse_open"):
        _open(state, here, str(here))


def _subfolders(folder: Path) -> list[Path]:
    try:
        inside = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError as error:
        raise ReadError(f"{folder} cannot be listed: {error.strerror or error}.") from error
    return sorted(inside, key=lambda path: path.name.casefold())[:_FOLDERS_SHOWN]


def _browse_to(state: Session, folder: Path) -> None:
    state.memory["browse"] = str(inside_root(str(folder)))
    st.rerun()


def _upload(state: Session) -> None:
    st.caption("Upload")
    with st.form("upload", clear_on_submit=True, border=True):
        files = st.file_uploader(
            "A zip of the folder, or all of its files",
            accept_multiple_files=True,
            help="Kept on the server until your session ends.",
        )
        if st.form_submit_button("Open the upload") and files:
            folder = store_uploads(files)
            state.uploads = [*state.uploads, folder][-2:]
            _open(state, Path(folder.name), f"upload of {files[0].name}")


def _open(state: Session, path: Path, shown: str) -> None:
    dataset = None
    if path.is_dir() and len(names := list_datasets(path)) > 1:
        state.memory["choose_dataset"] = (str(path), shown, names)
        st.rerun()
    open_source(state, path, shown, dataset)


def choose_dataset(state: Session) -> bool:
    """Ask which data set to open where a folder holds several; tell whether there is something to ask."""
    if "choose_dataset" not in state.memory:
        return False
    path, shown, names = state.memory["choose_dataset"]
    with st.form("dataset"):
        name = st.selectbox(f"{shown} holds {len(names)} data sets", names)
        chosen = st.form_submit_button("Open this data set", type="primary")
    if chosen:
        del state.memory["choose_dataset"]
        open_source(state, Path(path), shown, name)
    return True


def open_source(state: Session, path: Path, shown: str, dataset: str | None) -> None:
    """Read a measurement and make it the open one."""
    source = Source.of(path, dataset)
    with progress_bar() as show:
        load(source, show)
    state.open(source, shown)
    go_to("Data")
    st.rerun()
