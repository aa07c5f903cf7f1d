"""What one user's session holds: every key in one place, nothing shared between users."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from ellimaps.comparison import match_clusters
from ellimaps.estimation import ClusterEstimate
from ellimaps.pipeline import Settings
from ellimaps.plots import CLUSTER_COLORS
from ellimaps.regions import Region
from ellimaps.segmentation import Segmentation
from ellimaps.ui.jobs import Job
from ellimaps.ui.loading import Source, segmented

MAX_KEPT = 8
MAX_RECENT = 8
_KEY = "ellimaps"


@dataclass
class Look:
    """How the clusters of one segmentation are called and coloured."""

    names: tuple[str, ...]
    colors: tuple[int, ...]

    @property
    def palette(self) -> list[str]:
        """One colour (#rrggbb) per cluster."""
        return [CLUSTER_COLORS[color] for color in self.colors]


@dataclass
class Session:
    """The open measurement, the choices made and what was computed.

    Attributes
    ----------
    source : Source, optional
        The open measurement.
    settings : Settings
        The choices as the controls stand; ``k`` and ``refine`` belong to the segmentation shown.
    estimates : dict
        Estimates made, by their settings.
    kept : list of Settings
        Segmentations made of this measurement, oldest first.
    looks : dict
        Names and colours of each of them.
    regions : list of Region
        Regions of interest that go into the export.
    recent : list of str
        Folders opened, newest first.
    memory : dict
        Values of widgets, which Streamlit forgets when they are not shown.
    """

    source: Source | None = None
    settings: Settings = field(default_factory=Settings)
    job: Job[ClusterEstimate] | None = None
    job_key: str = ""
    estimates: dict[str, ClusterEstimate] = field(default_factory=dict)
    kept: list[Settings] = field(default_factory=list)
    looks: dict[Settings, Look] = field(default_factory=dict)
    current: Settings | None = None
    regions: list[Region] = field(default_factory=list)
    recent: list[str] = field(default_factory=list)
    uploads: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)

    def open(self, source: Source, shown_path: str) -> None:
        """Make another measurement the open one and forget what was computed of the last."""
        if self.job is not None:
            self.job.stop()
        self.source, self.settings = source, Settings(dataset=source.dataset)
        self.job, self.estimates, self.kept, self.looks, self.regions = None, {}, [], {}, []
        self.current = None
        self.recent = [shown_path, *(path for path in self.recent if path != shown_path)][:MAX_RECENT]

    def keep(self, settings: Settings) -> Segmentation:
        """Make a segmentation the one shown; clusters keep colours and names of those they overlap."""
        assert self.source is not None
        segmentation = segmented(self.source, settings)
        if settings not in self.looks:
            self.looks[settings] = self._look(segmentation)
        self.kept = [*(one for one in self.kept if one != settings), settings][-MAX_KEPT:]
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
