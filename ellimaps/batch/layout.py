"""What a tree holds and how deep: the pattern that fits it need not be typed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ellimaps.batch.marks import IMAGE_ENDINGS, TABLE_ENDING, is_result
from ellimaps.batch.tree import LEVELS
from ellimaps.readers.ome_zarr import is_zarr


@dataclass(frozen=True)
class TreeLayout:
    """How many inputs lie how deep below a root: 1 is in the root itself.

    Attributes
    ----------
    images : Counter of int
        Image files and Zarr stores by depth.
    folders : Counter of int
        Folders with images or tables of maps by depth; the root itself is 0.
    has_maps : bool
        Whether a table of ellipsometric maps is among them.
    """

    images: Counter[int]
    folders: Counter[int]
    has_maps: bool

    def pattern(self, *, folders: bool) -> str | None:
        """Return the pattern of the commonest depth; None where every folder is taken as it comes.

        Folders of different depths are all taken, each called by its path.
        """
        depths = self.folders if folders else self.images
        if not depths or (folders and (len(depths) > 1 or 0 in depths)):
            return None
        depth = depths.most_common(1)[0][0]
        beyond = [f"{{level {number + 1}}}" for number in range(depth - len(LEVELS))]
        known = [f"{{{level.lower()}}}" for level in LEVELS[-depth:]]
        return "/".join(beyond + known)


def layout_of(root: Path) -> TreeLayout:
    """Look at every folder below a root that is not hidden and holds no results."""
    images: Counter[int] = Counter()
    folders: Counter[int] = Counter()
    has_maps = False
    for path, below, names in os.walk(root):
        if is_result(Path(path), {*below, *names}):
            below.clear()
            continue
        depth = len(Path(path).relative_to(root).parts)
        if is_zarr(Path(path)):
            images[depth] += 1
            below.clear()
            continue
        below[:] = [name for name in below if not name.startswith(".")]
        shown = [name.casefold() for name in names if not name.startswith(".")]
        n_images = sum(name.endswith(IMAGE_ENDINGS) for name in shown)
        has_tables = any(name.endswith(TABLE_ENDING) for name in shown)
        # Counts of zero would stand for depths that are not there.
        images += Counter({depth + 1: n_images})
        folders += Counter({depth: int(bool(n_images) or has_tables)})
        has_maps = has_maps or has_tables
    return TreeLayout(images, folders, has_maps)
