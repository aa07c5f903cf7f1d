"""Figures of stacks and segmentations: matplotlib Figures without pyplot state, for files and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ellimaps.core.abscissa import AXIS_TITLES, abscissa_of, time_axis
from ellimaps.core.angles import unwrapped
from ellimaps.core.colors import CLUSTER_COLORS, NO_DATA_COLOR
from ellimaps.core.numbers import titled
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.segmentation import Segmentation

CONTRAST_PERCENTILES = (1.0, 99.0)
"""Colour limits by default: a speck of dust, less than 1 % of the pixels, does not darken the rest."""
_MOST_SHOWN = 600
"""Pixels along a side of a drawn map; a panel of the figure has about 350 dots."""


def contrast_limits(
    image: NDArray[np.float32], percentiles: tuple[float, float] = CONTRAST_PERCENTILES
) -> tuple[float, float]:
    """Return the colour limits of a map: percentiles of its finite values."""
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(finite, percentiles)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(high) + 0.5)


def draw_labels(axes: Axes, segmentation: Segmentation) -> None:
    """Draw the clusters in their colours."""
    colors = ListedColormap([NO_DATA_COLOR, *CLUSTER_COLORS[: segmentation.k]])
    aspect = segmentation.stack.pixel_aspect
    _show(axes, segmentation.labels, aspect, vmin=-1.5, vmax=segmentation.k - 0.5, cmap=colors)


def draw_spectra(axes: Axes, segmentation: Segmentation, quantity: str, channel: str | None = None) -> None:
    """Draw one quantity's clustershots over wavelength, angle, time or bands.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    segmentation : Segmentation
        The clusters.
    quantity : str
        Whose means and standard deviations.
    channel : str, optional
        Of a stack over time, whose; all of them by default.
    """
    stack = segmentation.stack
    column = abscissa_of(stack)
    shots = segmentation.clustershots()
    if column not in shots:
        shots = shots.join(stack.bands[column], on="band")
    wanted = shots["quantity"] == quantity
    shots = shots[wanted if channel is None else wanted & (shots["channel"] == channel)]
    for cluster, shot in shots.groupby("cluster"):
        color = CLUSTER_COLORS[int(str(cluster))]
        x, y = shot[column].to_numpy(), unwrapped(shot["mean"].to_numpy(), quantity)
        axes.plot(x, y, color=color, marker="o", markersize=3, linewidth=1.5)
        axes.fill_between(x, y - shot["std"], y + shot["std"], color=color, alpha=0.15, linewidth=0)
    axes.set_xlabel(AXIS_TITLES[column])
    unit = stack.bands["unit"].iloc[0]
    axes.set_ylabel(titled(quantity, unit))
    axes.grid(alpha=0.3)


def segmentation_figure(segmentation: Segmentation, names: Sequence[str] = ()) -> Figure:
    """Return one page for a report: clusters, measured and segmented maps, and the clustershots."""
    # Names may hold dollar signs.
    with rc_context({"text.parse_math": False}):
        return _segmentation_figure(segmentation, names)


def _segmentation_figure(segmentation: Segmentation, names: Sequence[str]) -> Figure:
    stack = segmentation.stack
    bands = report_bands(stack)
    width, height = 4.2 * (1 + len(bands)), 9.5
    # Placed in inches: a layout engine would draw the whole page once more, to see how large the texts are.
    figure = Figure(figsize=(width, height))
    sides = {"left": 0.7 / width, "right": 1 - 0.5 / width}
    maps = figure.add_gridspec(
        2, 1 + len(bands), **sides, top=1 - 0.75 / height, bottom=3.65 / height, wspace=0.2, hspace=0.22
    )
    clusters = figure.add_subplot(maps[0, 0])
    draw_labels(clusters, segmentation)
    clusters.set_title(f"{segmentation.k} clusters")
    _draw_legend(figure, maps[1, 0], segmentation, names)
    for column, band in enumerate(bands, start=1):
        _draw_band(figure, [maps[row, column] for row in (0, 1)], segmentation, band)
    _draw_all_spectra(figure, {**sides, "top": 2.8 / height, "bottom": 0.55 / height}, segmentation)
    figure.suptitle(_title(stack), fontsize=11)
    return figure


def estimate_figure(estimate: ClusterEstimate) -> Figure:
    """Return the inertia with its elbow, the silhouette and Calinski-Harabasz over k."""
    table = estimate.table
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    inertia, silhouette, calinski = figure.subplots(1, 3)
    inertia.plot(table["k"], table["inertia"], "o-")
    inertia.axvline(estimate.elbow_k, color="#555555", linestyle=":", label=f"elbow, k = {estimate.elbow_k}")
    inertia.set_ylabel("inertia")
    silhouette.errorbar(table["k"], table["silhouette"], yerr=table["silhouette_se"], fmt="o-", capsize=3)
    silhouette.axvline(
        estimate.silhouette_k, color="#555555", linestyle=":", label=f"highest, k = {estimate.silhouette_k}"
    )
    silhouette.set_ylabel("silhouette")
    calinski.plot(table["k"], table["calinski_harabasz"], "o-")
    calinski.set_ylabel("Calinski-Harabasz index")
    for axes in (inertia, silhouette, calinski):
        axes.axvline(
            estimate.suggested_k, color="#D55E00", alpha=0.5, label=f"suggested, k = {estimate.suggested_k}"
        )
        axes.set_xlabel("number of clusters k")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def report_bands(stack: ImageStack) -> list[int]:
    """Return the bands worth showing: the middle one of each quantity, or up to three channels."""
    if stack.is_ellipsometric:
        middle = stack.pairs().iloc[(len(stack.pairs()) - 1) // 2]
        return [int(middle["delta"]), int(middle["psi"])]
    return list(dict.fromkeys(np.linspace(0, stack.n_bands - 1, 3).astype(int).tolist()))


def _show(axes: Axes, image: NDArray[Any], aspect: float, **look: Any) -> AxesImage:
    """Show an image, of a large one only as many pixels as a figure has room for."""
    step = max(1, max(image.shape) // _MOST_SHOWN)
    shown = image[::step, ::step]
    height, width = (step * side for side in shown.shape)
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    result = axes.imshow(shown, aspect=aspect, extent=extent, interpolation="nearest", **look)
    axes.set(xlabel="x (px)", ylabel="y (px)")
    return result


def _draw_band(figure: Figure, cells: Sequence[SubplotSpec], segmentation: Segmentation, band: int) -> None:
    """Draw a measured map above the segmented one, with one color bar for both."""
    stack = segmentation.stack
    row, measured = stack.bands.iloc[band], stack.values[band]
    low, high = contrast_limits(measured)
    both = [figure.add_subplot(cell) for cell in cells]
    images = (measured, segmentation.segmented_band(band))
    for axes, image, what in zip(both, images, ("measured", "segmented"), strict=True):
        shown = _show(axes, image, stack.pixel_aspect, vmin=low, vmax=high, cmap="viridis")
        axes.set_title(f"{band_label(row)}, {what}", fontsize=11)
    both[0].set_xlabel("")
    bar = figure.colorbar(shown, ax=both, shrink=0.6, pad=0.03)
    bar.set_label(titled(str(row["quantity"]), row["unit"]))


def _draw_legend(figure: Figure, cell: SubplotSpec, segmentation: Segmentation, names: Sequence[str]) -> None:
    total = max(int(segmentation.n_pixels.sum()), 1)
    titles = [f"{i} {' '.join(name.split())[:40]}" for i, name in enumerate(names)]
    titles = titles or [str(i) for i in range(segmentation.k)]
    handles = [
        Patch(color=CLUSTER_COLORS[i], label=f"{titles[i]}: {n:,} px ({n / total:.1%})")
        for i, n in enumerate(segmentation.n_pixels)
    ]
    missing = int((segmentation.labels < 0).sum())
    if missing:
        handles.append(Patch(color=NO_DATA_COLOR, label=f"no data: {missing:,} px"))
    place = cell.get_position(figure)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(place.x0, place.y1),
        frameon=False,
        ncols=1 if len(handles) <= 16 else 2,
        fontsize=9 if len(handles) <= 16 else 7,
        columnspacing=0.8,
        title="cluster",
        alignment="left",
    )


def _draw_all_spectra(figure: Figure, place: Mapping[str, float], segmentation: Segmentation) -> None:
    stack = segmentation.stack
    # Over time every channel has a panel of its own, as every quantity has over wavelength.
    channels: list[str | None] = [None] if time_axis(stack) is None else [*stack.bands["channel"].unique()]
    panels = list(product(stack.quantities, channels))
    grid = figure.add_gridspec(1, len(panels), **place, wspace=0.2)
    for column, (quantity, channel) in enumerate(panels):
        axes = figure.add_subplot(grid[0, column])
        draw_spectra(axes, segmentation, quantity, channel)
        what = f"{channel} {quantity}" if channel else quantity
        axes.set_title(f"clustershots, {what} (mean and one standard deviation)")


def _title(stack: ImageStack) -> str:
    parts = [stack.name]
    if stack.acquired_at is not None:
        parts.append(stack.acquired_at.strftime("%Y-%m-%d %H:%M:%S"))
    if stack.angles_deg:
        parts.append("angle of incidence " + ", ".join(f"{angle:g}" for angle in stack.angles_deg) + "°")
    return "   ".join(parts)
