"""What one user does on the page Classify: labels by folder, and the classifier trained last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ellimaps.classify.image_folder import image_files
from ellimaps.classify.labeling import LabelingSession
from ellimaps.ui.pages.classify.models import Trained
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
    """

    folder: Path
    labeling: LabelingSession
    saved: Mapping[str, str] = field(default_factory=dict)
    held: dict[Path, bytes] = field(default_factory=dict)
    path: str = ""
    notice: tuple[str, bool] | None = None

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
    trained : Trained, optional
        The classifier trained last.
    saved_model : str
        Where it was saved below the data root; empty if it was not.
    """

    lists: dict[Path, FolderLabels] = field(default_factory=dict)
    trained: Trained | None = None
    saved_model: str = ""

    def take(self, trained: Trained) -> None:
        """Keep a classifier, which is not saved yet."""
        self.trained, self.saved_model = trained, ""

    def labels_of(self, folder: Path) -> FolderLabels:
        """Return the labels of a folder, begun now if they are not there.

        Raises
        ------
        ReadError
            If it holds no images.
        """
        if folder not in self.lists:
            self.lists[folder] = FolderLabels(folder, LabelingSession(image_files(folder)))
        return self.lists[folder]
