"""Training and models of the page Classify: what a training leaves, and models read from files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ellimaps.classify import (
    DeepModel,
    Labels,
    PopulationModel,
    Prediction,
    TrainingReport,
    load_classifier,
    read_image,
    read_labels,
    train,
    training_html,
)
from ellimaps.classify.comparison import ModelComparison, compare_models
from ellimaps.classify.folder_answers import folder_answers
from ellimaps.classify.labeling import LabelingSession
from ellimaps.classify.labeling_file import labels_csv
from ellimaps.classify.model_file import model_bytes, version_of
from ellimaps.classify.training import MAX_PICTURES, outline_png
from ellimaps.core.errors import ExportError
from ellimaps.core.files import write_files
from ellimaps.core.progress import Progress
from ellimaps.ui.pages.classify.pictures import outlined
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.data_root import file_marks

# A classifier of measurements is below a megabyte, a network some hundred: one for each user at work.
_MODELS: BoundedCache[PopulationModel | DeepModel] = BoundedCache(8)
# A picture and a mask are a few megabytes: the images one goes back and forth between.
_ANSWERS: BoundedCache[Answer] = BoundedCache(128 * MEGABYTE, lambda answer: answer.n_bytes)


@dataclass(frozen=True)
class Trained:
    """A classifier trained on the page.

    Attributes
    ----------
    model : PopulationModel
        With its version.
    report : TrainingReport
        How good it is.
    folder : str
        The folder of images, below the data root.
    content, html : bytes
        The files of the model and of the report.
    """

    model: PopulationModel
    report: TrainingReport
    folder: str
    content: bytes
    html: bytes


@dataclass(frozen=True)
class Answer:
    """What a classifier says of an image, and the picture with the outline."""

    prediction: Prediction
    picture: bytes

    @property
    def n_bytes(self) -> int:
        """Bytes it holds, about."""
        return len(self.picture) + self.prediction.features.mask.nbytes


def labels_given(labeling: LabelingSession, folder: Path) -> Labels:
    """Return the labels given on the page as training takes them.

    Raises
    ------
    ReadError
        If there are none, or an image has gone since.
    """
    table = io.BytesIO(labels_csv(replace(labeling, other_rows=())))
    names = {one.value: one.name for one in labeling.classes}
    return replace(read_labels(table, folder, "labels given here.csv"), class_names=names)


def trained_on(folder: Path, shown: str, labels: Labels, repeats: int, on_progress: Progress) -> Trained:
    """Train a classifier and put it into a file's bytes.

    Parameters
    ----------
    folder : Path
        The folder of images.
    shown : str
        What it is called.
    labels : Labels
        Labels of its images.
    repeats : int
        Of the cross-validation.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    EllimapsError
        As `ellimaps.classify.train`.
    """
    training = train(folder, labels, 0, on_progress, repeats=repeats)
    content = model_bytes(training.model)
    model = replace(training.model, version=version_of(content))
    html = training_html(model, training.report).encode()
    return Trained(model, training.report, shown, content, html)


def save_trained(trained: Trained, path: Path) -> list[Path]:
    """Write the model, and its report beside it; files that are there are never overwritten.

    Raises
    ------
    ExportError
        If one of them exists or cannot be written.
    """
    files = {path.name: trained.content, path.with_suffix(".html").name: trained.html}
    for name in files:
        if (path.parent / name).exists():
            raise ExportError(f"{name} exists already: choose another name.")
    return write_files(path.parent, files)


def model_at(path: Path) -> PopulationModel | DeepModel:
    """Return a saved model, read again only when the file has changed.

    Raises
    ------
    ReadError
        If it cannot be read or is not to be trusted.
    """
    return _MODELS.get((path, file_marks([path])), lambda: load_classifier(path))


@dataclass(frozen=True)
class FolderAnswers:
    """What a model says of a folder.

    Attributes
    ----------
    folder : Path
        Whose images.
    model : str
        Version of the model.
    table : DataFrame
        Of `ellimaps.classify.folder_answers.folder_answers`.
    pictures : dict of str to bytes
        PNG with the outline, by file name, of those in most doubt.
    """

    folder: Path
    model: str
    table: pd.DataFrame
    pictures: dict[str, bytes]


def folder_answered(
    folder: Path, files: Sequence[str], source: Path | bytes, on_progress: Progress
) -> FolderAnswers:
    """Ask a model about images of a folder.

    Parameters
    ----------
    folder : Path
        Where the images lie.
    files : sequence of str
        Their names.
    source : Path or bytes
        The model's file, or what is in it.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    ReadError
        If the model cannot be read.
    """
    model = _loaded(source)
    table = folder_answers(model, folder, files, on_progress)
    shown = table.loc[table["equivalent_diameter"].notna(), "file"][:MAX_PICTURES]
    pictures = {}
    for number, file in enumerate(shown):
        pictures[file] = outline_png(folder / file)
        on_progress(number + 1, len(shown), "drawing the most doubtful")
    return FolderAnswers(folder, model.version, table, pictures)


def models_compared(
    first: Path | bytes, second: Path | bytes, folder: Path, labels: Labels, on_progress: Progress
) -> ModelComparison:
    """Ask two models about the labelled images of a folder.

    Parameters
    ----------
    first, second : Path or bytes
        The file of each model, or what is in it.
    folder : Path
        The folder of images.
    labels : Labels
        Labels of its images.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    EllimapsError
        As `ellimaps.classify.comparison.compare_models`.
    """
    return compare_models(_loaded(first), _loaded(second), folder, labels, on_progress)


def _loaded(source: Path | bytes) -> PopulationModel | DeepModel:
    return load_classifier(io.BytesIO(source) if isinstance(source, bytes) else source)


def answer_of(model: PopulationModel | DeepModel, source: Path | bytes, name: str) -> Answer:
    """Return what a model says of an image, a file or its bytes.

    Raises
    ------
    ReadError
        If it is no image that can be read.
    """
    image = hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else file_marks([source])
    return _ANSWERS.get((model.version, image), lambda: _answered(model, source, name))


def _answered(model: PopulationModel | DeepModel, source: Path | bytes, name: str) -> Answer:
    values, pixel_size_um = read_image(source, name)
    prediction = model.predict(values, pixel_size_um)
    return Answer(prediction, outlined(values, prediction.features.mask))
