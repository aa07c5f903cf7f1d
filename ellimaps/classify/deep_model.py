"""A fine-tuned network that classifies cells, with the interface of `PopulationModel` (extra ``deep``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.classify.cell_window import cut_cell, window
from ellimaps.classify.image_features import measure_image
from ellimaps.classify.model_facts import check_answers
from ellimaps.classify.model_file import load_model
from ellimaps.classify.population_model import (
    CONTRIBUTIONS,
    Label,
    PopulationModel,
    Prediction,
    no_answer,
    pixel_size_doubts,
)
from ellimaps.core.archives import ArchiveError, names_in
from ellimaps.core.errors import ReadError
from ellimaps.core.files import write_files
from ellimaps.core.inputs import Source, as_input
from ellimaps.core.provenance import sha256
from ellimaps.deep.architectures import FAMILIES, Architecture, build, pooled
from ellimaps.deep.libraries import torch_library
from ellimaps.deep.network_file import FACTS, pack, unpack
from ellimaps.deep.penultimate import network_input

_KIND = "deep cell classifier"
# A file that declares a larger window is damaged or hostile: the networks we know look at 224 to 518 pixels.
_MOST_SIDE_PX = 1024


@dataclass(frozen=True, eq=False)
class DeepModel:
    """A network that classifies the cell of an image.

    Attributes
    ----------
    label_name : str
        What is predicted, such as ``is_homogenous``.
    classes : list
        The labels, sorted.
    backbone : str
        Name of the network.
    architecture : mapping
        Its family and sizes.
    network : torch.nn.Module
        ``backbone`` and ``head``, in evaluation mode.
    side_px : int
        Side of the window it looks at.
    window_extent : float
        The same in `unit`.
    unit : {"px", "um"}
        Of lengths.
    pixel_size_um : float or None
        Median of the training images.
    provenance : dict
        Versions, settings, where the weights are from, the score of held-out images, the losses.
    version : str
        A short hash of the file; empty until the model has been put into bytes.
    """

    label_name: str
    classes: list[Label]
    backbone: str
    architecture: Architecture
    network: Any = field(repr=False)
    side_px: int
    window_extent: float
    unit: str
    pixel_size_um: float | None
    provenance: dict[str, Any] = field(default_factory=dict)
    version: str = ""

    def name_of(self, label: Label) -> str:
        """Return what a class is called: as its labels were."""
        return str(label)

    def predict(self, values: NDArray[Any], pixel_size_um: float | None = None) -> Prediction:
        """Classify an image.

        The probabilities are those of classes that are equally common, as trained, and not calibrated.
        ``contributions`` is empty: a network does not say which measurement decided.

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
        cut = cut_cell(values, features.mask, size or 1.0)
        shown = window(cut, self.window_extent, self.side_px)
        probabilities = self._probabilities(shown)
        answer = int(probabilities.argmax())
        return Prediction(
            label=self.classes[answer],
            probability=float(probabilities[1 if len(self.classes) == 2 else answer]),
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            warnings=[*features.warnings, *self._doubts(cut.extent, pixel_size_um)],
            features=features,
            contributions=pd.DataFrame(columns=list(CONTRIBUTIONS)),
        )

    def _probabilities(self, shown: NDArray[np.float32]) -> NDArray[np.float64]:
        torch = torch_library()
        with torch.inference_mode():
            odds = log_odds(self.network, self.architecture, torch.from_numpy(shown)[None])[0]
            return np.asarray(odds.double().softmax(0).numpy())

    def _doubts(self, extent: float, given_um: float | None) -> list[str]:
        found = pixel_size_doubts(self.unit, self.pixel_size_um, given_um)
        if extent > self.window_extent:
            found.append("The cell is larger than those of the training images and was cut off.")
        return found


def network_with_head(backbone: Any, dimension: int, classes: int) -> Any:
    """Return a backbone and a linear classifier on its normalized features as one module."""
    nn = torch_library().nn
    head = nn.Sequential(nn.LayerNorm(dimension), nn.Linear(dimension, classes))
    return nn.ModuleDict({"backbone": backbone, "head": head})


def log_odds(network: Any, architecture: Architecture, shown: Any) -> Any:
    """Return the classifier's values (image, class) for windows (image, y, x) of values 0..1."""
    return network["head"](pooled(network["backbone"], architecture, network_input(shown)))


def save_deep_model(model: DeepModel, path: str | Path) -> DeepModel:
    """Write a classifier to a file, whole or not at all; the same classifier gives the same bytes.

    Returns
    -------
    DeepModel
        The classifier with its version.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    facts = {
        "kind": _KIND,
        "label_name": model.label_name,
        "classes": model.classes,
        "backbone": model.backbone,
        "architecture": dict(model.architecture),
        "side_px": model.side_px,
        "window_extent": model.window_extent,
        "unit": model.unit,
        "pixel_size_um": model.pixel_size_um,
        "provenance": model.provenance,
    }
    content = pack(facts, model.network.state_dict())
    target = Path(path)
    write_files(target.parent, {target.name: content})
    return replace(model, version=hashlib.sha256(content).hexdigest()[:12])


def load_deep_model(source: Source) -> DeepModel:
    """Read a classifier; nothing in the file is executed.

    Raises
    ------
    ReadError
        If it is damaged, too large or something else.
    """
    file = as_input(source)
    facts, tensors = unpack(file, _KIND)
    try:
        model = _model(facts, tensors)
    # torch, transformers and JSON have errors of their own for facts and tensors that do not fit.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ReadError(
            f"The model {file} is damaged ({type(error).__name__}: {reason:.120}): "
            "copy it again or train anew."
        ) from error
    return replace(model, version=sha256(file)[:12])


def load_classifier(source: Source, name: str | None = None) -> PopulationModel | DeepModel:
    """Read a classifier of either kind, from a path or a stream; messages call a stream by its name.

    Raises
    ------
    ReadError
        As `load_deep_model` and `model_file.load_model`.
    """
    file = as_input(source, name)
    try:
        with file.open() as stream:
            is_deep = FACTS in names_in(stream)
    except (ReadError, ArchiveError):
        is_deep = False
    return load_deep_model(file) if is_deep else load_model(file)


def _model(facts: Mapping[str, Any], tensors: Mapping[str, Any]) -> DeepModel:
    check_answers(facts)
    architecture, side_px = facts["architecture"], int(facts["side_px"])
    classes, extent = facts["classes"], float(facts["window_extent"])
    if architecture["family"] not in FAMILIES or not 0 < side_px <= _MOST_SIDE_PX or not 0 < extent < np.inf:
        raise ValueError("it describes no network")
    bias = tensors["head.1.bias"]
    if any(one.is_floating_point() and str(one.dtype) != "torch.float32" for one in tensors.values()):
        raise ValueError("its tensors are not 32-bit numbers")
    dimension = int(tensors["head.0.weight"].shape[0])
    if bias.shape != (len(classes),):
        raise ValueError("its classes do not fit its tensors")
    with torch_library().device("meta"):
        network = network_with_head(build(architecture), dimension, len(classes))
    network.load_state_dict(tensors, assign=True)
    return DeepModel(
        label_name=facts["label_name"],
        classes=classes,
        backbone=str(facts["backbone"]),
        architecture=architecture,
        network=network.eval(),
        side_px=side_px,
        window_extent=extent,
        unit=facts["unit"],
        pixel_size_um=facts["pixel_size_um"],
        provenance=facts["provenance"],
    )
