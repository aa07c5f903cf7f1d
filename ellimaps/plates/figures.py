"""Pictures of a plate: heat maps, the map of wells, dose-response curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ellimaps.core.colors import CLUSTER_COLORS, NO_DATA_COLOR
from ellimaps.plates.measuring.wells import row_letters
from ellimaps.plates.statistics.batch_effect import MEASURED, SCALED, SHARES, BatchEffect
from ellimaps.plates.statistics.components import Floats

_MOST_NAMED = 24
"""Lines of the legend that the figure's height holds."""
_MARKERS = "osD^vP*X"


def plate_figure(wells: pd.DataFrame, values: Floats, title: str) -> Figure:
    """Draw a value of every well where it lies, one plate below the other.

    Parameters
    ----------
    wells : DataFrame
        With ``plate, row, column, control``; controls have a frame.
    values : ndarray, shape (well,)
        NaN is drawn as if there were no well.
    title : str
        What is drawn, with its unit.
    """
    plates = list(wells["plate"].astype(str).unique())
    rows, columns = int(wells["row"].max()), int(wells["column"].max())
    size = (1.5 + 0.42 * columns, 0.8 + 0.42 * rows)
    figure = Figure(figsize=(min(size[0], 11), min(size[1], 8) * len(plates)), layout="constrained")
    finite = values[np.isfinite(values)]
    limits = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    for axes, plate in zip(np.ravel(figure.subplots(len(plates), 1)), plates, strict=True):
        here = (wells["plate"].astype(str) == plate).to_numpy()
        grid = np.full((rows, columns), np.nan)
        position = wells.loc[here, "row"].to_numpy(int) - 1, wells.loc[here, "column"].to_numpy(int) - 1
        grid[position] = values[here]
        axes.set_facecolor(NO_DATA_COLOR)
        shown = axes.imshow(grid, cmap="viridis", vmin=limits[0], vmax=limits[1])
        framed = wells.loc[here, "control"].to_numpy(bool)
        axes.scatter(position[1][framed], position[0][framed], s=14, facecolors="none", edgecolors="white")
        axes.set_xticks(range(columns), [str(number + 1) for number in range(columns)], fontsize=7)
        axes.set_yticks(range(rows), [row_letters(number + 1) for number in range(rows)], fontsize=7)
        axes.set_title(plate if len(plates) > 1 else "", fontsize=9)
        figure.colorbar(shown, ax=axes, label=title, shrink=0.9)
    return figure


def embedding_figure(positions: pd.DataFrame) -> Figure:
    """Draw an embedding coloured by compound; larger dots are higher doses, controls are grey crosses.

    Parameters
    ----------
    positions : DataFrame
        Of `ellimaps.plates.statistics.embedding.embed`.
    """
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    control = positions["control"].to_numpy(bool)
    axes.scatter(
        positions["x"][control], positions["y"][control], s=22, marker="x", color="#777777", label="controls"
    )
    treated = positions[~control]
    ranks = treated.groupby("compound")["concentration"].rank(method="dense", pct=True).fillna(1.0)
    for number, (compound, rows) in enumerate(treated.groupby("compound", sort=True)):
        axes.scatter(
            *(rows["x"], rows["y"]),
            s=12 + 58 * ranks.loc[rows.index],
            color=CLUSTER_COLORS[number % len(CLUSTER_COLORS)],
            marker=_MARKERS[number // len(CLUSTER_COLORS) % len(_MARKERS)],
            alpha=0.8,
            linewidth=0,
            label=str(compound) if number < _MOST_NAMED else None,
        )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    axes.set(xlabel="x", ylabel="y", xticks=[], yticks=[])
    return figure


def batch_figure(effect: BatchEffect, wells: pd.DataFrame) -> Figure:
    """Draw what plates do to wells: shares of variance, and wells by their profiles, before and after.

    Parameters
    ----------
    effect : BatchEffect
        What was found.
    wells : DataFrame
        With ``plate, control``; controls are crosses.
    """
    stages = [MEASURED, SCALED]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    bars, *maps = figure.subplots(1, 1 + len(stages))
    table = effect.table[::-1]
    left = np.zeros(len(table))
    for share, color in zip(SHARES, (*CLUSTER_COLORS[:3], NO_DATA_COLOR), strict=True):
        # An adjusted share may lie a little below 0, which is no length.
        width = 100 * table[share].to_numpy(np.float64).clip(0)
        bars.barh(table["stage"], width, left=left, color=color, label=share)
        left += width
    bars.set_xlabel("share of the variance between wells (%)")
    figure.legend(*bars.get_legend_handles_labels(), loc="outside lower left", ncols=4, frameon=False)
    plates, control = wells["plate"].astype(str).to_numpy(), wells["control"].to_numpy(bool)
    for axes, stage in zip(maps, stages, strict=True):
        points = effect.points[stage]
        for number, plate in enumerate(pd.unique(plates)):
            color = CLUSTER_COLORS[number % len(CLUSTER_COLORS)]
            for mask, marker in ((~control, "o"), (control, "x")):
                here = (plates == plate) & mask
                label = plate if marker == "o" and number < _MOST_NAMED and stage == SCALED else None
                axes.scatter(*points[here].T, s=12, color=color, marker=marker, alpha=0.7, label=label)
        axes.set(title=stage, xlabel="component 1", ylabel="component 2", xticks=[], yticks=[])
    maps[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False, title="plate")
    return figure


@dataclass(frozen=True, eq=False)
class DosePanel:
    """What a panel of `dose_figure` shows.

    Attributes
    ----------
    title : str
        The compound and the unit of its doses.
    doses, values : ndarray, shape (well,)
        Of the compound's wells.
    controls : ndarray, shape (control well,)
        Values of the control wells; the band is their mean and two standard deviations.
    fit : Series
        Its row in ``Answers.dose_responses``.
    """

    title: str
    doses: Floats
    values: Floats
    controls: Floats
    fit: pd.Series


def dose_figure(curves: Sequence[DosePanel]) -> Figure:
    """Draw dose-response curves, one panel per compound on the same scale."""
    columns = min(4, max(len(curves), 1))
    rows = math.ceil(max(len(curves), 1) / columns)
    figure = Figure(figsize=(2.6 * columns, 2.2 * rows), layout="constrained")
    panels = np.ravel(figure.subplots(rows, columns, sharey=True, squeeze=False))
    for axes, curve in zip(panels, curves, strict=False):
        middle, spread = curve.controls.mean(), curve.controls.std()
        axes.axhspan(middle - 2 * spread, middle + 2 * spread, color=NO_DATA_COLOR, linewidth=0)
        axes.plot(curve.doses, curve.values, "o", color=CLUSTER_COLORS[0], markersize=3.5)
        _draw_curve(axes, curve.doses, curve.fit)
        axes.set_xscale("log")
        axes.set_title(curve.title, fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    return figure


def _draw_curve(axes: Axes, doses: Floats, fit: pd.Series) -> None:
    if not np.isfinite(fit["ec50"]):
        return
    at = np.geomspace(doses.min(), doses.max(), 60)
    share = 1 / (1 + (fit["ec50"] / at) ** fit["hill"])
    axes.plot(
        at, fit["bottom"] + (fit["top"] - fit["bottom"]) * share, color=CLUSTER_COLORS[3], linewidth=1.3
    )
    axes.axvspan(fit["ec50_low"], fit["ec50_high"], color=CLUSTER_COLORS[1], alpha=0.25, linewidth=0)
