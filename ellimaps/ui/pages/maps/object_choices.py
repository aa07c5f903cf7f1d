"""The controls of the tab Objects: plane, channel, radius, threshold, separation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import streamlit as st

from ellimaps.core.stack import ImageStack
from ellimaps.images.intensities import channels_of
from ellimaps.objects.cell_settings import DEFAULT_RADIUS, CellSettings, Kind
from ellimaps.objects.nuclei import Criteria, Threshold
from ellimaps.readers import PlaneNumber
from ellimaps.readers.planes import Axis
from ellimaps.ui.pages.maps.loading import Source, axes
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import number_field

_DEFAULT = Criteria()
_HINTS = {
    "contrast": "How far an object stands out of the background, in standard deviations of the noise. To the "
    "left dimmer ones are found.",
    "outline": "Where the outline runs, from the background (0) to the object's own brightness (1). To the "
    "left objects are larger.",
    "separation": "How deep the saddle between two parts must be for them to be two objects. To the left "
    "more are parted.",
}


@dataclass(frozen=True)
class PlaneView:
    """The plane that is looked at; of it only projections are part of the settings of a batch."""

    z: Axis
    t: Axis

    def number(self) -> PlaneNumber:
        """Return what tables call it."""
        return PlaneNumber(0, 0 if self.t is None else self.t, 0 if self.z is None else self.z)

    def of_batch(self, settings: CellSettings) -> CellSettings:
        """Return settings that take the same projections, and else every plane."""
        z, t = (plane if isinstance(plane, str) else None for plane in (self.z, self.t))
        return replace(settings, z=z, t=t)


def plane_choices(source: Source) -> PlaneView:
    """Show which time point and focal plane to look at, where there are several."""
    n_times, n_planes = axes(source)
    return PlaneView(z=_plane("Focal plane", "z", n_planes), t=_plane("Time point", "t", n_times))


def _plane(label: str, name: str, count: int) -> Axis:
    if count == 1:
        return None
    projections: list[int | str] = ["max", "mean"]
    chosen: int | str = st.selectbox(
        label,
        [*range(count), *projections],
        **kept(f"objects_{name}_{count}"),
        width=110,
        help="A projection is part of the recipe; of single ones a batch measures each.",
    )
    return chosen


def object_choices(state: MapsState, stack: ImageStack) -> CellSettings:
    """Show what to look for; start values are those of the image shown last."""
    channel = _channel(stack)
    kind = st.segmented_control(
        "Objects",
        ["nuclei", "circles"],
        default="nuclei",
        **kept("objects_kind"),
        required=True,
        help="nuclei: of any shape, parted where they touch. circles: round ones, to a fraction of a pixel.",
    )
    size = state.settings.pixel_size_um or stack.pixel_size_um
    radius, unit = _radius(state, cast(Kind, kind), size)
    settings = CellSettings(
        kind=cast(Kind, kind),
        radius=radius,
        unit=unit,
        pixel_size_um=state.settings.pixel_size_um,
        channel=channel,
        crop_px=0,
    )
    return settings if kind == "circles" else _nuclei_choices(settings)


def _channel(stack: ImageStack) -> int:
    names = [str(name) or f"channel {place + 1}" for place, name in enumerate(channels_of(stack)["channel"])]
    if len(names) == 1:
        return 0
    return st.selectbox(
        "Channel",
        range(len(names)),
        format_func=lambda place: names[place],
        **kept(f"objects_channel_{len(names)}"),
        width=110,
        help="Where objects are found; all channels are measured.",
    )


def _radius(
    state: MapsState, kind: Kind, pixel_size_um: float | None
) -> tuple[tuple[float, float] | None, Literal["px", "um"]]:
    """Show the range of radii; None leaves it to each image."""
    if kind == "nuclei" and st.checkbox(
        "Automatic radius",
        True,
        **kept("objects_radius_auto"),
        width="content",
        help="The image suggests it; in a batch each its own. Without the tick, all have the one set here.",
    ):
        return None, "px"
    unit: Literal["px", "um"] = "px"
    if pixel_size_um is not None:
        unit = st.segmented_control(
            "Unit",
            ["px", "um"],
            default="px",
            format_func=lambda unit: "µm" if unit == "um" else unit,
            **kept("objects_unit"),
            required=True,
        )
    factor = pixel_size_um if unit == "um" and pixel_size_um else 1.0
    start = state.found[1].radius if state.found is not None and kind == "nuclei" else DEFAULT_RADIUS
    low, high = (
        number_field(
            f"{label} ({'µm' if unit == 'um' else 'px'})",
            round(factor, 4),
            None,
            max(round(first * factor, 2), round(factor, 4)),
            round(factor, 4),
            **kept(f"objects_radius_{side}_{kind}_{unit}"),
            width=90,
        )
        for side, label, first in zip(("from", "to"), ("Radius", "to"), start, strict=True)
    )
    return (min(low, high), max(low, high)), unit


def _nuclei_choices(settings: CellSettings) -> CellSettings:
    threshold = st.segmented_control(
        "Threshold",
        get_args(Threshold)[::-1],
        default="local",
        **kept("objects_threshold"),
        required=True,
        help="local: one for each object. otsu: one for the whole image; dim objects are left out.",
    )
    criteria = Criteria(
        contrast=_slider("Contrast", 2.0, 20.0, 0.5, _DEFAULT.contrast, "%g σ", "contrast"),
        outline=_slider("Outline at", 0.1, 0.9, 0.05, _DEFAULT.outline, "%.2f", "outline"),
        separation=_slider("Separation", 0.01, 0.5, 0.01, _DEFAULT.separation, "%.2f", "separation"),
    )
    return replace(settings, threshold=cast(Threshold, threshold), criteria=criteria)


def _slider(label: str, low: float, high: float, step: float, start: float, text: str, name: str) -> float:
    return st.slider(
        label,
        low,
        high,
        start,
        step,
        format=text,
        **kept(f"objects_{name}"),
        # All controls stand in one row of a window of 1280.
        width=100,
        help=_HINTS[name],
    )
