"""What the measurements are called on a screen or in print, with their units."""

from __future__ import annotations

from ellimaps.classify.image_features import SIZES

_NAMES = {
    "equivalent_diameter": "Diameter of the disc of the same area",
    "caliper_mean": "Mean caliper width",
    "feret_max": "Largest Feret diameter",
    "feret_min": "Smallest Feret diameter",
    "inner_diameter": "Diameter of the largest inscribed disc",
    "gyration": "Radius of gyration",
    "solidity": "Share of the convex hull",
    "elongation": "Smallest over largest Feret diameter",
    "compactness": "Disc diameter over largest diameter",
    "contour": "Perimeter over that of the hull",
    "slenderness": "Inscribed over disc diameter",
    "reach_1_5": "Area beyond 1.5 mean radii",
    "reach_2": "Area beyond 2 mean radii",
    "protrusions": "Area in thin protrusions",
    "eccentricity": "Eccentricity",
    "ring_1": "Brightness of the rim",
    "ring_2": "Brightness of the outer middle",
    "ring_3": "Brightness of the inner middle",
    "ring_4": "Brightness of the center",
    "variation": "Variation of brightness",
    "grain_1": "Grain of 2 % of the diameter",
    "grain_2": "Grain of 4 % of the diameter",
    "grain_3": "Grain of 8 % of the diameter",
    "grain_4": "Grain of 16 % of the diameter",
    "islands_25": "Bright regions, brightest 75 %",
    "islands_50": "Bright regions, brightest half",
    "islands_75": "Bright regions, brightest 25 %",
    "alignment": "Common direction of fibers",
    "blob": "Strongest spot of a nucleus' size",
}
"""By the name in the code, each of `ellimaps.classify.image_features.MEASUREMENTS`; what is no length has no
unit: shares, and brightness over that of the cell."""


def measurement_name(name: str, unit: str = "") -> str:
    """Return what a measurement is called, a length with its unit, px or um, where that is given."""
    shown = {"um": "µm"}.get(unit, unit)
    return f"{_NAMES[name]} ({shown})" if shown and name in SIZES else _NAMES[name]
