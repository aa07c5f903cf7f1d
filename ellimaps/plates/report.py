"""A plate in one HTML page that needs no other file: what was found, where on the plate, and every table."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ellimaps.core.figures import figure_png
from ellimaps.core.html import cell_table, facts_table, html_page
from ellimaps.core.progress import Progress, no_progress
from ellimaps.plates.figures import DosePanel, dose_figure, embedding_figure, plate_figure
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.answers import CALLED_AT, DISTANCE, Answers, answers
from ellimaps.plates.statistics.distance import ControlSpace, control_space
from ellimaps.plates.statistics.embedding import Method, embed
from ellimaps.plates.statistics.evaluation import evaluate
from ellimaps.plates.statistics.positional_effect import positional_effect
from ellimaps.plates.statistics.treatments import treatments

_STYLE = """
nav a { margin-right: 1.2em; } a:focus-visible, .wide:focus-visible { outline: 3px solid #0B6BB8; }
.words { white-space: normal; text-align: left; min-width: 16em; }
thead th { overflow-wrap: normal; }
figure { margin: 0 0 1rem; } figcaption { color: #444; font-size: 13px; }
@media print { nav { display: none; } }
"""
_MOST_CURVES = 24
"""Panels of a figure that fits a page; the table below it has all."""
_PARTS = {
    "answers": "Answers",
    "plate": "Plate",
    "map": "Map of the wells",
    "doses": "Dose and response",
    "treatments": "All compounds and doses",
    "place": "Effect of the place",
    "methods": "How to read this",
}


def plate_report(
    profiles: Profiles, *, method: Method = "pca", seed: int = 0, on_progress: Progress = no_progress
) -> str:
    """Return the report.

    Parameters
    ----------
    profiles : Profiles
        What is known of every field and well.
    method : {"pca", "tsne", "umap"}
        How the wells are laid out.
    seed : int
        Of everything random.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If the plate has too few wells or controls.
    """
    positions = embed(profiles, method, seed, "well")
    found = answers(profiles, seed, on_progress=on_progress)
    on_progress(1, 1, "drawing")
    name = str(profiles.facts.get("name") or "Plate")
    space = control_space(profiles, seed)
    parts = {
        "answers": _answers(found),
        "plate": _plate(profiles, space),
        "map": _figure(
            embedding_figure(positions), f"Wells by {method} of their profiles: near means alike."
        ),
        "doses": _doses(profiles, space, found),
        "treatments": _treatments(found),
        "place": _positional_effect(profiles),
        "methods": _METHODS,
    }
    links = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title in _PARTS.items())
    sections = [
        f"<header><h1>{escape(name)}</h1>\n<nav aria-label='Contents'>{links}</nav></header>\n<main>",
        facts_table(_facts(profiles)),
        *(f'<section id="{key}"><h2>{_PARTS[key]}</h2>\n{part}</section>' for key, part in parts.items()),
        f"</main><footer>ellimaps {escape(version('ellimaps'))}, seed {seed}</footer>",
    ]
    return html_page(name, sections, _STYLE)


def _facts(profiles: Profiles) -> dict[str, str]:
    judged = evaluate(profiles)
    taken = profiles.facts.get("correction")
    wells = profiles.wells
    n_controls = int(wells["control"].sum())
    compounds = wells.loc[~wells["control"].to_numpy(bool), "compound"].nunique()
    return {
        "Measured": f"{judged.n_fields} fields of {judged.n_wells} wells, {len(profiles.features)} features",
        "Layout": f"{compounds} compounds, {n_controls} control wells",
        **({"Effects of place taken off": str(taken)} if taken else {}),
        "Nearest neighbour": f"the same compound for {judged.field_accuracy_1nn:.1%} of fields "
        f"and {judged.well_accuracy_1nn:.1%} of wells",
        "Mean average precision": f"{judged.map:.3f} per well",
        **{f"Warning {i}": str(text) for i, text in enumerate(profiles.facts.get("mismatches", ()), start=1)},
    }


def _answers(found: Answers) -> str:
    active = found.compounds[found.compounds["active"].to_numpy(bool)]
    rows = []
    curves = found.dose_responses.query("measure == @DISTANCE").set_index("compound")
    doses = found.treatments
    strongest = doses.loc[doses.groupby("compound")["distance"].idxmax()].set_index("compound")["changes"]
    for row in found.compounds.itertuples():
        curve = curves.loc[str(row.compound)]
        rows.append(
            [
                escape(str(row.compound)),
                "yes" if row.active else "no",
                _amount(row.lowest_active, row.concentration_unit),
                _number(row.distance),
                _number(row.q),
                _amount(curve["ec50"], row.concentration_unit),
                _number(row.dose_spearman),
                _Text(strongest[str(row.compound)]),
            ]
        )
    header = ["compound", "changes cells", "from dose", "distance", "q", "EC50", "dose order", "what changes"]
    told = f"{len(active)} of {len(found.compounds)} compounds change the cells (q &lt; {CALLED_AT:g})."
    return f"<p>{told}</p>\n{_cells(header, rows)}"


def _plate(profiles: Profiles, space: ControlSpace) -> str:
    wells = profiles.wells
    figures = [
        _figure(
            plate_figure(wells, np.sqrt(np.square(space.points).sum(axis=1)) / space.unit, "distance"),
            "Distance of each well from the controls (circles); 1 = a typical control well.",
        )
    ]
    counts = [name for name in profiles.features if name.endswith("count")][:1]
    for name in counts:
        values = wells[name].to_numpy(np.float64)
        figures.append(_figure(plate_figure(wells, values, name), f"{name} of each well."))
    return "\n".join(figures)


def _doses(profiles: Profiles, space: ControlSpace, found: Answers) -> str:
    table = found.dose_responses
    rows = [
        [
            escape(str(row.compound)),
            escape(str(row.measure)),
            _amount(row.ec50, row.concentration_unit),
            f"{_number(row.ec50_low)} .. {_number(row.ec50_high)}"
            if np.isfinite(float(str(row.ec50)))
            else "-",
            _number(row.hill),
            _number(row.r2),
            _number(row.p),
            _Text(str(row.reason)),
        ]
        for row in table.itertuples()
    ]
    header = ["compound", "measure", "EC50", "95 % interval", "hill", "r2", "p", "why there is no EC50"]
    curves = list(_curves(profiles, space, table[table["measure"] == DISTANCE]))[:_MOST_CURVES]
    if not curves:
        return _cells(header, rows)
    told = (
        "How far each well lies in the direction of its compound's change, by dose; "
        "grey: two standard deviations of controls; orange: the EC50's interval."
    )
    return _figure(dose_figure(curves), told) + _cells(header, rows)


def _curves(profiles: Profiles, space: ControlSpace, fits: pd.DataFrame) -> Iterator[DosePanel]:
    found = treatments(profiles.wells)
    for _, fit in fits.iterrows():
        doses = [one for one in found if one.compound == fit["compound"] and one.concentration > 0]
        if len(doses) < 2:
            continue
        rows = np.concatenate([one.rows for one in doses])
        amounts = np.concatenate([np.full(len(one.rows), one.concentration) for one in doses])
        title = f"{fit['compound']} ({fit['concentration_unit']})"
        values = space.along(rows)
        yield DosePanel(title, amounts, values[rows], values[space.is_control], fit)


def _treatments(found: Answers) -> str:
    header = [
        "compound",
        "dose",
        "wells",
        "distance",
        "p",
        "q",
        "mAP",
        "by chance",
        "q (mAP)",
        "changes",
        "like",
    ]
    rows = [
        [
            escape(str(row.compound)),
            _amount(row.concentration, row.concentration_unit),
            str(row.n_wells),
            *(_number(value) for value in (row.distance, row.p, row.q, row.map, row.map_null, row.map_q)),
            _Text(str(row.changes)),
            _Text(str(row.nearest)),
        ]
        for row in found.treatments.itertuples()
    ]
    return _cells(header, rows)


def _positional_effect(profiles: Profiles) -> str:
    table = positional_effect(profiles)
    rows = [
        [
            escape(str(row.factor)),
            _share(row.explained),
            escape(str(row.feature)) or "-",
            _share(row.feature_explained),
        ]
        for row in table.itertuples()
    ]
    told = "Share of the differences between wells of equal treatment that their place explains."
    return f"<p>{told}</p>" + _cells(["place", "of all features", "most affected", "of that one"], rows)


class _Text(str):
    """A cell of running text, not yet HTML."""


def _cells(header: list[str], rows: list[list[str]]) -> str:
    def cell(value: str) -> str:
        return f'<div class="words">{escape(value)}</div>' if isinstance(value, _Text) else value

    return cell_table(header, ([cell(value) for value in row] for row in rows))


def _figure(figure: Figure, caption: str) -> str:
    picture = base64.b64encode(figure_png(figure)).decode("ascii")
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{picture}">'
        f"<figcaption>{text}</figcaption></figure>\n"
    )


def _number(value: Any) -> str:
    return "-" if value is None or not np.isfinite(value) else f"{value:.3g}"


def _amount(value: Any, unit: Any) -> str:
    return "-" if not np.isfinite(value) else f"{value:.3g} {escape(str(unit))}".strip()


def _share(value: Any) -> str:
    return "the layout cannot tell" if not np.isfinite(value) else f"{max(value, 0.0):.1%}"


_METHODS = """<p>Whole wells are compared with control wells of the same plate. <b>p</b> is the share of all
choices of wells that differ from the rest as much as the treated ones do; <b>q</b> allows for the number of
treatments (Benjamini and Hochberg). <b>distance</b>: 1 is as far as a control well typically lies from the
others. <b>dose order</b>: rank correlation of dose and distance. <b>mAP</b>: how far the wells of a treatment
find each other before control wells, 1 = always; beside it what chance gives. <b>like</b>: compounds that
change cells in the same direction, 1 = the same. Changes are in standard deviations of control wells.</p>"""
