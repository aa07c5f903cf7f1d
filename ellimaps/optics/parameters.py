"""How the free parameters of a film model are called on pages and in reports."""

from __future__ import annotations

from ellimaps.optics.instrument import ANGULAR_SPREAD, AOI_OFFSET, DELTA_OFFSET
from ellimaps.optics.layers import SHARE, SPREAD, THICKNESS
from ellimaps.optics.model import ThinFilm

_WHOLE = {
    THICKNESS: ("thickness", "nm"),
    AOI_OFFSET: ("angle offset", "°"),
    DELTA_OFFSET: ("Delta offset", "°"),
    ANGULAR_SPREAD: ("angular spread", "°"),
    SPREAD: ("thickness spread", "nm"),
    SHARE: ("share from below", ""),
}


# Ends of names and their units; the first that fits counts.
_ENDS = {
    "_ev2": ("", "eV²"),
    "_ev": ("", "eV"),
    "_a": (" A", ""),
    "_b": (" B", "µm²"),
    "_c": (" C", "µm⁴"),
}
_PROPER = {"cauchy": "Cauchy", "lorentz": "Lorentz", "tauc": "Tauc", "cody": "Cody", "drude": "Drude",
           "gaussian": "Gaussian", "urbach": "Urbach"}  # fmt: skip


def what_and_unit(kind: str) -> tuple[str, str]:
    """Return what a kind of parameter is, and its unit."""
    if kind in _WHOLE:
        return _WHOLE[kind]
    end = next((end for end in _ENDS if kind.endswith(end)), "")
    letter, unit = _ENDS.get(end, ("", ""))
    return " ".join(_PROPER.get(word, word) for word in kind.removesuffix(end).split("_")) + letter, unit


def with_unit(kind: str, prefix: str = "") -> str:
    """Return what a kind of parameter is called, with its unit."""
    what, unit = what_and_unit(kind)
    return f"{prefix}{what} ({unit})" if unit else f"{prefix}{what}"


def in_words(text: str, model: ThinFilm) -> str:
    """Return a sentence about a model with its parameters called as `parameter_titles` calls them."""
    names = [parameter.name for parameter in model.parameters]
    kinds = {one.kind for one in model.parameters} | set(_WHOLE)
    kinds |= {kind for layer in model.layers for kind in layer.parameters}
    known = {kind: what_and_unit(kind)[0] for kind in kinds}
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
