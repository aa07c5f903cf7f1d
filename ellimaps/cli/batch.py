"""``ellimaps batch``: a recipe over many images or map folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ellimaps.cli.bundles import takes
from ellimaps.cli.log_options import SAID
from ellimaps.cli.options import (
    AcquisitionLog,
    AcquisitionPattern,
    AcquisitionRoot,
    AcquisitionSensor,
    Json,
    ObjectKind,
    Radius,
    ResultFolder,
    Scheduler,
    TimeLimit,
    Workers,
)
from ellimaps.cli.output import print_files, print_json, progress_on_stderr

if TYPE_CHECKING:
    from ellimaps.batch.engines import Engine
    from ellimaps.batch.runner import BatchSummary


@takes(said=SAID)
def command(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A recipe.toml of the workbench.", show_default=False)
    ],
    root: AcquisitionRoot,
    out: ResultFolder,
    said: dict[str, Any],
    model: Annotated[
        Path | None, typer.Option("--model", help="A film model (TOML) to fit to the clusters.")
    ] = None,
    kind: ObjectKind = None,
    radius: Radius = None,
    pattern: AcquisitionPattern = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit_s: TimeLimit = None,
    sensors: AcquisitionLog = None,
    sensor: AcquisitionSensor = None,
    as_json: Json = False,
) -> None:
    """Run a recipe over all map folders or images below ROOT; what is done already is skipped.

    Example: ellimaps batch recipe.toml measurements --out results --workers 4
    """
    from ellimaps.batch.conditions import ConditionColumns
    from ellimaps.batch.maps import MapWork
    from ellimaps.batch.recipes import read_work
    from ellimaps.batch.runner import run_batch, tree_of
    from ellimaps.sensors.store.logs import open_log
    from ellimaps.sensors.store.options import ImportOptions

    work = read_work(recipe, model=model, kind=kind, radius=radius, time_limit_s=time_limit_s)
    tree = tree_of(root, out, pattern, folders=isinstance(work, MapWork))
    engine = engine_of(workers, scheduler)
    with progress_on_stderr() as on_progress:
        conditions = (
            ConditionColumns(open_log(sensors, on_progress, ImportOptions(**said)), sensor)
            if sensors
            else None
        )
        summary = run_batch(tree, work, out, engine, on_progress, conditions)
    tell_batch(summary, as_json)


def engine_of(workers: int | None, scheduler: str | None) -> Engine:
    """Return where the work is done: processes here, or a Dask cluster."""
    import os

    from ellimaps.batch.engines import dask_cluster, local_processes

    if scheduler is None:
        return local_processes(workers or os.cpu_count() or 1)
    if workers is not None:
        raise typer.BadParameter("A Dask cluster has its own workers.", param_hint="--workers")
    return dask_cluster(scheduler)


def _remedy(what: str) -> str:
    from ellimaps.batch.tree import ANOTHER_DEPTH
    from ellimaps.readers.foreign import remedy_for

    remedy = "give --pattern" if what == ANOTHER_DEPTH else remedy_for(what)
    return f" ({remedy})" if remedy else ""


def tell_batch(summary: BatchSummary, as_json: bool) -> None:
    """Print what a batch did, and leave with exit code 1 if an image failed."""
    from dataclasses import asdict

    if as_json:
        print_json(asdict(summary) | {"table": str(summary.table), "seconds": round(summary.seconds, 3)})
    else:
        print(
            f"{summary.images} images: {summary.done} done, {summary.skipped} skipped, "
            f"{summary.failed} failed; {summary.objects} objects in {summary.seconds:.1f} s"
        )
        if summary.planes > summary.done + summary.skipped:
            print(f"  {summary.planes} scenes, time points and planes in them")
        for what, count in summary.ignored.items():
            print(f"  ignored: {count} x {what}{_remedy(what)}")
        if summary.warned:
            print(f"  {summary.warned} with warnings, see the column Warnings of images.csv")
        failures = [summary.table.with_name("failures.csv")] if summary.failed else []
        print_files([summary.table, *failures])
    if summary.failed:
        raise typer.Exit(1)
