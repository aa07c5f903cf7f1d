"""Figures of fits of spectra, for files: curves with their residuals, and values where they were measured."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ellimaps.core.abscissa import AXIS_TITLES, along_curve, film_abscissa_of
from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.numbers import number_text, with_error
from ellimaps.core.stack import ANGLES
from ellimaps.optics.flags import Flag
from ellimaps.optics.fresnel import Real
from ellimaps.optics.parameters import parameter_titles
from ellimaps.spectra.fit import SpectraFits, SpectrumFit, residuals

# Lines that can still be told apart; the table has all.
_MOST_DRAWN = 12
_NOT_TRUSTED_COLOR = "#9A9A9A"
_MSE = "MSE"


def fits_figure(fits: SpectraFits) -> Figure:
    """Return one page: measured and modelled Delta and Psi with their residuals, and the numbers."""
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=(4, 1.2, 0.8))
    over = film_abscissa_of(fits.spectra)
    for column, quantity in enumerate(ANGLES):
        curve = figure.add_subplot(grid[0, column])
        rest = figure.add_subplot(grid[1, column], sharex=curve)
        for number, fit in enumerate(fits.fits[:_MOST_DRAWN]):
            color = CLUSTER_COLORS[number % len(CLUSTER_COLORS)]
            for _, angle in fit.curves.groupby(along_curve(fits.spectra), dropna=False):
                x = angle[over].to_numpy()
                curve.plot(x, angle[quantity], "o", color=color, markersize=3)
                curve.plot(x, angle[f"{quantity}_model"], "-", color=color, linewidth=1.2)
                rest.plot(x, residuals(angle, quantity), "-", color=color, linewidth=1)
        curve.set(ylabel=f"{quantity} (°)", title="measured (points) and modelled (lines)")
        rest.set(ylabel="residual (°)", xlabel=AXIS_TITLES[over])
        for axes in (curve, rest):
            axes.grid(alpha=0.3)
    words = figure.add_subplot(grid[2, :])
    words.axis("off")
    lines = [_in_words(fit) for fit in fits.fits[:_MOST_DRAWN]]
    for number, line in enumerate(lines):
        color = CLUSTER_COLORS[number % len(CLUSTER_COLORS)]
        height = 1 - (number + 0.5) / len(lines)
        words.text(
            0.0, height, line, color=color, fontsize=9 if len(lines) < 6 else 6, va="center", parse_math=False
        )
    figure.suptitle(fits.spectra.name, fontsize=11, parse_math=False)
    return figure


def spots_figure(fits: SpectraFits) -> Figure:
    """Return one page: each free parameter and the MSE at the places of the spectra, in mm.

    Values of fits that are not trusted are no values: there a cross stands.
    """
    titles = parameter_titles(fits.model)
    names = [parameter.name for parameter in fits.model.parameters]
    trusted = np.array([fit.flag == Flag.OK for fit in fits.fits])
    panels = [
        (title, np.where(trusted, [fit.parameters[name] for fit in fits.fits], np.nan))
        for name, title in zip(names, titles, strict=True)
    ]
    panels.append((_MSE, np.array([fit.mse for fit in fits.fits])))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(6.5 * columns, 5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    x, y = fits.places_mm
    for axes, (title, values) in zip(grid, panels, strict=False):
        _draw_spots(axes, x, y, values, title)
    for axes in grid[len(panels) :]:
        axes.axis("off")
    figure.suptitle(fits.spectra.name, fontsize=11, parse_math=False)
    return figure


def _draw_spots(axes: Axes, x: Real, y: Real, values: Real, title: str) -> None:
    known = np.isfinite(values)
    missing = axes.scatter(x[~known], y[~known], marker="x", color=_NOT_TRUSTED_COLOR, s=40)
    norm = "log" if title == _MSE else "linear"
    shown = axes.scatter(
        x[known],
        y[known],
        s=60,
        c=values[known],
        cmap="viridis",
        norm=norm,
        edgecolors="black",
        linewidths=0.4,
    )
    if known.any():
        axes.figure.colorbar(shown, ax=axes, shrink=0.85).set_label(title)
    if not known.all():
        axes.legend([missing], ["not trusted"], loc="best", fontsize=8)
    axes.set(xlabel="x (mm)", ylabel="y (mm)", title=title, aspect="equal", adjustable="datalim")
    axes.set_axisbelow(True)
    axes.grid(alpha=0.3)
    axes.margins(0.1)


def _in_words(fit: SpectrumFit) -> str:
    values = ", ".join(
        f"{name} {with_error(value, fit.standard_errors[name])}" for name, value in fit.parameters.items()
    )
    return f"{fit.spectrum}: {values}; MSE {number_text(fit.mse, 3)}, {fit.flag.text}"
