"""``ellimaps sample``: generated data with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ellimaps.cli.options import Json, Seed
from ellimaps.cli.output import print_json, progress_on_stderr

group = typer.Typer(help="Write generated data with known truth.", no_args_is_help=True)


@group.command("ep4")
def ep4(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if need be.")],
    seed: Seed = 0,
    size: Annotated[tuple[int, int], typer.Option("--size", metavar="H W", help="Map size in pixels.")] = (
        96,
        128,
    ),
    kinds: Annotated[int, typer.Option("--kinds", help="Number of different thicknesses, 2..10.")] = 4,
    bands: Annotated[int, typer.Option("--bands", help="Number of wavelengths.")] = 11,
    noise: Annotated[float, typer.Option("--noise", help="1 = 0.05 deg in Psi and 0.1 deg in Delta.")] = 1.0,
    wrap: Annotated[bool, typer.Option("--wrap", help="Let Delta cross 0/360 deg.")] = False,
    as_json: Json = False,
) -> None:
    """Write a computed EP4 measurement: oxide terraces on silicon, with truth.npz and model.toml.

    Example: ellimaps sample ep4 demo --kinds 4 --seed 1
    """
    from ellimaps.samples import sample_ep4

    written = sample_ep4(folder, seed=seed, size=size, kinds=kinds, bands=bands, noise=noise, wrap=wrap)
    files = sorted(written.iterdir())
    if as_json:
        print_json({"folder": str(written), "kinds": kinds, "files": [str(file) for file in files]})
    else:
        print(f"{len(files)} files written to {written}")


@group.command("cells")
def cells(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if need be.")],
    seed: Seed = 0,
    dates: Annotated[int, typer.Option("--dates", help="Number of dates.")] = 2,
    subjects: Annotated[int, typer.Option("--subjects", help="Subjects per date.")] = 2,
    experiments: Annotated[int, typer.Option("--experiments", help="Experiments per subject.")] = 2,
    fovs: Annotated[int, typer.Option("--fovs", help="Images per experiment.")] = 3,
    size: Annotated[tuple[int, int], typer.Option("--size", metavar="H W", help="Image size in pixels.")] = (
        512,
        512,
    ),
    count: Annotated[
        tuple[int, int], typer.Option("--count", metavar="MIN MAX", help="Number of objects in an image.")
    ] = (8, 20),
    radius: Annotated[
        tuple[float, float], typer.Option("--radius", metavar="MIN MAX", help="Radius of objects in pixels.")
    ] = (10.0, 40.0),
    noise: Annotated[float, typer.Option("--noise", help="1 = a good camera's noise.")] = 1.0,
    empty: Annotated[float, typer.Option("--empty", help="Share of images without objects.")] = 0.1,
    as_json: Json = False,
) -> None:
    """Write phantom acquisitions DATE/SUBJECT/EXPERIMENT/FOV.png of round objects, with truth.csv.

    Example: ellimaps sample cells demo --fovs 5 --seed 1
    """
    from ellimaps.samples import sample_cells

    written = sample_cells(
        folder,
        seed=seed,
        dates=dates,
        subjects=subjects,
        experiments=experiments,
        fovs=fovs,
        size=size,
        count=count,
        radius=radius,
        noise=noise,
        empty=empty,
    )
    images = sorted(written.rglob("*.png"))
    if as_json:
        tables = [str(written / name) for name in ("images.csv", "truth.csv")]
        print_json({"folder": str(written), "images": len(images), "files": [*tables, *map(str, images)]})
    else:
        print(f"{len(images)} images written to {written}")


@group.command("plate")
def plate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if need be.")],
    seed: Seed = 0,
    wells: Annotated[int, typer.Option("--wells", help="Size of the plate: 48, 96, 384 or 1536.")] = 96,
    fields: Annotated[int, typer.Option("--fields", help="Fields per well.")] = 2,
    size: Annotated[int, typer.Option("--size", help="Height and width of pictures in pixels.")] = 256,
    as_json: Json = False,
) -> None:
    """Write a 4-channel screening plate: known effects at six doses, two inert compounds, with truth.json.

    Example: ellimaps sample plate demo --fields 3 --seed 1
    """
    from ellimaps.samples import sample_plate

    with progress_on_stderr() as on_progress:
        written = sample_plate(
            folder, seed=seed, wells=wells, fields=fields, size=size, on_progress=on_progress
        )
    tables = [str(written / name) for name in ("layout.csv", "truth.json")]
    images = written / "images"
    if as_json:
        print_json({"folder": str(written), "images": str(images), "files": tables})
    else:
        print(f"{wells * fields} fields written to {images}, with {tables[0]}")


@group.command("sensors")
def sensors(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if need be.")],
    seed: Seed = 0,
    days: Annotated[int, typer.Option("--days", help="Length of the log, 2..3660.")] = 60,
    every: Annotated[int, typer.Option("--every", help="Minutes between readings, 1..60.")] = 5,
    instruments: Annotated[int, typer.Option("--instruments", help="Instruments in each region.")] = 2,
    as_json: Json = False,
) -> None:
    """Write a log of room and instrument sensors, log.csv, with its anomalies and lag in truth.json.

    Example: ellimaps sample sensors demo --days 60 --seed 1
    """
    from ellimaps.samples import sample_sensors

    written = sample_sensors(folder, seed=seed, days=days, every=every, instruments=instruments)
    files = sorted(written.iterdir())
    if as_json:
        print_json({"folder": str(written), "days": days, "files": [str(file) for file in files]})
    else:
        print(f"{len(files)} files written to {written}")
