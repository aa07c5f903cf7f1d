"""Trying a classifier: on one image with what decided, on a whole folder, or over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from ellimaps.classify import DeepModel, PopulationModel, Prediction
from ellimaps.classify.image_folder import image_files
from ellimaps.classify.measurement_names import measurement_name
from ellimaps.core.numbers import spoken
from ellimaps.ui.pages.classify.charts import contribution_chart
from ellimaps.ui.pages.classify.model_choice import choose_model
from ellimaps.ui.pages.classify.models import Answer, answer_of
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.pages.classify.try_folder import folder_view
from ellimaps.ui.pages.classify.try_http import http_view
from ellimaps.ui.shared.charts import show_chart
from ellimaps.ui.shared.data_root import data_root
from ellimaps.ui.shared.markdown import escaped
from ellimaps.ui.shared.state import kept
from ellimaps.ui.shared.widgets import choose_tab, csv_download

VIEWS = ("One image", "Whole folder", "Over HTTP")


def try_tab(state: ClassifyState, folder: Path | None) -> None:
    """Show the choice of model, and what it says of an image or a folder, or how programs ask it."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="try_controls"):
        view = choose_tab(VIEWS, key="try_view")
        chosen = choose_model(state, "try_model")
        if chosen is not None and view == "One image":
            name = _from_folder(folder)
            uploaded = _upload()
    if chosen is None:
        st.info(
            f"There is no model below {escaped(data_root())} yet: train one under **Train**, or with "
            "`ellimaps cells train IMAGES --labels CSV --out MODEL`, MODEL below the data root.",
            icon=":material/category:",
        )
    elif view == "Whole folder":
        folder_view(state, chosen, folder)
    elif view == "Over HTTP":
        http_view(chosen)
    elif uploaded is not None:
        _answer(chosen.model, answer_of(chosen.model, uploaded.getvalue(), uploaded.name), uploaded.name)
    elif folder is not None and name is not None:
        _answer(chosen.model, answer_of(chosen.model, folder / name, name), name)


def _from_folder(folder: Path | None) -> str | None:
    if folder is None:
        return None
    return st.selectbox("Image", image_files(folder), **kept("try_image", address=True))


def _upload() -> Any:
    with st.popover("Upload an image", icon=":material/upload_file:"):
        return st.file_uploader(
            "TIFF or PNG, shown instead of the image of the folder",
            type=["tif", "tiff", "png"],
            max_upload_size=200,  # MB: more than any single image of a microscope
            key="try_upload",
        )


def _answer(model: PopulationModel | DeepModel, answer: Answer, name: str) -> None:
    prediction = answer.prediction
    with st.container(key="try_split"):
        picture, facts = st.columns([6, 5], gap="medium")
    with picture, st.container(key="try_picture"):
        st.image(answer.picture, width="stretch", alt=f"{name} with the outline of what was measured")
        st.caption(f"{escaped(name)}; red: the outline of what was measured")
    with facts:
        if prediction.label is None:
            st.warning(f"No answer. {escaped(prediction.warnings[0])}", icon=":material/warning:")
            return
        _says(model, prediction)
    with st.expander("All measurements", icon=":material/straighten:"):
        st.caption(f"Model {escaped(model.version)}.")
        _measurements(model, prediction)


def _says(model: PopulationModel | DeepModel, prediction: Prediction) -> None:
    assert prediction.label is not None
    called = model.name_of(prediction.label)
    with st.container(horizontal=True, key="try_metrics"):
        st.metric(escaped(spoken(model.label_name)), escaped(called))
        for label, probability in prediction.probabilities.items():
            st.metric(f"Probability of {escaped(model.name_of(label))}", _percent(probability))
    if prediction.label != max(prediction.probabilities, key=lambda label: prediction.probabilities[label]):
        st.caption("The likelier class is not the answer: the threshold was chosen for the best score.")
    for warning in prediction.warnings:
        st.warning(escaped(warning), icon=":material/warning:")
    if not prediction.contributions.empty:
        show_chart(contribution_chart(prediction, f"{called:.16}", model.unit))
        st.caption("Beside each measurement its value, and in brackets that of a typical training image.")


def _measurements(model: PopulationModel | DeepModel, prediction: Prediction) -> None:
    table = prediction.contributions
    shown = table.assign(measurement=[measurement_name(name, model.unit) for name in table["measurement"]])
    shown["code"] = table["measurement"]
    columns: dict[str, Any] = {
        "measurement": "Measurement",
        "value": st.column_config.NumberColumn("Value", format="%.4g"),
        "typical": st.column_config.NumberColumn("Typical training image", format="%.4g"),
        "contribution": st.column_config.NumberColumn("Contribution", format="%+.3f"),
        "code": "Name in code",
    }
    st.dataframe(shown, key="try_measurements", hide_index=True, column_config=columns)
    csv_download("Measurements (CSV)", "measurements.csv", table, key="try_measurements_csv")


def _percent(probability: float) -> str:
    # What would be rounded to certainty is not certain.
    if probability > 0.9995:
        return "> 99.9 %"
    return "< 0.1 %" if probability < 0.0005 else f"{probability:.1%}"
