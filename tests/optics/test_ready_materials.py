"""Materials to begin with: near the published ones that they stand for, and taken into their parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ellimaps.optics.absorbing import OscillatorSum
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.effective_medium import EffectiveMedium
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material
from ellimaps.optics.materials import Cauchy, Constant, Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text, read_model
from ellimaps.optics.oscillators import OSCILLATORS
from ellimaps.optics.oscillators.lorentz import Lorentz
from ellimaps.optics.parts import parts_of, with_part
from ellimaps.optics.ready_materials import READY_OSCILLATORS, ready_materials

WAVES = np.linspace(400.0, 850.0, 46)


def published(page: str) -> Material:
    found = material(page)
    assert isinstance(found, Material)
    return found


@pytest.mark.parametrize(
    ("terms", "offset", "page", "within"),
    [
        (("Tauc-Lorentz",), 1.15, "main/Si/Pierce", 0.05),
        (("Cody-Lorentz",), 1.25, "main/Si/Pierce", 0.03),
        (("pole",), 1.0, "main/SiO2/Malitson", 0.003),
    ],
)
def test_ready_oscillators_are_those_of_published_films(
    terms: tuple[str, ...], offset: float, page: str, within: float
) -> None:
    made = OscillatorSum(tuple(READY_OSCILLATORS[name] for name in terms), offset)
    off = np.abs(made(WAVES) - published(page)(WAVES)).max()
    print(f"{' + '.join(terms)} is within {off:.4f} of {page}")
    assert off < within


def test_gold_is_its_free_electrons_and_its_transitions() -> None:
    """Rakic's four other oscillators, with those offered, are his page."""
    squared = 9.03**2
    others = [(0.024, 0.241, 0.415), (0.010, 0.345, 0.830), (0.601, 2.494, 4.304), (4.384, 2.214, 13.32)]
    terms = [Lorentz(strength * squared / (width * at), width, at) for strength, width, at in others]
    gold = OscillatorSum((READY_OSCILLATORS["Drude"], READY_OSCILLATORS["Lorentz"], *terms))
    assert np.abs(gold(WAVES) - published("main/Au/Rakic-LD")(WAVES)).max() < 0.005


def test_there_is_a_ready_one_of_every_kind() -> None:
    assert {one.key for one in READY_OSCILLATORS.values()} == set(OSCILLATORS)
    crystal = ready_materials()["crystal"]
    assert isinstance(crystal, UniaxialMaterial)
    for mine, axis in zip(crystal(WAVES), "oe", strict=True):
        assert np.abs(mine - published(f"main/BN/Rah-{axis}")(WAVES)).max() < 0.005


@pytest.mark.parametrize("name", ready_materials())
def test_a_model_file_holds_each_with_all_its_numbers_free(tmp_path: Path, name: str) -> None:
    one = ready_materials()[name]
    free = {kind: (value, value + 0.1) for kind, value in one.parameters.items()}
    given = ThinFilm("Si", (Layer(one, 40.0, free),))
    (tmp_path / "film.toml").write_text(model_text(given), encoding="utf-8")
    read = read_model(tmp_path / "film.toml")
    assert read.parameters == given.parameters
    np.testing.assert_array_equal(read.rho(WAVES, 60.0), given.rho(WAVES, 60.0))


def test_parts_are_taken_out_and_put_in() -> None:
    crystal, mixture = ready_materials()["crystal"], ready_materials()["mixture"]
    assert list(parts_of(crystal)) == ["ordinary", "extraordinary"]
    assert list(parts_of(mixture)) == ["material_1", "material_2"]
    assert parts_of(Cauchy(1.5)) == {}
    changed = with_part(mixture, "material_2", Constant(1.33))
    assert isinstance(changed, EffectiveMedium)
    assert changed.materials == (material("SiO2"), Constant(1.33))
    assert changed.name == "SiO2 and index 1.33"
    changed = with_part(crystal, "extraordinary", Cauchy(1.6))
    assert isinstance(changed, UniaxialMaterial)
    assert changed.extraordinary == Cauchy(1.6)
    with pytest.raises(KeyError):
        with_part(crystal, "material_1", Cauchy(1.6))
