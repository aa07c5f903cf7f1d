"""``ellimaps plates``: from pictures of a screening plate to profiles, a map and answers about compounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ellimaps.cli.batch import engine_of
from ellimaps.cli.bundles import channel_names
from ellimaps.cli.export import ZarrVersion, tell
from ellimaps.cli.options import (
    Json,
    NetworkWeights,
    ResultFolder,
    Scheduler,
    Seed,
    TimeLimit,
    Workers,
)
from ellimaps.cli.output import print_files, print_json, print_table, progress_on_stderr
from ellimaps.core.errors import SettingError

if TYPE_CHECKING:
    from ellimaps.batch.plates import PlateSummary
    from ellimaps.core.progress import Progress
    from ellimaps.plates.measuring.field import FieldSettings
    from ellimaps.plates.measuring.plate import Plate
    from ellimaps.plates.measuring.profiles import Profiles
    from ellimaps.plates.statistics.plate_quality import PlateQuality

group = typer.Typer(help="Profiles of screening plates: what compounds change.", no_args_is_help=True)

PlateRoot = Annotated[
    Path,
    typer.Argument(metavar="ROOT", help="Folder of the plate's images, or an OME-Zarr.", show_default=False),
]
PlatePattern = Annotated[
    str | None, typer.Option("--pattern", help="How file names are read, as {well}_s{field}_w{channel}.")
]
ProfilesArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Output of ellimaps plates profile.", show_default=False)
]
MethodOption = Annotated[
    Literal["pca", "tsne", "umap"], typer.Option("--method", help="How points are laid out in a plane.")
]
CorrectOption = Annotated[
    Literal["none", "plates", "polish"],
    typer.Option(
        "--correct", help="Positional effects to take off: between plates, or of rows and columns (polish)."
    ),
]
PositiveOption = Annotated[
    str | None,
    typer.Option(
        "--positive", help="Compound that is a positive control, at its highest dose (default: the layout's)."
    ),
]
NamesOption = Annotated[
    Literal["own", "cellprofiler"],
    typer.Option("--names", help="cellprofiler: tables for pycytominer and copairs as well."),
]


@group.command("profile")
def profile(
    root: PlateRoot,
    layout: Annotated[
        Path,
        typer.Option(
            "--layout", help="CSV or XLSX: well, compound, concentration, control.", show_default=False
        ),
    ],
    out: ResultFolder,
    pattern: PlatePattern = None,
    channels: Annotated[
        str | None, typer.Option("--channels", help="Names of the channels, nuclei first.", metavar="A,B,...")
    ] = None,
    radius: Annotated[
        tuple[float, float] | None,
        typer.Option("--radius", help="Smallest and largest radius of nuclei in pixels.", metavar="MIN MAX"),
    ] = None,
    features: Annotated[
        str,
        typer.Option("--features", help="plain, autoencoder or deep:NAME, as deep:resnet50 (extra deep)."),
    ] = "plain",
    weights: NetworkWeights = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Measure over profiles of other images, features or settings.")
    ] = False,
    names: NamesOption = "own",
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit_s: TimeLimit = None,
    as_json: Json = False,
) -> None:
    """Measure every field of a plate; what is done already with the same settings is skipped.

    Example: ellimaps plates profile images --layout layout.csv --out profiles --workers 4
    """
    import dataclasses

    from ellimaps.batch.plates import replaced, run_plate
    from ellimaps.batch.time_limit import time_limit
    from ellimaps.plates.exchange.cytomining import write_cytomining
    from ellimaps.plates.measuring.field import FieldSettings
    from ellimaps.plates.measuring.plate import read_plate
    from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails

    settings = FieldSettings(radius_px=radius, channels=channel_names(channels))
    plate = read_plate(root, layout, pattern)
    if not replace and (there := replaced(out, plate.root, settings, features)):
        raise SettingError(f"{there}: choose another --out, or give --replace to measure over them.")
    with progress_on_stderr() as on_progress:
        if features == "plain":
            engine = engine_of(workers, scheduler)
            limit_s = time_limit(time_limit_s)
            profiles, summary = run_plate(plate, settings, out, engine, on_progress, limit_s)
        else:
            profiles, summary = _by_network(plate, settings, out, (features, weights), on_progress)
        save_thumbnails(make_thumbnails(profiles, on_progress), out)
    if names == "cellprofiler":
        summary = dataclasses.replace(summary, files=(*summary.files, *write_cytomining(profiles, out)))
    _tell(plate, profiles, summary, as_json)
    if summary.failed:
        raise typer.Exit(1)


@group.command("export")
def export_images(
    root: PlateRoot,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="NAME.ome.zarr.", show_default=False)],
    pattern: PlatePattern = None,
    version: ZarrVersion = "0.5",
    as_json: Json = False,
) -> None:
    """Write the images of a plate as an OME-Zarr plate, bit for bit.

    Example: ellimaps plates export images plate.ome.zarr
    """
    from ellimaps.plates.ome_zarr import export_plate

    with progress_on_stderr() as on_progress:
        written = export_plate(root, out, pattern, version=version, on_progress=on_progress)
    tell(written, as_json=as_json)


@group.command("open")
def open_sources(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="CellProfiler's CSV folders or SQLite, pycytominer's CSV or Parquet, our profiles.",
            show_default=False,
        ),
    ],
    out: ResultFolder,
    layout: Annotated[
        Path | None,
        typer.Option("--layout", help="CSV or XLSX, where the sources do not say what is in the wells."),
    ] = None,
    names: NamesOption = "own",
    as_json: Json = False,
) -> None:
    """Open profiles of other software, or of several plates, as one folder of profiles.

    Example: ellimaps plates open run1/Image_tables run2.sqlite --layout layout.csv --out profiles
    """
    from ellimaps.plates.exchange.cytomining import write_cytomining
    from ellimaps.plates.exchange.opening import open_profiles, refuse_measured
    from ellimaps.plates.measuring.profiles import save_profiles

    refuse_measured(out)
    with progress_on_stderr() as on_progress:
        profiles = open_profiles(sources, layout, on_progress=on_progress)
    files = save_profiles(profiles, out)
    if names == "cellprofiler":
        files += write_cytomining(profiles, out)
    facts = {
        "n_plates": int(profiles.wells["plate"].nunique()),
        "n_wells": len(profiles.wells),
        "n_fields": len(profiles.fields),
        "n_features": len(profiles.features),
    }
    notes = [str(note) for note in profiles.facts["mismatches"]]
    if as_json:
        print_json({**facts, "mismatches": notes, "files": [str(file) for file in files]})
        return
    for note in notes:
        print(f"note: {note}")
    print("{n_fields} fields of {n_wells} wells, {n_features} features; plates: {n_plates}".format(**facts))
    print_files(files)


@group.command("embed")
def embed(
    folder: ProfilesArgument,
    method: MethodOption = "pca",
    seed: Seed = 0,
    level: Annotated[Literal["field", "well"], typer.Option("--level", help="What a point is.")] = "field",
    clusters: Annotated[
        Literal["agglomerative", "kmeans", "hdbscan"],
        typer.Option("--clusters", help="How points are grouped."),
    ] = "agglomerative",
    correct: CorrectOption = "none",
    positive: PositiveOption = None,
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
    with progress_on_stderr() as on_progress:
        files, found, quality = write_answers(
            profiles,
            folder,
            method=method,
            seed=seed,
            level=level,
            clusters=clusters,
            correct=correct,
            positive=positive,
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
    _tell_quality(quality)
    print_files(files)


@group.command("report")
def report(
    folder: ProfilesArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: report.html in DIR).")
    ] = None,
    method: MethodOption = "pca",
    seed: Seed = 0,
    correct: CorrectOption = "none",
    positive: PositiveOption = None,
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
    with progress_on_stderr() as on_progress:
        page = plate_report(profiles, method=method, seed=seed, positive=positive, on_progress=on_progress)
    (written,) = write_files(target.parent, {target.name: page.encode()})
    print(written)


def _by_network(
    plate: Plate, settings: FieldSettings, out: Path, source: tuple[str, Path | None], on_progress: Progress
) -> tuple[Profiles, PlateSummary]:
    """Profile by a network, which sees all fields at once and so is no task of the batch runner."""
    import time

    from ellimaps.batch.plates import PlateSummary
    from ellimaps.plates.measuring.plate import check_output
    from ellimaps.plates.measuring.profile_sources import profiles_from
    from ellimaps.plates.measuring.profiles import save_profiles

    start = time.perf_counter()
    features, weights = source
    check_output(plate, out)
    profiles = profiles_from(plate, features, settings, weights=weights, on_progress=on_progress)
    files = save_profiles(profiles, out)
    n = len(profiles.fields)
    return profiles, PlateSummary(n, n, 0, 0, time.perf_counter() - start, tuple(files))


def _tell_quality(quality: PlateQuality) -> None:
    """Print how positive controls stand out in each channel, and how much of several plates is plate."""
    from ellimaps.plates.statistics.assay_quality import by_channel

    if quality.controls["n_positive"].any():
        formats = {"plate": "", "positive": "", "channel": "", "feature": "", "n_positive": "d"}
        formats |= {"z_prime": ".2f", "z_prime_robust": ".2f", "ssmd": ".1f", "ssmd_robust": ".1f"}
        print_table(by_channel(quality.controls).to_dict(orient="records"), formats)  # type: ignore[arg-type]
    if quality.batches is not None:
        formats = {"stage": "", **dict.fromkeys(("plate", "treatment", "either", "rest"), "z.1%")}
        print_table(quality.batches.table.to_dict(orient="records"), formats)  # type: ignore[arg-type]


def _tell(plate: Plate, profiles: Profiles, summary: PlateSummary, as_json: bool) -> None:
    from dataclasses import asdict

    facts = asdict(summary) | {"seconds": round(summary.seconds, 3), "files": list(map(str, summary.files))}
    if as_json:
        counts = {"n_wells": len(profiles.wells), "n_features": len(profiles.features)}
        print_json({**counts, **facts, "mismatches": list(plate.mismatches)})
        return
    for note in plate.mismatches:
        print(f"note: {note}")
    print(
        f"{summary.fields} fields of {len(profiles.wells)} wells: {summary.done} done, "
        f"{summary.skipped} skipped, {summary.failed} failed; {len(profiles.features)} features "
        f"in {summary.seconds:.1f} s"
    )
    print_files(summary.files)
