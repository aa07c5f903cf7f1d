"""How the free parameters of a film model are called on pages and in reports."""

from __future__ import annotations

from ellimaps.optics.model import (
    AOI_OFFSET,
    CAUCHY_A,
    CAUCHY_B,
    DELTA_OFFSET,
    EXTRAORDINARY_A,
    THICKNESS,
    ThinFilm,
)

# What a parameter is, and its unit.
PARAMETERS = {
    THICKNESS: ("thickness", "nm"),
    CAUCHY_A: ("Cauchy A", ""),
    CAUCHY_B: ("Cauchy B", "µm²"),
    EXTRAORDINARY_A: ("extraordinary A", ""),
    AOI_OFFSET: ("angle offset", "°"),
    DELTA_OFFSET: ("Delta offset", "°"),
}


def with_unit(kind: str, prefix: str = "") -> str:
    """Return what a kind of parameter is called, with its unit."""
    what, unit = PARAMETERS[kind]
    return f"{prefix}{what} ({unit})" if unit else f"{prefix}{what}"


def in_words(text: str, model: ThinFilm) -> str:
    """Return a sentence about a model with its parameters called as `parameter_titles` calls them."""
    names = [parameter.name for parameter in model.parameters]
    known = {kind: what for kind, (what, _) in PARAMETERS.items()}
    known |= dict(zip(names, parameter_titles(model), strict=True))
    for name in sorted(known, key=len, reverse=True):
        text = text.replace(name, known[name])
    return text


def parameter_titles(model: ThinFilm) -> list[str]:
    """Return a title with unit for each free parameter; the material tells layers apart."""
    kinds = [parameter.kind for parameter in model.parameters]
    titles = []
    for parameter in model.parameters:
        prefix = ""
        if parameter.layer is not None and kinds.count(parameter.kind) > 1:
            prefix = f"{parameter.layer + 1}, {model.layers[parameter.layer].material.name}: "
        titles.append(with_unit(parameter.kind, prefix))
    return titles
