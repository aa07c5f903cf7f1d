"""Objects of image files as work of a batch: each scene, time point and focal plane is an image."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.batch.time_limit import TIME_LIMIT_S
from ellimaps.batch.tree import Item, Tree, content_hash
from ellimaps.batch.work import CROPS, LABELS, OVERLAY, TABLE, Output, kinds_of, with_numbers
from ellimaps.core.errors import ReadError
from ellimaps.core.files import program_csv_bytes
from ellimaps.core.provenance import sha256
from ellimaps.objects.analysis import CellResult, analyse_planes, measure_stack
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.column_names import Names, renamed
from ellimaps.readers import PlaneNumber, open_planes
from ellimaps.regions.label_file import check_objects, read_labels
from ellimaps.regions.label_image import PackedLabels, label_tiff

CROPS_PER_IMAGE = 12
"""What is kept for a sheet of an experiment: twelve images fill one (`ellimaps.batch.montages`)."""

_LEAD = {"x": "X", "y": "Y", "radius": "R", "mean_intensity": "Mean Intensity"}
_CALLED = {"circles": "Circle", "nuclei": "Nucleus"}
_MASK_NAMES = tuple(
    f"{ending}{suffix}"
    for ending in ("", "_labels", "_masks")
    for suffix in (".tif", ".tiff", ".ome.tif", ".png")
)


@dataclass(frozen=True)
class CellWork:
    """Find and measure objects.

    Attributes
    ----------
    settings : CellSettings
        The choices.
    names : {"skimage", "cellprofiler"}
        What the measures are called.
    time_limit_s : float
        How long a file may take.
    """

    settings: CellSettings = field(default_factory=CellSettings)
    names: Names = "skimage"
    time_limit_s: float = TIME_LIMIT_S

    @property
    def lead(self) -> tuple[str, ...]:
        """The columns every table begins with; objects are called what they are."""
        return (_CALLED[self.settings.kind], *_LEAD.values())

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"cells": asdict(self.settings), "names": self.names}

    def recipe(self) -> str:
        """Return it as the text of a recipe."""
        # Reads what this module declares.
        from ellimaps.batch.cell_recipe import cells_recipe

        return cells_recipe(self)

    def __call__(self, path: str) -> Output:
        """Return a file's objects, overlays, label images and some crops."""
        found = analyse_planes(path, self.settings)
        return _output([_packed(number, result, self) for number, result in found])


@dataclass(frozen=True)
class MaskWork:
    """Measure the objects that label images name; given an image and its masks as JSON, see `MaskedItem`.

    Attributes
    ----------
    settings : CellSettings
        The choices; what finds objects does not matter.
    names : {"skimage", "cellprofiler"}
        What the measures are called.
    time_limit_s : float
        How long a file may take.
    """

    settings: CellSettings = field(default_factory=CellSettings)
    names: Names = "skimage"
    time_limit_s: float = TIME_LIMIT_S
    lead: ClassVar[tuple[str, ...]] = ("Object", *_LEAD.values())

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"masks": asdict(self.settings), "names": self.names}

    def recipe(self) -> str:
        """Return nothing: no recipe names label images."""
        return ""

    def __call__(self, path: str) -> Output:
        """Return a file's objects, overlays and some crops."""
        image, masks = json.loads(path)
        if not masks:
            raise ReadError(
                f"{Path(image).name} has no label image at the same place: name it alike, as TIFF or PNG."
            )
        pages = [_packed(number, one, self) for number, one in self._measured(image, masks)]
        output = _output(pages)
        files = {role: content for role, content in output.files.items() if not role.startswith(LABELS)}
        digests = {Path(mask).name: sha256(Path(mask)) for mask in masks}
        return Output(files, output.facts, output.inputs | digests, output.columns, output.images)

    def _measured(self, image: str, masks: list[str]) -> Iterator[tuple[PlaneNumber, CellResult]]:
        chosen = self.settings
        for number, stack in open_planes(image, z=chosen.z, t=chosen.t, scene=chosen.scene):
            mask = Path(masks[min(number.scene, len(masks) - 1)])
            t, z = (place if isinstance(place, int) else 0 for place in (number.t, number.z))
            labels = read_labels(mask, stack.shape, t, z)
            check_objects(labels, mask.name)
            yield number, measure_stack(stack, labels, chosen)


@dataclass(frozen=True)
class MaskedItem(Item):
    """An image with its label images, one per scene."""

    masks: tuple[Path, ...] = ()

    @property
    def argument(self) -> str:
        """What a worker is given."""
        return json.dumps([str(self.path), [str(mask) for mask in self.masks]])

    def content(self) -> tuple[str, dict[str, str]]:
        """Return a hash of image and masks, and the SHA-256 of each by name."""
        digests = [content_hash(path) for path in (self.path, *self.masks)]
        files = {name: digest for _, one in digests for name, digest in one.items()}
        return " ".join(digest for digest, _ in digests), files


@dataclass(frozen=True)
class MaskedTree(Tree):
    """The images below a root, each with the label images of the same path below another folder."""

    masks: Path = Path()

    def __iter__(self) -> Iterator[Item]:
        for item in super().__iter__():
            at = self.masks / Path(item.path).relative_to(self.root).parent
            stem = Path(item.key).name
            yield MaskedItem(item.key, item.path, item.fields, tuple(_masks_of(at, stem)))


def _masks_of(folder: Path, stem: str) -> list[Path]:
    """Return the label image of a name, or those of its scenes in order."""
    alone = [folder / f"{stem}{ending}" for ending in _MASK_NAMES]
    if found := [path for path in alone if path.is_file()]:
        return found[:1]
    scenes: list[Path] = []
    while (path := folder / f"{stem}_s{len(scenes)}.tif").is_file():
        scenes.append(path)
    return scenes


@dataclass(frozen=True)
class _Page:
    """What one image of a file gave, small enough to keep until the last one is done."""

    number: PlaneNumber
    table: pd.DataFrame
    facts: dict[str, Any]
    overlay: bytes
    crops: NDArray[np.uint8]
    labels: PackedLabels
    pixel_size_um: float | None
    inputs: dict[str, str]


def object_table(number: PlaneNumber, result: CellResult, work: CellWork | MaskWork) -> pd.DataFrame:
    """Return the objects of an image as the tables of a batch have them."""
    lead = list(work.lead)
    table = result.table.rename(columns=dict(zip(("object", *_LEAD), lead, strict=True)))
    rest = renamed(table.drop(columns=lead), result.channels, work.names)
    return pd.concat([table[lead].assign(**_where(number)), with_numbers(rest)], axis=1)


def _where(number: PlaneNumber) -> dict[str, int | str]:
    return dict(zip(("Scene", "T", "Z"), number, strict=True))


def _packed(number: PlaneNumber, result: CellResult, work: CellWork | MaskWork) -> _Page:
    quality = {key: value for key, value in result.quality.row().items() if key != "count"}
    facts = {
        **_where(number),
        "objects": len(result.table),
        **quality,
        "warnings": "; ".join(result.warnings),
    }
    return _Page(
        number=number,
        table=object_table(number, result, work),
        facts=facts,
        overlay=result.overlay,
        crops=result.crops[:CROPS_PER_IMAGE],
        labels=PackedLabels.of(result.labels),
        pixel_size_um=result.pixel_size_um,
        inputs=result.inputs,
    )


def _output(pages: list[_Page]) -> Output:
    """Return the images of a file as one output: one table, an overlay each, label images by scene."""
    table = pd.concat([page.table for page in pages], ignore_index=True)
    crops = io.BytesIO()
    np.save(crops, np.concatenate([page.crops for page in pages])[:CROPS_PER_IMAGE], allow_pickle=False)
    files = {TABLE: program_csv_bytes(table), CROPS: crops.getvalue()}
    varying = [len({page.number[axis] for page in pages}) > 1 for axis in range(3)]
    scenes: dict[int, list[_Page]] = {}
    images = []
    for page in pages:
        suffix = "".join(
            f"_{letter}{place}"
            for letter, place, varies in zip("stz", page.number, varying, strict=True)
            if varies
        )
        files[f"{OVERLAY}{suffix}"] = page.overlay
        scenes.setdefault(page.number.scene, []).append(page)
        images.append(page.facts | {"suffix": suffix})
    for scene, members in scenes.items():
        by_time: dict[int | str, list[PackedLabels]] = {}
        for page in members:
            by_time.setdefault(page.number.t, []).append(page.labels)
        name = f"{LABELS}_s{scene}" if varying[0] else LABELS
        files[name] = label_tiff(list(by_time.values()), members[0].pixel_size_um)
    flags = "; ".join(dict.fromkeys(page.facts["flags"] for page in pages if page.facts["flags"]))
    inputs = {name: digest for page in pages for name, digest in page.inputs.items()}
    return Output(files, {"objects": len(table), "flags": flags}, inputs, kinds_of(table), tuple(images))
