"""``ellimaps estimate``: how many clusters a measurement holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from ellimaps.maps.clustering.estimation import ClusterEstimate

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for the table, the chart and the facts.")
]


def command(
    context: typer.Context,
    path: PathArgument,
    k_min: KMin = 2,
    k_max: KMax = 10,
    features: Features = None,
    gaps: Gaps = "fill",
    despike: Despike = None,
    smooth: Smooth = None,
    roi: Roi = None,
    binning: Binning = 1,
    seed: Seed = 0,
    dataset: Dataset = None,
    z: Z = None,
    t: T = None,
    channels: Channels = None,
    background: Background = None,
    normalise: Normalise = None,
    log: Log = False,
    working_set_gb: WorkingSet = None,
    out: OutOption = None,
    as_json: Json = False,
) -> None:
    """Estimate how many clusters a measurement holds.

    Example: ellimaps estimate data_example/terraces --k-max 8
    """
    from ellimaps.maps.pipeline import estimate_of, load

    options = {
        "dataset": dataset,
        "z": axis(z),
        "t": axis(t),
        "channels": channel_names(channels),
        "background": background,
        "normalise": normalise,
        "log": log,
        "gaps": gaps,
        "despike": despike,
        "smooth": smooth,
        "roi": roi,
        "binning": binning,
        "k_min": k_min,
        "k_max": k_max,
        "features": features,
        "seed": seed,
    }
    settings = chosen_settings(context, options)
    with told_on_stderr() as on_progress:
        stack = load(path, settings, on_progress, working_set_gb=working_set_gb)
        estimate = estimate_of(stack, settings, on_progress)
    files: list[Path] = []
    if out is not None:
        from ellimaps.maps.export import export_estimate

        files = export_estimate(estimate, stack, out)
    if as_json:
        from ellimaps.maps.export import estimate_facts

        print_json(estimate_facts(estimate) | {"files": [str(file) for file in files]})
        return
    print_estimate(estimate)
    for file in files:
        print(f"  {file}")


def print_estimate(estimate: ClusterEstimate) -> None:
    """Print the table, the suggestion and its reason."""
    print_table(
        estimate.table.to_dict("records"),  # type: ignore[arg-type]
        {
            "k": ".0f",
            "inertia": ".6g",
            "silhouette": ".4f",
            "silhouette_se": ".4f",
            "calinski_harabasz": ".6g",
            "seconds": ".3f",
        },
    )
    print(
        f"suggested k: {estimate.suggested_k} (elbow {estimate.elbow_k}, silhouette {estimate.silhouette_k})"
    )
    print(f"  {estimate.reason}")
