"""A plate in one HTML page that needs no other file: what was found, where on the plate, and every table."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ellimaps.core.figures import figure_png
from ellimaps.core.html import render
from ellimaps.core.progress import Progress, no_progress
from ellimaps.plates.figures import (
    DosePanel,
    batch_figure,
    dose_figure,
    embedding_figure,
    plate_figure,
)
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.answers import CALLED_AT, DISTANCE, Answers, answers
from ellimaps.plates.statistics.assay_quality import by_channel
from ellimaps.plates.statistics.batch_effect import SHARES, BatchEffect
from ellimaps.plates.statistics.distance import ControlSpace, control_space
from ellimaps.plates.statistics.embedding import Method, embed
from ellimaps.plates.statistics.evaluation import evaluate
from ellimaps.plates.statistics.plate_quality import plate_quality
from ellimaps.plates.statistics.positional_effect import positional_effect
from ellimaps.plates.statistics.treatments import treatments

_MOST_CURVES = 24
"""Panels of a figure that fits a page; the table below it has all."""

_Table = tuple[list[str], list[list[str]]]
"""Header and rows."""


class _Drawn(NamedTuple):
    """A figure as the template takes it: PNG in base64."""

    picture: str
    caption: str


def plate_report(
    profiles: Profiles,
    *,
    method: Method = "pca",
    seed: int = 0,
    positive: str | None = None,
    on_progress: Progress = no_progress,
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
    positive : str, optional
        See `ellimaps.plates.statistics.assay_quality.positive_controls`.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If the plate has too few wells or controls.
    """
    positions = embed(profiles, method, seed, "well")
    found = answers(profiles, seed, on_progress=on_progress)
    quality = plate_quality(profiles, positive)
    on_progress(1, 1, "drawing")
    space = control_space(profiles, seed)
    return render(
        "plates/templates/report.html",
        title=str(profiles.facts.get("name") or "Plate"),
        facts=_facts(profiles),
        n_active=int(found.compounds["active"].sum()),
        n_compounds=len(found.compounds),
        called_at=CALLED_AT,
        answers=_answers(found),
        plate=list(_plate(profiles, space)),
        map=_drawn(embedding_figure(positions), f"Wells by {method} of their profiles: near means alike."),
        curves=_curves(profiles, space, found.dose_responses),
        doses=_doses(found.dose_responses),
        treatments=_treatments(found),
        positional_effect=_positional_effect(profiles),
        quality=_quality(quality.controls),
        batches=_batches(quality.batches, profiles.wells),
        version=version("ellimaps"),
        seed=seed,
    )


def _facts(profiles: Profiles) -> dict[str, str]:
    judged = evaluate(profiles)
    taken = profiles.facts.get("correction")
    wells = profiles.wells
    n_controls = int(wells["control"].sum())
    compounds = wells.loc[~wells["control"].to_numpy(bool), "compound"].nunique()
    return {
        "Measured": f"{judged.n_fields} fields of {judged.n_wells} wells, {len(profiles.features)} features",
        "Layout": f"{compounds} compounds, {n_controls} control wells",
        **({"Positional effects taken off": str(taken)} if taken else {}),
        "Nearest neighbour": f"the same compound for {judged.field_accuracy_1nn:.1%} of fields "
        f"and {judged.well_accuracy_1nn:.1%} of wells",
        "Mean average precision": f"{judged.map:.3f} per well",
        **{f"Warning {i}": str(text) for i, text in enumerate(profiles.facts.get("mismatches", ()), start=1)},
    }


def _answers(found: Answers) -> _Table:
    header = ["compound", "changes cells", "from dose", "distance", "q", "EC50", "dose order", "what changes"]
    curves = found.dose_responses.query("measure == @DISTANCE").set_index("compound")
    doses = found.treatments
    strongest = doses.loc[doses.groupby("compound")["distance"].idxmax()].set_index("compound")["changes"]
    rows = [
        [
            str(row.compound),
            "yes" if row.active else "no",
            _amount(row.lowest_active, row.concentration_unit),
            _number(row.distance),
            _number(row.q),
            _amount(curves.loc[str(row.compound)]["ec50"], row.concentration_unit),
            _number(row.dose_spearman),
            str(strongest[str(row.compound)]),
        ]
        for row in found.compounds.itertuples()
    ]
    return header, rows


def _plate(profiles: Profiles, space: ControlSpace) -> Iterator[_Drawn]:
    wells = profiles.wells
    distance = np.sqrt(np.square(space.points).sum(axis=1)) / space.unit
    told = "Distance of each well from the controls (circles); 1 = a typical control well."
    yield _drawn(plate_figure(wells, distance, "distance"), told)
    for name in [name for name in profiles.features if name.endswith("count")][:1]:
        values = wells[name].to_numpy(np.float64)
        yield _drawn(plate_figure(wells, values, name), f"{name} of each well.")


def _doses(fits: pd.DataFrame) -> _Table:
    header = ["compound", "measure", "EC50", "95 % interval", "hill", "r2", "p", "why there is no EC50"]
    rows = [
        [
            str(row.compound),
            str(row.measure),
            _amount(row.ec50, row.concentration_unit),
            _interval(row) if np.isfinite(float(str(row.ec50))) else "-",
            *(_number(value) for value in (row.hill, row.r2, row.p)),
            str(row.reason),
        ]
        for row in fits.itertuples()
    ]
    return header, rows


def _curves(profiles: Profiles, space: ControlSpace, fits: pd.DataFrame) -> _Drawn | None:
    panels = list(_panels(profiles, space, fits[fits["measure"] == DISTANCE]))[:_MOST_CURVES]
    told = (
        "How far each well lies in the direction of its compound's change, by dose; "
        "grey: two standard deviations of controls; orange: the EC50's interval."
    )
    return _drawn(dose_figure(panels), told) if panels else None


def _panels(profiles: Profiles, space: ControlSpace, fits: pd.DataFrame) -> Iterator[DosePanel]:
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


def _treatments(found: Answers) -> _Table:
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
            str(row.compound),
            _amount(row.concentration, row.concentration_unit),
            str(row.n_wells),
            *(_number(value) for value in (row.distance, row.p, row.q, row.map, row.map_null, row.map_q)),
            str(row.changes),
            str(row.nearest),
        ]
        for row in found.treatments.itertuples()
    ]
    return header, rows


def _positional_effect(profiles: Profiles) -> _Table:
    rows = [
        [str(row.factor), _share(row.explained), str(row.feature) or "-", _share(row.feature_explained)]
        for row in positional_effect(profiles).itertuples()
    ]
    return ["place", "of all features", "most affected", "of that one"], rows


def _quality(controls: pd.DataFrame) -> _Table:
    header = [
        *("plate", "positive control", "feature", "control wells", "CV", "positive wells"),
        *("Z'", "robust Z'", "SSMD", "robust SSMD"),
    ]
    rows = [
        [
            *(str(row.plate), str(row.positive) or "-", str(row.feature)),
            *(str(row.n_controls), _number(row.cv), str(row.n_positive)),
            *(_number(value) for value in (row.z_prime, row.z_prime_robust, row.ssmd, row.ssmd_robust)),
        ]
        for row in by_channel(controls).itertuples()
    ]
    return header, rows


def _batches(effect: BatchEffect | None, wells: pd.DataFrame) -> tuple[_Drawn, _Table] | None:
    if effect is None:
        return None
    header = [*("", *SHARES, "most of plate", "of that one"), "nearest well on the same plate", "by chance"]
    rows = [
        [
            str(row.stage),
            *(_share(getattr(row, name)) for name in SHARES),
            *(str(row.feature), _share(row.feature_plate)),
            *(_share(row.neighbors_on_plate), _share(row.by_chance)),
        ]
        for row in effect.table.itertuples()
    ]
    told = (
        "How much of the variance between wells is plate, before and after normalizing; crosses are controls."
    )
    return _drawn(batch_figure(effect, wells), told), (header, rows)


def _drawn(figure: Figure, caption: str) -> _Drawn:
    return _Drawn(base64.b64encode(figure_png(figure)).decode("ascii"), caption)


def _interval(row: Any) -> str:
    return f"{_number(row.ec50_low)} .. {_number(row.ec50_high)}"


def _number(value: Any) -> str:
    return "-" if value is None or not np.isfinite(value) else f"{value:.3g}"


def _amount(value: Any, unit: Any) -> str:
    return "-" if not np.isfinite(value) else f"{value:.3g} {unit}".strip()


def _share(value: Any) -> str:
    return "the layout cannot tell" if not np.isfinite(value) else f"{max(value, 0.0):.1%}"
