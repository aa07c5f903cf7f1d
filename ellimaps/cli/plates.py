"""``ellimaps plates profile``: from the pictures of a screening plate to profiles of every well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ellimaps.cli.batch import SchedulerOption, WorkersOption, engine_of
from ellimaps.cli.options import Json, channel_names
from ellimaps.cli.output import print_json, told_on_stderr

if TYPE_CHECKING:
    from ellimaps.batch.plates import PlateSummary
    from ellimaps.core.progress import Progress
    from ellimaps.plates.measuring.field import FieldSettings
    from ellimaps.plates.measuring.plate import Plate
    from ellimaps.plates.measuring.profiles import Profiles

group = typer.Typer(help="Profiles of screening plates: what compounds change.", no_args_is_help=True)


@group.command("profile")
def profile(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder of the plate's images.", show_default=False)
    ],
    layout: Annotated[
        Path,
        typer.Option(
            "--layout", help="CSV or XLSX: well, compound, concentration, control.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)],
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", help="How file names are read, as {well}_s{field}_w{channel}."),
    ] = None,
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
    weights: Annotated[
        Path | None, typer.Option("--weights", help="File of the network's weights (default: the caches).")
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    as_json: Json = False,
) -> None:
    """Measure every field of a plate; what is done already is skipped.

    Example: ellimaps plates profile images --layout layout.csv --out profiles --workers 4
    """
    from ellimaps.batch.plates import run_plate
    from ellimaps.plates.measuring.field import FieldSettings
    from ellimaps.plates.measuring.plate import read_plate
    from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails

    settings = FieldSettings(radius_px=radius, channels=channel_names(channels))
    plate = read_plate(root, layout, pattern)
    with told_on_stderr() as on_progress:
        if features == "plain":
            engine = engine_of(workers, scheduler)
            profiles, summary = run_plate(plate, settings, out, engine, on_progress)
        else:
            profiles, summary = _by_network(plate, settings, out, (features, weights), on_progress)
        save_thumbnails(make_thumbnails(profiles, on_progress), out)
    _tell(plate, profiles, summary, as_json)
    if summary.failed:
        raise typer.Exit(1)


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
    for file in summary.files:
        print(f"  {file}")
