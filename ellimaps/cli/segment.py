"""``ellimaps segment``: from a measurement to clusters, clustershots and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ellimaps.cli.bundles import setting_options, takes
from ellimaps.cli.estimate import print_suggestion
from ellimaps.cli.options import ClusterLabels, Json, Outlines, WorkingSet
from ellimaps.cli.output import print_files, print_json, print_table, progress_on_stderr
from ellimaps.maps.settings import Calibration, Corrections, Opening, Preprocessing, Settings, names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ellimaps.maps.pipeline import Result

PathOrExample = Annotated[
    Path | None,
    typer.Argument(
        help="An EP4 folder or its .ds.dat, a TIFF, or a folder of images; none with --example.",
        show_default=False,
    ),
]
OutOrExample = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Folder for the files (with --example by default ellimaps-example).", show_default=False
    ),
]
ExampleOption = Annotated[
    bool,
    typer.Option("--example", help="Segment a generated measurement; it is kept in --out/measurement."),
]
RecipeOption = Annotated[
    Path | None,
    typer.Option("--recipe", help="A recipe.toml from the workbench; options given here override it."),
]


@takes(
    given=setting_options(
        *("k", "features"),
        *names_of(Preprocessing),
        *("k_min", "k_max", "seed"),
        *names_of(Opening, Corrections, Calibration),
    )
)
def command(
    path: PathOrExample = None,
    out: OutOrExample = None,
    *,
    example: ExampleOption = False,
    recipe: RecipeOption = None,
    labels: ClusterLabels = None,
    outlines: Outlines = None,
    given: dict[str, Any],
    working_set_gb: WorkingSet = None,
    as_json: Json = False,
) -> None:
    """Segment a measurement and write its clustershots, coordinates, label image and figure.

    Example: ellimaps segment data_example/terraces -k auto --out results/terraces

    Without a measurement at hand: ellimaps segment --example
    """
    from ellimaps.maps.pipeline import run
    from ellimaps.maps.recipe import read_recipe
    from ellimaps.regions.outline_files import outline_formats

    if labels is not None and "k" in given:
        raise typer.BadParameter("Give one of -k and --labels, not both.", param_hint="-k")
    path, out = _example(path, out) if example else _asked(path, out)
    settings = replace(read_recipe(recipe) if recipe else Settings(), **given)
    wanted = outline_formats(outlines or [])
    with progress_on_stderr() as on_progress:
        result = run(
            path, out, settings, on_progress, labels=labels, outlines=wanted, working_set_gb=working_set_gb
        )
    if as_json:
        _print_json(result, settings.names)
    else:
        _print(result, settings.names)


def _asked(path: Path | None, out: Path | None) -> tuple[Path, Path]:
    if path is None:
        raise typer.BadParameter("name a measurement, or try --example.", param_hint="PATH")
    if out is None:
        raise typer.BadParameter("name a folder for the files.", param_hint="--out")
    return path, out


def _example(path: Path | None, out: Path | None) -> tuple[Path, Path]:
    """Return a generated measurement and where its results go; what an earlier call made serves again."""
    from ellimaps.samples import sample_ep4

    if path is not None:
        raise typer.BadParameter("it brings its own measurement: leave PATH out.", param_hint="--example")
    out = out or Path("ellimaps-example")
    measurement = out / "measurement"
    return (measurement if measurement.is_dir() else sample_ep4(measurement)), out


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
    if result.suggestion is not None:
        print_suggestion(result.suggestion)
    no_data = int((segmentation.labels < 0).sum())
    print(f"{segmentation.k} clusters, inertia {segmentation.inertia:.6g}, {no_data} pixels without data")
    columns = {"cluster": "d", "n_pixels": ",d", "fraction": ".2%"} | ({"name": "s"} if names else {})
    print_table(cluster_facts(segmentation, names), columns)
    print("files written")
    print_files(result.files)
