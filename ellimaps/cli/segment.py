"""``ellimaps segment``: from a measurement to clusters, clustershots and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ellimaps.cli.estimate import print_estimate
from ellimaps.cli.options import (
    Background,
    Binning,
    Channels,
    Dataset,
    Despike,
    Features,
    Gaps,
    Json,
    KMax,
    KMin,
    Log,
    Normalise,
    PathArgument,
    PixelSize,
    Roi,
    Seed,
    Smooth,
    T,
    WorkingSet,
    Z,
    axis,
    channel_names,
    chosen_settings,
)
from ellimaps.cli.output import print_json, print_table, told_on_stderr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ellimaps.maps.pipeline import Result

KOption = Annotated[str, typer.Option("-k", help="Number of clusters, or auto for the suggested one.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)]
RecipeOption = Annotated[
    Path | None,
    typer.Option("--recipe", help="A recipe.toml from the workbench; options given here override it."),
]


def command(
    context: typer.Context,
    path: PathArgument,
    out: OutOption,
    recipe: RecipeOption = None,
    k: KOption = "auto",
    features: Features = None,
    gaps: Gaps = "fill",
    despike: Despike = None,
    smooth: Smooth = None,
    roi: Roi = None,
    binning: Binning = 1,
    k_min: KMin = 2,
    k_max: KMax = 10,
    seed: Seed = 0,
    dataset: Dataset = None,
    z: Z = None,
    t: T = None,
    channels: Channels = None,
    background: Background = None,
    normalise: Normalise = None,
    log: Log = False,
    pixel_size_um: PixelSize = None,
    working_set_gb: WorkingSet = None,
    as_json: Json = False,
) -> None:
    """Segment a measurement and write its clustershots, coordinates, label image and figure.

    Example: ellimaps segment data_example/terraces -k auto --out results/terraces
    """
    from ellimaps.maps.pipeline import run

    options = {
        "dataset": dataset,
        "z": axis(z),
        "t": axis(t),
        "channels": channel_names(channels),
        "background": background,
        "normalise": normalise,
        "log": log,
        "pixel_size_um": pixel_size_um,
        "gaps": gaps,
        "despike": despike,
        "smooth": smooth,
        "roi": roi,
        "binning": binning,
        "k": number_of_clusters(k),
        "k_min": k_min,
        "k_max": k_max,
        "features": features,
        "seed": seed,
    }
    settings = chosen_settings(context, options, recipe)
    with told_on_stderr() as on_progress:
        result = run(path, out, settings, on_progress, working_set_gb=working_set_gb)
    if as_json:
        _print_json(result, settings.names)
    else:
        _print(result, settings.names)


def _print_json(result: Result, names: Sequence[str]) -> None:
    from ellimaps.maps.export import cluster_facts

    print_json(
        {
            "k": result.segmentation.k,
            "inertia": result.segmentation.inertia,
            "clusters": cluster_facts(result.segmentation, names),
            "files": [str(file) for file in result.files],
            "seconds": result.seconds,
        }
    )


def _print(result: Result, names: Sequence[str]) -> None:
    from ellimaps.maps.export import cluster_facts

    segmentation = result.segmentation
    if result.estimate is not None:
        print_estimate(result.estimate)
    no_data = int((segmentation.labels < 0).sum())
    print(f"{segmentation.k} clusters, inertia {segmentation.inertia:.6g}, {no_data} pixels without data")
    columns = {"cluster": "d", "n_pixels": ",d", "fraction": ".2%"} | ({"name": "s"} if names else {})
    print_table(cluster_facts(segmentation, names), columns)
    print("files written")
    for file in result.files:
        print(f"  {file}")


def number_of_clusters(text: str) -> int | None:
    """Return what ``-k`` says: a number, or None for auto."""
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a whole number nor auto.", param_hint="-k") from None
