"""What one user does on the page Classify; kept in the session, nothing shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ellimaps.classify.image_folder import image_files
from ellimaps.classify.labeling import LabelingSession
from ellimaps.ui.pages.classify.models import Trained
from ellimaps.ui.shared.state import Task, session

_KEY = "classify"


@dataclass
class LabelWork:
    """The labels of one folder.

    Attributes
    ----------
    folder : Path
        The folder of images.
    labelling : LabelingSession
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
    labelling: LabelingSession
    saved: Mapping[str, str] = field(default_factory=dict)
    held: dict[Path, bytes] = field(default_factory=dict)
    path: str = ""
    notice: tuple[str, bool] | None = None

    @property
    def unsaved(self) -> int:
        """How many images have another label than in the list."""
        now = self.labelling.labels
        return sum(now.get(name) != self.saved.get(name) for name in {*now, *self.saved})


@dataclass
class ClassifyWork:
    """All a user does on the page.

    Attributes
    ----------
    task : Task, optional
        The training in the background.
    message : str
        Why the last one gave no result.
    lists : dict of Path to LabelWork
        Labels by folder of images.
    trained : Trained, optional
        The classifier trained last.
    saved_model : str
        Where it was saved below the data root; empty if it was not.
    """

    task: Task | None = None
    message: str = ""
    lists: dict[Path, LabelWork] = field(default_factory=dict)
    trained: Trained | None = None
    saved_model: str = ""

    def labels_of(self, folder: Path) -> LabelWork:
        """Return the labels of a folder, begun now if they are not there.

        Raises
        ------
        ReadError
            If it holds no images.
        """
        if folder not in self.lists:
            self.lists[folder] = LabelWork(folder, LabelingSession(image_files(folder)))
        return self.lists[folder]


def classify_work() -> ClassifyWork:
    """Return what this user does, made at the first call."""
    found: ClassifyWork = session().memory.setdefault(_KEY, ClassifyWork())
    return found
