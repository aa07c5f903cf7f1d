"""The commands that write, with small inputs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from support.cell_pictures import labelled_folder
from support.cellprofiler_run import LAYOUT, tables as run_tables, write_csv

from ellimaps.samples import sample_cells, sample_ep4, sample_plate, sample_sensors
from hostile.forks import Runner
from hostile.seen import Sets, batch_sets, one_set, plate_sets, store_sets


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Attributes
    ----------
    name : str
        What it is called here.
    arguments : tuple of str
        Of the command line; OUT stands for its output folder.
    other : tuple of str
        Options that give other results in the same folder; none where that must be empty.
    sets : callable
        ``sets(out)`` returns what a reader sees: files that belong together, by what they are.
    before : Path, optional
        What lies in the folder before all that.
    caches : bool
        Whether it cannot do without a cache.
    """

    name: str
    arguments: tuple[str, ...]
    other: tuple[str, ...] = ()
    sets: Callable[[Path], Sets] = one_set
    before: Path | None = None
    caches: bool = False


def commands(runner: Runner, names: tuple[str, ...] = ()) -> list[Command]:
    """Make the inputs of commands, and return these; all where none is named."""
    made = runner.home / "inputs"
    made.mkdir()
    kinds = (_map_commands, _cell_commands, _plate_commands, _sensor_commands, _sample_commands)
    wanted = [kind for kind in kinds if not names or any(name in kind.__doc__ for name in names)]
    found = [command for kind in wanted for command in kind(runner, made)]
    return [command for command in found if not names or command.name in names]


def _map_commands(_: Runner, made: Path) -> Iterator[Command]:
    """Make: segment, estimate, fit, export, export to zarr, export to nexus, batch maps."""
    for number in range(3):
        sample_ep4(made / "maps" / f"m{number}", seed=number, size=(32, 40), bands=6, kinds=3)
    (made / "recipe.toml").write_text("k = 3\n")
    one, model = str(made / "maps" / "m0"), ("--model", str(made / "maps" / "m0" / "model.toml"))
    yield Command("segment", ("segment", one, "--out", "OUT", "-k", "3"), ("-k", "4"))
    yield Command("estimate", ("estimate", one, "--out", "OUT"), ("--k-max", "4"))
    yield Command("fit", ("fit", one, *model, "--out", "OUT", "-k", "3"), ("-k", "2"))
    two = str(made / "maps" / "m1")
    yield Command("export", ("export", one, "OUT/a.ome.tif"))
    yield Command("export to zarr", ("export", two, "OUT/a.ome.zarr"), ("--ome-zarr", "0.4"), store_sets)
    yield Command("export to nexus", ("export", one, "OUT/a.nxs"))
    batch = ("batch", str(made / "recipe.toml"), str(made / "maps"), "--out", "OUT", "--workers", "1")
    yield Command("batch maps", batch, model, batch_sets)


def _cell_commands(runner: Runner, made: Path) -> Iterator[Command]:
    """Make: cells detect, cells measure, cells train."""
    counts = {"dates": 1, "subjects": 1, "experiments": 2, "fovs": 2, "count": (2, 3)}
    images = str(sample_cells(made / "images", **counts, size=(96, 96), radius=(8, 16)))
    detect = ("cells", "detect", images, "--workers", "1", "--radius", "8", "25", "--outlines", "geojson")
    yield Command("cells detect", (*detect, "--out", "OUT"), ("--kind", "nuclei"), batch_sets)
    runner.run((*detect, "--out", str(made / "found"))).check(0)
    masks = str(made / "found" / "labels")
    measure = ("cells", "measure", images, "--labels", masks, "--out", "OUT", "--workers", "1")
    yield Command("cells measure", measure, ("--names", "cellprofiler"), batch_sets)
    pictures, labels = map(str, labelled_folder(made / "cells", count=6))
    train = ("cells", "train", pictures, "--labels", labels, "--out", "OUT/a.ellimodel", "--repeats", "1")
    yield Command("cells train", train, ("--seed", "3"))


def _plate_commands(runner: Runner, made: Path) -> Iterator[Command]:
    """Make: plates profile, plates open, plates embed, plates report, plates export."""
    plate = sample_plate(made / "plate", wells=48, fields=1, size=128)
    options = ("--layout", str(plate / "layout.csv"), "--workers", "1", "--radius", "2", "8")
    few = shutil.copytree(plate / "images", made / "few", ignore=lambda _, files: sorted(files)[12:])
    profile = ("plates", "profile", str(few), *options, "--out", "OUT", "--replace")
    yield Command("plates profile", profile, ("--radius", "3", "7"), plate_sets)
    profiles = made / "profiles"
    runner.run(("plates", "profile", str(plate / "images"), *options, "--out", str(profiles))).check(0)
    run, layout, other = write_csv(made / "run", run_tables()[0]), made / "wells.csv", made / "other.csv"
    layout.write_text(LAYOUT)
    other.write_text(LAYOUT.replace("Taxol", "Aspirin"))
    opened = ("plates", "open", str(run), "--out", "OUT", "--layout", str(layout))
    yield Command("plates open", opened, ("--layout", str(other)))
    embed = ("plates", "embed", "OUT", "--method", "tsne")
    yield Command("plates embed", embed, ("--seed", "3"), before=profiles)
    report = ("plates", "report", str(profiles), "--out", "OUT/plate.html")
    yield Command("plates report", report, ("--correct", "polish"))
    export = ("plates", "export", str(few), "OUT/a.ome.zarr")
    yield Command("plates export", export, ("--ome-zarr", "0.4"), store_sets)


def _sensor_commands(_: Runner, made: Path) -> Iterator[Command]:
    """Make: sensors summary, sensors stability, sensors anomalies, sensors explain, sensors report."""
    log = sample_sensors(made / "log", days=12, every=60) / "log.csv"
    os.utime(log, (time.time() - 7200,) * 2)
    for name in ("summary", "stability", "anomalies", "explain"):
        arguments = ("sensors", name, str(log), "--out", "OUT")
        yield Command(f"sensors {name}", arguments, ("--end", "2025-01-15"), caches=True)
    report = ("sensors", "report", str(log), "--out", "OUT/log.html")
    yield Command("sensors report", report, ("--limit", "2"), caches=True)


def _sample_commands(_: Runner, made: Path) -> Iterator[Command]:  # noqa: ARG001
    """Make: sample ep4, sample cells, sample plate, sample sensors."""
    yield Command("sample ep4", ("sample", "ep4", "OUT", "--size", "32", "40", "--bands", "2"))
    small = ("--fovs", "1", "--size", "64", "64", "--radius", "4", "9")
    yield Command("sample cells", ("sample", "cells", "OUT", *small))
    yield Command(
        "sample plate", ("sample", "plate", "OUT", "--wells", "48", "--fields", "1", "--size", "128")
    )
    yield Command("sample sensors", ("sample", "sensors", "OUT", "--days", "3", "--every", "60"))
