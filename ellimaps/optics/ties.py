"""Parameters of a layer that are those of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ellimaps.core.errors import SettingError
from ellimaps.optics.layers import OF_LAYER, Layer


def settled(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return layers whose tied parameters have the values that they are tied to.

    Raises
    ------
    SettingError
        If one is tied to what is not there, or in a circle.
    """
    result = list(layers)
    for number, layer in enumerate(layers):
        for kind in layer.tied:
            value = layers[source_of(layers, number, kind)].parameters[kind]
            if layer.parameters[kind] != value:
                result[number] = result[number].with_value(kind, value)
    return tuple(result)


def source_of(layers: Sequence[Layer], number: int, kind: str) -> int:
    """Return the number, from 0, of the layer whose parameter a layer's is in the end.

    Raises
    ------
    SettingError
        As for `settled`.
    """
    seen = [number]
    while kind in layers[seen[-1]].tied:
        following = layers[seen[-1]].tied[kind] - 1
        if following in seen:
            raise SettingError(
                f"{kind} of layer {number + 1} is tied in a circle: let one of them be its own."
            )
        if not 0 <= following < len(layers) or kind not in layers[following].parameters:
            raise SettingError(
                f"{kind} of layer {seen[-1] + 1} is tied to layer {following + 1}, which "
                + ("has none." if 0 <= following < len(layers) else "is not there.")
            )
        seen.append(following)
    return seen[-1]


def index_followers(layers: Sequence[Layer], number: int) -> list[int]:
    """Return the numbers of the layers whose index has parameters of a layer's."""
    return [
        other
        for other, layer in enumerate(layers)
        if any(source_of(layers, other, kind) == number for kind in layer.tied if kind not in OF_LAYER)
    ]


def arranged(layers: Sequence[Layer], order: Sequence[int | Layer]) -> tuple[Layer, ...]:
    """Return layers in another order, some left out or new, each tied to the same ones as before.

    Parameters
    ----------
    layers : sequence of Layer
        Those of a model.
    order : sequence of (int or Layer)
        Numbers of these, from 0, and new layers, whose ties are meant as in the result. Who was tied to one
        that is left out keeps its value.
    """
    places = {old: place for place, old in enumerate(order, start=1) if isinstance(old, int)}

    def moved(layer: Layer) -> Layer:
        tied = {kind: places[of - 1] for kind, of in layer.tied.items() if of - 1 in places}
        return layer if tied == layer.tied else replace(layer, tied=tied)

    return tuple(one if isinstance(one, Layer) else moved(layers[one]) for one in order)
