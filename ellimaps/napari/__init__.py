"""What napari opens: measured maps as layers of Delta and Psi, and the label image of a segmentation.

napari finds it by ``napari.yaml``; nothing here needs napari itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

LayerData = tuple[Any, dict[str, Any], str]
"""Values, keywords and kind of a layer, as napari takes them."""


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[LayerData]] | None:
    """Return what opens a path, or None where it is nothing of ours; napari asks for every path."""
    # Imported here, as napari asks at every drop of anything.
    from ellimaps.napari import layers

    if not isinstance(path, str):
        return None
    if layers.holds_maps(path):
        return layers.map_layers
    return layers.label_layers if path.endswith(layers.LABELS) else None
