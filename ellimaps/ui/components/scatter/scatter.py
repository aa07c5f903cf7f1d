"""The Python side of the scatter plot: arrays become what ``scatter.js`` draws."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from ellimaps.ui.components.browser import base64_of, component, handler


@dataclass(frozen=True)
class Groups:
    """Color by group.

    Attributes
    ----------
    codes : ndarray of int, shape (point,)
        Group of each point.
    names : sequence of str
        Name of each group.
    palette : sequence of str
        Color (#rrggbb) of each group.
    """

    codes: NDArray[Any]
    names: Sequence[str]
    palette: Sequence[str]


@dataclass(frozen=True)
class Scale:
    """Color by value.

    Attributes
    ----------
    values : ndarray of float, shape (point,)
        Value of each point, NaN where there is none.
    title : str
        What the values are, with their unit.
    """

    values: NDArray[Any]
    title: str


@dataclass(frozen=True)
class PointThumbnails:
    """Small pictures of all points, several to a sheet so that ten thousand stay light.

    Attributes
    ----------
    key : str
        Changes when the pictures do.
    sheets : sequence of bytes
        JPEG or PNG pictures of ``columns`` by ``columns`` tiles each; picture i is tile ``i % columns**2`` of
        sheet ``i // columns**2``.
    tile : int
        Edge of a tile in pixels.
    columns : int
        Tiles in a row of a sheet.
    """

    key: str
    sheets: Sequence[bytes]
    tile: int
    columns: int


@dataclass(frozen=True)
class Points:
    """What the scatter plot shows.

    Attributes
    ----------
    x, y : ndarray of float, shape (point,)
        Coordinates.
    titles : sequence of str
        What there is; shown beside the picture.
    color : Groups or Scale
        How points are colored.
    axes : (str, str)
        Titles of the axes.
    pictures : ndarray of int, shape (title,)
        Number of each one's thumbnail.
    owners : ndarray of int, shape (point,), optional
        The title each point belongs to, where many share one, as cells their field; else each has its own.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    titles: Sequence[str]
    color: Groups | Scale
    axes: tuple[str, str]
    pictures: NDArray[Any]
    owners: NDArray[Any] | None = None

    def data(self) -> dict[str, Any]:
        """Return the points as ``scatter.js`` takes them."""
        return {
            "x": base64_of(np.asarray(self.x, dtype="<f4")),
            "y": base64_of(np.asarray(self.y, dtype="<f4")),
            "titles": list(self.titles),
            "axes": list(self.axes),
            "pictures": base64_of(np.asarray(self.pictures, dtype="<u4")),
            "owners": None if self.owners is None else base64_of(np.asarray(self.owners, dtype="<u4")),
            **_color_data(self.color),
        }


@dataclass(frozen=True)
class Chosen:
    """What is chosen when the plot appears.

    Attributes
    ----------
    selected, hidden : list of int
        Points that are chosen; groups that are hidden.
    revision : int
        What the plot shows of itself is kept until this number changes.
    """

    selected: list[int]
    hidden: list[int]
    revision: int


def scatter(
    points: Points,
    chosen: Chosen,
    *,
    key: str,
    thumbnails: PointThumbnails | None = None,
    on_select: Callable[[list[int]], None] | None = None,
    on_hide: Callable[[list[int]], None] | None = None,
) -> None:
    """Show the plot.

    Parameters
    ----------
    points : Points
        What is shown.
    chosen : Chosen
        What is chosen of it.
    key : str
        Streamlit key.
    thumbnails : PointThumbnails, optional
        Pictures shown beside the pointer.
    on_select : callable, optional
        Called before the page runs again with the numbers of the points chosen by lasso, rectangle or click;
        an empty list when the choice is given up.
    on_hide : callable, optional
        Called with the groups hidden by clicks in the legend.
    """
    if thumbnails is not None:
        _show_sheets(thumbnails, key)
    plot = component(
        "scatter",
        "scatter/scatter.js",
        '<div class="scatter" role="group" aria-label="Scatter plot"></div>',
        "scatter/scatter.css",
    )
    plot(
        data=points.data() | asdict(chosen) | {"thumbnails": _thumbnail_data(thumbnails)},
        key=key,
        on_selected_change=handler(key, "selected", _numbers_to(on_select)),
        on_hidden_change=handler(key, "hidden", _numbers_to(on_hide)),
    )


def _color_data(color: Groups | Scale) -> dict[str, Any]:
    if isinstance(color, Groups):
        codes = base64_of(np.asarray(color.codes, dtype="<u2"))
        return {"codes": codes, "names": list(color.names), "palette": list(color.palette)}
    table = np.round(colormaps["viridis"](np.arange(256))[:, :3] * 255).astype(int)
    return {
        "values": base64_of(np.asarray(color.values, dtype="<f4")),
        "title": color.title,
        "colormap": table.tolist(),
    }


def _thumbnail_data(thumbnails: PointThumbnails | None) -> dict[str, Any] | None:
    if thumbnails is None:
        return None
    return {"key": thumbnails.key, "tile": thumbnails.tile, "columns": thumbnails.columns}


# Pictures travel in a component of their own: what it shows does not change when points are colored
# otherwise, and Streamlit does not send the same again.
def _show_sheets(thumbnails: PointThumbnails, key: str) -> None:
    sheets = [base64.b64encode(sheet).decode("ascii") for sheet in thumbnails.sheets]
    store = component("thumbnails", "scatter/thumbnails.js")
    store(data={"key": thumbnails.key, "sheets": sheets}, key=f"{key}_thumbnails")


def _numbers_to(call: Callable[[list[int]], None] | None) -> Callable[[Any], None] | None:
    """Return what hands the whole numbers of an event on."""
    return None if call is None else lambda value: call([int(number) for number in value["numbers"]])
