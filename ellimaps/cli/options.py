"""Options that several commands share, spelled the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ellimaps.maps.settings import Settings

PathArgument = Annotated[
    Path,
    typer.Argument(help="An EP4 folder or its .ds.dat, a TIFF, or a folder of images.", show_default=False),
]
Dataset = Annotated[
    str | None, typer.Option("--dataset", help="Which data set, where the folder holds several.")
]
Z = Annotated[
    str | None,
    typer.Option("--z", help="Focal plane of a TIFF, from 0, or max or mean of all (default: max)."),
]
T = Annotated[
    str | None,
    typer.Option("--t", help="Time point of a TIFF, from 0, or max or mean of all (default: each a band)."),
]
Channels = Annotated[
    str | None,
    typer.Option("--channels", help="New channel names: NAME or NAME@NM, as DNA@461.", metavar="A,B,..."),
]
Background = Annotated[
    float | None,
    typer.Option(
        "--background", help="Subtract the background behind objects of up to this radius.", metavar="PX"
    ),
]
Normalise = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--normalise", help="Scale intensities: these percentiles become 0 and 1.", metavar="LOW HIGH"
    ),
]
Log = Annotated[bool, typer.Option("--log", help="Take log(1 + intensity).")]
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
PixelSize = Annotated[
    float | None,
    typer.Option("--pixel-size", help="Width of a measured pixel, for positions.", metavar="UM"),
]
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


def axis(text: str | None) -> int | str | None:
    """Return a plane's number, or the name of a projection."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else text


def channel_names(text: str | None) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",")) if text else ()


def chosen_settings(context: typer.Context, options: dict[str, Any], recipe: Path | None = None) -> Settings:
    """Return a recipe's settings, or the default ones, with the options given on the command line in them.

    Parameters
    ----------
    context : Context
        Of the command; knows which options were given.
    options : dict
        Values of the command's options by the names they have in `Settings`.
    recipe : Path, optional
        A recipe to start from.
    """
    from ellimaps.maps.settings import Settings
    from ellimaps.maps.recipe import read_recipe

    def is_given(name: str) -> bool:
        source = context.get_parameter_source(name)
        return source is not None and source.name != "DEFAULT"

    given = {name: value for name, value in options.items() if is_given(name)}
    return replace(read_recipe(recipe) if recipe else Settings(), **given)
