"""Options that several commands share, spelled the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PathArgument = Annotated[
    Path,
    typer.Argument(help="An EP4 folder or its .ds.dat, a TIFF, or a folder of images.", show_default=False),
]
OutFolder = Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)]
ResultFolder = Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)]
WorkingSet = Annotated[
    float | None,
    typer.Option(
        "--working-set",
        help="Memory to work in, in GB (default: 4); values of larger stacks go to a temporary file.",
        metavar="GB",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Radius = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--radius",
        help="Smallest and largest radius in pixels (default: circles 10 60, nuclei from each image).",
        metavar="MIN MAX",
    ),
]
ObjectKind = Annotated[
    str | None, typer.Option("--kind", help="circles (default) for round objects, nuclei for any shape.")
]
AcquisitionRoot = Annotated[
    Path, typer.Argument(metavar="ROOT", help="Folder of the acquisitions.", show_default=False)
]
AcquisitionPattern = Annotated[
    str | None,
    typer.Option("--pattern", help="How paths below ROOT are read, as {date}/{subject}/{experiment}/{fov}."),
]
ClusterLabels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="Take these clusters and find none: a label image (0 no data, else cluster + 1), RoiSet.zip or "
        "GeoJSON.",
        show_default=False,
    ),
]
Outlines = Annotated[
    list[str] | None,
    typer.Option(
        "--outlines",
        help="Write regions as geojson (QuPath) or roiset (ImageJ, Fiji) too; may be repeated.",
        metavar="FORMAT",
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", help="Local processes (default: one per processor).", min=1)
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        help="Seconds an image may take before it is ended and listed as failed (default: 1800).",
        metavar="S",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="An existing Dask cluster, as tcp://host:8786.", metavar="ADDRESS"),
]
NetworkWeights = Annotated[
    Path | None, typer.Option("--weights", help="File of the network's weights (default: the caches).")
]
AcquisitionLog = Annotated[
    str | None,
    typer.Option(
        "--sensors",
        help="A sensor log (file, folder or URL): was the temperature stable meanwhile?",
        metavar="LOG",
        show_default=False,
    ),
]
AcquisitionSensor = Annotated[
    str | None,
    typer.Option(
        "--sensor",
        help="Which sensor of the log: its name, its source, or SOURCE/NAME (default: every temperature).",
    ),
]
