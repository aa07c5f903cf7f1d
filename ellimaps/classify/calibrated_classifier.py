"""A fitted classifier of measurements: linear log-odds, calibrated probabilities, weights of the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LinearLogOdds:
    """Log-odds that are linear in standardized measurements.

    Attributes
    ----------
    center, scale : ndarray, shape (measurement,)
        Mean and standard deviation of the training images.
    slopes : ndarray, shape (1 or class, measurement)
        For two classes one row, towards the second.
    intercepts : ndarray, shape (1 or class,)
        Log-odds of an average image.
    """

    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    slopes: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def log_odds(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a table, shape (row, 1 or class)."""
        return np.asarray((rows - self.center) / self.scale @ self.slopes.T + self.intercepts)

    def slope(self, answer: int) -> NDArray[np.float64]:
        """Return how the log-odds of a class change with each measurement as it is."""
        if len(self.slopes) == 1:
            return np.asarray(self.slopes[0] / self.scale * (1 if answer else -1))
        return np.asarray((self.slopes[answer] - self.slopes.mean(axis=0)) / self.scale)


@dataclass(frozen=True, eq=False)
class CalibratedClassifier:
    """A fitted classifier of rows of measurements.

    Attributes
    ----------
    line : LinearLogOdds
        Log-odds.
    calibration : sklearn.linear_model.LogisticRegression
        From log-odds to probabilities.
    weights : ndarray, shape (class,)
        The answer is the class of the largest probability times weight.
    """

    line: LinearLogOdds
    calibration: Any
    weights: NDArray[np.float64]

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities, shape (row, class)."""
        return np.asarray(self.calibration.predict_proba(self.line.log_odds(rows)), dtype=float)

    def answers(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the class index of each row, shape (row,), for rows of shape (row, measurement)."""
        return np.asarray((self.probabilities(rows) * self.weights).argmax(axis=1))

    def pulls(
        self, row: NDArray[np.float64], typical: NDArray[np.float64], answer: int
    ) -> NDArray[np.float64]:
        """Return how far each measurement moves a class's log-odds from those of the typical row."""
        return np.asarray(self.line.slope(answer) * (row - typical))
