"""What was found, by a level of the tree: objects and their measures, or thicknesses and spectra."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ellimaps.batch.map_results import TRUSTED, parameters, spectra_by_group, values_by_group
from ellimaps.batch.results import Results
from ellimaps.ui.pages.experiments.charts import (
    MOST_COLORS,
    MOST_GROUPS,
    count_chart,
    density_chart,
    histogram,
    spectra_chart,
    value_chart,
)
from ellimaps.ui.pages.experiments.words import (
    columns_of,
    height_of,
    readable,
    reads,
    with_uncertainty,
)
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import csv_download

_NO_MEASURES = {"Circle", "Nucleus", "Object", "X", "Y", "Scene", "T", "Z"}


def objects_by_group(results: Results, level: str) -> None:
    """Show counts and the distribution of a measure."""
    counts = results.counts(level)
    left, right = st.columns(2)
    with left:
        show_chart(count_chart(counts, level), alt=f"Objects of each {level.lower()}")
    with right:
        show_chart(density_chart(counts, level), alt=f"Objects per image of each {level.lower()}")
    _more_than(MOST_GROUPS, len(counts), level)
    if results.objects.empty:
        st.info("Nothing was found in any image: another recipe may fit.", icon=":material/search_off:")
        return
    numbers = results.objects.select_dtypes("number").columns
    measures = [str(name) for name in numbers if name not in _NO_MEASURES and not name.startswith("bbox")]
    measure = st.selectbox("Measure", measures, format_func=reads, **kept("experiments_measure"), width=360)
    known = results.objects[results.objects[measure].notna()]
    if known.empty:
        st.info(f"{escaped(reads(measure))} is not known of any object.")
        return
    left, right = st.columns([6, 5])
    with left:
        chart = histogram(known[measure], results.groups(known, level), level, reads(measure))
        show_chart(chart, alt=f"{reads(measure)} of the objects of each {level.lower()}")
    with right:
        _table(results.comparison(level, measure), f"{level.lower()}s", "experiments_comparison")


def maps_by_group(results: Results, level: str) -> None:
    """Show fitted values with their uncertainty, and spectra over each other."""
    _values(results, level)
    _spectra(results, level)


def _values(results: Results, level: str) -> None:
    fitted = parameters(results)
    if not fitted:
        st.caption("No film model was fitted, so there is no thickness: run it with a model.")
        return
    chosen = fitted[0]
    if len(fitted) > 1:
        chosen = st.selectbox("Value", fitted, format_func=reads, **kept("experiments_value"), width=360)
    values = values_by_group(results, level, chosen)
    if values.empty:
        st.info(escaped(_untrusted(results)), icon=":material/search_off:")
        return
    left, right = st.columns([6, 5])
    with left:
        chart = value_chart(values, _groups(results, level), level, reads(chosen))
        show_chart(chart, alt=f"{reads(chosen)} of each {level.lower()}")
    with right:
        names = {
            "group": level,
            "cluster": "Cluster",
            "mean": reads(chosen),
            "error": "±",
            "samples": "Samples",
        }
        shown = values.assign(
            mean=with_uncertainty(values["mean"], values["error"]),
            error=with_uncertainty(values["error"], values["error"]),
        ).rename(columns=names)
        shown = shown.drop(columns="Cluster") if (values["cluster"] == "").all() else shown
        _show(shown, values, "values", "experiments_values")
        st.caption(_of_what(results))
    _more_than(MOST_GROUPS, len(_groups(results, level)), level)


def _untrusted(results: Results) -> str:
    flags = results.objects["flag"].value_counts() if "flag" in results.objects else pd.Series(dtype=int)
    reasons = ", ".join(f"{count:,} {flag}" for flag, count in flags.items())
    return f"No fit can be trusted{f' ({reasons})' if reasons else ''}: another film model may fit."


def _groups(results: Results, level: str) -> list[str]:
    return list(results.groups(results.images, level).unique())


def _of_what(results: Results) -> str:
    text = (
        "Mean of the samples ± their standard deviation; of a single sample ± the standard error of its fit."
    )
    if "flag" not in results.objects:
        return text
    left_out = int((results.objects["flag"] != TRUSTED).sum())
    return (
        f"{text} {left_out:,} of {len(results.objects):,} fits are left out, as they cannot be trusted."
        if left_out
        else text
    )


def _spectra(results: Results, level: str) -> None:
    spectra = spectra_by_group(results, level)
    if spectra.empty:
        return
    clusters = list(spectra["cluster"].unique())
    cluster = st.segmented_control(
        "Spectra of cluster",
        clusters,
        format_func=escaped,
        default=clusters[0],
        required=True,
        **kept(f"experiments_cluster_{len(clusters)}"),
    )
    rows = spectra[spectra["cluster"] == cluster]
    groups = rows["group"].unique()
    shown = rows[rows["group"].isin(groups[:MOST_COLORS])]
    quantities = list(shown["quantity"].unique())
    for column, quantity in zip(st.columns(max(2, len(quantities))), quantities, strict=False):
        with column:
            chart = spectra_chart(shown, quantity, level)
            show_chart(chart, alt=f"{quantity} of cluster {cluster}, by {level.lower()}")
    _more_than(MOST_COLORS, len(groups), level)


def _table(table: pd.DataFrame, name: str, key: str) -> None:
    _show(readable(table), table, name, key)


def _show(shown: pd.DataFrame, table: pd.DataFrame, name: str, key: str) -> None:
    st.dataframe(
        shown, key=key, hide_index=True, column_config=columns_of(shown), height=height_of(shown, 250)
    )
    csv_download("Table", f"{name}.csv", table, key=f"{key}_csv", help="As CSV, with all digits")


def _more_than(most: int, number: int, level: str) -> None:
    if number > most:
        st.caption(f"The first {most} of {number:,}: choose which {escaped(level.lower())}s are shown above.")
