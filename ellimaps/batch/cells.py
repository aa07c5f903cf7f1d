"""Objects of image files as work of a batch: each scene, time point and focal plane is an image."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.batch.time_limit import TIME_LIMIT_S
from ellimaps.batch.tree import Item, Tree, content_hash
from ellimaps.batch.work import CROPS, LABELS, OVERLAY, REGIONS, TABLE, Output, kinds_of, with_numbers
from ellimaps.core.errors import ReadError
from ellimaps.core.files import program_csv_bytes
from ellimaps.core.provenance import sha256
from ellimaps.core.stack import ImageStack
from ellimaps.deep.segmenters import Segmenter
from ellimaps.objects.analysis import CellResult, analyse_planes, channel_of, measure_stack, searched_radius
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.column_names import Names, renamed
from ellimaps.readers import PlaneNumber, open_planes
from ellimaps.readers.ome_zarr import store_of
from ellimaps.regions.areas import Area, areas_of
from ellimaps.regions.label_file import read_objects
from ellimaps.regions.label_image import PackedLabels, label_tiff
from ellimaps.regions.outline_files import OutlineFormat, outline_files

CROPS_PER_IMAGE = 12
"""What is kept for a sheet of an experiment: twelve images fill one (`ellimaps.batch.montages`)."""

_LEAD = {"x": "X", "y": "Y", "radius": "R", "mean_intensity": "Mean Intensity"}
_CALLED = {"circles": "Circle", "nuclei": "Nucleus"}
# As ellimaps, CellProfiler, Cellpose, ImageJ and QuPath name what belongs to an image.
_MASK_NAMES = tuple(
    f"{ending}{suffix}"
    for ending, suffixes in (
        *(
            (ending, (".tif", ".tiff", ".ome.tif", ".png"))
            for ending in ("", "_labels", "_masks", "_cp_masks")
        ),
        ("", ("_RoiSet.zip", "_rois.zip", ".zip", ".roi", ".geojson")),
    )
    for suffix in suffixes
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
    outlines : tuple of OutlineFormat
        Which files of outlines every image gets beside its label image.
    """

    settings: CellSettings = field(default_factory=CellSettings)
    names: Names = "skimage"
    time_limit_s: float = TIME_LIMIT_S
    outlines: tuple[OutlineFormat, ...] = ()

    @property
    def lead(self) -> tuple[str, ...]:
        """The columns every table begins with; objects are called what they are."""
        return (_CALLED[self.settings.kind], *_LEAD.values())

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"cells": asdict(self.settings), "names": self.names, "outlines": self.outlines}

    def recipe(self) -> str:
        """Return it as the text of a recipe."""
        # Reads what this module declares.
        from ellimaps.batch.cell_recipe import cells_recipe

        return cells_recipe(self)

    def __call__(self, path: str) -> Output:
        """Return a file's objects, overlays, label images and some crops."""
        found = analyse_planes(path, self.settings)
        return _output([_packed(number, result, self) for number, result in found], self)


@dataclass(frozen=True)
class LabelledWork(CellWork):
    """Measure the objects that label images name as `CellWork` measures those it finds; see `MaskedItem`.

    What it found gives the same tables again, byte by byte.
    """

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"labelled": True, **super().facts()}

    def recipe(self) -> str:
        """Return nothing: no recipe names label images."""
        return ""

    def __call__(self, path: str) -> Output:
        """Return a file's objects, overlays, label images and some crops."""
        image, masks = _masks_given(path)
        pages = [
            _packed(number, measure_stack(stack, labels, self.settings, searched), self)
            for number, stack, labels in _labelled(image, masks, self.settings)
            for searched in [searched_radius(stack, self.settings)]
        ]
        output = _output(pages, self)
        return replace(output, inputs=output.inputs | _digests(masks))


@dataclass(frozen=True)
class NetworkWork(CellWork):
    """Measure the objects that a network finds in the channel of detection.

    Attributes
    ----------
    segmenter : Segmenter
        The network.
    """

    segmenter: Segmenter = field(kw_only=True)

    @property
    def lead(self) -> tuple[str, ...]:
        """The columns every table begins with; a network does not say what its objects are."""
        return MaskWork.lead

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"network": self.segmenter.facts(), **super().facts()}

    def recipe(self) -> str:
        """Return nothing: no recipe names weights."""
        return ""

    def __call__(self, path: str) -> Output:
        """Return a file's objects, overlays, label images and some crops."""
        chosen = self.settings
        pages = []
        for number, stack in open_planes(path, z=chosen.z, t=chosen.t, scene=chosen.scene):
            labels = self.segmenter.find(channel_of(stack, chosen.channel))
            pages.append(_packed(number, measure_stack(stack, labels, chosen), self))
        return _output(pages, self)


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
        image, masks = _masks_given(path)
        pages = [
            _packed(number, measure_stack(stack, labels, self.settings), self)
            for number, stack, labels in _labelled(image, masks, self.settings)
        ]
        output = _output(pages, self)
        files = {role: content for role, content in output.files.items() if not role.startswith(LABELS)}
        return replace(output, files=files, inputs=output.inputs | _digests(masks))


def _masks_given(path: str) -> tuple[Path, list[Path]]:
    """Return the image and the masks that a `MaskedItem` names."""
    image, masks = json.loads(path)
    if not masks:
        raise ReadError(
            f"{Path(image).name} has no label image at the same place: name it alike, as TIFF, PNG, "
            "RoiSet.zip or GeoJSON."
        )
    return Path(image), [Path(mask) for mask in masks]


def _labelled(
    image: Path, masks: Sequence[Path], settings: CellSettings
) -> Iterator[tuple[PlaneNumber, ImageStack, NDArray[np.int32]]]:
    """Yield the planes of an image with their labels."""
    for number, stack in open_planes(image, z=settings.z, t=settings.t, scene=settings.scene):
        t, z = (place if isinstance(place, int) else 0 for place in (number.t, number.z))
        yield number, stack, read_objects(masks[min(number.scene, len(masks) - 1)], stack.shape, t, z)


def _digests(masks: Sequence[Path]) -> dict[str, str]:
    return {mask.name: sha256(mask) for mask in masks}


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
    """The images below a root, each with the label images of the same path below another folder.

    Attributes
    ----------
    masks : Path
        That folder, or the label image of the only image.
    """

    masks: Path = Path()

    def __iter__(self) -> Iterator[Item]:
        for item in super().__iter__():
            yield MaskedItem(item.key, item.path, item.fields, tuple(self._masks_of(item)))

    def _masks_of(self, item: Item) -> list[Path]:
        if self.masks.is_file():
            return [self.masks]
        at = self.masks / store_of(item.path).relative_to(self.root).parent
        return _masks_called(at, Path(item.key).name)


def masked_tree(tree: Tree, masks: Path) -> MaskedTree:
    """Return the images of a tree with their label images.

    Parameters
    ----------
    tree : Tree
        The images.
    masks : Path
        A folder with label images at the same places, or one of them where there is one image.

    Raises
    ------
    ReadError
        If there is no such folder or file, or a file for several images.
    """
    if not masks.exists():
        raise ReadError(
            f"{masks} does not exist: give the folder that holds the label images, or one of them."
        )
    if masks.is_file() and (count := sum(1 for _ in tree)) > 1:
        raise ReadError(
            f"{masks} is one label image for {count:,} images: give the folder that holds theirs."
        )
    return MaskedTree(tree.root, tree.pattern, without=tree.without, masks=masks.resolve())


def _masks_called(folder: Path, stem: str) -> list[Path]:
    """Return the label image of a name, or those of its scenes in order."""
    alone = [folder / f"{stem}{ending}" for ending in _MASK_NAMES]
    if found := [path for path in alone if path.is_file()]:
        return found[:1]
    scenes: list[Path] = []
    while found := [
        path
        for ending in (".tif", "_RoiSet.zip", ".geojson")
        if (path := folder / f"{stem}_s{len(scenes)}{ending}").is_file()
    ]:
        scenes.append(found[0])
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
    pixel_aspect: float
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
        pixel_aspect=result.pixel_aspect,
        inputs=result.inputs,
    )


def _output(pages: list[_Page], work: CellWork | MaskWork) -> Output:
    """Return the images of a file as one output: one table, an overlay each, labels and regions by scene."""
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
        which = f"_s{scene}" if varying[0] else ""
        pixel = members[0].pixel_size_um, members[0].pixel_aspect
        files[f"{LABELS}{which}"] = label_tiff(list(by_time.values()), *pixel)
        if isinstance(work, CellWork) and work.outlines:
            areas = [area for page in members for area in _areas(page, alone=len(members) == 1)]
            files |= outline_files(f"{REGIONS}{which}", areas, work.outlines, "detection", work.lead[0])
    flags = "; ".join(dict.fromkeys(page.facts["flags"] for page in pages if page.facts["flags"]))
    inputs = {name: digest for page in pages for name, digest in page.inputs.items()}
    return Output(files, {"objects": len(table), "flags": flags}, inputs, kinds_of(table), tuple(images))


def _areas(page: _Page, *, alone: bool) -> list[Area]:
    """Return the objects of an image as outlines; of the only one of its file they belong to no plane."""
    t, z = (place if isinstance(place, int) and not alone else None for place in page.number[1:])
    return areas_of(page.labels.whole(), t, z)
