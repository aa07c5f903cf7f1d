"""Materials and model files: values, round trips, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from support.stacks import one_sentence

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material, material_names, read_nk
from ellimaps.optics.materials import Cauchy, Constant, Sellmeier, Table
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text, read_model


@pytest.mark.parametrize(
    ("name", "wavelength", "index"),
    [
        ("air", 550.0, 1.0),
        ("SiO2", 587.6, 1.4585),  # Malitson's own table
        ("glass", 587.6, 1.5168),  # Schott's data sheet
        ("Si", 550.0, 4.077 + 0.028j),
        ("sapphire-o", 589.3, 1.7682),
        ("PMMA", 587.6, 1.4914),
        ("Si3N4", 632.8, 2.0),
        ("Au", 548.6, 0.43 + 2.455j),
    ],
)
def test_built_in_indices_are_the_published_ones(name: str, wavelength: float, index: complex) -> None:
    assert complex(material(name)(wavelength)) == pytest.approx(index, abs=0.03 if name == "Si3N4" else 1e-2)


@pytest.mark.parametrize("name", material_names())
def test_every_built_in_material_is_physical_over_its_range(name: str) -> None:
    medium = material(name)
    low, high = medium.range_nm
    waves = np.linspace(max(low, 200.0), min(high, 2000.0), 300)
    index = medium(waves)
    for part in index if isinstance(medium, UniaxialMaterial) else (index,):
        assert part.shape == waves.shape
        assert (part.real > 0).all()
        assert (part.imag >= 0).all()


def test_formulae() -> None:
    assert complex(Cauchy(1.45, 0.004, 0.001)(500.0)) == pytest.approx(1.45 + 0.004 * 4 + 0.001 * 16)
    assert complex(Sellmeier(((1.0, 0.1),))(500.0)) ** 2 == pytest.approx(1 + 0.25 / (0.25 - 0.01))
    assert complex(Table(((400, 1, 0), (500, 2, 1)))(450.0)) == pytest.approx(1.5 + 0.5j)


def test_nothing_is_extrapolated() -> None:
    with pytest.raises(SettingError, match=r"Si is known from 250 to 1450 nm, but 200..1500 nm") as error:
        material("Si")(np.array([200.0, 1500.0]))
    assert one_sentence(error)
    with pytest.raises(SettingError, match="hBN-o is known from 250 to 1700"):
        material("hBN")(2000.0)


def test_own_nk_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.nk"
    path.write_text("# a comment\nwavelength; n; k\n400; 1.5; 0.1\n\n500; 1.6; 0.2\n", encoding="utf-8")
    mine = read_nk(path)
    assert mine.name == "mine.nk"
    assert complex(mine(450.0)) == pytest.approx(1.55 + 0.15j)
    path.write_text("400 1.5\n500,1.6\n", encoding="utf-8")
    assert complex(read_nk(path)(500.0)) == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("", "at least two rows"),
        ("400 1.5 0\n500 1.6 zero", "line 2"),
        ("a\nb\nc", "line 2"),
        ("500 1.5 0\n400 1.6 0", "ascend"),
        ("400 1.5 0\n500 1.6 -0.1", "0 or more"),
        ("400 nan 0\n500 1.6 0", "not a finite number"),
        ("0.4 1.5 0\n0.5 1.6 0", "in nm, not um"),
        ("\x00\xff", "at least two rows"),
    ],
)
def test_wrong_nk_files(tmp_path: Path, text: str, needle: str) -> None:
    path = tmp_path / "mine.nk"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ReadError, match=needle):
        read_nk(path)
    with pytest.raises(ReadError, match="cannot be read"):
        read_nk(tmp_path / "none.nk")


CRYSTAL = UniaxialMaterial(Cauchy(2.1, 0.03), Cauchy(1.65))
FREE_CRYSTAL = {"thickness_nm": (0.0, 100.0), "cauchy_b": (0.0, 0.1), "extraordinary_a": (1.5, 2.0)}
MODELS = [
    ThinFilm("Si", (Layer("SiO2", 290.0, {"thickness_nm": (0.0, 400.0)}),)),
    ThinFilm("Si"),
    ThinFilm(
        Constant(0.9, 6.5),
        (
            Layer(CRYSTAL, 20.0, FREE_CRYSTAL),
            Layer("hBN", 3.0),
            Layer(Cauchy(1.45, 0.0035), 290.0, {"thickness_nm": (200.0, 300.0), "cauchy_a": (1.4, 1.5)}),
            Layer(Sellmeier(((1.1, 0.1), (0.5, 9.0))), 5.0),
        ),
        ambient=Constant(1.33),
        aoi_deg=65.0,
        aoi_offset_deg=0.1,
        free={"aoi_offset_deg": (-0.5, 0.5)},
    ),
    ThinFilm(
        "air",
        (
            Layer("Si3N4", 870.0, {"thickness_spread_nm": (0.0, 9.0)}, thickness_spread_nm=2.0),
            Layer("glass", 1e6, {"share": (0.0, 1.0)}, coherent=False, share=0.9),
        ),
        bandwidth_nm=((400.0, 4.0), (900.0, 8.5)),
        angular_spread_deg=0.5,
        free={"angular_spread_deg": (0.0, 1.0)},
    ),
    ThinFilm("Si", bandwidth_nm="file"),
    ThinFilm("Si", bandwidth_nm=5.0),
]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_survives_its_file(tmp_path: Path, model: ThinFilm) -> None:
    path = tmp_path / "model.toml"
    path.write_text(model_text(model), encoding="utf-8")
    assert read_model(path) == model


def test_a_model_with_an_own_file_survives(tmp_path: Path) -> None:
    (tmp_path / "mine.nk").write_text("400 1.5 0\n500 1.6 0\n")
    model = ThinFilm(read_nk(tmp_path / "mine.nk"))
    (tmp_path / "model.toml").write_text(model_text(model))
    assert read_model(tmp_path / "model.toml") == model


def test_the_example_of_the_issue(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(
        'ambient = "air"\nsubstrate = "Si"\n[[layers]]\nmaterial = "SiO2"\nthickness_nm = 290.0\n'
        "free = { thickness_nm = [0.0, 400.0] }\n"
    )
    model = read_model(path)
    assert model == MODELS[0]
    assert [p.name for p in model.parameters] == ["thickness_nm"]
    moved = model.with_parameters([100.0])
    assert moved.layers[0].thickness_nm == 100.0
    assert model.layers[0].thickness_nm == 290.0


def test_the_model_in_the_documentation_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    section = text.partition("### `model.toml`")[2].partition("\n### ")[0]
    for block, names in zip(
        re.findall(r"```toml\n(.*?)```", section, re.DOTALL),
        (
            ["thickness_nm", "cauchy_a", "aoi_offset_deg"],
            ["thickness_nm", "thickness_spread_nm", "share"],
            ["thickness_nm_1", "thickness_nm_2", "bottom_cauchy_a"],
        ),
        strict=True,
    ):
        (tmp_path / "model.toml").write_text(block, encoding="utf-8")
        assert [p.name for p in read_model(tmp_path / "model.toml").parameters] == names
    listed = set(re.search(r"a name: `(.*?)`", section, re.DOTALL)[1].replace("\n", " ").split(", "))
    assert listed == {name for name in material_names() if not name.endswith(("-o", "-e"))}


def test_parameters_are_named_by_layer_where_they_must_be() -> None:
    names = [p.name for p in MODELS[2].parameters]
    assert names == [
        "thickness_nm_1", "cauchy_b", "extraordinary_a", "thickness_nm_3", "cauchy_a", "aoi_offset_deg",
    ]  # fmt: skip
    moved = MODELS[2].with_parameters([1.0, 0.02, 1.7, 250.0, 1.44, 0.2])
    assert [p.start for p in moved.parameters] == [1.0, 0.02, 1.7, 250.0, 1.44, 0.2]


LAYER = 'substrate = "Si"\n[[layers]]\nmaterial = "SiO2"\nthickness_nm = 10.0\n'


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("substrate = ", "not valid TOML"),
        ("", "the model needs substrate"),
        ('substrate = "Si"\ncolour = 1', "unknown key 'colour': use ambient, substrate"),
        ('substrate = "Sand"', "no material 'Sand': use one of Ag, air, Al"),
        ("substrate = 1.5", "substrate needs a material"),
        ("substrate = {}", "substrate needs a material"),
        ('substrate = "Si"\nlayers = 3', r"\[\[layers\]\]"),
        ("substrate = { index = 1.5, cauchy = [1.5] }", "several ways"),
        ("substrate = { index = -1 }", "n above 0"),
        ("substrate = { index = true }", "must be a number"),
        ("substrate = { cauchy = [1, 2, 3, 4] }", "1 to 3 numbers"),
        ("substrate = { sellmeier = [1] }", "list of 2 numbers"),
        ('substrate = { ordinary = "hBN-o" }', "both ordinary and extraordinary"),
        ('substrate = { ordinary = "hBN", extraordinary = "hBN-e" }', "must be isotropic"),
        ('substrate = { file = "../secret.nk" }', "beside the model"),
        ('substrate = { file = "none.nk" }', "cannot be read"),
        ('substrate = "Si"\nambient = "hBN"', "ambient must be isotropic"),
        ('substrate = "Si"\naoi_deg = 95', "within 0..90"),
        ('substrate = "Si"\naoi_offset_deg = 95', "within -10..10"),
        (
            'substrate = "Si"\nfree = { thickness_nm = [0, 1] }',
            "cannot be free in the whole model",
        ),
        ('substrate = "Si"\nfree = 3', "free of the model"),
        (LAYER + "free = { aoi_offset_deg = [0, 1] }", "cannot be free in the layer of SiO2"),
        (LAYER + "free = { thickness_nm = [100, 0] }", "must ascend"),
        (LAYER + "free = { thickness_nm = [-5, 5] }", "within 0..100000 nm"),
        (LAYER + "free = { thickness_nm = [1] }", "list of 2 numbers"),
        (LAYER + "free = { cauchy_a = [1.4, 1.5] }", "which has no such index"),
        (LAYER.replace("10.0", "-1"), "within 0..100000 nm"),
        (LAYER.replace("10.0", "inf"), "within 0..100000 nm"),
        ('substrate = "Si"\n[[layers]]\nmaterial = "SiO2"', "layer 1 needs thickness_nm"),
        ('substrate = "Si"\ninstrument = { slit_um = 5 }', "instrument has the unknown key 'slit_um'"),
        ('substrate = "Si"\ninstrument = 5', "instrument must be like"),
        ('substrate = "Si"\ninstrument = { bandwidth_nm = "column" }', "bandwidth_nm must be"),
        ('substrate = "Si"\ninstrument = { angular_spread_deg = -1 }', "angular_spread_deg must be within"),
        (LAYER + 'coherent = "no"', "coherent of the layer of SiO2 must be true or false"),
        (LAYER + "share = 0.5", "Only a layer with coherent = false has a share"),
        (LAYER + "thickness_spread_nm = true", "must be a number"),
    ],
)
def test_wrong_models_are_refused_in_one_sentence(tmp_path: Path, text: str, needle: str) -> None:
    path = tmp_path / "film.toml"
    path.write_text(text)
    with pytest.raises(EllimapsError, match=needle) as error:
        read_model(path)
    assert "film.toml" in str(error.value)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_a_missing_model_and_a_missing_angle() -> None:
    with pytest.raises(ReadError, match="cannot be read"):
        read_model("nowhere.toml")
    with pytest.raises(SettingError, match="give aoi_deg in the model"):
        ThinFilm("Si").rho(550.0)
