"""A self-contained HTML page of a training: score, recalls, confusion, measurements, pictures of mistakes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training import TrainingReport
from ellimaps.core.html import render

_STYLE = """
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 360px; }
figcaption { font-size: 13px; overflow-wrap: anywhere; }
"""


def training_html(model: PopulationModel, report: TrainingReport) -> str:
    """Return the page; it links to nothing."""
    counted = zip(report.classes, report.counts, report.recalls, strict=True)
    answered = zip(report.classes, report.confusion.to_numpy().tolist(), strict=True)
    return render(
        "classify/templates/training.html",
        title=report.label_name,
        style=_STYLE,
        model=model,
        report=report,
        classes=[(name, count, f"{recall:.3f}") for name, count, recall in counted],
        confusion=[(true, *(f"{value:.1f}" for value in values)) for true, values in answered],
        importance=[(name, f"{value:.3f}") for name, value in report.importance.itertuples(index=False)],
        mistakes=list(_mistakes(report)),
        same_cell=[", ".join(files) for files in report.same_cell],
    )


def _mistakes(report: TrainingReport) -> Iterator[tuple[str, str]]:
    """Yield what is said of each image it gets wrong, and its picture in base64, where there is one."""
    for row in report.mistakes.to_dict("records"):
        text = (
            f"{row['file']}: is {row['label']}, answered {row['answer']} in {row['wrong']:.0%} of the "
            f"repeats; probability of {row['label']}: {row['probability']:.2f}"
        )
        yield text, base64.b64encode(report.pictures.get(str(row["file"]), b"")).decode()
