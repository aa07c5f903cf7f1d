"""What to think of a fit."""

from __future__ import annotations

from enum import IntEnum


class Flag(IntEnum):
    """What to think of a fit; only those that are ``OK`` are to be trusted."""

    NOT_FITTED = -1
    OK = 0
    AMBIGUOUS = 1
    """Another minimum fits about as well, or the data do not determine a parameter."""
    AT_BOUND = 2
    """A parameter ended at one of its bounds; no layer, a thickness of 0, is a result and no such bound."""
    POOR_FIT = 3
    """The model does not describe the data: the MSE is above the limit."""
    TOO_FEW_WAVELENGTHS = 4
    LACK_OF_FIT = 5
    """The model misses the data by more than their noise, if not by much: another model is needed."""

    @property
    def text(self) -> str:
        """The flag in words."""
        return self.name.lower().replace("_", " ")
