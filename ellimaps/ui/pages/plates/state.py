"""What one user does on the page Plates: the points chosen, and the pictures beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ellimaps.plates.measuring.profile_sources import PLAIN
from ellimaps.ui.shared.state import PageState

WELL = "plates_well"
"""Key of the control that names the well whose images are shown."""


@dataclass(frozen=True)
class PlateRun:
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
        Fields chosen by a lasso, a click or by name: rows of ``Profiles.fields``. All where there are none.
    hidden : list of str
        Groups hidden in the legend of the scatter plot.
    hidden_fields : list of int
        Fields of these groups.
    is_drawn : bool
        Whether features chose: by a lasso, or by clusters that were hidden.
    revision : int
        Counted up when something else than the plot changes what is chosen; the plot then follows.
    cells : list of int
        Cells chosen in the plot of cells.
    pair : (int, int), optional
        Fields suggested last for the two images.
    to_replace : PlateRun, optional
        What waits for the word that profiles may be replaced.
    look : dict
        How channels were chosen to look; see `ellimaps.ui.components.image_sheet.Look`.
    """

    shown: str = ""
    selected: list[int] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    hidden_fields: list[int] = field(default_factory=list)
    is_drawn: bool = False
    revision: int = 0
    cells: list[int] = field(default_factory=list)
    pair: tuple[int, int] | None = None
    to_replace: PlateRun | None = None
    look: dict[str, Any] = field(default_factory=dict)

    def take_look(self, look: dict[str, Any]) -> None:
        """Take how channels were chosen to look: all images of the page follow."""
        self.look = look

    def show(self, key: str) -> None:
        """Give up what was chosen of other profiles: it names fields by number."""
        if self.shown != key:
            self.shown = key
            self.choose([], drawn=False)

    def choose(self, fields: list[int], *, drawn: bool) -> None:
        """Choose fields otherwise than in the plot; what was hidden there is shown again."""
        self.select(fields, drawn=drawn)
        self.cells = []
        self.show_all()

    def show_all(self) -> None:
        """Hide nothing, as when other groups are shown."""
        self.hidden, self.hidden_fields = [], []
        self.revision += 1

    def select(self, fields: list[int], *, drawn: bool) -> None:
        """Take the fields chosen in the plot."""
        self.selected, self.is_drawn = fields, drawn and bool(fields)

    def hide(self, names: list[str], fields: list[int], *, drawn: bool) -> None:
        """Take the groups hidden in the plot, and their fields."""
        self.hidden, self.hidden_fields = names, fields
        self.is_drawn |= drawn and bool(fields)

    def facts(self) -> dict[str, Any]:
        """Return what is chosen, unless it is more than a file of works holds."""
        facts = {name: getattr(self, name) for name in _WRITTEN}
        numbers = len(self.selected) + len(self.hidden_fields) + len(self.cells)
        return facts if numbers < _MOST_WRITTEN else {}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """Return what was chosen; what is not of its type is left out."""
        fresh = cls()
        for name in _WRITTEN:
            if isinstance(facts.get(name), type(getattr(fresh, name))):
                setattr(fresh, name, facts[name])
        return fresh


_WRITTEN = ("recent", "shown", "selected", "hidden", "hidden_fields", "is_drawn", "cells", "look")
# Of seven letters each, they are half of what a file of works may hold.
_MOST_WRITTEN = 70_000
