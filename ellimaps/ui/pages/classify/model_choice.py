"""The choice of a model: the one just trained, or one saved below the data root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ellimaps.classify import DeepModel, PopulationModel
from ellimaps.ui.pages.classify.files import saved_models
from ellimaps.ui.pages.classify.models import model_at
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.shared.data_root import data_root, inside_root
from ellimaps.ui.shared.state import kept

JUST_TRAINED = "The one just trained"


@dataclass(frozen=True)
class ChosenModel:
    """A model, what it is called, and where a process of its own finds it: its file, or that file's bytes."""

    model: PopulationModel | DeepModel
    name: str
    source: Path | bytes


def model_choices(state: ClassifyState) -> list[str]:
    """Return what models there are, the one just trained first."""
    just = [JUST_TRAINED] if state.trained is not None else []
    return [*just, *saved_models(data_root())]


def choose_model(state: ClassifyState, key: str, label: str = "Model") -> ChosenModel | None:
    """Show the models to choose from; None where there are none.

    Raises
    ------
    ReadError
        If the chosen one cannot be read.
    """
    options = model_choices(state)
    return chosen_model(state, st.selectbox(label, options, **kept(key, address=True))) if options else None


def chosen_model(state: ClassifyState, name: str) -> ChosenModel:
    """Return the model of a name in the list of choices.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    if state.trained is not None and name == JUST_TRAINED:
        return ChosenModel(state.trained.model, name, state.trained.content)
    path = inside_root(name)
    return ChosenModel(model_at(path), name, path)
