"""What a plate says of its compounds: which change cells, how, from which dose on, and which act alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from ellimaps.errors import SettingError
from ellimaps.parallel import one_thread
from ellimaps.plates.distance import (
    ControlSpace,
    blind_features,
    blind_space,
    control_space,
    largest_changes,
    relative_to_controls,
    separations,
)
from ellimaps.plates.dose_response import DoseResponse, fit_dose_response
from ellimaps.plates.neighbours import nearest_treatments
from ellimaps.plates.normalisation import vectors
from ellimaps.plates.permutation import benjamini_hochberg, choices, combined_p_value, p_value
from ellimaps.plates.points import Floats
from ellimaps.plates.profiles import Profiles, feature_matrix
from ellimaps.plates.reproducibility import mean_average_precisions
from ellimaps.plates.treatments import Treatment, treatments
from ellimaps.plates.words import change_table, in_words
from ellimaps.progress import Progress, no_progress

DISTANCE = "distance"
CALLED_AT = 0.01
TREATMENT_COLUMNS = (
    *("compound", "concentration", "concentration_unit", "n_wells", "distance", "p", "q"),
    *("map", "map_null", "map_p", "map_q", "changes", "nearest"),
)


@dataclass(frozen=True, eq=False)
class Answers:
    """Tidy tables about compounds.

    Attributes
    ----------
    treatments : DataFrame
        A row per compound and dose: ``compound, concentration, concentration_unit, n_wells, distance`` (from
        the controls; 1 = as far as a control well typically is), ``p`` (permutation of wells), ``q``
        (Benjamini-Hochberg), ``map`` (mean average precision of its wells among controls), ``map_null`` (its
        mean by chance), ``map_p``, ``map_q``, ``changes`` (in words), ``nearest`` (compounds).
    compounds : DataFrame
        A row per compound: ``compound, n_doses, strongest_dose, distance, q`` (at that dose), ``active``,
        ``lowest_active`` (dose with q < 0.01), ``dose_spearman`` (of dose and distance).
    dose_responses : DataFrame
        A row per compound and measure: ``compound, measure, concentration_unit, ec50, ec50_low, ec50_high,
        hill, bottom, top, r2, p, reason``.
    changes : DataFrame
        ``compound, concentration, feature, change_sd, p`` for every feature.
    nearest : DataFrame
        See `ellimaps.plates.neighbours.nearest_treatments`.
    """

    treatments: pd.DataFrame
    compounds: pd.DataFrame
    dose_responses: pd.DataFrame
    changes: pd.DataFrame
    nearest: pd.DataFrame


def answers(profiles: Profiles, seed: int = 0, *, on_progress: Progress = no_progress) -> Answers:
    """Compare every compound and dose with the controls.

    Parameters
    ----------
    profiles : Profiles
        What is known of every well.
    seed : int
        For permutations, where there are too many to try all.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If fewer than three wells are controls, or none has a compound.
    """
    found = treatments(profiles.wells)
    if not found:
        raise SettingError("No well has a compound: give the layout of the plate.")
    with one_thread():
        space = control_space(profiles, seed)
        points = vectors(profiles).wells
        relative = relative_to_controls(profiles)
        rows, changes = [], []
        for done, one in enumerate(found, start=1):
            table = change_table(relative, profiles.features, one, int(space.is_control.sum()))
            changes.append(table.assign(compound=one.compound, concentration=one.concentration))
            rows.append(_row(profiles, space, points, one, seed) | {"changes": in_words(table)})
            on_progress(done, len(found), "comparing treatments with controls")
        nearest = nearest_treatments(space, found)
        table = _finished(pd.DataFrame(rows), nearest)
        changed = pd.concat(changes, ignore_index=True)
        changed = changed[["compound", "concentration", "feature", "change_sd", "p"]]
        responses = dose_responses(profiles, _measures(changed), seed=seed)
    return Answers(table, _compounds(table), responses, changed, nearest)


def dose_responses(profiles: Profiles, measures: dict[str, Sequence[str]], seed: int = 0) -> pd.DataFrame:
    """Fit dose-response curves.

    Parameters
    ----------
    profiles : Profiles
        What is known of every well.
    measures : dict of str to sequence of str
        For each compound the features to fit; `DISTANCE` is how far a well lies in the direction of the
        compound's change, in units of a control well's distance.
    seed : int
        Of `ellimaps.plates.distance.control_space`.

    Raises
    ------
    SettingError
        If a compound or feature is unknown, or fewer than three wells are controls.
    """
    space = control_space(profiles, seed)
    found = treatments(profiles.wells)
    rows = []
    for compound, names in measures.items():
        doses = [one for one in found if one.compound == compound]
        if not doses:
            raise SettingError(f"No well has the compound {compound!r}.")
        for name in names:
            fit = _dose_response(profiles, space, doses, name)
            unit = " / ".join(sorted({one.unit for one in doses}))
            rows.append({"compound": compound, "measure": name, "concentration_unit": unit, **asdict(fit)})
    return pd.DataFrame(rows)


def _row(
    profiles: Profiles, space: ControlSpace, points: Floats, one: Treatment, seed: int
) -> dict[str, object]:
    """Compare one treatment with the controls of its plates."""
    plate = profiles.wells["plate"].astype(str).to_numpy()
    controls = space.is_control & np.isin(plate, plate[one.rows])
    union = np.concatenate([one.rows, np.flatnonzero(controls)])
    plates = np.unique(plate[union], return_inverse=True)[1]
    features = blind_features(feature_matrix(profiles.wells, profiles.features)[union], plates)
    tried = choices(np.arange(len(union)) < len(one.rows), plates, seed)
    comparable = len(tried) > 1
    separated = separations(blind_space(features), tried)
    precisions = mean_average_precisions(points[union], tried)
    return {
        "compound": one.compound,
        "concentration": one.concentration,
        "concentration_unit": one.unit,
        "n_wells": len(one.rows),
        "distance": space.distance(one.rows),
        "p": combined_p_value(separated, largest_changes(features, tried)) if comparable else np.nan,
        "map": float(precisions[0]),
        "map_null": float(precisions.mean()),
        "map_p": p_value(precisions) if comparable and len(one.rows) > 1 else np.nan,
    }


def _finished(table: pd.DataFrame, nearest: pd.DataFrame) -> pd.DataFrame:
    """Add what depends on all treatments: the q-values and the nearest compounds."""
    table = table.assign(
        q=benjamini_hochberg(table["p"].to_numpy(dtype=np.float64)),
        map_q=benjamini_hochberg(table["map_p"].to_numpy(dtype=np.float64)),
    )
    named: dict[tuple[str, float], list[str]] = {}
    for row in nearest.itertuples():
        key = (str(row.compound), _key(row.concentration))
        named.setdefault(key, []).append(f"{row.neighbour} ({row.similarity:.2f})")
    keys = zip(table["compound"], table["concentration"].map(_key), strict=True)
    table["nearest"] = [", ".join(named.get(key, [])) for key in keys]
    return table[list(TREATMENT_COLUMNS)]


def _key(concentration: object) -> float:
    """Return a dose that can be a key: NaN does not equal itself."""
    value = float(str(concentration))
    return value if value >= 0 else -1.0


def _measures(changes: pd.DataFrame) -> dict[str, Sequence[str]]:
    """Return the distance and the most changed feature of each compound."""
    order = changes["change_sd"].abs().sort_values(ascending=False, kind="stable").index
    strongest = changes.loc[order].drop_duplicates("compound").sort_values("compound")
    return {
        str(compound): (DISTANCE, str(feature))
        for compound, feature in zip(strongest["compound"], strongest["feature"], strict=True)
    }


def _dose_response(
    profiles: Profiles, space: ControlSpace, doses: Sequence[Treatment], name: str
) -> DoseResponse:
    if len({one.unit for one in doses}) > 1:
        return DoseResponse(reason="the doses have several units")
    values = _values(profiles, space, doses, name)
    plate = profiles.wells["plate"].astype(str).to_numpy()
    treated = np.concatenate([one.rows for one in doses])
    controls = np.flatnonzero(space.is_control & np.isin(plate, plate[treated]))
    amounts = np.concatenate([np.full(len(one.rows), one.concentration) for one in doses])
    rows = np.concatenate([treated, controls])
    return fit_dose_response(np.concatenate([amounts, np.zeros(len(controls))]), values[rows])


def _values(profiles: Profiles, space: ControlSpace, doses: Sequence[Treatment], name: str) -> Floats:
    if name == DISTANCE:
        return space.along(np.concatenate([one.rows for one in doses]))
    if name not in profiles.features:
        raise SettingError(f"There is no feature {name!r}: choose {DISTANCE} or a feature of the profiles.")
    return profiles.wells[name].to_numpy(dtype=np.float64)


def _compounds(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for compound, doses in table.groupby("compound", sort=True):
        strongest = doses.iloc[int(doses["distance"].argmax())]
        active = doses[doses["q"] < CALLED_AT]
        amounts = doses["concentration"].to_numpy(dtype=np.float64)
        rows.append(
            {
                "compound": compound,
                "n_doses": len(doses),
                "strongest_dose": strongest["concentration"],
                "concentration_unit": strongest["concentration_unit"],
                "distance": strongest["distance"],
                "q": strongest["q"],
                "active": len(active) > 0,
                "lowest_active": active["concentration"].min() if len(active) else np.nan,
                "dose_spearman": _rank_correlation(amounts, doses["distance"].to_numpy(dtype=np.float64)),
            }
        )
    return pd.DataFrame(rows)


def _rank_correlation(doses: Floats, distances: Floats) -> float:
    known = np.isfinite(doses)
    if len(np.unique(doses[known])) < 2 or len(np.unique(distances[known])) < 2:
        return float("nan")
    return float(spearmanr(doses[known], distances[known]).statistic)
