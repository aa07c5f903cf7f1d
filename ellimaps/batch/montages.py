"""A sheet of object crops per experiment, drawn again only where one of its images has changed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.batch.lock import STATE
from ellimaps.batch.store import Store
from ellimaps.batch.tree import Tree
from ellimaps.images.outlines import montage_png

MONTAGE = "montage.png"
MOST_CROPS = 144
"""A sheet of 12 x 12, which a screen shows whole."""


def write_montages(store: Store, tree: Tree, recipe: str, folder: Path) -> None:
    """Write ``qc/<folder>/montage.png`` for every folder whose images have crops.

    Parameters
    ----------
    store : Store
        Where the results lie.
    tree : Tree
        The images.
    recipe : str
        Hash of the choices.
    folder : Path
        Where what is drawn anew is staged.
    """
    groups = groupby(tree, key=lambda item: str(PurePosixPath(item.key).parent))
    for parent, items in groups:
        members = []
        for item in items:
            record = store.record(item.key)
            if record is None or record.recipe != recipe or record.reason:
                continue
            crops = [name for name in record.files if name.startswith(f"{STATE}/crops/")]
            if crops:
                members.append((crops[0], record.input))
        if members:
            _write(store, parent, members, recipe, folder)


def _write(store: Store, parent: str, members: list[tuple[str, str]], recipe: str, folder: Path) -> None:
    name = str(PurePosixPath("qc") / parent / MONTAGE)
    mark = str(PurePosixPath(STATE) / "montages" / parent / "drawn.txt")
    digest = hashlib.sha256(repr((recipe, members)).encode("utf-8", "replace")).hexdigest()
    if (store.out / name).is_file() and _read(store, mark) == digest:
        return
    sheet = montage_png(list(_chosen(store, [crops for crops, _ in members])))
    for written, content in ((name, sheet), (mark, digest.encode())):
        (folder / written).parent.mkdir(parents=True, exist_ok=True)
        (folder / written).write_bytes(content)


def _read(store: Store, name: str) -> str:
    try:
        return (store.out / name).read_text()
    except OSError:
        return ""


def _chosen(store: Store, names: list[str]) -> Iterator[NDArray[Any]]:
    """Yield crops, as many of each image as there is room for; of very many images, every so many-th."""
    names = names[:: -(-len(names) // MOST_CROPS)]
    each = max(1, MOST_CROPS // len(names))
    for name in names:
        yield from np.load(io.BytesIO((store.out / name).read_bytes()), allow_pickle=False)[:each]
