"""Two groups of the plate beside each other: which features differ, and how surely."""

from __future__ import annotations

import streamlit as st

from ellimaps.core.errors import EllimapsError
from ellimaps.core.numbers import spoken
from ellimaps.plates.selections import read_selections
from ellimaps.plates.statistics.groups import GroupComparison, compare_groups
from ellimaps.ui.pages.plates.choice import Mask, chosen_fields
from ellimaps.ui.pages.plates.data import OpenedPlate
from ellimaps.ui.pages.plates.state import PlatesState
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.tasks import computed
from ellimaps.ui.shared.widgets import table_downloads

_CONTROLS, _NOW = "Controls", "Chosen now"
# What a table shows without scrolling; the rest is folded.
_FIRST = 10
# As the changes in words: a convention.
_CLEAR_AT = 0.05
_COMPARED: BoundedCache[GroupComparison | EllimapsError] = BoundedCache(64)


def groups_panel(state: PlatesState, plate: OpenedPlate) -> None:
    """Show two groups to choose, and what differs between them."""
    groups = _groups(state, plate)
    for key in ("plates_group_1", "plates_group_2"):
        if st.session_state.get(key, _CONTROLS) not in groups:
            # A choice given up, a selection removed, another plate.
            del st.session_state[key]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.selectbox("First group", list(groups), **kept("plates_group_1"), width=300)
        second = st.selectbox(
            "Second group",
            list(groups),
            index=list(groups).index(_CONTROLS),
            **kept("plates_group_2"),
            width=300,
        )
    if first == second:
        st.caption("Choose two different groups.")
        return
    (one, drawn), (other, also_drawn) = groups[first], groups[second]
    found = computed(
        state,
        _COMPARED,
        (plate.key, one.tobytes(), other.tobytes(), drawn or also_drawn),
        "Comparing two groups",
        lambda _: compare_groups(plate.profiles, one, other, drawn=drawn or also_drawn),
    )
    if found is not None:
        _show(found, first, second)


def _groups(state: PlatesState, plate: OpenedPlate) -> dict[str, tuple[Mask, bool]]:
    """Return the fields of every group by its name, and whether its features chose it."""
    fields = plate.profiles.fields
    control = fields["control"].to_numpy(bool)
    compounds = fields["compound"].fillna("").astype(str).to_numpy()
    chosen = chosen_fields(state, plate)
    now = {} if chosen.all() else {_NOW: (chosen, state.is_drawn)}
    named = {
        f"Selection {name}": (one.of(fields), one.drawn)
        for name, one in read_selections(plate.folder).items()
    }
    each = {
        f"Compound {name}": ((compounds == name) & ~control, False)
        for name in sorted(set(compounds[~control]) - {""}, key=str.casefold)
    }
    return now | named | each | {_CONTROLS: (control, False)}


def _show(found: GroupComparison, first: str, second: str) -> None:
    n = f"{found.n_first} against {found.n_second} wells"
    table = found.table.assign(name=[spoken(str(feature)) for feature in found.table["feature"]])
    if found.reason:
        st.info(
            f"No p-values, because {escaped(found.reason)}. How far the groups lie apart is measured ({n}).",
            icon=":material/info:",
        )
    else:
        clear = int((table["q"] < _CLEAR_AT).sum())
        st.markdown(f"**{clear} of {len(table)} features differ** (q < {_CLEAR_AT:g}), {n}.")
        if found.least_p * len(table) > _CLEAR_AT and not clear:
            st.caption(
                f"So few wells can hardly say more: no p can be below {found.least_p:.2g}, and {len(table)} "
                "features are looked at."
            )
    columns = ["name", "difference_sd", "q", "p", "first", "second"]
    config = {
        "name": st.column_config.TextColumn("Feature"),
        "difference_sd": st.column_config.NumberColumn(
            "Difference", format="%+.2f", help="First minus second, in standard deviations between wells."
        ),
        "q": st.column_config.NumberColumn(
            "q", format="%.2g", help="p after Benjamini-Hochberg over features."
        ),
        "p": st.column_config.NumberColumn(
            "p", format="%.2g", help="Whole wells exchanged between the groups, within their plates."
        ),
        "first": st.column_config.NumberColumn(f"Mean of {first}", format="%.4g"),
        "second": st.column_config.NumberColumn(f"Mean of {second}", format="%.4g"),
    }
    shown = table[columns].dropna(axis="columns", how="all")
    st.dataframe(shown.iloc[:_FIRST], key="plates_groups_table", hide_index=True, column_config=config)
    if len(shown) > _FIRST:
        with st.expander(f"All {len(shown)} features"):
            st.dataframe(shown, key="plates_groups_all", hide_index=True, column_config=config)
    named = {"name": "Feature", "difference_sd": "Difference (standard deviations)"}
    named |= {"first": f"Mean of {first}", "second": f"Mean of {second}"}
    words = shown.rename(columns=named)
    table_downloads("Save the groups", "groups", found.table, key="plates_get_groups", shown=words)
