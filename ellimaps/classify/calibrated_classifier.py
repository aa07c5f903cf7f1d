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

    def lead(self, row: NDArray[np.float64], answer: int) -> float:
        """Return by how much an answer leads, in calibrated log-odds of the weighted probabilities.

        With two classes over the other one, with more over the mean of all: what is answered has 0 or more.
        """
        with np.errstate(divide="ignore"):
            steps = self._steps(row[None])[0] + np.log(self.weights)
        return float(_over_others(steps, answer))

    def pulls(
        self, row: NDArray[np.float64], typical: NDArray[np.float64], answer: int
    ) -> NDArray[np.float64]:
        """Return by how much each measurement moves the lead of an answer from that in the typical row.

        They add up to the difference of the two leads.
        """
        slopes = np.asarray(self.calibration.coef_) @ (self.line.slopes / self.line.scale)
        return np.asarray(_over_others(_of_each_class(slopes), answer) * (row - typical))

    def _steps(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated log-odds, shape (row, class), up to a constant of each row."""
        found = self.line.log_odds(rows) @ np.asarray(self.calibration.coef_).T + self.calibration.intercept_
        return _of_each_class(found.T).T


def _of_each_class(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a row for each class: of two classes the second one's alone is kept."""
    return np.vstack([np.zeros_like(rows), rows]) if len(rows) == 1 else rows


def _over_others(values: NDArray[np.float64], answer: int) -> NDArray[np.float64]:
    """Return how far a class is above the other one of two, or above the mean of more; classes come first."""
    others = values[1 - answer] if len(values) == 2 else values.mean(axis=0)
    return np.asarray(values[answer] - others)
