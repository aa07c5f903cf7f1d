"""Random stacks of layers of every kind, told twice: to ellimaps and, unrolled by hand, to pyElli."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.effective_medium import EffectiveMedium, Rule
from ellimaps.optics.graded import Graded
from ellimaps.optics.interface import Interface
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Constant
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.period import Period

THICK = {"thickness_nm": (0.0, 200.0)}
RULES: tuple[Rule, ...] = ("bruggeman", "maxwell_garnett", "linear")


@dataclass
class Part:
    """One of the layers of a stack, without a word of how ellimaps says it."""

    kind: str
    thickness: float
    media: tuple[complex, ...] = ()
    share: float = 0.0
    rule: Rule = "bruggeman"
    slices: int = 1
    inside: tuple[Part, ...] = ()
    times: int = 1


def linked_films() -> dict[str, ThinFilm]:
    """Models in which a parameter changes several media; one of them with nearly as many as there can be."""
    film = Layer(Cauchy(1.6, 0.01), 80.0, THICK | {"cauchy_a": (1.5, 1.8)})
    rough = Layer("roughness", 4.0, {"thickness_nm": (0.0, 10.0), "fraction": (0.2, 0.8)})
    low = Layer(Cauchy(1.45), 90.0, {"thickness_nm": (80.0, 100.0), "cauchy_a": (1.4, 1.5)})
    high = Layer(Constant(2.2, 0.01), 55.0, {"index_n": (2.0, 2.4)})
    graded = Graded(Cauchy(1.5, 0.01), Cauchy(2.0), 7)
    ends = {"cauchy_a": (1.4, 1.6), "bottom_cauchy_a": (1.8, 2.2), **THICK}
    same = {"cauchy_a": 2, "thickness_nm": 2}
    return {
        "roughness": ThinFilm("Si", (rough, film)),
        "interface of a metal": ThinFilm(
            "Si", (film, Layer(Interface(0.3), 4.0, {"thickness_nm": (0.0, 10.0)}), Layer("Au", 20.0))
        ),
        "graded": ThinFilm("Si", (rough, Layer(graded, 100.0, ends))),
        "mirror": ThinFilm("Si", (film, Period((low, high), 95))),
        "period with interfaces": ThinFilm("Si", Period((rough, low, replace(rough, free={}), high), 3)),
        "tied": ThinFilm("Si", (rough, film, Layer("SiO2", 20.0), Layer(Cauchy(1.7), 1.0, tied=same))),
        "mixture below": ThinFilm(
            "Si",
            (
                rough,
                Layer(
                    EffectiveMedium("linear", (Constant(1.5), Constant(1.0)), (0.3,)),
                    50.0,
                    {"fraction_2": (0.1, 0.5)},
                ),
            ),
        ),
    }


def random_parts(rng: np.random.Generator) -> tuple[list[Part], complex, complex]:
    """Return parts from the ambient down, the ambient's index and the substrate's."""
    parts: list[Part] = []
    for _ in range(int(rng.integers(1, 5))):
        if rng.random() < 0.25:
            inside = [_random_part(rng) for _ in range(int(rng.integers(1, 4)))]
            parts.append(Part("period", 0.0, inside=tuple(_with_interfaces(rng, inside, inner=True)),
                              times=int(rng.integers(2, 6))))  # fmt: skip
        else:
            parts.append(_random_part(rng))
    ambient = complex(rng.choice([1.0, 1.33]))
    return _with_interfaces(rng, parts, inner=False), ambient, _index(rng)


def film_of(parts: list[Part], ambient: complex, substrate: complex, aoi_deg: float) -> ThinFilm:
    """Return the model of ellimaps."""
    layers = [_ours(part) for part in parts]
    return ThinFilm(_constant(substrate), tuple(layers), Constant(ambient.real), aoi_deg=aoi_deg)


def elli_rho(
    parts: list[Part], ambient: complex, substrate: complex, aoi_deg: float, waves: np.ndarray
) -> np.ndarray:
    """Return rho by pyElli: its mixtures, its repeated layers, slices and neighbors found here."""
    import elli

    above, below = _medium((ambient,)), _medium((substrate,))
    layers = _theirs(parts, above, below)
    crystals = any(_has_crystal(part) for part in parts)
    solver = elli.Solver4x4 if crystals else elli.Solver2x2
    return elli.Structure(above, layers, below).evaluate(waves, aoi_deg, solver=solver).rho


def _random_part(rng: np.random.Generator) -> Part:
    kind, thickness = str(rng.choice(["plain", "crystal", "mixture", "graded"])), rng.uniform(1.0, 60.0)
    if kind == "plain":
        return Part(kind, thickness, (_index(rng),))
    rule = RULES[int(rng.integers(3))]
    return Part(
        kind, thickness, (_index(rng), _index(rng)), rng.uniform(0.05, 0.95), rule, int(rng.integers(2, 9))
    )


def _index(rng: np.random.Generator) -> complex:
    """Return a dielectric, an absorber or a metal."""
    kind = rng.random()
    if kind < 0.5:
        return complex(rng.uniform(1.2, 3.0))
    if kind < 0.8:
        return complex(rng.uniform(1.2, 4.0), rng.uniform(0.01, 1.0))
    return complex(rng.uniform(0.1, 2.0), rng.uniform(1.0, 5.0))


def _with_interfaces(rng: np.random.Generator, parts: list[Part], *, inner: bool) -> list[Part]:
    """Return parts with interfaces between some, where no crystal is beside them."""
    result: list[Part] = []
    for number, part in enumerate(parts):
        free_above = number == 0 or not _ends(parts[number - 1], -1)
        if (number or not inner) and free_above and not _ends(part, 0) and rng.random() < 0.4:
            result.append(Part("interface", rng.uniform(0.5, 15.0), share=rng.uniform(0.05, 0.95)))
        result.append(part)
    if not inner and not _ends(parts[-1], -1) and rng.random() < 0.3:
        result.append(Part("interface", rng.uniform(0.5, 15.0), share=0.5))
    return result


def _ends(part: Part, side: int) -> bool:
    """Whether a part has a crystal at its top (0) or bottom (-1)."""
    return _ends(part.inside[side], side) if part.inside else part.kind == "crystal"


def _has_crystal(part: Part) -> bool:
    return part.kind == "crystal" or any(map(_has_crystal, part.inside))


def _constant(index: complex) -> Constant:
    return Constant(index.real, index.imag)


def _ours(part: Part) -> Layer | Period:
    if part.kind == "period":
        layers = tuple(_ours(one) for one in part.inside)
        return Period(tuple(one for one in layers if isinstance(one, Layer)), part.times)
    media = tuple(map(_constant, part.media))
    made: Any = {
        "plain": lambda: media[0],
        "crystal": lambda: UniaxialMaterial(*media),
        "mixture": lambda: EffectiveMedium(part.rule, media, (part.share,)),
        "graded": lambda: Graded(*media, part.slices),
        "interface": lambda: Interface(part.share),
    }
    return Layer(made[part.kind](), part.thickness)


def _medium(media: tuple[complex, ...]) -> Any:
    import elli

    indices = [elli.ConstantRefractiveIndex(one) for one in media]
    return elli.IsotropicMaterial(*indices) if len(indices) == 1 else elli.UniaxialMaterial(*indices)


def _theirs(parts: list[Part], above: Any, below: Any) -> list[Any]:
    """Return pyElli's layers of some parts between two media."""
    import elli

    layers: list[Any] = []
    for number, part in enumerate(parts):
        if part.kind == "period":
            layers.append(elli.RepeatedLayers(_theirs(list(part.inside), None, None), part.times))
        elif part.kind == "interface":
            upper = _face(parts[number - 1], -1) if number else above
            lower = _face(parts[number + 1], 0) if number + 1 < len(parts) else below
            layers.append(elli.Layer(elli.BruggemanEMA(upper, lower, part.share), part.thickness))
        else:
            layers += [elli.Layer(one, part.thickness / len(_slabs(part))) for one in _slabs(part)]
    return layers


def _face(part: Part, side: int) -> Any:
    return _face(part.inside[side], side) if part.inside else _slabs(part)[side]


def _slabs(part: Part) -> list[Any]:
    import elli

    if part.kind == "graded":
        middles = np.linspace(0, 1, 2 * part.slices + 1)[1::2]
        return [_medium((complex(np.interp(at, (0, 1), part.media)),)) for at in middles]
    if part.kind == "mixture":
        mixed = {"bruggeman": elli.BruggemanEMA, "maxwell_garnett": elli.MaxwellGarnettEMA,
                 "linear": elli.VCAMaterial}[part.rule]  # fmt: skip
        return [mixed(_medium(part.media[:1]), _medium(part.media[1:]), part.share)]
    return [_medium(part.media)]
