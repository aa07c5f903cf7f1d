"""Options that several commands share, spelled the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PathArgument = Annotated[
    Path, typer.Argument(help="An EP4 folder, its .ds.dat or one of its PNGs.", show_default=False)
]
Dataset = Annotated[
    str | None, typer.Option("--dataset", help="Which data set, where the folder holds several.")
]
Features = Annotated[
    str | None,
    typer.Option(
        "--features", help="What is clustered: raw, standard or ncs (default: ncs for Delta and Psi)."
    ),
]
Gaps = Annotated[
    str, typer.Option("--gaps", help="Gaps wider than the 9 x 9 kernel: fill, or exclude as no data.")
]
Despike = Annotated[
    float | None,
    typer.Option("--despike", help="Take out values this many robust standard deviations off.", min=0),
]
Smooth = Annotated[
    float | None, typer.Option("--smooth", help="Standard deviation of a Gaussian, in pixels.", min=0)
]
Roi = Annotated[
    tuple[int, int, int, int] | None,
    typer.Option("--roi", help="Region of interest in pixels, ends excluded.", metavar="Y0 Y1 X0 X1"),
]
Binning = Annotated[int, typer.Option("--binning", help="Average blocks of this many by this many pixels.")]
KMin = Annotated[int, typer.Option("--k-min", help="Smallest number of clusters to try.")]
KMax = Annotated[int, typer.Option("--k-max", help="Largest number of clusters to try, up to 30.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
