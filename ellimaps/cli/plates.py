"""``ellimaps plates profile``: from the pictures of a screening plate to profiles of every well."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ellimaps.cli.batch import SchedulerOption, WorkersOption
from ellimaps.cli.options import Json, channel_names
from ellimaps.cli.output import print_json, told_on_stderr

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
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    as_json: Json = False,
) -> None:
    """Measure every field of a plate; what is done already is skipped.

    Example: ellimaps plates profile images --layout layout.csv --out profiles --workers 4
    """
    from ellimaps.plates.evaluation import evaluate
    from ellimaps.plates.field import FieldSettings
    from ellimaps.plates.plate import read_plate
    from ellimaps.plates.profiles import profile_plate, save_profiles

    plate = read_plate(root, layout, pattern)
    settings = FieldSettings(radius_px=radius, channels=channel_names(channels))
    with told_on_stderr() as on_progress:
        profiles = profile_plate(plate, settings, on_progress=on_progress)
        files = save_profiles(profiles, out)
    facts = evaluate(profiles).row()
    if as_json:
        print_json({**facts, "mismatches": list(plate.mismatches), "files": [str(file) for file in files]})
    else:
        print(
            f"{facts['n_fields']} fields of {facts['n_wells']} wells, {len(profiles.features)} features: {out}"
        )
