"""A self-contained HTML page of a training: score, recalls, confusion, measurements, pictures of mistakes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from ellimaps.classify.measurement_names import measurement_name
from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training import TrainingReport
from ellimaps.core.html import render

_STYLE = """
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 360px; }
figcaption { font-size: 13px; overflow-wrap: anywhere; }
"""


def training_html(model: PopulationModel, report: TrainingReport) -> str:
    """Return the page; it links to nothing."""
    answered = zip(report.class_names, report.confusion.to_numpy().tolist(), strict=True)
    return render(
        "classify/templates/training.html",
        title=report.label_name,
        style=_STYLE,
        model=model,
        report=report,
        classes=list(_classes(report)),
        confusion=[(true, *(f"{value:.1f}" for value in values)) for true, values in answered],
        importance=[
            (measurement_name(name, model.unit), f"{value:.3f}")
            for name, value in report.importance.itertuples(index=False)
        ],
        mistakes=list(_mistakes(report)),
        same_cell=[", ".join(files) for files in report.same_cell],
    )


def _classes(report: TrainingReport) -> Iterator[tuple[Any, ...]]:
    counted = zip(report.classes, report.class_names, report.counts, report.cells, strict=True)
    for (value, name, count, cells), recall, limits in zip(
        counted, report.recalls, report.recall_limits, strict=True
    ):
        called = name if name == str(value) else f"{name} ({value})"
        yield called, count, cells, f"{recall:.3f}", "{:.3f} to {:.3f}".format(*limits)


def _mistakes(report: TrainingReport) -> Iterator[tuple[str, str]]:
    """Yield what is said of each image it gets wrong, and its picture in base64, where there is one."""
    called = dict(zip(report.classes, report.class_names, strict=True))
    for row in report.mistakes.to_dict("records"):
        text = (
            f"{row['file']}: is {called[row['label']]}, answered {called[row['answer']]} in "
            f"{row['wrong']:.0%} of the repeats; probability of {called[row['label']]}: "
            f"{row['probability']:.2f}"
        )
        yield text, base64.b64encode(report.pictures.get(str(row["file"]), b"")).decode()
