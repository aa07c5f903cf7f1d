"""Colors of points by what was in their wells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.ui.components import scatter

_CONTROL_COLOR = "#9a9a9a"


def groups_of(rows: pd.DataFrame, coloring: str) -> scatter.Groups:
    """Return the group and color of fields or wells by Compound, Concentration, Control or Plate."""
    if coloring == "Concentration":
        names = [f"{dose:g} {unit}".strip() if dose == dose else "none" for dose, unit in _doses(rows)]
    elif coloring == "Control":
        names = np.where(rows["control"], "control", "compound").tolist()
    else:
        names = rows[coloring.lower()].fillna("").astype(str).replace("", "no compound").tolist()
    controls = set(np.asarray(names, dtype=object)[rows["control"].to_numpy(bool)])
    return named_groups(names, controls if coloring == "Compound" else set())


def named_groups(names: Sequence[str], gray: set[str]) -> scatter.Groups:
    """Return groups by name, some of them gray."""
    order = _ordered(names)
    number = {name: code for code, name in enumerate(order)}
    codes = np.array([number[name] for name in names], dtype=int)
    return scatter.Groups(codes, order, _palette(order, gray))


def _doses(rows: pd.DataFrame) -> list[tuple[float, str]]:
    units = rows["concentration_unit"].fillna("").astype(str)
    return list(zip(rows["concentration"].astype(float), units, strict=True))


def _ordered(names: Sequence[str]) -> list[str]:
    def key(name: str) -> tuple[bool, float, str]:
        number = name.removeprefix("cluster ").split(" ")[0]
        value = float(number) if number.replace(".", "", 1).replace("e-", "", 1).isdecimal() else float("inf")
        return name in ("none", "no cluster", "no compound"), value, name.casefold()

    return sorted(set(names), key=key)


def _palette(names: Sequence[str], gray: set[str]) -> list[str]:
    free = iter(range(len(names)))
    return [
        _CONTROL_COLOR if name in gray else CLUSTER_COLORS[next(free) % len(CLUSTER_COLORS)] for name in names
    ]
