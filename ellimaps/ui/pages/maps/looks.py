"""How clusters are called and colored on the page Maps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ellimaps.core.colors import CLUSTER_COLORS


@dataclass(frozen=True)
class Look:
    """How the clusters of one segmentation are called and colored."""

    names: tuple[str, ...]
    colors: tuple[int, ...]

    @property
    def palette(self) -> list[str]:
        """One color (#rrggbb) per cluster."""
        return [CLUSTER_COLORS[color] for color in self.colors]

    @property
    def titles(self) -> list[str]:
        """Names that tell the clusters apart: where two are called the same, their numbers are added."""
        counts = Counter(self.names)
        return [f"{name} ({n})" if counts[name] > 1 else name for n, name in enumerate(self.names)]
