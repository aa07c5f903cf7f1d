"""What one user does on the page Maps: the open measurement, the choices made and what was computed."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.errors import EllimapsError, ReadError
from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.comparison import match_clusters
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings
from ellimaps.objects.analysis import CellResult
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.pages.maps.loading import Source, segmented
from ellimaps.ui.pages.maps.looks import Look
from ellimaps.ui.pages.maps.written import made_facts, take_made
from ellimaps.ui.shared import written_works
from ellimaps.ui.shared.data_root import inside_root
from ellimaps.ui.shared.state import PageState

_LOG = logging.getLogger(__name__)
_LED_TO = "view_led_to"
# Here a segmentation can be made, and what is shown is of the one made last.
SEGMENTATION_VIEWS = ("Explore", "Fit", "Compare", "Export")


@dataclass(frozen=True)
class OfferedDatasets:
    """A folder with several data sets, of which the user has to choose one.

    Attributes
    ----------
    path : str
        The folder.
    shown : str
        What the user calls it.
    recent : str, optional
        How it can be opened again; an upload cannot.
    names : tuple of str
        Its data sets.
    """

    path: str
    shown: str
    recent: str | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class AskedColumns:
    """A file of spectra of which the user has to say what its columns are.

    Attributes
    ----------
    path : str
        The file.
    recent : str, optional
        How it can be opened again; an upload cannot.
    why : str
        What is not clear.
    """

    path: str
    recent: str | None
    why: str


@dataclass
class MapsState(PageState):
    """What the page keeps.

    Attributes
    ----------
    source : Source, optional
        The open measurement.
    opening : bool
        Whether the user is choosing another one.
    browsed : Path, optional
        The folder shown in the browser; the data root unless the user chose another.
    below : list of str
        Measurements found below a folder that is none itself.
    asked : str, optional
        Path of the measurement that is to be opened next.
    offered : OfferedDatasets, optional
        Data sets to choose from.
    question : AskedColumns, optional
        A file whose columns are to be named.
    recent : list of str
        Folders opened, newest first.
    uploads : list of TemporaryDirectory
        Folders of what was uploaded; gone with the work, after a day.
    settings : Settings
        The choices as the controls stand; ``k`` and ``refine`` belong to the segmentation shown.
    estimates : dict
        Estimates made, by their settings.
    kept : list of Settings
        Segmentations made of this measurement, oldest first.
    looks : dict
        Names and colors of each of them.
    current : Settings, optional
        The one that is shown.
    regions : list of Region
        Regions of interest that go into the export.
    drawn : Region, optional
        The region drawn last, until it is added to them.
    pixel : (int, int), optional
        The pixel (x, y) of the measured maps whose spectrum the view Data shows.
    film : FilmWork
        The film model and what was fitted with it.
    found : (CellSettings, CellResult), optional
        The objects shown last and how to find them, until others are found.
    shelf : dict
        What was made of measurements opened before, as it is written down, by path and data set.
    refused : str
        The folder that a link named last; it is opened once.
    """

    source: Source | None = None
    opening: bool = False
    asked: str | None = None
    browsed: Path | None = None
    below: list[str] = field(default_factory=list)
    offered: OfferedDatasets | None = None
    question: AskedColumns | None = None
    recent: list[str] = field(default_factory=lambda: written_works.read("recent").get("maps", []))
    uploads: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    estimates: dict[str, ClusterEstimate] = field(default_factory=dict)
    kept: list[Settings] = field(default_factory=list)
    looks: dict[Settings, Look] = field(default_factory=dict)
    current: Settings | None = None
    regions: list[Region] = field(default_factory=list)
    drawn: Region | None = None
    pixel: tuple[int, int] | None = None
    film: FilmWork = field(default_factory=FilmWork)
    found: tuple[CellSettings, CellResult] | None = None
    shelf: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: str = ""

    def facts(self) -> dict[str, Any]:
        """Return what was made of the last measurements, ready for JSON."""
        self._put_on_shelf()
        return {"open": _place(self.source) if self.source else None, "shelf": self.shelf}

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> MapsState:
        """Return the measurement that was open and what was made of it, where it still is as it was."""
        state = cls(shelf=dict(facts.get("shelf", {})))
        last = state.shelf.get(facts.get("open") or "")
        if last is not None:
            try:
                source = Source.of(inside_root(last["path"]), last["dataset"], last.get("columns", ""))
            except ReadError as error:
                state.message = str(error)
            else:
                state.open(source)
        return state

    def is_uploaded(self, path: str) -> bool:
        """Whether a measurement was uploaded, and goes with the work."""
        return any(path.startswith(folder.name) for folder in self.uploads)

    def _put_on_shelf(self) -> None:
        source = self.source
        if source is None or self.is_uploaded(source.path):
            return
        what = {name: getattr(source, name) for name in ("path", "dataset", "fingerprint", "columns")}
        others = {place: made for place, made in self.shelf.items() if place != _place(source)}
        # As many as one compares in a day.
        self.shelf = dict([*others.items(), (_place(source), {**what, "made": made_facts(self)})][-12:])

    def _take_from_shelf(self, source: Source) -> None:
        made = self.shelf.get(_place(source))
        if made is None:
            return
        if made["fingerprint"] != source.fingerprint:
            self.message = "The files of this measurement have changed: what was made of them is not shown."
            return
        try:
            take_made(self, made["made"])
        except (EllimapsError, KeyError, TypeError, ValueError):
            _LOG.exception("What was made of %s cannot be shown again", source.path)

    def columns_of(self, path: str) -> str:
        """Return what the columns of a file were said to be when it was open last; empty if not asked."""
        return str(self.shelf.get(f"{path}\n", {}).get("columns", ""))

    def ask(self, path: str) -> None:
        """Ask for a measurement to be opened, by its path as the user knows it."""
        self.asked, self.below = path, []

    def browse(self, folder: Path) -> None:
        """Show another folder in the browser."""
        self.browsed = folder

    def open(self, source: Source, recent: str | None = None) -> None:
        """Make a measurement the open one; unless it already is, forget what was computed of the last.

        Parameters
        ----------
        source : Source
            The measurement.
        recent : str, optional
            How the user can open it again.
        """
        self.opening, self.asked, self.offered, self.question, self.below = False, None, None, None, []
        if recent is not None:
            # As many as stand beside the folder browser without scrolling.
            self.recent = [recent, *(path for path in self.recent if path != recent)][:6]
            written_works.write("recent", {"maps": self.recent})
        if source == self.source:
            return
        if self.task is not None:
            self.task.job.stop()
        self._put_on_shelf()
        self.source, self.settings = source, Settings(dataset=source.dataset)
        self.task, self.message, self.estimates = None, "", {}
        self.kept, self.looks, self.current = [], {}, None
        self.regions, self.drawn, self.pixel = [], None, None
        self.film, self.found = self.film.renewed(), None
        st.session_state.pop("k", None)
        self._take_from_shelf(source)

    def keep_estimate(self, key: str, estimate: ClusterEstimate) -> None:
        """Keep an estimate, and take its suggestion as the number of clusters until the user changes it."""
        # A dozen is a morning's work on one measurement; each is a small table.
        self.estimates = dict([*self.estimates.items(), (key, estimate)][-12:])
        st.session_state["k"] = estimate.suggested_k

    def keep(self, settings: Settings) -> Segmentation:
        """Make a segmentation the one shown; clusters keep colors and names of those they overlap."""
        assert self.source is not None
        segmentation = segmented(self.source, settings)
        if settings not in self.looks:
            self.looks[settings] = self._look(segmentation)
        if self.current is not None and _frame(self.current) != _frame(settings):
            # Their coordinates are pixels of another cut of the maps.
            self.regions, self.drawn = [], None
            self.film.line, self.film.pixel = (), None
        if settings not in self.kept:
            # More make the list to choose from longer than a window.
            self.kept = [*self.kept, settings][-12:]
        self.looks = {one: look for one, look in self.looks.items() if one in self.kept}
        self.current = settings
        return segmentation

    def shown(self) -> Segmentation | None:
        """Return the segmentation shown, if there is one."""
        if self.source is None or self.current is None:
            return None
        return segmented(self.source, self.current)

    @property
    def look(self) -> Look:
        """Names and colors of the segmentation shown."""
        assert self.current is not None
        return self.looks[self.current]

    def rename(self, cluster: int, name: str) -> None:
        """Call a cluster of the segmentation shown something else; an empty name is its number."""
        assert self.current is not None
        names = list(self.look.names)
        names[cluster] = name.strip() or str(cluster)
        self.looks[self.current] = replace(self.look, names=tuple(names))

    def full_settings(self) -> Settings:
        """Return the settings of the segmentation shown with names and regions, as a recipe holds them."""
        assert self.current is not None
        default = tuple(str(number) for number in range(len(self.look.names)))
        names = () if self.look.names == default else self.look.names
        return replace(self.current, names=names, regions=tuple(self.regions))

    def _look(self, segmentation: Segmentation) -> Look:
        names = {number: str(number) for number in range(segmentation.k)}
        colors: dict[int, int] = {}
        last = self.shown()
        if last is not None and last.labels.shape == segmentation.labels.shape:
            for new, old in match_clusters(last, segmentation).items():
                colors[new] = self.look.colors[old]
                if self.look.names[old] != str(old):
                    names[new] = self.look.names[old]
        return Look(tuple(names.values()), matched_colors(colors, segmentation.k))


def matched_colors(colors: Mapping[int, int], k: int) -> tuple[int, ...]:
    """Return a color for each of ``k`` clusters: the given ones, for the others the first that are free."""
    free = (color for color in range(len(CLUSTER_COLORS)) if color not in colors.values())
    return tuple(colors[number] if number in colors else next(free) for number in range(k))


def _place(source: Source) -> str:
    return f"{source.path}\n{source.dataset or ''}"


def _frame(settings: Settings) -> tuple[Any, int]:
    return settings.roi, settings.binning


def go_to(tab: str) -> None:
    """Lead the user to another view; called before the views are shown."""
    st.session_state["view"] = st.session_state[_LED_TO] = tab


def heed_clicked_view() -> None:
    """Show the view that was clicked before the browser heard where it was led: there it was replaced."""
    led_to, view = st.session_state.get(_LED_TO), st.session_state.get("view")
    if led_to is not None and view not in (None, led_to):
        st.session_state["view"] = view
        del st.session_state[_LED_TO]
