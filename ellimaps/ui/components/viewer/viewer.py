"""The Python side of the map viewer: arrays become what ``viewer.js`` draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
from typing import Any, Protocol

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from ellimaps.ui.components.browser import base64_of, component, handler

MAX_DISPLAY_PIXELS = 250_000
"""A panel is as many pixels of the screen at most, and two thirds of a megabyte on the way."""
_NO_VALUE = 65535
"""The last of 16 bits; `painting.js` has it too."""


class Outlined(Protocol):
    """What the viewer outlines: a region, or a line."""

    @property
    def name(self) -> str:
        """Written beside it."""

    @property
    def vertices(self) -> tuple[tuple[float, float], ...]:
        """Corners (x, y) in pixels."""


@dataclass(frozen=True)
class MapLine:
    """A straight line across a map, as `Outlined`."""

    vertices: tuple[tuple[float, float], ...]
    name: str = ""


@dataclass(frozen=True)
class MapPanel:
    """One map of the viewer.

    Attributes
    ----------
    title : str
        What is shown.
    image : ndarray, shape (y, x), optional
        Values, NaN where there are none; None shows the cluster colors.
    unit : str
        Unit of the values.
    limits : (float, float), optional
        Contrast limits.
    overlay : bool
        Whether the highlighted cluster is outlined over the values.
    diverging : bool
        Whether the colors say which way values differ from the middle of the limits.
    filled : ndarray of bool, shape (y, x), optional
        Pixels with an invented value; marked.
    doubtful : ndarray of bool, shape (y, x), optional
        Pixels without a value whose fit is not trusted; hatched.
    objects : ndarray of int, shape (y, x), optional
        Numbers of the objects to outline, 0 for the background.
    labels, palette, names
        Clusters of this panel alone, where panels show different ones.
    """

    title: str
    image: NDArray[np.float32] | None = None
    unit: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    overlay: bool = False
    diverging: bool = False
    filled: NDArray[np.bool_] | None = None
    doubtful: NDArray[np.bool_] | None = None
    objects: NDArray[np.int32] | None = None
    labels: NDArray[np.int16] | None = None
    palette: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapScene:
    """What the viewer shows.

    Attributes
    ----------
    panels : sequence of MapPanel
        The maps, all of one size.
    source : str
        Names the image; the zoom is kept as long as it stays the same.
    aspect : float
        Height over width of a pixel.
    labels : ndarray of int16, shape (y, x), optional
        Clusters; -1 = no data, -2 = dropped.
    palette, names : sequence of str
        Color (#rrggbb) and name of each cluster.
    highlight : int
        The cluster drawn over maps with an overlay.
    regions : sequence of Region or MapLine
        What to outline.
    region_colors : sequence of str
        Color (#rrggbb) of each outline; white where there is none.
    pixel_size_um : float, optional
        Width of a pixel; draws a scale bar.
    position : int
        Where the slider stands that the arrow keys move.
    slider : str
        What that slider is called on the page; the maps follow it while it is dragged.
    most_pixels : int
        How many pixels of each map are sent to the browser at most.
    share_of_window : float
        How much of the window's height a map takes.
    """

    panels: Sequence[MapPanel]
    source: str
    aspect: float
    labels: NDArray[np.int16] | None = None
    palette: Sequence[str] = ()
    names: Sequence[str] = ()
    highlight: int = 0
    regions: Sequence[Outlined] = ()
    region_colors: Sequence[str] = ()
    pixel_size_um: float | None = None
    position: int = 0
    slider: str = ""
    most_pixels: int = MAX_DISPLAY_PIXELS
    share_of_window: float = 0.42

    def data(self) -> dict[str, Any]:
        """Return the scene as ``viewer.js`` takes it; large images at reduced resolution."""
        shape = next(image.shape for image in (self.labels, *_images(self.panels)) if image is not None)
        step = display_step(shape, self.most_pixels)
        return {
            "source": f"{self.source} {shape}",
            "width": len(range(0, shape[1], step)),
            "height": len(range(0, shape[0], step)),
            "step": step,
            "aspect": self.aspect,
            "pixelSize": self.pixel_size_um,
            "position": self.position,
            "slider": self.slider,
            "shareOfWindow": self.share_of_window,
            "colormap": _colormap("viridis"),
            "diverging": _colormap("RdBu_r"),
            "palette": list(self.palette),
            "names": list(self.names),
            "highlight": self.highlight,
            "labels": _label_codes(self.labels, step),
            "regions": [
                {"name": region.name, "vertices": region.vertices, "color": color}
                for region, color in zip(
                    self.regions, chain(self.region_colors, repeat("#ffffff")), strict=False
                )
            ],
            "panels": [_panel_data(panel, step) for panel in self.panels],
        }


def map_viewer(
    scene: MapScene,
    *,
    key: str,
    on_step: Callable[[int], None] | None = None,
    on_drag: Callable[[Mapping[str, int]], None] | None = None,
    on_region: Callable[[Mapping[str, Any]], None] | None = None,
    on_cluster: Callable[[int], None] | None = None,
    tools: Sequence[str] = ("pixel", "rectangle", "lasso"),
) -> None:
    """Show linked maps; regions come back in pixels of the full image.

    Parameters
    ----------
    scene : MapScene
        What is shown.
    key : str
        Streamlit key.
    on_step, on_drag, on_region, on_cluster : callable, optional
        Called before the page runs again: with the position the arrow keys lead to, with the ``position`` to
        which the slider is being dragged and the one it was dragged ``from``, with a drawn region (``kind``
        and ``vertices``), and with the cluster of a legend entry that was clicked.
    tools : sequence of {"pixel", "rectangle", "lasso", "line"}
        What can be picked or drawn, if ``on_region`` takes it.
    """
    viewer = component(
        "map_viewer",
        "viewer/viewer.js",
        '<div class="viewer" role="group" aria-label="Maps"></div>',
        "viewer/viewer.css",
    )
    viewer(
        data=scene.data() | {"tools": list(tools) if on_region else [], "steps": on_step is not None},
        key=key,
        on_region_change=handler(key, "region", on_region),
        on_step_change=handler(key, "step", on_step),
        on_drag_change=handler(key, "drag", on_drag),
        on_cluster_change=handler(key, "cluster", on_cluster),
    )


def display_step(shape: tuple[int, ...], most_pixels: int = MAX_DISPLAY_PIXELS) -> int:
    """Return every how many pixels an image is shown so that it stays light."""
    return max(1, int(np.ceil(np.sqrt(shape[0] * shape[1] / most_pixels))))


def _panel_data(panel: MapPanel, step: int) -> dict[str, Any]:
    if panel.image is None:
        labels = _label_codes(panel.labels, step)
        own = {"labels": labels, "palette": list(panel.palette), "names": list(panel.names)}
        return {"title": panel.title, "unit": "", **(own if labels else {})}
    shown = panel.image[::step, ::step]
    finite = np.isfinite(shown)
    low, high = (float(shown[finite].min()), float(shown[finite].max())) if finite.any() else (0.0, 1.0)
    span = (high - low) or 1.0
    codes = np.full(shown.shape, _NO_VALUE, dtype="<u2")
    codes[finite] = np.round((shown[finite] - low) / span * (_NO_VALUE - 1))
    return {
        "title": panel.title,
        "unit": panel.unit,
        "low": low,
        "high": low + span,
        "limits": list(panel.limits),
        "overlay": panel.overlay,
        "diverging": panel.diverging,
        "filled": _mask_codes(panel.filled, step),
        "codes": base64_of(codes),
        "doubtful": _mask_codes(panel.doubtful, step),
        "objects": None if panel.objects is None else base64_of(panel.objects[::step, ::step].astype("<u4")),
    }


def _images(panels: Sequence[MapPanel]) -> list[NDArray[Any] | None]:
    return [image for panel in panels for image in (panel.image, panel.labels)]


def _label_codes(labels: NDArray[np.int16] | None, step: int) -> str | None:
    return None if labels is None else base64_of((labels[::step, ::step] + 1).astype(np.uint8))


def _mask_codes(mask: NDArray[np.bool_] | None, step: int) -> str | None:
    return None if mask is None else base64_of(mask[::step, ::step].astype(np.uint8))


@cache
def _colormap(name: str) -> list[list[int]]:
    table = colormaps[name](np.arange(256))[:, :3]
    return [[int(channel) for channel in row] for row in np.round(table * 255)]
