"""``ellimaps export``: an image in a format that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ellimaps.cli.options import Json, PathArgument
from ellimaps.cli.output import print_files, print_json, progress_on_stderr

ZarrVersion = Annotated[
    Literal["0.4", "0.5"], typer.Option("--ome-zarr", help="Version of OME-Zarr to write.")
]


def command(
    path: PathArgument,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="NAME.ome.zarr or NAME.ome.tif.", show_default=False),
    ],
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Which data set, where the folder holds several.")
    ] = None,
    scene: Annotated[
        int | None, typer.Option("--scene", help="Which image of an OME-TIFF with several, from 0.", min=0)
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="A label image that an OME-Zarr takes along, as NAME_labels.tif."),
    ] = None,
    version: ZarrVersion = "0.5",
    as_json: Json = False,
) -> None:
    """Write all planes of an image as OME-Zarr or OME-TIFF, bit for bit.

    Example: ellimaps export data_example/terraces results/terraces.ome.tif
    """
    from ellimaps.writers.images import export_image

    with progress_on_stderr() as on_progress:
        written = export_image(
            path, out, dataset=dataset, scene=scene, labels=labels, version=version, on_progress=on_progress
        )
    tell(written, as_json=as_json)


def tell(written: Path, *, as_json: bool) -> None:
    """Print what was written."""
    if as_json:
        print_json({"files": [str(written)]})
    else:
        print_files([written])
