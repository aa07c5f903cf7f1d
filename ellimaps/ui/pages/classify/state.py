"""What one user does on the page Classify: labels by folder, and the classifier trained last."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import streamlit as st

from ellimaps.classify.comparison import ModelComparison
from ellimaps.classify.further_labels import LearningCurve
from ellimaps.classify.image_folder import image_files
from ellimaps.classify.labeling import LabelingSession
from ellimaps.classify.labeling_file import read_list, save_list
from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.ui.pages.classify.files import beside, new_file
from ellimaps.ui.pages.classify.models import FolderAnswers, Trained
from ellimaps.ui.pages.classify.written import read_back, written
from ellimaps.ui.shared import written_works
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.state import PageState


@dataclass
class FolderLabels:
    """The labels of one folder.

    Attributes
    ----------
    folder : Path
        The folder of images.
    labeling : LabelingSession
        The labels as they are now.
    saved : mapping of str to str
        The labels when they were loaded or saved last.
    held : dict of Path to bytes
        What each label list holds as far as the user knows.
    path : str
        The label list below the data root that was loaded or saved last; empty if none.
    notice : (str, bool), optional
        What came of the last loading or saving, and whether it was good.
    turn : int
        Counts what was answered: an answer to an earlier turn was given for another picture.
    """

    folder: Path
    labeling: LabelingSession
    saved: Mapping[str, str] = field(default_factory=dict)
    held: dict[Path, bytes] = field(default_factory=dict)
    path: str = ""
    notice: tuple[str, bool] | None = None
    turn: int = 0

    def show(self, labeling: LabelingSession) -> None:
        """Go on with other labels or at another image."""
        self.labeling, self.notice, self.turn = labeling, None, self.turn + 1

    def load(self, file: Path) -> None:
        """Go on with a label list.

        Raises
        ------
        ReadError
            If it cannot be read or is of other images.
        """
        labeling, self.held[file] = read_list(file, self.labeling.files)
        self.show(replace(labeling, doubts=self.labeling.doubts))
        self.saved, self.path = labeling.labels, file.relative_to(data_root()).as_posix()

    def save(self, path: str) -> None:
        """Write the labels to a list below the data root.

        Raises
        ------
        ExportError
            If it cannot be written, or holds labels that this user has not seen.
        """
        file = new_file(path, ".csv")
        self.held[file] = save_list(self.labeling, file, self.held.get(file))
        self.saved, self.path = self.labeling.labels, path

    @property
    def unsaved(self) -> int:
        """How many images have another label than in the list."""
        now = self.labeling.labels
        return sum(now.get(name) != self.saved.get(name) for name in {*now, *self.saved})


@dataclass
class ClassifyState(PageState):
    """What the page keeps.

    Attributes
    ----------
    lists : dict of Path to FolderLabels
        Labels by folder of images.
    shown : str
        The folder that is shown, below the data root; empty if none was.
    trained : Trained, optional
        The classifier trained last.
    written_as : str
        What it is called where users' works are written down.
    saved_model : str
        Where it was saved below the data root; empty if it was not.
    answers : FolderAnswers, optional
        What was said last of a whole folder.
    confused : (int, int)
        The cell of the confusion matrix whose images are shown: the true class and the answer.
    comparison : ModelComparison, optional
        Of two models, the last.
    compared : (str, str, Path), optional
        Which two, and on which folder.
    curve : (Path, LearningCurve), optional
        The folder whose learning curve was drawn last, and the curve.
    """

    lists: dict[Path, FolderLabels] = field(default_factory=dict)
    shown: str = ""
    trained: Trained | None = None
    written_as: str = ""
    saved_model: str = ""
    answers: FolderAnswers | None = None
    confused: tuple[int, int] | None = None
    comparison: ModelComparison | None = None
    compared: tuple[str, str, Path] | None = None
    curve: tuple[Path, LearningCurve] | None = None

    def show(self, name: str) -> None:
        """Note the folder that is shown; the labels chosen to train on were of the one before."""
        if self.shown not in ("", name):
            st.session_state["train_typed"] = None
        self.shown = name
        self.opened(name)

    def take_answers(self, answers: FolderAnswers) -> None:
        """Keep what a model says of a folder."""
        self.answers = answers

    def take_comparison(self, compared: tuple[str, str, Path], comparison: ModelComparison) -> None:
        """Keep how two models compare on a folder."""
        self.compared, self.comparison = compared, comparison

    def take_curve(self, folder: Path, curve: LearningCurve) -> None:
        """Keep how the score grows with the labels of a folder."""
        self.curve = folder, curve

    def take(self, trained: Trained) -> None:
        """Keep a classifier, which is not saved yet, over a restart too."""
        self.trained, self.saved_model, self.confused = trained, "", None
        self.written_as = written_works.write_bytes(written(trained))

    def facts(self) -> dict[str, Any]:
        """Return what is left after a restart; labels are in their lists, and choices in controls."""
        return super().facts() | {"trained": self.written_as, "saved_model": self.saved_model}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """Return what was written down; a training that cannot be read any more is left out."""
        state = super().of_facts(facts)
        content = written_works.read_bytes(str(facts.get("trained")))
        if content is not None:
            with suppress(EllimapsError, KeyError, TypeError, ValueError):
                state.trained = read_back(content)
                state.written_as = str(facts["trained"])
                state.saved_model = str(facts.get("saved_model", ""))
        return state

    def labels_of(self, folder: Path) -> FolderLabels:
        """Return the labels of a folder, begun now if they are not there.

        Raises
        ------
        ReadError
            If it holds no images.
        """
        if folder not in self.lists:
            self.lists[folder] = _begun(FolderLabels(folder, LabelingSession(image_files(folder))))
        return self.lists[folder]


def _begun(work: FolderLabels) -> FolderLabels:
    """Go on with the list beside the folder, where labels are saved as they are given."""
    work.path = beside(work.folder, "labels.csv")
    file = data_root() / work.path
    if work.path and file.is_file():
        try:
            work.load(file)
        except ReadError as error:
            work.path, work.notice = "", (f"{error} Labels are not saved until you name another list.", False)
    return work
