"""The trained classifier: from the measurements of an image to a class, a probability and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.classify.portrait import Portrait, measure_image

_FAR = 0.5
_NAMED = 3
_SAME_SIZE = 0.05

Label = int | str


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an image is.

    Attributes
    ----------
    label : int or str
        The class.
    probability : float
        With two classes that of the second one (1 of 0 and 1), with more that of ``label``.
    probabilities : dict
        Of every class, calibrated.
    warnings : list of str
        Why it may be wrong: no cell, saturated, unlike the training images, another pixel size.
    portrait : Portrait
        What was measured.
    contributions : DataFrame
        ``measurement, value, typical, contribution``, the strongest first: by how much each measurement
        moved the log-odds of ``label`` from where the typical training image has them.
    """

    label: Label
    probability: float
    probabilities: dict[Label, float]
    warnings: list[str]
    portrait: Portrait
    contributions: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Line:
    """Log-odds that are linear in standardised measurements.

    Attributes
    ----------
    centre, scale : ndarray, shape (measurement,)
        Mean and standard deviation of the training images.
    slopes : ndarray, shape (1 or class, measurement)
        For two classes one row, towards the second.
    intercepts : ndarray, shape (1 or class,)
        Log-odds of an average image.
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    slopes: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def log_odds(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a table, shape (row, 1 or class)."""
        return np.asarray((rows - self.centre) / self.scale @ self.slopes.T + self.intercepts)

    def slope(self, answer: int) -> NDArray[np.float64]:
        """Return how the log-odds of a class change with each measurement as it is."""
        if len(self.slopes) == 1:
            return np.asarray(self.slopes[0] / self.scale * (1 if answer else -1))
        return np.asarray((self.slopes[answer] - self.slopes.mean(axis=0)) / self.scale)


@dataclass(frozen=True, eq=False)
class Decider:
    """A fitted classifier of rows of measurements.

    Attributes
    ----------
    line : Line
        Log-odds.
    calibration : sklearn.linear_model.LogisticRegression
        From log-odds to probabilities.
    weights : ndarray, shape (class,)
        The answer is the class of the largest probability times weight.
    """

    line: Line
    calibration: Any
    weights: NDArray[np.float64]

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities, shape (row, class)."""
        return np.asarray(self.calibration.predict_proba(self.line.log_odds(rows)), dtype=float)

    def answers(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the index of each row's class."""
        return np.asarray((self.probabilities(rows) * self.weights).argmax(axis=1))

    def pulls(
        self, row: NDArray[np.float64], typical: NDArray[np.float64], answer: int
    ) -> NDArray[np.float64]:
        """Return how far each measurement moves the log-odds of a class away from the typical row's."""
        return np.asarray(self.line.slope(answer) * (row - typical))


@dataclass(frozen=True, eq=False)
class PopulationModel:
    """A classifier of images, with what it must know about its training to judge new ones.

    Attributes
    ----------
    label_name : str
        What is predicted, such as ``is_homogenous``.
    classes : list
        The labels, sorted.
    measurements : list of str
        What it looks at, in order.
    decider : Decider
        The fitted classifier.
    typical, low, high : ndarray, shape (measurement,)
        Median, smallest and largest of the training images.
    unit : {"px", "um"}
        Of lengths.
    pixel_size_um : float or None
        Median of the training images.
    provenance : dict
        Versions, settings, hashes of the images, and the score.
    version : str
        A short hash of all of it; empty until the model has been put into bytes.
    """

    label_name: str
    classes: list[Label]
    measurements: list[str]
    decider: Decider
    typical: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    unit: str
    pixel_size_um: float | None
    provenance: dict[str, Any] = field(default_factory=dict)
    version: str = ""

    def predict(self, values: NDArray[Any], pixel_size_um: float | None = None) -> Prediction:
        """Classify an image.

        Parameters
        ----------
        values : ndarray, shape (y, x) or (channel, y, x)
            Of any real number type.
        pixel_size_um : float, optional
            Side of a pixel, where it is known.

        Raises
        ------
        ReadError
            If the array is no image.
        """
        size = (pixel_size_um or self.pixel_size_um) if self.unit == "um" else None
        portrait = measure_image(values, size)
        row = self._row(portrait.measurements)
        probabilities = self.decider.probabilities(row[None])[0]
        answer = int(self.decider.answers(row[None])[0])
        return Prediction(
            label=self.classes[answer],
            probability=float(probabilities[1 if len(self.classes) == 2 else answer]),
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            warnings=[*portrait.warnings, *self._doubts(portrait, pixel_size_um)],
            portrait=portrait,
            contributions=self._contributions(portrait.measurements, row, answer),
        )

    def _row(self, measured: Mapping[str, float]) -> NDArray[np.float64]:
        """Return the measurements in order; what could not be measured is taken as typical."""
        row = np.array([measured[name] for name in self.measurements], dtype=float)
        return np.where(np.isfinite(row), row, self.typical)

    def _contributions(
        self, measured: Mapping[str, float], row: NDArray[np.float64], answer: int
    ) -> pd.DataFrame:
        table = pd.DataFrame(
            {
                "measurement": self.measurements,
                "value": [measured[name] for name in self.measurements],
                "typical": self.typical,
                "contribution": self.decider.pulls(row, self.typical, answer),
            }
        )
        order = table["contribution"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order].reset_index(drop=True)

    def _doubts(self, portrait: Portrait, pixel_size_um: float | None) -> list[str]:
        found = _size_doubts(self.unit, self.pixel_size_um, pixel_size_um)
        row = np.array([portrait.measurements[name] for name in self.measurements])
        room = _FAR * (self.high - self.low)
        outside = (row < self.low - room) | (row > self.high + room)
        if outside.any():
            found.append(_unlike(np.array(self.measurements)[outside].tolist()))
        return found


def _size_doubts(unit: str, trained_um: float | None, given_um: float | None) -> list[str]:
    if unit == "um" and given_um is None:
        return [f"The image has no pixel size; that of the training images, {trained_um:.4g} µm, was taken."]
    if trained_um and given_um and abs(given_um / trained_um - 1) > _SAME_SIZE:
        return [f"A pixel is {given_um:.4g} µm here and {trained_um:.4g} µm in the training images."]
    return []


def _unlike(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    shown = ", ".join(names[:_NAMED])
    return f"Unlike all training images in {shown}{more}: another kind or scale of image."
