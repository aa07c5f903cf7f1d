"""``ellimaps export``: an image in a format that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ellimaps.cli.options import Json, PathArgument
from ellimaps.cli.output import print_files, print_json, progress_on_stderr
from ellimaps.core.errors import SettingError

ZarrVersion = Annotated[
    Literal["0.4", "0.5"], typer.Option("--ome-zarr", help="Version of OME-Zarr to write.")
]


def command(
    path: PathArgument,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="NAME.ome.zarr, .ome.tif or .nxs.", show_default=False),
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
    facts: Annotated[
        Path | None, typer.Option("--facts", help="TOML of what NeXus asks for and only you know.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="Folder of ellimaps segment and fit, to go into the NeXus file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an image as OME-Zarr or OME-TIFF, or maps and their results as NeXus, bit for bit.

    Example: ellimaps export data_example/terraces results/terraces.ome.tif
    """
    from ellimaps.maps.nexus import export_nexus
    from ellimaps.writers.images import export_image

    is_nexus = out.suffix.lower() == ".nxs"
    for_images, for_nexus = {"--scene": scene, "--labels": labels}, {"--facts": facts, "--results": results}
    for option, value in (for_images if is_nexus else for_nexus).items():
        if value is not None:
            raise SettingError(f"{option} does not go with {out.name}: leave it out.")
    with progress_on_stderr() as on_progress:
        if is_nexus:
            untold = export_nexus(
                path, out, dataset=dataset, facts=facts, results=results, on_progress=on_progress
            )
            _tell_nexus(out, untold, as_json=as_json)
            return
        export_image(
            path, out, dataset=dataset, scene=scene, labels=labels, version=version, on_progress=on_progress
        )
    tell(out, as_json=as_json)


def _tell_nexus(out: Path, untold: list[str], *, as_json: bool) -> None:
    from ellimaps.writers.nexus_facts import ASKED

    if as_json:
        print_json({"files": [str(out)], "left_empty": untold})
        return
    print_files([out])
    if untold:
        print("left empty, as only you know them (tell them with --facts FILE.toml)")
        for field in untold:
            print(f"  {field}{' (required)' if ASKED[field].is_required else ''}")


def tell(written: Path, *, as_json: bool) -> None:
    """Print what was written."""
    if as_json:
        print_json({"files": [str(written)]})
    else:
        print_files([written])
