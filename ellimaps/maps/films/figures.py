"""Figures of thin-film fits, for files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ellimaps.core.abscissa import AXIS_TITLES, film_abscissa_of
from ellimaps.core.angles import unwrapped
from ellimaps.core.colors import CLUSTER_COLORS, NO_DATA_COLOR
from ellimaps.core.numbers import number_text, with_error
from ellimaps.core.stack import ANGLES, ImageStack
from ellimaps.maps.figures import contrast_limits
from ellimaps.maps.films.results import MapFit, ShotFits, thickness_name
from ellimaps.optics.certainty import Certainty
from ellimaps.optics.flags import Flag
from ellimaps.optics.parameters import parameter_titles

_NOT_TRUSTED_COLOR = "#9A9A9A"


def shots_figure(fits: ShotFits) -> Figure:
    """Return one page: thickness by cluster, and measured and modelled spectra with their residuals."""
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    grid = figure.add_gridspec(3, 3, height_ratios=(2, 2, 1))
    name = thickness_name(fits.model)
    axes = figure.add_subplot(grid[:2, 0])
    asked = fits.segmentation.labels >= 0
    _draw_thickness(axes, fits.painted(name), asked, fits.stack)
    axes.set_title("thickness of the clusters")
    _draw_values(figure.add_subplot(grid[2, 0]), fits)
    for column, quantity in enumerate(ANGLES, start=1):
        curve = figure.add_subplot(grid[:2, column])
        rest = figure.add_subplot(grid[2, column], sharex=curve)
        for cluster in range(fits.segmentation.k):
            _draw_curve(curve, rest, fits, cluster, quantity)
        curve.set(ylabel=f"{quantity} (°)", title="measured (points) and modelled (lines)")
        rest.set(
            ylabel="measured − modelled (°)", xlabel=AXIS_TITLES[film_abscissa_of(fits.segmentation.stack)]
        )
        for part in (curve, rest):
            part.grid(alpha=0.3)
    return _finished(figure, fits.stack)


def uniqueness_figure(fits: ShotFits, certainties: Mapping[int, Certainty]) -> Figure:
    """Return one page: reduced chi squared over each parameter, the others free; 90 % limits shaded."""
    names = parameter_titles(fits.model)
    figure = Figure(figsize=(6.5 * min(2, len(names)), 4 * -(-len(names) // 2)), layout="constrained")
    grid = figure.subplots(-(-len(names) // 2), min(2, len(names)), squeeze=False).ravel()
    for number, (axes, name) in enumerate(zip(grid, names, strict=False)):
        for cluster, certainty in certainties.items():
            curve, color = certainty.curves[number], CLUSTER_COLORS[cluster]
            axes.plot(curve["value"], curve["chi2"], color=color, linewidth=1.2, label=str(cluster))
            axes.axvspan(*certainty.limits[number], color=color, alpha=0.15, linewidth=0)
        axes.set(xlabel=name, ylabel="reduced χ²", yscale="log")
        axes.grid(alpha=0.3)
    for axes in grid[len(names) :]:
        axes.axis("off")
    grid[0].legend(title="cluster", fontsize=8)
    return _finished(figure, fits.stack)


def map_figure(fit: MapFit) -> Figure:
    """Return one page: maps of thickness, its standard error and the MSE, and a histogram."""
    figure = Figure(figsize=(11, 9), layout="constrained")
    thickness, error, mse, histogram = figure.subplots(2, 2).ravel()
    name = thickness_name(fit.model)
    asked = fit.flags != Flag.NOT_FITTED
    _draw_thickness(thickness, fit.painted(name), asked, fit.stack)
    thickness.set_title(f"thickness: {fit.trusted_fraction:.1%} of the pixels are trusted")
    _draw_image(error, fit.painted_errors(name), fit.stack, "standard error (nm)")
    _draw_image(mse, fit.painted_mse(), fit.stack, "MSE")
    values = fit.painted(name)
    trusted = values[np.isfinite(values)]
    histogram.hist(trusted, bins=120, color=CLUSTER_COLORS[0])
    histogram.set(
        xlabel="thickness (nm)", ylabel="trusted pixels", yscale="log" if trusted.size else "linear"
    )
    histogram.grid(alpha=0.3)
    return _finished(figure, fit.stack)


def _draw_thickness(
    axes: Axes, image: NDArray[np.float32], asked: NDArray[np.bool_], stack: ImageStack
) -> None:
    """Draw a thickness map; what was fitted but is not trusted is gray and hatched."""
    _draw_image(axes, image, stack, "thickness (nm)")
    doubtful = asked & ~np.isfinite(image)
    if doubtful.any():
        gray = np.where(doubtful, 1.0, np.nan)
        levels = axes.contourf(
            np.nan_to_num(gray), levels=[0.5, 1.5], colors=[_NOT_TRUSTED_COLOR], hatches=["////"]
        )
        levels.set_edgecolor("white")
        levels.set_linewidth(0)
        patch = Patch(facecolor=_NOT_TRUSTED_COLOR, edgecolor="white", hatch="////", label="not trusted")
        axes.legend(handles=[patch], loc="upper right", fontsize=8)


def _draw_image(axes: Axes, image: NDArray[np.float32], stack: ImageStack, label: str) -> None:
    low, high = contrast_limits(image)
    axes.set_facecolor(NO_DATA_COLOR)
    aspect = stack.pixel_aspect
    shown = axes.imshow(image, vmin=low, vmax=high, cmap="viridis", aspect=aspect, interpolation="nearest")
    axes.set(xlabel="x (px)", ylabel="y (px)")
    axes.figure.colorbar(shown, ax=axes, shrink=0.85).set_label(label)


def _draw_values(axes: Axes, fits: ShotFits) -> None:
    axes.axis("off")
    name = thickness_name(fits.model)
    lines = [
        f"{fit.cluster}: {with_error(fit.parameters[name], fit.standard_errors[name])} nm, "
        f"MSE {number_text(fit.mse, 3)}, {fit.flag.text}"
        for fit in fits.clusters
    ]
    size = 9 if len(lines) <= 8 else 6
    for row, (fit, line) in enumerate(zip(fits.clusters, lines, strict=True)):
        height = 1 - (row + 0.5) / len(lines)
        axes.text(0.02, height, line, color=CLUSTER_COLORS[fit.cluster], fontsize=size, va="center")


def _draw_curve(curve: Axes, rest: Axes, fits: ShotFits, cluster: int, quantity: str) -> None:
    column = film_abscissa_of(fits.segmentation.stack)
    table, key = fits.curves(cluster).sort_values(column), quantity.lower()
    color, x = CLUSTER_COLORS[cluster], table[column].to_numpy()
    measured = unwrapped(table[key].to_numpy(dtype=np.float64), quantity)
    residual = table[f"{key}_residual"].to_numpy(dtype=np.float64)
    curve.plot(x, measured, "o", color=color, markersize=3)
    curve.plot(x, measured - residual, "-", color=color, linewidth=1.2)
    rest.plot(x, residual, "-", color=color, linewidth=1)


def _finished(figure: Figure, stack: ImageStack) -> Figure:
    # A data set's name may hold dollar signs.
    figure.suptitle(stack.name, fontsize=11, parse_math=False)
    return figure
