"""What a fit found, in tables: values with their errors, limits, other minima, what would mend them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from ellimaps.core.numbers import number_text, with_error, with_unit
from ellimaps.maps.films.reference import Reference
from ellimaps.maps.films.results import ShotFits, parameter_names, thickness_name
from ellimaps.optics.certainty import Certainty
from ellimaps.optics.fitted import FilmFit
from ellimaps.optics.layers import THICKNESS
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text
from ellimaps.optics.parameters import in_words, parameter_titles
from ellimaps.ui.pages.maps.fit_charts import uniqueness_chart
from ellimaps.ui.pages.maps.looks import Look
from ellimaps.ui.pages.maps.refine import text_color
from ellimaps.ui.pages.maps.sliders import chosen_cluster
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


class FitsShown(NamedTuple):
    """Fits of clusters, or of the spectra of a file."""

    noun: str
    """What was fitted: cluster, or spectrum."""
    look: Look
    """What they are called and how they are colored."""
    fits: Sequence[FilmFit]
    model: ThinFilm

    @property
    def titles(self) -> dict[str, str]:
        """A title with unit for each free parameter, by its name."""
        return dict(zip(parameter_names(self.model), parameter_titles(self.model), strict=True))

    @property
    def chosen(self) -> tuple[FilmFit, str, str]:
        """The fit where the slider stands, what it is of, and its color."""
        number = chosen_cluster(len(self.fits))
        name = f"{self.noun.capitalize()} {self.look.titles[number]}"
        return self.fits[number], name, self.look.palette[number]


def cluster_fits(look: Look, fits: ShotFits) -> FitsShown:
    """Return the fits of clusters."""
    return FitsShown("cluster", look, fits.clusters, fits.model)


def shots_table(shown: FitsShown, fits: ShotFits) -> None:
    """Show a row per cluster, and the noise of all."""
    columns: dict[str, list[str]] = {}
    if THICKNESS in [parameter.kind for parameter in fits.model.parameters]:
        name = thickness_name(fits.model)
        columns["spread (nm)"] = [number_text(fit.spreads[name], 2) for fit in fits.clusters]
    fit_table(shown, columns, {"left out": ["; ".join(fit.left_out) for fit in fits.clusters]})
    noise = fits.noise.text
    st.caption(escaped(f"{noise[0].upper()}{noise[1:]}."))


def fit_table(shown: FitsShown, beside: Mapping[str, object], last: Mapping[str, object]) -> None:
    """Show a row per fit.

    Parameters
    ----------
    shown : FitsShown
        The fits.
    beside, last : mapping of str to column
        What else to show, beside the parameters and at the end.
    """
    values = {
        title: [with_error(fit.parameters[name], fit.standard_errors[name]) for fit in shown.fits]
        for name, title in shown.titles.items()
    }
    verdicts = {
        "MSE": [fit.mse for fit in shown.fits],
        "reduced χ²": [fit.chi2 for fit in shown.fits],
        "wavelengths used": [fit.n_wavelengths for fit in shown.fits],
        "verdict": [fit.flag.text for fit in shown.fits],
    }
    numbers = pd.DataFrame({shown.noun: shown.look.titles, **values, **beside, **verdicts, **last})
    cells = [f"background-color: {color}; color: {text_color(color)}" for color in shown.look.palette]
    styled = numbers.style.apply(lambda _: cells, subset=[shown.noun]).format(
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


def certainty(shown: FitsShown) -> None:
    """Show limits, curves and correlations of the chosen fit, and on request what would mend it."""
    with st.expander("How certain it is, and which change of the model would correct the fit"):
        fit, name, color = shown.chosen
        found, titles = fit.certainty(), shown.titles
        if found is None:
            st.caption(f"{escaped(name)} was not fitted by itself, so it has no limits of its own.")
            return
        st.caption(f"{escaped(name)}: 90 % limits, and correlations of the errors")
        st.dataframe(_limits_table(found, titles), hide_index=True, key="fit_limits")
        for remark in found.remarks:
            st.warning(escaped(in_words(remark, shown.model)))
        for parameter, curve, limits in zip(found.names, found.curves, found.limits, strict=True):
            chart = uniqueness_chart(curve, titles[parameter], limits, color)
            show_chart(chart, alt=f"Reduced χ² over {titles[parameter]}, {name}")
        if st.button("What would correct it?", key="fit_remedies", help="Fits again with one thing changed."):
            st.dataframe(_remedies_table(fit, shown.model), hide_index=True, key="fit_mended")


def details(shown: FitsShown, references: Mapping[int, Reference]) -> None:
    """Show other minima of the chosen fit, and how far errors of what is fixed move its result.

    Parameters
    ----------
    shown : FitsShown
        The fits.
    references : mapping of int to Reference
        Thicknesses that were taken from clusters, by the number of the layer.
    """
    with st.expander("Other minima, and how far the result moves if something held fixed is off"):
        fit, name, _ = shown.chosen
        titles = shown.titles
        if fit.others:
            rows = [
                {titles[name]: number_text(value) for name, value in other.parameters.items()}
                | {"reduced χ²": _short(other.chi2)}
                for other in fit.others
            ]
            st.caption(f"{escaped(name)} fits about as well with")
            st.dataframe(pd.DataFrame(rows), hide_index=True, key="fit_others")
        else:
            st.caption(f"{escaped(name)}: no other minimum fits about as well.")
        table = fit.sensitivity()
        if len(table):
            st.caption("Changes of the fitted parameters, to first order")
            st.dataframe(_sensitivity_table(table, titles), hide_index=True, key="fit_sensitivity")
            for number, taken in references.items():
                if shown.model.layers[number].thickness_nm == taken.thickness_nm:
                    st.caption(escaped(_moved_by(table, number, taken, titles)))


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


def _remedies_table(fit: FilmFit, model: ThinFilm) -> pd.DataFrame:
    table = fit.remedies()
    values = [
        "" if pd.isna(value) else with_unit(number_text(value), unit)
        for value, unit in zip(table["value"], table["unit"], strict=True)
    ]
    return pd.DataFrame(
        {
            "change": [in_words(text, model) for text in table["change"]],
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
