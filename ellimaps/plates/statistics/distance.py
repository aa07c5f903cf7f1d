"""How far a treatment is from the controls, and whether chance could have put it there.

Two spaces with two purposes. The *control space* measures: the controls' scatter is its unit, so a distance
reads as "so many times as far as a control well". The *blind space* tests: nothing in it knows which wells
were treated, so that every choice of wells is as likely as the observed one if the treatment does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.components import Floats, principal_components
from ellimaps.plates.statistics.permutation import Indices
from ellimaps.plates.statistics.treatments import checked_controls

_AT_ONCE = 1 << 14
"""Choices of wells at a time: their sums over 50 components take 6.5 MB; no result depends on it."""


_LEAST_SPREAD = 0.02
"""Of the spread over all wells. On two generated plates, half and twice of it move distances by up to a
quarter and change neither which compounds are active nor the order of doses, but half of it lets one EC50 out
that the plate does not determine; no p-value knows it."""
_LINEAR_TO = 10.0
"""In standard deviations of controls. Of the eight active compounds of these plates, twice of it turns one
correlation of ranks from 0.94 to 0.89; half of it changes none."""


@dataclass(frozen=True)
class ControlSpace:
    """Wells in coordinates in which controls scatter alike in all directions.

    Attributes
    ----------
    points : ndarray, shape (well, component)
        Whitened; the controls of each plate have mean 0, and each control well is given relative to the
        *other* controls, as a treated well is.
    unit : float
        Root mean square distance of a control well from the others' centre.
    is_control : ndarray of bool, shape (well,)
        Which wells are controls.
    """

    points: Floats
    unit: float
    is_control: NDArray[np.bool_]

    def distance(self, rows: NDArray[np.intp]) -> float:
        """Return the distance of a treatment's mean profile from the controls, in units of a control well's.

        Its wells are given by their rows, shape (well,).

        What the scatter of ``n`` wells adds to a squared distance on average is taken off:
        ``sqrt(max(|mean|^2 - unit^2 / n, 0)) / unit``.
        """
        squared = float(np.square(self.points[rows].mean(axis=0)).sum()) - self.unit**2 / len(rows)
        return float(np.sqrt(max(squared, 0.0)) / self.unit)

    def along(self, rows: NDArray[np.intp]) -> Floats:
        """Return how far every well lies in the direction of some wells' change, shape (well,).

        The direction a well is measured along is the mean of the *other* wells, so that its own noise does
        not look like an effect. In units of a control well's distance; an inert well is 0 on average.
        """
        return along_change(self.points, rows) / self.unit


def along_change(points: Floats, rows: NDArray[np.intp]) -> Floats:
    """Return how far every well lies in the direction of the mean of some *other* wells, shape (well,).

    Parameters
    ----------
    points : ndarray, shape (well, dimension)
        Relative to the controls.
    rows : ndarray of int, shape (well,)
        The wells whose mean gives the direction; each of them is measured along that of the others.
    """
    directions = np.broadcast_to(points[rows].sum(axis=0), points.shape).copy()
    directions[rows] -= points[rows]
    length = np.sqrt(np.square(directions).sum(axis=1))
    along = (points * directions).sum(axis=1) / np.where(length > 0, length, np.inf)
    return np.asarray(along, dtype=np.float64)


def control_space(profiles: Profiles, seed: int = 0) -> ControlSpace:
    """Return the wells in the space of the controls.

    Every feature is taken relative to the controls of its plate and divided by their standard deviation.
    The principal components of the result are divided by the square root of the controls' covariance
    matrix, shrunk towards a sphere (Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4) as there are
    more features than controls: a Mahalanobis distance that stays finite.

    Raises
    ------
    SettingError
        If fewer than three wells are controls.
    """
    is_control = checked_controls(profiles.wells)
    values = relative_to_controls(profiles)
    points = principal_components(values, seed)
    points = _whitened(points - points[is_control].mean(axis=0), points[is_control])
    unit = float(np.sqrt(np.square(points[is_control]).sum(axis=1).mean()))
    return ControlSpace(points, unit if unit > 0 else 1.0, is_control)


def steady_changes(profiles: Profiles, seed: int = 0) -> Floats:
    """Return the changes of wells in coordinates made for order, not for size, shape (well, component).

    As the points of `control_space`, with two differences: features enter by the inverse hyperbolic sine,
    linear up to about ten standard deviations of the controls and logarithmic beyond, and the covariance is
    shrunk half-way to a sphere. So features that hardly vary among few controls do not outweigh the others.

    Raises
    ------
    SettingError
        If fewer than three wells are controls.
    """
    is_control = checked_controls(profiles.wells)
    bounded = _LINEAR_TO * np.arcsinh(relative_to_controls(profiles) / _LINEAR_TO)
    points = principal_components(bounded, seed)
    points -= points[is_control].mean(axis=0)
    return _whitened(points, points[is_control], ridge=1.0)


def relative_to_controls(profiles: Profiles) -> Floats:
    """Return the features of wells in standard deviations of the control wells, shape (well, feature).

    The mean of the controls on the well's plate is 0, of all controls where its plate has none; a control
    well is given relative to the *other* controls, as a treated well is. What was not measured is 0.
    """
    is_control = checked_controls(profiles.wells)
    values = feature_values(profiles.wells, profiles.features).copy()
    for plate in _plates(profiles.wells):
        here = is_control & plate
        values[plate] -= _column_means(values[here if here.any() else is_control])
        values[here] *= here.sum() / max(here.sum() - 1, 1)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    spread = np.sqrt(np.square(values[is_control]).mean(axis=0))
    # A feature that all controls share would otherwise outweigh everything.
    spread = np.maximum(spread, _LEAST_SPREAD * np.sqrt(np.square(values).mean(axis=0)))
    return np.asarray(values / np.where(spread > 0, spread, 1.0), dtype=np.float64)


def blind_features(values: Floats, plates: NDArray[np.intp]) -> Floats:
    """Return treated and control wells on scales that do not depend on which are which.

    Every plate's mean is taken off, and every feature divided by its standard deviation over all the wells.

    Parameters
    ----------
    values : ndarray, shape (well, feature)
        Raw measurements of the wells of one treatment and the controls of its plates; NaN = not measured,
        and put at the mean.
    plates : ndarray of int, shape (well,)
        Number of each well's plate.

    Returns
    -------
    ndarray, shape (well, feature)
        Every plate has mean 0; features that do not vary are left out.
    """
    centered = values.copy()
    for plate in np.unique(plates):
        centered[plates == plate] -= _column_means(centered[plates == plate])
    centered = np.nan_to_num(centered, nan=0.0, posinf=0.0, neginf=0.0)
    spread = centered.std(axis=0)
    varies = spread > 1e-9 * np.abs(np.nan_to_num(values)).max(axis=0, initial=1e-300)
    return np.asarray(centered[:, varies] / spread[varies], dtype=np.float64)


def blind_space(features: Floats) -> Floats:
    """Return the principal components of `blind_features`, whitened with their shrunk covariance.

    Shape (well, component), of features of shape (well, feature).
    """
    if not features.size:
        return np.zeros((len(features), 1))
    points = principal_components(features)
    return _whitened(points, points)


def largest_changes(features: Floats, choices: Indices, weights: Floats | None = None) -> Floats:
    """Return how much the chosen wells change the feature they change most, shape (choice,).

    Up to a factor that is the same for all choices. One feature among a hundred is lost in a distance. With a
    weight per position in a choice (of its dose), it is the trend over them.
    """
    return _of_totals(features, choices, weights, lambda total: np.abs(total).max(axis=1, initial=0.0))


def separations(points: Floats, choices: Indices, weights: Floats | None = None) -> Floats:
    """Return the squared distance of the chosen wells' mean from that of the others, shape (choice,).

    Up to a factor that is the same for all choices. With the covariance of all wells this orders the choices
    as Hotelling's T-squared does. Weights are as in `largest_changes`.
    """
    return _of_totals(points, choices, weights, lambda total: np.square(total).sum(axis=1))


def _of_totals(
    points: Floats, choices: Indices, weights: Floats | None, statistic: Callable[[Floats], Floats]
) -> Floats:
    """Return a statistic of the chosen wells' sum: the difference of means, as all wells sum to 0."""
    weights = np.ones(choices.shape[1]) if weights is None else weights
    found = np.empty(len(choices))
    for first in range(0, len(choices), _AT_ONCE):
        part = choices[first : first + _AT_ONCE]
        total = np.zeros((len(part), points.shape[1]))
        for column, weight in zip(part.T, weights, strict=True):
            total += weight * points[column]
        found[first : first + _AT_ONCE] = statistic(total)
    return found


def _plates(wells: pd.DataFrame) -> list[NDArray[np.bool_]]:
    plates = wells["plate"].astype(str).to_numpy()
    return [plates == plate for plate in sorted(set(plates))]


def _column_means(values: Floats) -> Floats:
    """Return the means of what was measured, 0 where nothing was."""
    measured = np.isfinite(values)
    total = np.where(measured, values, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(measured.sum(axis=0), 1), dtype=np.float64)


def _whitened(points: Floats, reference: Floats, ridge: float = 0.0) -> Floats:
    """Divide points by the square root of the shrunk covariance of others, about 0.

    The ridge, in mean variances, shrinks further.
    """
    from sklearn.covariance import ledoit_wolf  # type: ignore[import-untyped]

    if not reference.any():
        return points
    covariance, _ = ledoit_wolf(reference, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    values = values + ridge * values.mean()
    scale = np.sqrt(np.maximum(values, 1e-12 * values[-1]))
    return np.asarray(points @ (vectors / scale), dtype=np.float64)
