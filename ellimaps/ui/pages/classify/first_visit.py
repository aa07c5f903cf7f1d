"""What is shown where there is nothing to classify yet: what for, how files are to lie, and an example."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.samples import sample_populations
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.shared.data_root import data_root, told
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import page_state

EXAMPLE = "example_cells"
# Names as the documentation has them, each with its depth in the tree.
_LINES = (
    ("cells", 0),
    ("images", 1),
    ("001.tif", 2),
    ("002.tif", 2),
    ("...", 2),
    ("labels.csv (if there is one)", 1),
)


def first_visit() -> None:
    """Show one sentence, the layout of files, and the button that opens the example."""
    st.info(
        "Label images of cells, train a classifier on them, and try it on others: put a folder of TIFF or "
        f"PNG images below {escaped(data_root())}, or start `ellimaps app` with another `--data-root`.",
        icon=":material/category:",
    )
    st.image(_layout(), width=360, alt="A folder of images, and beside it a list of labels")
    st.button(
        "Open the generated example",
        key="classify_example",
        type="primary",
        icon=":material/biotech:",
        help=f"40 generated cells of two kinds, written to {EXAMPLE} below the data root.",
        on_click=_open_example,
    )


def _open_example() -> None:
    try:
        if not (data_root() / EXAMPLE / "images").is_dir():
            sample_populations(data_root() / EXAMPLE)
    except EllimapsError as error:
        page_state(ClassifyState).message = told(error)
        return
    st.session_state["classify_typed"] = f"{EXAMPLE}/images"


def _layout() -> str:
    """Return a tree of files as SVG."""
    rows = []
    for number, (name, depth) in enumerate(_LINES):
        x, y = 16 + 28 * depth, 30 + 26 * number
        is_folder = "." not in name
        color = "#D8A93C" if is_folder else "#8FA3B5"
        rows.append(
            f'<rect x="{x}" y="{y - 12}" width="14" height="{11 if is_folder else 15}" fill="{color}"/>'
        )
        rows.append(f'<text x="{x + 22}" y="{y}">{name}</text>')
    table = "image_id,is_homogenous", "1,0", "2,1"
    rows += [
        f'<text x="64" y="{30 + 26 * (len(_LINES) + number)}" opacity="0.75">{line}</text>'
        for number, line in enumerate(table)
    ]
    height = 26 * (len(_LINES) + len(table)) + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="360" height="{height}" viewBox="0 0 360 {height}" '
        'font-family="ui-monospace, monospace" font-size="14" fill="#121212">'
        f'<rect width="360" height="{height}" rx="8" fill="#f0f2f5"/>{"".join(rows)}</svg>'
    )
