"""The trained classifier: from the measurements of an image to a class, a probability and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.classify.calibrated_classifier import CalibratedClassifier
from ellimaps.classify.drift import TrainingSpread
from ellimaps.classify.image_features import CellFeatures, measure_image
from ellimaps.classify.measurement_names import measurement_name

# How far outside the range of the training images a measurement is unlike all of them, in parts of that
# range: half of it leaves out what a few more images of the same kind would bring.
_FAR = 0.5

Label = int | str


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an image is.

    Attributes
    ----------
    label : int, str or None
        The class; None where there is no cell to answer about.
    probability : float
        With two classes that of the second one (1 of 0 and 1), with more that of ``label``; NaN without a
        cell.
    probabilities : dict
        Of every class, calibrated; empty without a cell.
    warnings : list of str
        Why it may be wrong: no cell, saturated, unlike the training images, another pixel size.
    features : CellFeatures
        What was measured.
    contributions : DataFrame
        ``measurement, value, typical, contribution``, the strongest first: by how much each measurement
        moved the lead of ``label`` from where the typical training image has it.
    lead_of_typical : float
        The lead of ``label`` in the typical training image: with all contributions it is the lead in this
        one, which is never below 0. See `CalibratedClassifier.lead`.
    """

    label: Label | None
    probability: float
    probabilities: dict[Label, float]
    warnings: list[str]
    features: CellFeatures
    contributions: pd.DataFrame
    lead_of_typical: float = 0.0


CONTRIBUTIONS = ("measurement", "value", "typical", "contribution")
"""Columns of the contributions."""


def no_answer(features: CellFeatures) -> Prediction:
    """Return what is said of an image without a cell: nothing but that."""
    nothing = pd.DataFrame(columns=list(CONTRIBUTIONS))
    return Prediction(None, float("nan"), {}, features.warnings, features, nothing)


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
    classifier : CalibratedClassifier
        The fitted classifier.
    typical, low, high : ndarray, shape (measurement,)
        Median, smallest and largest of the training images.
    unit : {"px", "um"}
        Of lengths.
    pixel_size_um : float or None
        Median of the training images.
    provenance : dict
        Versions, settings, hashes of the images, and the score.
    class_names : mapping of str to str
        What the classes are called, by the class as text; empty where nobody said.
    spread : TrainingSpread, optional
        What the training images are like, to tell when new ones differ; models of earlier versions have none.
    version : str
        A short hash of all of it; empty until the model has been put into bytes.
    """

    label_name: str
    classes: list[Label]
    measurements: list[str]
    classifier: CalibratedClassifier
    typical: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    unit: str
    pixel_size_um: float | None
    provenance: dict[str, Any] = field(default_factory=dict)
    class_names: Mapping[str, str] = field(default_factory=dict)
    spread: TrainingSpread | None = None
    version: str = ""

    def name_of(self, label: Label) -> str:
        """Return what a class is called."""
        return self.class_names.get(str(label), str(label))

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
        features = measure_image(values, size)
        if not features.mask.any():
            return no_answer(features)
        row = self._row(features.measurements)
        probabilities = self.classifier.probabilities(row[None])[0]
        answer = int(self.classifier.answers(row[None])[0])
        return Prediction(
            label=self.classes[answer],
            probability=float(probabilities[1 if len(self.classes) == 2 else answer]),
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            warnings=[*features.warnings, *self._doubts(features, pixel_size_um)],
            features=features,
            contributions=self._contributions(features.measurements, row, answer),
            lead_of_typical=float(self.classifier.lead(self.typical, answer)),
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
                "contribution": self.classifier.pulls(row, self.typical, answer),
            }
        )
        order = table["contribution"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order].reset_index(drop=True)

    def _doubts(self, features: CellFeatures, pixel_size_um: float | None) -> list[str]:
        found = pixel_size_doubts(self.unit, self.pixel_size_um, pixel_size_um)
        row = np.array([features.measurements[name] for name in self.measurements])
        room = _FAR * (self.high - self.low)
        outside = (row < self.low - room) | (row > self.high + room)
        if outside.any():
            found.append(_unlike(np.array(self.measurements)[outside].tolist()))
        return found


def pixel_size_doubts(unit: str, trained_um: float | None, given_um: float | None) -> list[str]:
    """Return what is wrong with the pixel size of an image for a model trained at another one, in um."""
    if unit == "um" and given_um is None:
        return [f"The image has no pixel size; that of the training images, {trained_um:.4g} µm, was taken."]
    if trained_um and given_um and abs(given_um / trained_um - 1) > 0.05:
        return [f"A pixel is {given_um:.4g} µm here and {trained_um:.4g} µm in the training images."]
    return []


def _unlike(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    shown = ", ".join(_inside_sentence(measurement_name(name)) for name in names[:3])
    return f"Unlike all training images in {shown}{more}: another kind or scale of image."


def _inside_sentence(name: str) -> str:
    return name[:1].lower() + name[1:]
