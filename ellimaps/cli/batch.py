"""``ellimaps cells detect`` and ``ellimaps batch``: many images or map folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ellimaps.cli.options import Json
from ellimaps.cli.output import print_json, told_on_stderr
from ellimaps.cli.sensors_options import AcquisitionLog, AcquisitionSensor

if TYPE_CHECKING:
    from ellimaps.batch.conditions import ConditionColumns
    from ellimaps.batch.engines import Engine
    from ellimaps.batch.runner import BatchSummary
    from ellimaps.batch.work import Work
    from ellimaps.core.progress import Progress

group = typer.Typer(help="Count and measure objects in fluorescence images.", no_args_is_help=True)

RootArgument = Annotated[
    Path, typer.Argument(metavar="ROOT", help="Folder of the acquisitions.", show_default=False)
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)]
KindOption = Annotated[
    str | None, typer.Option("--kind", help="circles (default) for round objects, nuclei for any shape.")
]
RadiusOption = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--radius", help="Smallest and largest radius in pixels (default: 10 60).", metavar="MIN MAX"
    ),
]
PatternOption = Annotated[
    str | None,
    typer.Option("--pattern", help="How paths below ROOT are read, as {date}/{subject}/{experiment}/{fov}."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="Local processes (default: one per processor).", min=1)
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="An existing Dask cluster, as tcp://host:8786.", metavar="ADDRESS"),
]


@group.command("detect")
def detect(
    root: RootArgument,
    out: OutOption,
    kind: KindOption = None,
    radius: RadiusOption = None,
    unit: Annotated[str, typer.Option("--unit", help="Unit of the radius: px or um.")] = "px",
    pixel_size_um: Annotated[
        float | None, typer.Option("--pixel-size", help="Width of a pixel.", metavar="UM")
    ] = None,
    channel: Annotated[int, typer.Option("--channel", help="Channel to find objects in, from 0.")] = 0,
    pattern: PatternOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    as_json: Json = False,
) -> None:
    """Find and measure the objects of all images below ROOT; what is done already is skipped.

    Example: ellimaps cells detect acquisitions --out results --radius 10 40 --workers 4
    """
    from ellimaps.batch.recipes import cell_settings
    from ellimaps.batch.work import CellWork

    settings = cell_settings(
        kind=kind, radius=radius, unit=unit, pixel_size_um=pixel_size_um, channel=channel
    )
    _run(root, out, CellWork(settings), pattern, workers, scheduler, as_json, folders=False)


def command(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A recipe.toml of the workbench.", show_default=False)
    ],
    root: RootArgument,
    out: OutOption,
    model: Annotated[
        Path | None, typer.Option("--model", help="A film model (TOML) to fit to the clusters.")
    ] = None,
    kind: KindOption = None,
    radius: RadiusOption = None,
    pattern: PatternOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    sensors: AcquisitionLog = None,
    sensor: AcquisitionSensor = None,
    as_json: Json = False,
) -> None:
    """Run a recipe over all map folders or images below ROOT; what is done already is skipped.

    Example: ellimaps batch recipe.toml measurements --out results --workers 4
    """
    from ellimaps.batch.recipes import read_work
    from ellimaps.batch.work import MapWork

    work = read_work(recipe, model=model, kind=kind, radius=radius)
    folders = isinstance(work, MapWork)
    log = (sensors, sensor) if sensors else None
    _run(root, out, work, pattern, workers, scheduler, as_json, folders=folders, log=log)


def _run(
    root: Path,
    out: Path,
    work: Work,
    pattern: str | None,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
    *,
    folders: bool,
    log: tuple[str, str | None] | None = None,
) -> None:
    from ellimaps.batch.runner import run_batch, tree_of

    tree = tree_of(root, out, pattern, folders=folders)
    engine = engine_of(workers, scheduler)
    with told_on_stderr() as on_progress:
        conditions = _conditions(*log, on_progress) if log else None
        summary = run_batch(tree, work, out, engine, on_progress, conditions)
    _tell(summary, as_json)
    if summary.failed:
        raise typer.Exit(1)


def _conditions(log: str, sensor: str | None, on_progress: Progress) -> ConditionColumns:
    from ellimaps.batch.conditions import ConditionColumns
    from ellimaps.sensors.store.logs import open_log

    return ConditionColumns(open_log(log, on_progress), sensor)


def engine_of(workers: int | None, scheduler: str | None) -> Engine:
    """Return where the work is done: processes here, or a Dask cluster."""
    import os

    from ellimaps.batch.engines import dask_cluster, local_processes

    if scheduler is None:
        return local_processes(workers or os.cpu_count() or 1)
    if workers is not None:
        raise typer.BadParameter("A Dask cluster has its own workers.", param_hint="--workers")
    return dask_cluster(scheduler)


def _tell(summary: BatchSummary, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json(asdict(summary) | {"table": str(summary.table), "seconds": round(summary.seconds, 3)})
        return
    print(
        f"{summary.images} images: {summary.done} done, {summary.skipped} skipped, {summary.failed} failed; "
        f"{summary.objects} objects in {summary.seconds:.1f} s"
    )
    print(f"  {summary.table}")
    if summary.failed:
        print(f"  {summary.table.with_name('failures.csv')}")
