"""The Python side of the map viewer: arrays become what ``viewer.js`` draws."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import streamlit as st
from matplotlib import colormaps
from numpy.typing import NDArray

MAX_DISPLAY_PIXELS = 250_000
_NO_VALUE = 65535


class Outlined(Protocol):
    """What the viewer outlines: a region, or a line."""

    @property
    def name(self) -> str:
        """Written beside it."""

    @property
    def vertices(self) -> tuple[tuple[float, float], ...]:
        """Corners (x, y) in pixels."""


@dataclass(frozen=True)
class Line:
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
        Values, NaN where there are none; None shows the cluster colours.
    unit : str
        Unit of the values.
    limits : (float, float), optional
        Contrast limits.
    overlay : bool
        Whether the highlighted cluster is drawn over the values.
    show_filled : bool
        Whether filled pixels are marked.
    doubtful : ndarray of bool, shape (y, x), optional
        Pixels without a value whose fit is not trusted; hatched.
    labels, palette, names
        Clusters of this panel alone, where panels show different ones.
    """

    title: str
    image: NDArray[np.float32] | None = None
    unit: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    overlay: bool = False
    show_filled: bool = False
    doubtful: NDArray[np.bool_] | None = None
    labels: NDArray[np.int16] | None = None
    palette: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
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
        Clusters, -1 = no data.
    filled : ndarray of bool, shape (y, x), optional
        Pixels with an invented value.
    palette, names : sequence of str
        Colour (#rrggbb) and name of each cluster.
    highlight : int
        The cluster drawn over maps with an overlay.
    regions : sequence of Region or Line
        What to outline.
    pixel_size_um : float, optional
        Width of a pixel; draws a scale bar.
    position : int
        Where the slider stands that the arrow keys move.
    """

    panels: Sequence[MapPanel]
    source: str
    aspect: float
    labels: NDArray[np.int16] | None = None
    filled: NDArray[np.bool_] | None = None
    palette: Sequence[str] = ()
    names: Sequence[str] = ()
    highlight: int = 0
    regions: Sequence[Outlined] = ()
    pixel_size_um: float | None = None
    position: int = 0

    def data(self) -> dict[str, Any]:
        """Return the scene as ``viewer.js`` takes it; large images at reduced resolution."""
        shape = next(image.shape for image in (self.labels, *_images(self.panels)) if image is not None)
        step = display_step(shape)
        return {
            "source": f"{self.source} {shape}",
            "width": len(range(0, shape[1], step)),
            "height": len(range(0, shape[0], step)),
            "step": step,
            "aspect": self.aspect,
            "pixelSize": self.pixel_size_um,
            "position": self.position,
            "colormap": _colormap(),
            "palette": list(self.palette),
            "names": list(self.names),
            "highlight": self.highlight,
            "labels": _label_codes(self.labels, step),
            "filled": _mask_codes(self.filled, step),
            "regions": [{"name": region.name, "vertices": region.vertices} for region in self.regions],
            "panels": [_panel_data(panel, step) for panel in self.panels],
        }


def map_viewer(
    scene: Scene,
    *,
    key: str,
    on_step: Callable[[int], None] | None = None,
    on_region: Callable[[Mapping[str, Any]], None] | None = None,
    on_cluster: Callable[[int], None] | None = None,
    tools: Sequence[str] = ("rectangle", "lasso"),
) -> None:
    """Show linked maps; regions come back in pixels of the full image.

    Parameters
    ----------
    scene : Scene
        What is shown.
    key : str
        Streamlit key.
    on_step, on_region, on_cluster : callable, optional
        Called before the page runs again: with the position the arrow keys lead to, with a drawn region
        (``kind`` and ``vertices``), and with the cluster of a legend entry that was clicked.
    tools : sequence of {"rectangle", "lasso", "line"}
        What can be drawn, if ``on_region`` takes it.
    """
    _component()(
        data=scene.data() | {"tools": list(tools) if on_region else [], "steps": on_step is not None},
        key=key,
        on_region_change=_handler(key, "region", on_region),
        on_step_change=_handler(key, "step", on_step),
        on_cluster_change=_handler(key, "cluster", on_cluster),
    )


def display_step(shape: tuple[int, ...]) -> int:
    """Return every how many pixels an image is shown so that it stays light."""
    return max(1, int(np.ceil(np.sqrt(shape[0] * shape[1] / MAX_DISPLAY_PIXELS))))


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
        "showFilled": panel.show_filled,
        "codes": _base64(codes),
        "doubtful": _mask_codes(panel.doubtful, step),
    }


def _images(panels: Sequence[MapPanel]) -> list[NDArray[Any] | None]:
    return [image for panel in panels for image in (panel.image, panel.labels)]


def _label_codes(labels: NDArray[np.int16] | None, step: int) -> str | None:
    return None if labels is None else _base64((labels[::step, ::step] + 1).astype(np.uint8))


def _mask_codes(mask: NDArray[np.bool_] | None, step: int) -> str | None:
    return None if mask is None else _base64(mask[::step, ::step].astype(np.uint8))


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


@cache
def _colormap() -> list[list[int]]:
    table = colormaps["viridis"](np.arange(256))[:, :3]
    return [[int(channel) for channel in row] for row in np.round(table * 255)]


def _component() -> Callable[..., Any]:
    """Register the component anew in every process-wide registry, which page reloads may clear."""
    folder = Path(__file__).parent
    return st.components.v2.component(
        "ellimaps_map_viewer",
        html='<div class="viewer" aria-label="Maps"></div>',
        css=(folder / "viewer.css").read_text(encoding="utf-8"),
        js="\n".join((folder / name).read_text(encoding="utf-8") for name in ("painting.js", "viewer.js")),
    )


def _handler(key: str, event: str, call: Callable[[Any], None] | None) -> Callable[[], None]:
    """Return what Streamlit calls for an event: it hands over no value, the session state has it."""

    def handle() -> None:
        value = st.session_state[key].get(event)
        if call is not None and value is not None:
            call(value)

    return handle
