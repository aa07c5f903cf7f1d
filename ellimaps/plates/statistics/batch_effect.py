"""Several plates in one table: how much of their wells' variance is plate rather than compound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.profiles import Profiles, feature_values
from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.normalization import scaled
from ellimaps.plates.statistics.positional_effect import center_plates
from ellimaps.plates.statistics.shares import filled, indicators, residuals, treatment_levels

MEASURED, CENTERED, SCALED = "before normalizing", "controls centered", "robust z-scores"
"""As the profiles are, with `--correct plates`, and with each plate's own controls as the unit."""
SHARES = ("plate", "treatment", "either", "rest")


@dataclass(frozen=True, eq=False)
class BatchEffect:
    """What plates do to wells, before and after normalising.

    Attributes
    ----------
    table : DataFrame
        A row per stage (:data:`MEASURED`, :data:`CENTERED` where every plate has controls, :data:`SCALED`):
        ``stage``, the shares of variance ``plate, treatment, either`` (what the layout lets belong to both),
        ``rest``, means over features; ``feature, feature_plate`` (the one most of plate);
        ``neighbors_on_plate`` (share of wells whose nearest one lies on their plate), ``by_chance``.
    points : dict of str to ndarray, shape (well, 2)
        Of each stage the first two principal components of the wells, features in units of their standard
        deviation.
    """

    table: pd.DataFrame
    points: dict[str, Floats]


def are_comparable(profiles: Profiles) -> bool:
    """Return whether there are two plates or more, and a treatment or control on two of them."""
    treatment, plate = _designs(profiles.wells)
    both = np.linalg.matrix_rank(np.hstack([treatment, plate]))
    return bool(plate.shape[1] > 1 and np.linalg.matrix_rank(treatment) < both < len(profiles.wells))


def batch_effect(profiles: Profiles) -> BatchEffect:
    """Return how much of the variance between wells plates and treatments explain.

    Omega squared (Hays 1963, Statistics for Psychologists) of linear models with treatments and plates: of
    each sum of squares what chance brings is taken off, so that a share is 0 on average where there is
    nothing to explain, and may lie a little below.

    Raises
    ------
    SettingError
        If they are not comparable: one plate, or no treatment (controls are one) on two of them.
    """
    plates = profiles.wells["plate"].astype(str).to_numpy(object)
    if not are_comparable(profiles):
        raise SettingError(
            "Plate and compound cannot be told apart: it takes two plates with controls on both."
        )
    treatment, plate = _designs(profiles.wells)
    designs = [treatment, plate, np.hstack([treatment, plate])]
    rows, points = [], {}
    for stage, values in _stages(profiles):
        unit = _standardized(values)
        shares = _shares(unit, designs)
        worst = int(np.nanargmax(shares[0]))
        points[stage] = _plane(unit)
        rows.append(
            {
                "stage": stage,
                **dict(zip(SHARES, np.nanmean(shares, axis=1).tolist(), strict=True)),
                "feature": profiles.features[worst],
                "feature_plate": float(shares[0, worst]),
                "neighbors_on_plate": _on_plate(unit, plates),
                "by_chance": float(
                    np.mean([(plates == one).sum() - 1 for one in plates]) / (len(plates) - 1)
                ),
            }
        )
    return BatchEffect(pd.DataFrame(rows), points)


def _designs(wells: pd.DataFrame) -> tuple[Floats, Floats]:
    plates = wells["plate"].astype(str).to_numpy(object)
    return indicators(treatment_levels(wells)), indicators(plates)


def _stages(profiles: Profiles) -> Iterator[tuple[str, Floats]]:
    yield MEASURED, feature_values(profiles.wells, profiles.features)
    # A plate that lacks controls is scaled by all of its wells.
    with suppress(SettingError):
        yield CENTERED, feature_values(center_plates(profiles).wells, profiles.features)
    yield SCALED, scaled(profiles)[1].to_numpy(np.float64)


def _standardized(values: Floats) -> Floats:
    """Return features less their mean, in standard deviations; constant ones are 0."""
    centered = filled(values)
    centered = centered - centered.mean(axis=0)
    spread = centered.std(axis=0)
    return np.asarray(centered / np.where(spread > 0, spread, 1.0))


def _shares(unit: Floats, designs: list[Floats]) -> Floats:
    """Return `SHARES` of every feature, shape (share, feature); NaN of constant ones."""
    (treatment, of_treatment), (plate, of_plate), (both, freedom) = (residuals(unit, one) for one in designs)
    squares, noise = np.square(unit).sum(axis=0), both / freedom
    # What a factor takes off the other's rest, less what as many levels would take off noise.
    by_plate = treatment - both - (of_treatment - freedom) * noise
    by_treatment = plate - both - (of_plate - freedom) * noise
    # The mean has taken one degree of freedom.
    whole, rest = squares + noise, len(unit) * noise
    found = np.array([by_plate, by_treatment, whole - rest - by_plate - by_treatment, rest])
    return np.where(squares > 0, found / np.where(squares > 0, whole, 1.0), np.nan)


def _plane(unit: Floats) -> Floats:
    """Return the first two principal components, shape (well, 2)."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]

    found = PCA(min(2, *unit.shape), random_state=0).fit_transform(unit)
    return np.pad(np.asarray(found, dtype=np.float64), ((0, 0), (0, 2 - found.shape[1])))


def _on_plate(unit: Floats, plates: NDArray[np.object_]) -> float:
    """Return the share of wells whose nearest other one lies on their plate."""
    from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]

    # Without points to look for, none is its own neighbor.
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(unit).kneighbors(return_distance=False)
    return float(np.mean(plates[nearest[:, 0]] == plates))
