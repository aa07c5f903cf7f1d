"""What one user does on the page Plates: the points chosen, and the pictures beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ellimaps.plates.measuring.profile_sources import PLAIN
from ellimaps.ui.shared.state import PageState


@dataclass(frozen=True)
class Asked:
    """What is to be measured.

    Attributes
    ----------
    root, layout : Path
        Images and layout.
    folder : Path
        Where to write.
    source : str
        One of `ellimaps.plates.measuring.profile_sources.SOURCES`.
    pattern : str
        How file names are read; empty for the names of Harmony and ImageXpress.
    """

    root: Path
    layout: Path
    folder: Path
    source: str = PLAIN
    pattern: str = ""


@dataclass
class PlatesState(PageState):
    """What the page keeps.

    Attributes
    ----------
    shown : str
        Key of the profiles that the choices are of.
    selected : list of int
        Points chosen in the scatter plot.
    hidden : list of int
        Groups hidden in its legend.
    pair : (int, int), optional
        Fields suggested last for the two images.
    to_replace : Asked, optional
        What waits for the word that profiles may be replaced.
    """

    shown: str = ""
    selected: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    pair: tuple[int, int] | None = None
    to_replace: Asked | None = None

    def show(self, key: str) -> None:
        """Give up what was chosen of other profiles: it names points by number."""
        if self.shown != key:
            self.shown, self.selected, self.hidden = key, [], []

    def select(self, points: list[int]) -> None:
        """Take the points chosen in the plot."""
        self.selected = points

    def hide(self, groups: list[int]) -> None:
        """Take the groups hidden in the plot."""
        self.hidden = groups
