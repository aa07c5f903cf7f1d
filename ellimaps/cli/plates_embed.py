"""``ellimaps plates embed`` and ``ellimaps plates report``: a map of wells, and answers about compounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ellimaps.cli.options import Json, Seed
from ellimaps.cli.output import print_json, print_table, told_on_stderr

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Output of ellimaps plates profile.", show_default=False)
]


MethodOption = Annotated[
    Literal["pca", "tsne", "umap"], typer.Option("--method", help="How points are laid out in a plane.")
]

CorrectOption = Annotated[
    Literal["none", "plates", "polish"],
    typer.Option(
        "--correct", help="Effects of place to take off: between plates, or of rows and columns (polish)."
    ),
]


def embed(
    folder: Folder,
    method: MethodOption = "pca",
    seed: Seed = 0,
    level: Annotated[Literal["field", "well"], typer.Option("--level", help="What a point is.")] = "field",
    clusters: Annotated[
        Literal["agglomerative", "kmeans", "hdbscan"],
        typer.Option("--clusters", help="How points are grouped."),
    ] = "agglomerative",
    correct: CorrectOption = "none",
    as_json: Json = False,
) -> None:
    """Lay fields or wells out in a plane, group them, and compare compounds with the controls.

    Example: ellimaps plates embed profiles --method umap --seed 1
    """
    from ellimaps.plates.measuring.profiles import read_profiles
    from ellimaps.plates.outputs import write_answers
    from ellimaps.plates.statistics.evaluation import evaluate
    from ellimaps.plates.statistics.positional_effect import corrected

    profiles = read_profiles(folder)
    with told_on_stderr() as on_progress:
        files, found = write_answers(
            profiles,
            folder,
            method=method,
            seed=seed,
            level=level,
            clusters=clusters,
            correct=correct,
            on_progress=on_progress,
        )
        facts = evaluate(corrected(profiles, correct)).facts()
    if as_json:
        print_json({**facts, "files": [str(file) for file in files]})
        return
    print(
        f"{facts['n_fields']} fields of {facts['n_wells']} wells; nearest neighbour of the same compound for "
        f"{facts['field_accuracy_1nn']:.1%} of fields and {facts['well_accuracy_1nn']:.1%} of wells, "
        f"mean average precision {facts['map']:.3f}"
    )
    formats = {"compound": "", "strongest_dose": "g", "distance": ".2f", "q": ".2g", "active": ""}
    print_table(found.compounds.to_dict(orient="records"), formats)  # type: ignore[arg-type]
    for file in files:
        print(f"  {file}")


def report(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: report.html in DIR).")
    ] = None,
    method: MethodOption = "pca",
    seed: Seed = 0,
    correct: CorrectOption = "none",
) -> None:
    """Write what a plate says as one HTML page that needs no other file.

    Example: ellimaps plates report profiles --out plate.html
    """
    from ellimaps.core.files import write_files
    from ellimaps.plates.measuring.profiles import read_profiles
    from ellimaps.plates.report import plate_report
    from ellimaps.plates.statistics.positional_effect import corrected

    profiles = corrected(read_profiles(folder), correct)
    target = out or folder / "report.html"
    with told_on_stderr() as on_progress:
        page = plate_report(profiles, method=method, seed=seed, on_progress=on_progress)
    (written,) = write_files(target.parent, {target.name: page.encode()})
    print(written)
