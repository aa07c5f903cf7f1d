"""``ellimaps cells``: count and measure objects, and tell kinds of cells apart."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ellimaps.cli.batch import engine_of, tell_batch
from ellimaps.cli.options import (
    AcquisitionPattern,
    AcquisitionRoot,
    Json,
    NetworkWeights,
    ObjectKind,
    Outlines,
    Radius,
    ResultFolder,
    Scheduler,
    Seed,
    TimeLimit,
    Workers,
)
from ellimaps.cli.output import print_json, print_table, progress_on_stderr

if TYPE_CHECKING:
    from ellimaps.classify import DeepModel, PopulationModel, Training
    from ellimaps.deep.segmenters import Segmenter

FocalPlane = Annotated[
    str | None,
    typer.Option("--z", help="One focal plane from 0, or max or mean of all (default: each).", metavar="N"),
]
TimePoint = Annotated[
    str | None,
    typer.Option("--t", help="One time point from 0, or max or mean of all (default: each).", metavar="N"),
]
Scene = Annotated[
    int | None, typer.Option("--scene", help="One scene of an OME-TIFF, from 0 (default: each).", min=0)
]
PixelSize = Annotated[float | None, typer.Option("--pixel-size", help="Width of a pixel.", metavar="UM")]
MeasureNames = Annotated[
    str, typer.Option("--names", help="What measures are called: as in skimage or in cellprofiler.")
]

group = typer.Typer(help="Count and measure objects in fluorescence images.", no_args_is_help=True)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="IMAGES", help="Folder of TIFF or PNG images.", show_default=False)
]
LabelsOption = Annotated[
    Path,
    typer.Option("--labels", help="CSV: image, label and, if you like, group.", show_default=False),
]
ModelOption = Annotated[Path, typer.Option("--model", help="What cells train wrote.", show_default=False)]


@group.command("detect")
def detect(
    root: AcquisitionRoot,
    out: ResultFolder,
    kind: ObjectKind = None,
    radius: Radius = None,
    unit: Annotated[str, typer.Option("--unit", help="Unit of the radius: px or um.")] = "px",
    pixel_size_um: PixelSize = None,
    channel: Annotated[int, typer.Option("--channel", help="Channel to find objects in, from 0.")] = 0,
    z: FocalPlane = None,
    t: TimePoint = None,
    scene: Scene = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            help="Measure these nuclei and find none: a folder of label images called as the images, "
            "or one: TIFF, PNG, RoiSet.zip or GeoJSON.",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            help="Let cellpose or stardist find objects, with --weights; their library must be installed.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights", help="File of the network's weights; none are fetched.", show_default=False
        ),
    ] = None,
    outlines: Outlines = None,
    names: MeasureNames = "skimage",
    pattern: AcquisitionPattern = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit_s: TimeLimit = None,
    as_json: Json = False,
) -> None:
    """Find and measure the objects of all images below ROOT; what is done already is skipped.

    Example: ellimaps cells detect acquisitions --out results --radius 10 40 --workers 4
    """
    # Before what takes a second to load: a wrong path is told at once.
    _check_source(kind, labels, network, weights)
    chosen = _network(network, weights)

    from ellimaps.batch.cell_recipe import cell_settings
    from ellimaps.batch.cells import CellWork, LabelledWork, NetworkWork, masked_tree
    from ellimaps.batch.runner import run_batch, tree_of
    from ellimaps.batch.time_limit import time_limit
    from ellimaps.objects.column_names import names_called
    from ellimaps.regions.outline_files import outline_formats

    kind = "nuclei" if labels or chosen else kind
    where = {"channel": channel, "z": plane(z), "t": plane(t), "scene": scene}
    settings = cell_settings(kind=kind, radius=radius, unit=unit, pixel_size_um=pixel_size_um, **where)
    asked = settings, names_called(names), time_limit(time_limit_s), outline_formats(outlines or [])
    tree, work = tree_of(root, out, pattern, folders=False), CellWork(*asked)
    if labels is not None:
        tree, work = masked_tree(tree, labels), LabelledWork(*asked)
    if chosen is not None:
        work = NetworkWork(*asked, segmenter=chosen)
    engine = engine_of(workers, scheduler)
    with progress_on_stderr() as on_progress:
        summary = run_batch(tree, work, out, engine, on_progress)
    tell_batch(summary, as_json)


def _check_source(kind: str | None, labels: Path | None, network: str | None, weights: Path | None) -> None:
    if labels is not None and network is not None:
        raise typer.BadParameter("Give one of --labels and --network, not both.", param_hint="--labels")
    if (network is None) != (weights is None):
        raise typer.BadParameter("Give --network and --weights together.", param_hint="--network")
    if kind == "circles" and (labels is not None or network is not None):
        raise typer.BadParameter("Labels and networks give no circles: leave it out.", param_hint="--kind")


def _network(network: str | None, weights: Path | None) -> Segmenter | None:
    """Return the network asked for, and say under which license its weights are."""
    if network is None or weights is None:
        return None
    from ellimaps.deep.segmenters import segmenter

    chosen = segmenter(network, weights)
    print(f"weights {chosen.weights}: license {chosen.license}", file=sys.stderr)
    return chosen


@group.command("measure")
def measure(
    root: AcquisitionRoot,
    labels: Annotated[
        Path,
        typer.Option(
            "--labels",
            help="Folder of label images called as the images, or one: TIFF, PNG, RoiSet.zip or GeoJSON.",
            show_default=False,
        ),
    ],
    out: ResultFolder,
    pixel_size_um: PixelSize = None,
    channel: Annotated[int, typer.Option("--channel", help="Channel of the overlays, from 0.")] = 0,
    z: FocalPlane = None,
    t: TimePoint = None,
    scene: Scene = None,
    names: MeasureNames = "skimage",
    pattern: AcquisitionPattern = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    time_limit_s: TimeLimit = None,
    as_json: Json = False,
) -> None:
    """Measure the objects that label images name, from any program, in all images below ROOT.

    Example: ellimaps cells measure acquisitions --labels masks --out results
    """
    from ellimaps.batch.cell_recipe import cell_settings
    from ellimaps.batch.cells import MaskWork, masked_tree
    from ellimaps.batch.runner import run_batch, tree_of
    from ellimaps.batch.time_limit import time_limit
    from ellimaps.objects.column_names import names_called

    settings = cell_settings(
        kind="nuclei", pixel_size_um=pixel_size_um, channel=channel, z=plane(z), t=plane(t), scene=scene
    )
    work = MaskWork(settings, names_called(names), time_limit(time_limit_s))
    tree = masked_tree(tree_of(root, out, pattern, folders=False), labels)
    engine = engine_of(workers, scheduler)
    with progress_on_stderr() as on_progress:
        summary = run_batch(tree, work, out, engine, on_progress)
    tell_batch(summary, as_json)


def plane(text: str | None) -> int | str | None:
    """Return a plane's number, or the name of a projection."""
    return int(text) if text is not None and text.isdecimal() else text


@group.command("train")
def train(
    images: FolderArgument,
    labels: LabelsOption,
    out: Annotated[Path, typer.Option("--out", help="The model to write.", show_default=False)],
    report: Annotated[
        Path | None, typer.Option("--report", help="HTML report (default: beside the model).")
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", help="Of the cross-validation.", min=1)] = 10,
    backbone: Annotated[
        str | None,
        typer.Option("--backbone", help="Fine-tune this network instead, such as resnet50 (extra deep)."),
    ] = None,
    weights: NetworkWeights = None,
    epochs: Annotated[int, typer.Option("--epochs", help="Rounds of fine-tuning.", min=1)] = 10,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a classifier on labelled images, and cross-validate it.

    Example: ellimaps cells train images --labels labels.csv --out cells.ellimodel
    """
    from dataclasses import replace

    from ellimaps.classify import SUFFIX, read_labels, train as train_model, training_html
    from ellimaps.classify.model_file import model_bytes, version_of
    from ellimaps.core.errors import SettingError
    from ellimaps.core.files import write_files

    if backbone is not None:
        _fine_tune(images, labels, out, (backbone, weights, epochs), seed, as_json)
        return
    page = report or out.with_suffix(".html")
    if page == out:
        raise SettingError(f"{out} cannot be both the model and its report: end the model in {SUFFIX}.")
    with progress_on_stderr() as on_progress:
        training = train_model(images, read_labels(labels, images), seed, on_progress, repeats=repeats)
    content = model_bytes(training.model)
    model = replace(training.model, version=version_of(content))
    report_page = training_html(model, training.report).encode()
    if page.parent == out.parent:
        write_files(out.parent, {out.name: content, page.name: report_page})
    else:
        write_files(out.parent, {out.name: content})
        write_files(page.parent, {page.name: report_page})
    _tell_training(training, model, out, page, as_json)


@group.command("predict")
def predict(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="TIFF or PNG images.", show_default=False)
    ],
    model: ModelOption,
    as_json: Json = False,
) -> None:
    """Classify images.

    Example: ellimaps cells predict new/*.tif --model cells.ellimodel
    """
    from ellimaps.classify import load_classifier

    classifier = load_classifier(model)
    rows = [_predicted(classifier, path) for path in images]
    if as_json:
        print_json(rows)
        return
    answers = {"file": "", classifier.label_name: "", "probability": ".3f", "seconds": ".2f"}
    print_table([row | {name: "no cell" for name in row if row[name] is None} for row in rows], answers)
    for row in rows:
        for warning in row["warnings"]:
            print(f"  {row['file']}: {warning}")


@group.command("score")
def score(images: FolderArgument, labels: LabelsOption, model: ModelOption, as_json: Json = False) -> None:
    """Compare a classifier's answers with labels: the product of the recalls of all classes.

    Example: ellimaps cells score images --labels labels.csv --model cells.ellimodel
    """
    from ellimaps.classify import load_classifier, read_labels
    from ellimaps.classify.scoring import score_folder

    with progress_on_stderr() as on_progress:
        result = score_folder(load_classifier(model), images, read_labels(labels, images), on_progress)
    if as_json:
        print_json(result.facts())
        return
    print(f"score {result.score:.4f}")
    for label, right, count in zip(result.classes, result.right, result.counts, strict=True):
        print(f"  {label}: {right} of {count} right")


def _fine_tune(
    images: Path, labels: Path, out: Path, network: tuple[str, Path | None, int], seed: int, as_json: bool
) -> None:
    from ellimaps.classify import read_labels
    from ellimaps.classify.deep_model import save_deep_model
    from ellimaps.classify.deep_training import fine_tune_folder
    from ellimaps.deep import load_backbone

    name, weights, epochs = network
    table = read_labels(labels, images)
    backbone = load_backbone(name, weights)
    with progress_on_stderr() as on_progress:
        trained = fine_tune_folder(images, table, backbone, epochs, seed, on_progress)
    model = save_deep_model(trained, out)
    found = model.provenance
    facts = {"model": str(out), "version": model.version, "label": model.label_name, "classes": model.classes}
    if as_json:
        print_json({**facts, "score": found["score"], "recalls": found["recalls"]})
        return
    print(f"score {found['score']:.3f} on held-out images")
    for label, recall in zip(model.classes, found["recalls"], strict=True):
        print(f"  {model.label_name} {label}: recall {recall:.3f}")
    print(f"  {out}")


def _predicted(classifier: PopulationModel | DeepModel, path: Path) -> dict[str, Any]:
    from ellimaps.classify import read_image

    start = time.perf_counter()
    prediction = classifier.predict(*read_image(path))
    return {
        "file": str(path),
        classifier.label_name: prediction.label,
        "probability": round(prediction.probability, 4),
        "seconds": round(time.perf_counter() - start, 3),
        "warnings": prediction.warnings,
    }


def _tell_training(training: Training, model: PopulationModel, out: Path, page: Path, as_json: bool) -> None:
    report = training.report
    if as_json:
        print_json(
            {
                "model": str(out),
                "report": str(page),
                "version": model.version,
                "label": model.label_name,
                "classes": report.classes,
                "counts": report.counts,
                "score": report.score,
                "score_spread": report.spread,
                "score_interval": report.interval,
                "balanced_accuracy": report.balanced_accuracy,
                "balanced_accuracy_interval": report.balanced_limits,
                "area_under_curve": report.area,
                "area_under_curve_interval": report.area_limits,
                "class_names": report.class_names,
                "recalls": report.recalls,
                "recall_intervals": report.recall_limits,
                "cells": report.cells,
                "confusion": report.confusion.to_numpy().tolist(),
                "mistakes": report.mistakes.to_dict("records"),
                "same_cell": report.same_cell,
                "stand_ins": report.stand_ins,
                "warnings": report.warnings,
            }
        )
        return
    for what, value, (low, high) in (
        ("score", report.score, report.interval),
        ("balanced accuracy", report.balanced_accuracy, report.balanced_limits),
        ("area under the curve", report.area, report.area_limits),
    ):
        print(f"{what} {value:.3f} ({low:.3f} to {high:.3f})")
    print(f"  95 % limits by the number of cells; {report.spread:.3f} between {report.repeats} repeats")
    for label, count, recall, (low, high) in zip(
        report.class_names, report.counts, report.recalls, report.recall_limits, strict=True
    ):
        print(f"  {label}: {count} images, recall {recall:.3f} ({low:.3f} to {high:.3f})")
    for warning in (*report.stand_ins, *report.warnings):
        print(f"  {warning}")
    print(f"  {out}\n  {page}")
