"""Layers that follow each other several times, as in a mirror."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import overload

from ellimaps.core.errors import SettingError
from ellimaps.optics.layers import Layer, Repeat

MAX_TIMES = 100
"""Mirrors of lasers have some forty pairs; the media that all of it makes are bounded by the model."""


@dataclass(frozen=True)
class Period:
    """Layers that are there several times, one after the other, with the same numbers each time.

    Attributes
    ----------
    layers : tuple of Layer
        One period, from the ambient down.
    times : int
        How often it is there.
    """

    layers: tuple[Layer, ...]
    times: int

    def __post_init__(self) -> None:
        layers = (self.layers,) if isinstance(self.layers, Layer) else tuple(self.layers)
        object.__setattr__(self, "layers", layers)
        if not layers:
            raise SettingError("A period needs layers.")
        for layer in layers:
            if not isinstance(layer, Layer) or layer.repeat is not None:
                raise SettingError(
                    f"A period is made of single layers, and of no other period: {layer!r:.80}."
                )
        if isinstance(self.times, bool) or not isinstance(self.times, int):
            raise SettingError(f"A period is there a whole number of times, not {self.times!r:.80}.")
        if not 1 <= self.times <= MAX_TIMES:
            raise SettingError(f"A period is there 1 to {MAX_TIMES} times, not {self.times}.")


class LayersOfModel:
    """The attribute of a model that takes layers and periods, and gives its layers one by one.

    So everybody numbers layers alike; those of a period know it as their `repeat`.
    """

    @overload
    def __get__(self, model: None, owner: type) -> tuple[()]: ...
    @overload
    def __get__(self, model: object, owner: type) -> tuple[Layer, ...]: ...
    def __get__(self, model: object | None, owner: type) -> tuple[Layer, ...]:
        """Return the layers of a model; of the class, the default of the attribute."""
        return () if model is None else model.__dict__["layers"]

    def __set__(self, model: object, given: Layer | Period | Sequence[Layer | Period]) -> None:
        """Take layers and periods, from the ambient down."""
        parts = (given,) if isinstance(given, Layer | Period) else tuple(given)
        for part in parts:
            if not isinstance(part, Layer | Period):
                raise SettingError(
                    f"A model is made of Layer objects and periods of these, got {part!r:.80}."
                )
        model.__dict__["layers"] = tuple(_numbered(parts))


def runs_of(layers: Iterable[Layer]) -> Iterator[tuple[int, list[int]]]:
    """Go through the parts of a model from the ambient: how often each is there, and its layers' numbers."""
    for repeat, run in groupby(enumerate(layers), key=lambda one: one[1].repeat):
        numbers = [number for number, _ in run]
        if repeat is None:
            yield from ((1, [number]) for number in numbers)
        else:
            yield repeat.times, numbers


def _numbered(parts: Sequence[Layer | Period]) -> Iterator[Layer]:
    """Return the layers one by one, those of each period with a number of their own."""
    number, last = 0, None
    for part in parts:
        if isinstance(part, Period):
            number, last = number + 1, None
            yield from (replace(layer, repeat=Repeat(number, part.times)) for layer in part.layers)
        elif part.repeat is None:
            last = None
            yield part
        else:
            number += part.repeat != last
            last = part.repeat
            yield replace(part, repeat=Repeat(number, last.times))
