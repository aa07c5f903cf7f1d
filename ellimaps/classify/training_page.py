"""A self-contained HTML page of a training: score, recalls, confusion, measurements, pictures of mistakes."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training import TrainingReport

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 1000px; }
body { margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 1.8rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: 3px 10px; text-align: right; }
th:first-child, td:first-child { text-align: left; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 360px; }
img { max-width: 100%; } figcaption { font-size: 13px; }
"""


def training_html(model: PopulationModel, report: TrainingReport) -> str:
    """Return the page; it links to nothing."""
    sections = [
        f"<h1>Classifier of {escape(report.label_name)}</h1>",
        f"<p>{escape(_summary(report))}</p>",
        "<h2>Classes</h2>",
        _table(
            ("class", "images", "recall"),
            [
                (str(c), str(n), f"{r:.3f}")
                for c, n, r in zip(report.classes, report.counts, report.recalls, strict=True)
            ],
        ),
        "<h2>Confusion: mean images per repeat, true class by row</h2>",
        _confusion(report),
        "<h2>Measurements that decide: mean absolute contribution to the log-odds</h2>",
        _table(
            ("measurement", "importance"),
            [(str(name), f"{value:.3f}") for name, value in report.importance.itertuples(index=False)],
        ),
        "<h2>Mistakes</h2>",
        _mistakes(report),
        "<h2>Images kept together</h2>",
        _list(", ".join(files) for files in report.same_cell),
        "<h2>Warnings</h2>",
        _list(report.warnings),
        f"<p>Lengths in {model.unit}. Version {escape(model.version or 'not saved')}.</p>",
    ]
    head = f'<meta charset="utf-8"><title>{escape(report.label_name)}</title><style>{_STYLE}</style>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n'
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _summary(report: TrainingReport) -> str:
    low, high = report.interval
    return (
        f"Score (product of the recalls) {report.score:.3f} ± {report.spread:.3f}, 95 % of the repeats "
        f"between {low:.3f} and {high:.3f}: {report.repeats} repeats of {report.folds}-fold "
        "cross-validation, stratified, images of the same cell kept together, every choice made inside the "
        "folds."
    )


def _confusion(report: TrainingReport) -> str:
    rows = [
        (str(true), *(f"{value:.1f}" for value in values))
        for true, values in zip(report.classes, report.confusion.to_numpy().tolist(), strict=True)
    ]
    return _table(("true", *map(str, report.classes)), rows)


def _mistakes(report: TrainingReport) -> str:
    if report.mistakes.empty:
        return "<p>None.</p>"
    figures = []
    for row in report.mistakes.to_dict("records"):
        text = (
            f"{row['file']}: is {row['label']}, answered {row['answer']} in {row['wrong']:.0%} of the "
            f"repeats; probability of {row['label']}: {row['probability']:.2f}"
        )
        content = report.pictures.get(str(row["file"]))
        image = (
            f'<img alt="" src="data:image/png;base64,{base64.b64encode(content).decode()}">'
            if content
            else ""
        )
        figures.append(f"<figure>{image}<figcaption>{escape(text)}</figcaption></figure>")
    return "\n".join(figures)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _list(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else "<p>None.</p>"
