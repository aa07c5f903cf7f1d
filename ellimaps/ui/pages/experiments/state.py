"""What one user does on the page Experiments: the folder shown, and the run that is going on."""

from __future__ import annotations

from dataclasses import dataclass

from ellimaps.ui.shared.state import PageState


@dataclass
class ExperimentsState(PageState):
    """What the page keeps; its choices are controls, and these are written down."""
