"""What a fit found, in tables: values with their errors, limits, other minima, what would mend them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from ellimaps.core.numbers import number_text, with_error, with_unit
from ellimaps.maps.films.parameters import in_words, parameter_titles
from ellimaps.maps.films.reference import Reference
from ellimaps.maps.films.results import ShotFits, parameter_names, thickness_name
from ellimaps.optics.certainty import Certainty
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text
from ellimaps.ui.pages.maps.fit_charts import uniqueness_chart
from ellimaps.ui.pages.maps.refine import text_color
from ellimaps.ui.pages.maps.sliders import chosen_cluster
from ellimaps.ui.pages.maps.state import MapsState
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.markdown import escaped


def start_values(model: ThinFilm) -> None:
    """Show what a fit would begin with, and the model."""
    st.markdown("##### What a fit may change")
    rows = [
        {"parameter": title, "start": parameter.start, "from": parameter.low, "to": parameter.high}
        for parameter, title in zip(model.parameters, parameter_titles(model), strict=True)
    ]
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True)
    else:
        st.warning("Nothing is free in this model: edit it and tick what is not known.")
    st.caption("The model")
    st.code(model_text(model), language="toml", wrap_lines=True)


def fit_table(state: MapsState, fits: ShotFits) -> None:
    """Show a row per cluster."""
    table, thickness = fits.table(), thickness_name(fits.model)
    shown: dict[str, object] = {"cluster": state.look.titles}
    for name, title in _titles(fits).items():
        pairs = zip(table[name], table[f"{name}_se"], strict=True)
        shown[title] = [with_error(value, error) for value, error in pairs]
    more = {
        "spread (nm)": [number_text(spread, 2) for spread in table[f"{thickness}_spread"]],
        "MSE": table["mse"],
        "reduced χ²": table["chi2"],
        "wavelengths used": table["n_wavelengths"],
        "verdict": table["flag"],
        "left out": table["left_out"],
    }
    numbers = pd.DataFrame(shown | more)
    cells = [f"background-color: {color}; color: {text_color(color)}" for color in state.look.palette]
    styled = numbers.style.apply(lambda _: cells, subset=["cluster"]).format(
        _short, subset=["MSE", "reduced χ²"]
    )
    st.dataframe(
        styled,
        hide_index=True,
        key="fit_table",
        column_config={
            "MSE": st.column_config.Column(help="1000 times the root mean square misfit in N, C, S."),
            "reduced χ²": st.column_config.Column(help="1: the model fits as well as the noise lets it."),
            "spread (nm)": st.column_config.Column(
                help="Standard deviation of the thickness over the cluster's pixels."
            ),
            "left out": st.column_config.Column(help="Measured, but not used, and why."),
            "verdict": st.column_config.Column(help="Trust what is ok; the rest is hatched in the map."),
        },
    )
    noise = fits.noise.text
    st.caption(escaped(f"{noise[0].upper()}{noise[1:]}."))


def certainty(state: MapsState, fits: ShotFits) -> None:
    """Show limits, curves and correlations of the chosen cluster, and on request what would mend its fit."""
    with st.expander("How certain it is, and which change of the model would mend the fit"):
        cluster = chosen_cluster(len(fits.clusters))
        title, found = state.look.titles[cluster], fits.certainty(cluster)
        if found is None:
            st.caption(f"Cluster {escaped(title)} was not fitted by itself, so it has no limits of its own.")
            return
        names = _titles(fits)
        st.caption(f"Cluster {escaped(title)}: 90 % limits, and correlations of the errors")
        st.dataframe(_limits_table(found, names), hide_index=True, key="fit_limits")
        for remark in found.remarks:
            st.warning(escaped(in_words(remark, fits.model)))
        for name, curve, limits in zip(found.names, found.curves, found.limits, strict=True):
            chart = uniqueness_chart(curve, names[name], limits, state.look.palette[cluster])
            show_chart(chart, alt=f"Reduced χ² over {names[name]}, cluster {title}")
        if st.button("What would mend it?", key="fit_remedies", help="Fits again with one thing changed."):
            st.dataframe(_remedies_table(fits, cluster), hide_index=True, key="fit_mended")


def details(state: MapsState, fits: ShotFits) -> None:
    """Show other minima of the chosen cluster, and how far errors of what is fixed move its result."""
    with st.expander("Other minima, and how far the result moves if something held fixed is off"):
        cluster = chosen_cluster(len(fits.clusters))
        title, names = state.look.titles[cluster], _titles(fits)
        others = fits.clusters[cluster].others
        if others:
            rows = [
                {names[name]: number_text(value) for name, value in other.parameters.items()}
                | {"reduced χ²": _short(other.chi2)}
                for other in others
            ]
            st.caption(f"Cluster {escaped(title)} fits about as well with")
            st.dataframe(pd.DataFrame(rows), hide_index=True, key="fit_others")
        else:
            st.caption(f"Cluster {escaped(title)}: no other minimum fits about as well.")
        table = fits.sensitivity(cluster)
        if len(table):
            st.caption("Changes of the fitted parameters, to first order")
            st.dataframe(_sensitivity_table(table, names), hide_index=True, key="fit_sensitivity")
            for number, taken in state.film.references.items():
                if fits.model.layers[number].thickness_nm == taken.thickness_nm:
                    st.caption(escaped(_moved_by(table, number, taken, names)))


def _titles(fits: ShotFits) -> dict[str, str]:
    return dict(zip(parameter_names(fits.model), parameter_titles(fits.model), strict=True))


def _limits_table(found: Certainty, names: dict[str, str]) -> pd.DataFrame:
    table = found.table()
    errors = table["standard_error"]
    columns = {
        "parameter": [names[name] for name in table["parameter"]],
        "value": list(map(with_error, table["value"], errors)),
        "from": [_to_digit(value, error) for value, error in zip(table["low_90"], errors, strict=True)],
        "to": [_to_digit(value, error) for value, error in zip(table["high_90"], errors, strict=True)],
    }
    # Of one parameter alone there is nothing to tell.
    several = names if len(names) > 1 else {}
    correlations = {
        f"with {text}": table[f"correlation_{name}"].map("{:+.3f}".format) for name, text in several.items()
    }
    return pd.DataFrame(columns | correlations)


def _remedies_table(fits: ShotFits, cluster: int) -> pd.DataFrame:
    table = fits.remedies(cluster)
    values = [
        "" if pd.isna(value) else with_unit(number_text(value), unit)
        for value, unit in zip(table["value"], table["unit"], strict=True)
    ]
    return pd.DataFrame(
        {
            "change": [in_words(text, fits.model) for text in table["change"]],
            "value": values,
            "reduced χ²": table["chi2"].map(_short),
            "MSE": table["mse"].map(_short),
            "verdict": table["flag"],
        }
    )


def _sensitivity_table(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    pairs = zip(table["change"], table["unit"], strict=True)
    changes = [with_unit(f"{change:g}", unit) for change, unit in pairs]
    moved = {title: table[name].map(lambda shift: f"{shift:+.2g}") for name, title in names.items()}
    return pd.DataFrame({"if this is off": table["fixed"], "by": changes} | moved)


def _moved_by(table: pd.DataFrame, number: int, taken: Reference, names: dict[str, str]) -> str:
    """Say what the error of a thickness that was taken from a cluster does to the result."""
    row = table[table["fixed"].str.startswith(f"thickness of layer {number + 1} ")].iloc[0]
    error = taken.standard_error_nm
    moved = ", ".join(f"{title} by {row[name] / row['change'] * error:+.2g}" for name, title in names.items())
    return f"The {number_text(error, 2)} nm by which layer {number + 1} is uncertain move {moved}."


def _to_digit(value: float, error: float) -> str:
    return with_error(value, error).split(" ±")[0]


def _short(value: Any) -> str:
    return number_text(value, 3)
