"""What one user's session holds: every key in one place, nothing shared between users."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.comparison import match_clusters
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings
from ellimaps.ui.pages.maps.fitting import FilmWork
from ellimaps.ui.pages.maps.loading import Source, segmented
from ellimaps.ui.shared.jobs import Job

MAX_KEPT = 12
MAX_ESTIMATES = 12
MAX_RECENT = 6
_KEY = "ellimaps"


@dataclass(frozen=True)
class Look:
    """How the clusters of one segmentation are called and coloured."""

    names: tuple[str, ...]
    colors: tuple[int, ...]

    @property
    def palette(self) -> list[str]:
        """One colour (#rrggbb) per cluster."""
        return [CLUSTER_COLORS[color] for color in self.colors]

    @property
    def titles(self) -> list[str]:
        """Names that tell the clusters apart: where two are called the same, their numbers are added."""
        counts = Counter(self.names)
        return [f"{name} ({n})" if counts[name] > 1 else name for n, name in enumerate(self.names)]


@dataclass
class Task:
    """Work in the background, and what is done with its result."""

    what: str
    job: Job[Any]
    finish: Callable[[Any], None]


@dataclass
class Session:
    """The open measurement, the choices made and what was computed.

    Attributes
    ----------
    source : Source, optional
        The open measurement.
    opening : bool
        Whether the user is choosing another one.
    settings : Settings
        The choices as the controls stand; ``k`` and ``refine`` belong to the segmentation shown.
    task : Task, optional
        The work in the background.
    message : str
        Why the last work in the background gave no result.
    estimates : dict
        Estimates made, by their settings.
    kept : list of Settings
        Segmentations made of this measurement, oldest first.
    looks : dict
        Names and colours of each of them.
    regions : list of Region
        Regions of interest that go into the export.
    drawn : Region, optional
        The region drawn last, until it is added to them.
    film : FilmWork
        The film model and what was fitted with it.
    recent : list of str
        Folders opened, newest first.
    memory : dict
        Values of widgets, which Streamlit forgets when they are not shown.
    """

    source: Source | None = None
    opening: bool = False
    settings: Settings = field(default_factory=Settings)
    task: Task | None = None
    message: str = ""
    estimates: dict[str, ClusterEstimate] = field(default_factory=dict)
    kept: list[Settings] = field(default_factory=list)
    looks: dict[Settings, Look] = field(default_factory=dict)
    current: Settings | None = None
    regions: list[Region] = field(default_factory=list)
    drawn: Region | None = None
    film: FilmWork = field(default_factory=FilmWork)
    recent: list[str] = field(default_factory=list)
    uploads: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)

    def open(self, source: Source, recent: str | None = None) -> None:
        """Make a measurement the open one; unless it already is, forget what was computed of the last.

        Parameters
        ----------
        source : Source
            The measurement.
        recent : str, optional
            How the user can open it again.
        """
        self.opening = False
        if recent is not None:
            self.recent = [recent, *(path for path in self.recent if path != recent)][:MAX_RECENT]
        if source == self.source:
            return
        if self.task is not None:
            self.task.job.stop()
        self.source, self.settings = source, Settings(dataset=source.dataset)
        self.task, self.message, self.estimates = None, "", {}
        self.kept, self.looks, self.current = [], {}, None
        self.regions, self.drawn = [], None
        self.film = self.film.renewed()
        self.memory.pop("k", None)
        st.session_state.pop("k", None)

    def keep_estimate(self, key: str, estimate: ClusterEstimate) -> None:
        """Keep an estimate, and take its suggestion as the number of clusters until the user changes it."""
        self.estimates[key] = estimate
        while len(self.estimates) > MAX_ESTIMATES:
            del self.estimates[next(iter(self.estimates))]
        set_value(self, "k", estimate.suggested_k)

    def keep(self, settings: Settings) -> Segmentation:
        """Make a segmentation the one shown; clusters keep colours and names of those they overlap."""
        assert self.source is not None
        segmentation = segmented(self.source, settings)
        if settings not in self.looks:
            self.looks[settings] = self._look(segmentation)
        if self.current is not None and _frame(self.current) != _frame(settings):
            # Their coordinates are pixels of another cut of the maps.
            self.regions, self.drawn = [], None
            self.film.line = ()
        if settings not in self.kept:
            self.kept = [*self.kept, settings][-MAX_KEPT:]
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
        """Names and colours of the segmentation shown."""
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
        free = (color for color in range(len(CLUSTER_COLORS)) if color not in colors.values())
        for number in range(segmentation.k):
            if number not in colors:
                colors[number] = next(free)
        order = range(segmentation.k)
        return Look(tuple(names[n] for n in order), tuple(colors[n] for n in order))


def _frame(settings: Settings) -> tuple[Any, int]:
    return settings.roi, settings.binning


def session() -> Session:
    """Return this user's session, made at the first call."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Session()
    found: Session = st.session_state[_KEY]
    return found


def go_to(view: str) -> None:
    """Show another view of the page from the next run on."""
    session().memory["go_to"] = view


def take_view() -> None:
    """Move the view control to where `go_to` asked; called before the control is shown."""
    if (view := session().memory.pop("go_to", None)) is not None:
        st.session_state["view"] = view


def set_value(state: Session, key: str, value: Any) -> None:
    """Change the value of a remembered widget, which must not have been shown yet in this run."""
    state.memory[key] = value
    st.session_state.pop(key, None)


def remembered(
    widget: Callable[..., Any], label: str, *args: Any, key: str, default: Any, **kwargs: Any
) -> Any:
    """Show a widget whose value survives while it is not shown.

    Where the remembered value is not among ``options`` any more, the default is taken.
    """
    memory = session().memory
    options = kwargs.get("options", args[0] if args and isinstance(args[0], list | range) else None)
    if key not in st.session_state or (options is not None and not _allowed(st.session_state[key], options)):
        value = memory.get(key, default)
        st.session_state[key] = value if options is None or _allowed(value, options) else default
    memory[key] = widget(label, *args, key=key, **kwargs)
    return memory[key]


def _allowed(value: Any, options: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(one in options for one in values)
