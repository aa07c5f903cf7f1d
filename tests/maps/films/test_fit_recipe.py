"""A film model and its fit in a recipe: written, read again, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from conftest import EXAMPLE

from ellimaps.batch.recipes import read_work
from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.maps.films.recipe import FitRecipe, fit_of, fit_text
from ellimaps.maps.recipe import read_recipe, recipe_text
from ellimaps.maps.settings import Settings
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.layers import Layer
from ellimaps.optics.materials import Cauchy, Constant, Table
from ellimaps.optics.model import ThinFilm

FREE = {"thickness_nm": (0.0, 400.0)}
OWN = Table(((400.0, 1.5, 0.0), (800.0, 1.48, 0.01)), name="my resist.nk")
FILMS = [
    ThinFilm("Si", (Layer("SiO2", 100.0, FREE),)),
    ThinFilm("Si", (Layer(OWN, 80.0, FREE), Layer(Cauchy(1.45, 0.0035), 20.0, {"cauchy_a": (1.4, 1.5)}))),
    ThinFilm(
        "Au",
        (Layer(UniaxialMaterial(Constant(2.1), Cauchy(1.6, 0.01)), 30.0, FREE), Layer("TiO2", 5.0)),
        ambient=Constant(1.33),
        aoi_deg=50.0,
        wavelengths_nm=(450.0, 700.0),
        without_nm=((500.0, 500.0), (600.0, 620.0)),
        free={"aoi_offset_deg": (-0.5, 0.5)},
    ),
]


@pytest.mark.parametrize("film", FILMS)
def test_a_fit_is_read_as_it_was_written(film: ThinFilm, tmp_path: Path) -> None:
    options = FitOptions(sigma_psi_deg=0.04, max_mse=10.0, delta_noise="constant")
    for fit in (FitRecipe(film), FitRecipe(film, options, ("thickness_nm",), pixels=True)):
        settings = Settings(k=4, seed=3)
        path = tmp_path / "recipe.toml"
        path.write_text(recipe_text(settings, fit), encoding="utf-8")
        assert read_recipe(path) == settings
        again = fit_of(tomllib.loads(path.read_text())["fit"], tmp_path / "elsewhere", "recipe.toml")
        assert again == fit
        assert fit_text(again) == fit_text(fit)


def test_a_batch_refuses_pixels_that_share(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(recipe_text(Settings(k=4), FitRecipe(FILMS[0], shared=("thickness_nm",), pixels=True)))
    with pytest.raises(SettingError, match="share nothing"):
        read_work(path)


def test_no_table_no_fit() -> None:
    assert fit_of({}, Path(), "recipe.toml") is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shared": ["x"]}, "needs a film model"),
        ({"model": 3}, "needs a film model"),
        ({"model": {"substrate": "Si"}, "sharp": 1}, "unknown setting 'sharp'"),
        ({"model": {"substrate": "Si"}, "tables": []}, "needs a film model"),
        ({"model": {"substrate": "Nope"}}, "Nope"),
    ],
)
def test_what_is_no_fit_is_refused(values: dict, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        fit_of(values, Path(), "recipe.toml")


def test_a_recipe_names_models_below_its_folder_alone(tmp_path):
    """Or below one more that is allowed, such as the data root; also through links."""
    model = (EXAMPLE / "model.toml").read_text()
    tables = {file.name: file.read_bytes() for file in EXAMPLE.glob("*.nk")}
    for folder in ("recipes/below", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "model.toml").write_text(model)
        for name, content in tables.items():
            (tmp_path / folder / name).write_bytes(content)
    recipes = tmp_path / "recipes"
    (recipes / "link.toml").symlink_to(tmp_path / "elsewhere" / "model.toml")
    assert fit_of({"model": "below/model.toml"}, recipes, "r.toml") is not None
    away = ["../elsewhere/model.toml", "link.toml", str(tmp_path / "elsewhere" / "model.toml")]
    for given in [*away, "/etc/passwd", "", ".", "..", "below/../../elsewhere/model.toml"]:
        with pytest.raises(SettingError, match=r"r\.toml: \[fit\] names the model .*--model\)\.$"):
            fit_of({"model": given}, recipes, "r.toml")
    with pytest.raises(SettingError, match="no path"):
        fit_of({"model": "a\0b"}, recipes, "r.toml")
    for given in away:
        assert fit_of({"model": given}, recipes, "r.toml", within=tmp_path) is not None
    assert (
        fit_of({"model": "/etc/passwd"}, recipes, "r.toml", tmp_path / "elsewhere" / "model.toml") is not None
    )


@pytest.mark.parametrize("name", ["..", ".", "", "a/..", "x" * 300, "a\0b"])
def test_tables_that_no_file_can_be_called_are_a_sentence(name):
    values = {"model": {"substrate": {"file": "t.nk"}, "layers": []}, "tables": {name: "1 2 3"}}
    with pytest.raises(EllimapsError, match=r"t\.nk"):
        fit_of(values, Path(), "recipe.toml")
