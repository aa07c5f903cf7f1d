"""``ellimaps segment``: from a measurement to clusters, clustershots and files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ellimaps.cli.estimate import print_estimate
from ellimaps.cli.options import (
    Binning,
    Dataset,
    Despike,
    Features,
    Gaps,
    Json,
    KMax,
    KMin,
    PathArgument,
    Roi,
    Seed,
    Smooth,
)
from ellimaps.cli.output import print_json, print_table, told_on_stderr

KOption = Annotated[str, typer.Option("-k", help="Number of clusters, or auto for the suggested one.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)]


def command(
    path: PathArgument,
    out: OutOption,
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
    as_json: Json = False,
) -> None:
    """Segment a measurement and write its clustershots, coordinates, label image and figure.

    Example: ellimaps segment data_example/terraces -k auto --out results/terraces
    """
    from ellimaps.export import cluster_rows
    from ellimaps.pipeline import Settings, run

    settings = Settings(
        dataset=dataset,
        gaps=gaps,  # type: ignore[arg-type]
        despike=despike,
        smooth=smooth,
        roi=roi,
        binning=binning,
        k=_number_of_clusters(k),
        k_min=k_min,
        k_max=k_max,
        features=features,  # type: ignore[arg-type]
        seed=seed,
    )
    with told_on_stderr() as on_progress:
        result = run(path, out, settings, on_progress)
    segmentation = result.segmentation
    if as_json:
        print_json(
            {
                "k": segmentation.k,
                "inertia": segmentation.inertia,
                "clusters": cluster_rows(segmentation),
                "files": [str(file) for file in result.files],
                "seconds": result.seconds,
            }
        )
        return
    if result.estimate is not None:
        print_estimate(result.estimate)
    no_data = int((segmentation.labels < 0).sum())
    print(f"{segmentation.k} clusters, inertia {segmentation.inertia:.6g}, {no_data} pixels without data")
    print_table(cluster_rows(segmentation), {"cluster": "d", "n_pixels": ",d", "fraction": ".2%"})
    print("files written")
    for file in result.files:
        print(f"  {file}")


def _number_of_clusters(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a whole number nor auto.", param_hint="-k") from None
