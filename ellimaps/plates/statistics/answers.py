"""What a plate says of its compounds: which change cells, how, from which dose on, and which act alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import one_thread
from ellimaps.core.progress import Progress, no_progress
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.changes import change_table, describe_changes
from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.distance import (
    ControlSpace,
    along_change,
    control_space,
    relative_to_controls,
    steady_changes,
)
from ellimaps.plates.statistics.dose_response import DoseResponse, fit_dose_response
from ellimaps.plates.statistics.normalization import vectors
from ellimaps.plates.statistics.permutation import false_discovery_rates
from ellimaps.plates.statistics.significance import agreement, difference_p, trend_p
from ellimaps.plates.statistics.similarity import nearest_treatments
from ellimaps.plates.statistics.treatments import Treatment, treatments

DISTANCE = "distance"
CALLED_AT = 0.01
"""The false discovery rate at which a compound is called active: a promise, so stricter than 0.05."""
_NEAREST_AT = 0.05
"""Of treatments whose change may be none the nearest means nothing; here a miss costs more than a guess."""
COMPOUND_COLUMNS = (
    *("compound", "n_doses", "n_wells", "p", "q", "active", "lowest_active"),
    *("strongest_dose", "concentration_unit", "distance", "dose_spearman"),
)
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
        A row per compound: ``compound, n_doses, n_wells, p, q`` (a change of all its wells that grows with
        the dose; q over compounds), ``active`` (q < 0.01), ``lowest_active`` (of an active one the lowest
        dose with p < 0.01), ``strongest_dose, concentration_unit, distance`` (of that dose),
        ``dose_spearman`` (of dose and change, along the direction all doses share).
    dose_responses : DataFrame
        A row per compound and measure: ``compound, measure, concentration_unit, ec50, ec50_low, ec50_high,
        hill, bottom, top, r2, p, reason``.
    changes : DataFrame
        ``compound, concentration, feature, change_sd, p`` for every feature.
    nearest : DataFrame
        See `ellimaps.plates.statistics.similarity.nearest_treatments`; among the treatments with p < 0.05,
        as the direction of a change that may be none means nothing.
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
            rows.append(
                _row(profiles, space.distance(one.rows), points, one, seed)
                | {"changes": describe_changes(table)}
            )
            on_progress(done, len(found), "comparing treatments with controls")
        table = _with_q_values(pd.DataFrame(rows))
        likely = [one for one, p in zip(found, table["p"], strict=True) if p < _NEAREST_AT]
        nearest = nearest_treatments(space, likely)
        table = _with_nearest(table, nearest)
        changed = pd.concat(changes, ignore_index=True)
        changed = changed[["compound", "concentration", "feature", "change_sd", "p"]]
        compounds = _compounds(profiles, found, table, seed, on_progress)
        active = set(compounds.loc[compounds["active"].to_numpy(bool), "compound"])
        responses = _only_of(active, dose_responses(profiles, _measures(changed, active), seed=seed))
    return Answers(table, compounds, responses, changed, nearest)


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
        Of everything random.

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
            fit = _dose_response(profiles, space, doses, name, seed)
            unit = " / ".join(sorted({one.unit for one in doses}))
            rows.append({"compound": compound, "measure": name, "concentration_unit": unit, **asdict(fit)})
    return pd.DataFrame(rows)


def responses(profiles: Profiles, compound: str, measure: str, seed: int = 0) -> pd.DataFrame:
    """Return what a curve of `dose_responses` is fitted to.

    Parameters
    ----------
    profiles, seed
        As there.
    compound, measure : str
        Of one curve.

    Returns
    -------
    DataFrame
        ``plate, well, dose, value`` of the compound's wells, then of the controls on their plates, at dose 0.
        Of `DISTANCE` the value is how far the well lies in the direction of the compound's change, 0 being
        the controls' center and 1 as far as one of them typically is.

    Raises
    ------
    SettingError
        As there.
    """
    doses = [one for one in treatments(profiles.wells) if one.compound == compound]
    if not doses:
        raise SettingError(f"No well has the compound {compound!r}.")
    space = control_space(profiles, seed)
    rows, amounts = _fitted_wells(profiles, space, doses)
    table = profiles.wells.iloc[rows][["plate", "well"]].reset_index(drop=True)
    return table.assign(dose=amounts, value=_values(profiles, space, doses, measure)[rows])


def _row(profiles: Profiles, distance: float, points: Floats, one: Treatment, seed: int) -> dict[str, object]:
    """Compare one treatment with the controls of its plates."""
    precision, by_chance, precision_p = agreement(profiles, points, one.rows, seed)
    return {
        "compound": one.compound,
        "concentration": one.concentration,
        "concentration_unit": one.unit,
        "n_wells": len(one.rows),
        "distance": distance,
        "p": difference_p(profiles, one.rows, seed),
        "map": precision,
        "map_null": by_chance,
        "map_p": precision_p,
    }


def _with_q_values(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        q=false_discovery_rates(table["p"].to_numpy(dtype=np.float64)),
        map_q=false_discovery_rates(table["map_p"].to_numpy(dtype=np.float64)),
    )


def _with_nearest(table: pd.DataFrame, nearest: pd.DataFrame) -> pd.DataFrame:
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


def _only_of(active: set[str], responses: pd.DataFrame) -> pd.DataFrame:
    """Take away the EC50 of compounds without an effect: among many curves, some fit by chance."""
    inactive = ~responses["compound"].isin(active)
    responses.loc[inactive, ["ec50", "ec50_low", "ec50_high"]] = np.nan
    responses.loc[inactive, "reason"] = "the compound is not told from the controls"
    return responses


def _measures(changes: pd.DataFrame, active: set[str]) -> dict[str, Sequence[str]]:
    """Return the distance for each compound, and the most changed feature for those that are active."""
    order = changes["change_sd"].abs().sort_values(ascending=False, kind="stable").index
    strongest = changes.loc[order].drop_duplicates("compound").sort_values("compound")
    return {
        str(compound): (DISTANCE, str(feature)) if compound in active else (DISTANCE,)
        for compound, feature in zip(strongest["compound"], strongest["feature"], strict=True)
    }


def _dose_response(
    profiles: Profiles, space: ControlSpace, doses: Sequence[Treatment], name: str, seed: int
) -> DoseResponse:
    if len({one.unit for one in doses}) > 1:
        return DoseResponse(reason="the doses have several units")
    rows, amounts = _fitted_wells(profiles, space, doses)
    return fit_dose_response(amounts, _values(profiles, space, doses, name)[rows], seed)


def _fitted_wells(
    profiles: Profiles, space: ControlSpace, doses: Sequence[Treatment]
) -> tuple[NDArray[np.intp], Floats]:
    """Return the wells of a compound and of the controls on their plates, and their doses."""
    plate = profiles.wells["plate"].astype(str).to_numpy()
    treated = np.concatenate([one.rows for one in doses])
    controls = np.flatnonzero(space.is_control & np.isin(plate, plate[treated]))
    amounts = np.concatenate([np.full(len(one.rows), one.concentration) for one in doses])
    return np.concatenate([treated, controls]), np.concatenate([amounts, np.zeros(len(controls))])


def _values(profiles: Profiles, space: ControlSpace, doses: Sequence[Treatment], name: str) -> Floats:
    if name == DISTANCE:
        return space.along(np.concatenate([one.rows for one in doses]))
    if name not in profiles.features:
        raise SettingError(f"There is no feature {name!r}: choose {DISTANCE} or a feature of the profiles.")
    return profiles.wells[name].to_numpy(dtype=np.float64)


def _compounds(
    profiles: Profiles, found: Sequence[Treatment], table: pd.DataFrame, seed: int, on_progress: Progress
) -> pd.DataFrame:
    """Compare all wells of each compound with the controls, and sum up its doses."""
    rows = []
    points = steady_changes(profiles, seed)
    groups = table.groupby("compound", sort=True)
    for done, (compound, doses) in enumerate(groups, start=1):
        mine = [one for one in found if one.compound == compound]
        wells = np.concatenate([one.rows for one in mine])
        given = profiles.wells["concentration"].to_numpy(dtype=np.float64)[wells]
        strongest = doses.iloc[int(doses["distance"].argmax())]
        rows.append(
            {
                "compound": compound,
                "n_doses": len(doses),
                "n_wells": len(wells),
                "p": trend_p(profiles, wells, given, seed),
                "strongest_dose": strongest["concentration"],
                "concentration_unit": strongest["concentration_unit"],
                "distance": strongest["distance"],
                "lowest_active": doses.loc[doses["p"] < CALLED_AT, "concentration"].min(),
                "dose_spearman": _dose_order(points, mine, wells),
            }
        )
        on_progress(done, len(groups), "comparing compounds with controls")
    summed = pd.DataFrame(rows)
    q = false_discovery_rates(summed["p"].to_numpy(dtype=np.float64))
    summed = summed.assign(q=q, active=q < CALLED_AT)
    summed["lowest_active"] = summed["lowest_active"].where(summed["active"])
    return summed[list(COMPOUND_COLUMNS)]


def _dose_order(points: Floats, doses: Sequence[Treatment], wells: NDArray[np.intp]) -> float:
    """Return the rank correlation of dose and change along the direction that all doses share.

    A distance adds up the noise of all directions, which hides the order of low doses.
    """
    along = along_change(points, wells)
    known = [one for one in doses if np.isfinite(one.concentration)]
    amounts = [one.concentration for one in known]
    changes = [float(along[one.rows].mean()) for one in known]
    if len(set(amounts)) < 2 or len(set(changes)) < 2:
        return float("nan")
    return float(spearmanr(amounts, changes).statistic)
