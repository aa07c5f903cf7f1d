"""Interfaces, graded layers, periods and ties: against pyElli, differences, files, and what is refused."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from support.film_stacks import elli_rho, film_of, linked_films, random_parts
from support.stacks import one_sentence

from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.optics.effective_medium import EffectiveMedium
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.graded import Graded
from ellimaps.optics.gradient import ExactCurve
from ellimaps.optics.interface import Interface
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material, read_nk
from ellimaps.optics.materials import Cauchy, Constant, Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import materials_of, model_files, model_text, read_model
from ellimaps.optics.noise import Noise
from ellimaps.optics.period import Period
from ellimaps.optics.remedies import remedies
from ellimaps.optics.sensitivity import sensitivity_table
from ellimaps.optics.spectra import SpectraFitter

STACKS = 1000
WAVES = np.linspace(400.0, 900.0, 40)
AOI = np.full(40, 65.0)
THICK = {"thickness_nm": (0.0, 200.0)}


def test_a_thousand_stacks_of_all_kinds_agree_with_pyelli() -> None:
    """Absorbers, metals, crystals, three rules of mixing, interfaces, graded layers, periods."""
    pytest.importorskip("elli")
    rng, waves, worst = np.random.default_rng(2026), np.array([400.0, 633.0, 900.0]), 0.0
    for _ in range(STACKS):
        parts, ambient, substrate = random_parts(rng)
        aoi = rng.uniform(20.0, 80.0)
        theirs = elli_rho(parts, ambient, substrate, aoi, waves)
        ours = film_of(parts, ambient, substrate, aoi).rho(waves)
        worst = max(worst, float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)))))
    print(f"largest difference in rho from pyElli, {STACKS} stacks of all kinds: {worst:.1e}")
    assert worst <= 1e-10


def averaged_films() -> dict[str, ThinFilm]:
    """Linked layers under averages: a plate with its backside, a spread of what is repeated, a bandwidth."""
    films = linked_films()
    rough, film, oxide, tied = films["tied"].layers
    spread = replace(oxide, thickness_spread_nm=2.0, free={"thickness_spread_nm": (1.0, 4.0)})
    plate = Layer("glass", 1e6, {"share": (0.2, 0.8)}, coherent=False, share=0.5)
    return {
        "backside": ThinFilm("air", (rough, film, plate)),
        "spread": ThinFilm("Si", (rough, Period((film, spread), 3), tied)),
        "bandwidth": replace(films["graded"], bandwidth_nm=4.0),
    }


@pytest.mark.parametrize("name", [*linked_films(), *averaged_films()])
def test_derivatives_are_those_of_differences(name: str) -> None:
    film = (linked_films() | averaged_films())[name]
    curve = ExactCurve(film, WAVES[::8], AOI[::8])
    width = curve.high - curve.low
    theta = curve.low + width * np.random.default_rng(3).uniform(0.1, 0.9, (10, len(width)))
    _, derivatives = curve(theta)
    for number, along in enumerate(width):
        # Of fourth order, so that neither the step nor rounding shows within a few 1e-7.
        differences, step = np.zeros(derivatives[number].shape), 1e-4 * along
        for times, factor in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            at = theta.copy()
            at[:, number] += times * step
            moved = curve.values(at) - curve.values(theta)
            moved[:, 5:] -= 360 * np.round(moved[:, 5:] / 360)
            differences += factor * moved / (12 * step)
        scale = np.abs(differences).max()
        np.testing.assert_allclose(derivatives[number], differences, rtol=1e-5, atol=1e-7 * scale)


def test_a_rough_surface_is_found_again() -> None:
    """3 nm on a film made by pyElli, with the noise of a good instrument."""
    elli = pytest.importorskip("elli")
    cauchy, air = Cauchy(1.6, 0.01), elli.IsotropicMaterial(elli.ConstantRefractiveIndex(1.0))
    silicon = material("Si")
    assert isinstance(silicon, Material)

    def medium(index: np.ndarray) -> object:
        return elli.IsotropicMaterial(elli.Table(WAVES, index))

    film = medium(cauchy(WAVES))
    layers = [elli.Layer(elli.BruggemanEMA(air, film, 0.5), 3.0), elli.Layer(film, 120.0)]
    made = elli.Structure(air, layers, medium(silicon(WAVES))).evaluate(WAVES, 65.0)
    rng, many = np.random.default_rng(5), 200
    psi = np.rad2deg(np.arctan(np.abs(made.rho))) + 0.02 * rng.normal(size=(many, 40))
    delta = -np.angle(made.rho, deg=True) % 360 + 0.04 * rng.normal(size=(many, 40))
    rough = Layer("roughness", 1.0, {"thickness_nm": (0.0, 15.0)})
    model = ThinFilm("Si", (rough, Layer(cauchy, 100.0, THICK | {"cauchy_a": (1.5, 1.7)})))
    noise = Noise(np.full(40, 0.02), np.full(40, 0.04), grows=False, is_known=True)
    fit = SpectraFitter(model, WAVES, AOI, FitOptions()).fit(psi, delta, noise)
    errors = fit.parameters - np.array([3.0, 120.0, 1.6])
    print(f"roughness off by {np.abs(errors[:, 0]).max():.3f} nm at most in {many} spectra")
    assert np.abs(errors[:, 0]).max() < 0.2
    assert np.abs(errors[:, 1]).max() < 0.5


def test_roughness_of_thousands_of_pixels_takes_seconds() -> None:
    """Thickness and roughness of 3,000 noisy spectra: 0.5 s here, with a bound for slow machines."""
    pytest.importorskip("numba")
    film = Layer("SiO2", 100.0, {"thickness_nm": (0.0, 300.0)})
    model = ThinFilm("Si", (Layer("roughness", 3.0, {"thickness_nm": (0.0, 10.0)}), film))
    rng, many = np.random.default_rng(8), 3000
    truth = np.stack([rng.uniform(2, 6, many), rng.uniform(50, 250, many)], axis=1)
    psi, delta = (part + 0.02 * rng.normal(size=part.shape) for part in model.psi_delta(WAVES, AOI, truth))
    noise = Noise(np.full(40, 0.02), np.full(40, 0.02), grows=False, is_known=True)
    fitter = SpectraFitter(model, WAVES, AOI, FitOptions(), many=True)
    fitter.fit(psi[:2], delta[:2], noise)
    begin = time.perf_counter()
    fit = fitter.fit(psi, delta, noise)
    seconds = time.perf_counter() - begin
    off = np.quantile(np.abs(fit.parameters - truth), 0.95, axis=0)
    print(
        f"{many} spectra in {seconds:.1f} s; 95 %: roughness within {off[0]:.3f}, film within {off[1]:.3f} nm"
    )
    assert (off < 0.2).all()
    assert seconds < 20


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", ["graded", "tied", "roughness"])
def test_free_numbers_of_linked_layers_are_found_again(name: str, many: bool) -> None:
    if many:
        pytest.importorskip("numba")
    film = linked_films()[name]
    film = film.with_layer(0, replace(film.layers[0], free={"thickness_nm": (0.0, 10.0)}))
    low, high = np.array([(one.low, one.high) for one in film.parameters]).T
    truth = low + (high - low) * np.random.default_rng(6).uniform(0.3, 0.7, (6, len(low)))
    psi, delta = film.psi_delta(WAVES, AOI, truth)
    fit = SpectraFitter(film, WAVES, AOI, FitOptions(), many=many).fit(psi, delta)
    np.testing.assert_allclose(fit.parameters, truth, rtol=1e-3, atol=1e-3)


def test_a_tie_holds_when_its_source_moves() -> None:
    film = linked_films()["tied"]
    moved = film.with_parameters([3.0, 0.5, 70.0, 1.7])
    assert moved.layers[3].thickness_nm == 70.0
    assert moved.layers[3].parameters["cauchy_a"] == 1.7
    # The tied layer keeps what it does not share.
    free = replace(moved, layers=tuple(replace(one, tied={}) for one in moved.layers))
    np.testing.assert_allclose(moved.rho(WAVES, 65.0), free.rho(WAVES, 65.0))
    np.testing.assert_allclose(film.rho(WAVES, 65.0, [3.0, 0.5, 70.0, 1.7]), free.rho(WAVES, 65.0))


def test_rearranged_layers_stay_tied_to_the_same_ones() -> None:
    film = linked_films()["tied"]
    more = film.arranged([Layer("SiO2", 1.0), 0, 1, 2, 3])
    assert dict(more.layers[4].tied) == {"cauchy_a": 3, "thickness_nm": 3}
    assert dict(film.arranged([0, 3, 1, 2]).layers[1].tied) == {"cauchy_a": 3, "thickness_nm": 3}
    without = film.arranged([0, 2, 3])
    assert dict(without.layers[2].tied) == {}
    assert without.layers[2].thickness_nm == 80.0


def test_periods_are_numbered_anew() -> None:
    one, other = Layer("SiO2", 10.0), Layer("TiO2", 20.0)
    film = ThinFilm("Si", (Period((one, other), 2), Period((one,), 2), one))
    assert film.order == (0, 1, 0, 1, 2, 2, 3)
    assert film.arranged([2, 3, 0, 1]).order == (0, 0, 1, 2, 3, 2, 3)
    assert replace(film) == film
    assert film.arranged([2, 3]) == ThinFilm("Si", (Period((one,), 2), one))


@pytest.mark.parametrize("name", [*linked_films(), *averaged_films()])
def test_a_model_survives_its_file(tmp_path: Path, name: str) -> None:
    film, path = (linked_films() | averaged_films())[name], tmp_path / "film.toml"
    path.write_text(model_text(film))
    assert read_model(path) == film


def test_files_of_graded_ends_and_mixtures_go_with_the_model(tmp_path: Path) -> None:
    for name in ("top.nk", "part.nk"):
        (tmp_path / name).write_text("300 1.5 0\n1000 1.6 0\n")
    mixed = EffectiveMedium("linear", (Constant(1.3), read_nk(tmp_path / "part.nk")), (0.5,))
    film = ThinFilm("Si", (Layer(Graded(read_nk(tmp_path / "top.nk"), mixed), 30.0),))
    assert {one.name for one in materials_of(film)} >= {"top.nk", "part.nk", "air", "Si"}
    files = model_files(film)
    assert set(files) == {"model.toml", "top.nk", "part.nk"}
    other = tmp_path / "other"
    other.mkdir()
    for name, content in files.items():
        (other / name).write_bytes(content)
    assert read_model(other / "model.toml") == film


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    (example,) = [one for one in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "repeat" in one]
    (tmp_path / "film.toml").write_text(example)
    film = read_model(tmp_path / "film.toml")
    assert film.order == (0, *(1, 2) * 8, 3)
    assert dict(film.layers[3].tied) == {"cauchy_a": 2}


def test_roughness_is_an_interface_of_equal_shares(tmp_path: Path) -> None:
    path = tmp_path / "film.toml"
    path.write_text('substrate = "Si"\n[[layers]]\nmaterial = "roughness"\nthickness_nm = 3\n')
    assert read_model(path) == ThinFilm("Si", Layer(Interface(0.5), 3.0))
    silicon, air = material("Si"), material("air")
    assert isinstance(silicon, Material)
    assert isinstance(air, Material)
    mixed = ThinFilm("Si", Layer(EffectiveMedium("bruggeman", (air, silicon), (0.5,)), 3.0))
    np.testing.assert_allclose(read_model(path).rho(WAVES, 65.0), mixed.rho(WAVES, 65.0))


def test_sensitivity_and_remedies_of_linked_layers() -> None:
    for name, film in linked_films().items():
        assert len(sensitivity_table(film, WAVES, AOI, np.full(80, 10.0))) >= 2, name
    film = linked_films()["tied"]
    film = film.with_layer(0, replace(film.layers[0], free={}))
    psi, delta = film.psi_delta(WAVES, AOI)
    fitter = SpectraFitter(film, WAVES, AOI, FitOptions())
    table = remedies(fitter, film, psi[None], delta[None], Noise(np.full(40, 0.1), np.full(40, 0.2)))
    assert {"thickness of layer 1 (interface)", "thickness of layer 3 (SiO2)"} <= set(table["change"])
    assert not table["change"].str.contains("layer 4|index of layer 1|rough surface").any()
    fixed = replace(linked_films()["tied"].layers[1], free={})
    tied, rough = Layer(Cauchy(1.0), 30.0, tied={"cauchy_a": 2}), Layer(Interface(0.95), 2.0)
    film = ThinFilm("Si", (Layer("SiO2", 50.0, THICK), fixed, tied, rough))
    table = sensitivity_table(film, WAVES, AOI, np.full(80, 10.0)).set_index("fixed")
    # An index that is that of layer 2 moves with it and not by itself.
    assert "index of layer 2 (Cauchy 1.6)" in table.index
    assert "index of layer 3 (Cauchy 1.6)" not in table.index
    assert table.loc["share of layer 4 (interface)", "change"] == -0.1
    assert np.isfinite(table["thickness_nm"]).all()


MANY = ", ".join(['{ material = "SiO2", thickness_nm = 9 }'] * 3)
GRADED = "material = { graded = [{ cauchy = [1.5] }, { cauchy = [2.0] }], slices = %s }\nthickness_nm = 50\n"
ROUGH = 'material = "roughness"\nthickness_nm = 3\n'
MIXED = "material = { bruggeman = ['SiO2', 'roughness'], fractions = [0.5] }\nthickness_nm = 5\n"
CAUCHY = "material = { cauchy = [1.5] }\nthickness_nm = 9\n"
SILICA = 'material = "SiO2"\nthickness_nm = 50\n'


@pytest.mark.parametrize(
    ("layers", "needle"),
    [
        ([ROUGH] * 2, "beside another interface"),
        ([ROUGH, 'material = "hBN"\nthickness_nm = 3\n'], "crystal hBN"),
        (['repeat = 2\nlayers = [{ material = "roughness", thickness_nm = 3 }]\n'], "another interface"),
        (["material = { interface = 1.5 }\nthickness_nm = 3\n"], "0..1 of what is below"),
        (["material = { interface = 0.5, slices = 3 }\nthickness_nm = 3\n"], "several ways"),
        (["material = { slices = 3 }\nthickness_nm = 3\n"], "needs graded"),
        ([GRADED % 1], "2 to 100 slices"),
        ([GRADED % 101], "2 to 100 slices"),
        ([GRADED % 2.5], "whole number"),
        (['material = { graded = ["SiO2"] }\nthickness_nm = 50\n'], "two materials"),
        (['material = { graded = ["SiO2", "hBN"] }\nthickness_nm = 50\n'], "isotropic"),
        (['material = { graded = ["SiO2", "roughness"] }\nthickness_nm = 50\n'], "isotropic medium"),
        ([MIXED], "mixture is of"),
        ([f"repeat = 67\nlayers = [{MANY}]\n"], "at most 200 media, not 201"),
        ([f"repeat = 101\nlayers = [{MANY}]\n"], "1 to 100 times"),
        ([f"repeat = 1.5\nlayers = [{MANY}]\n"], "whole number"),
        (["repeat = 5\nlayers = []\n"], "needs layers"),
        (["repeat = 5\n"], "needs layers"),
        (["repeat = 5\nlayers = 7\n"], "list of tables"),
        ([f"repeat = 5\nlayers = [{{ repeat = 5, layers = [{MANY}] }}]\n"], "period within a period"),
        ([f"repeat = 5\nlayers = [{', '.join([MANY] * 7)}]\n"], "at most 20 layers"),
        ([GRADED % 100] * 3, "at most 200 media"),
        ([SILICA + "tied = { thickness_nm = 2 }\n"], "is not there"),
        ([SILICA + "tied = { thickness_nm = 0 }\n"], "is not there"),
        ([SILICA + "tied = { thickness_nm = 1 }\n"], "in a circle"),
        ([SILICA + "tied = { thickness_nm = 2 }\n", SILICA + "tied = { thickness_nm = 1 }\n"], "in a circle"),
        ([SILICA + "tied = { thickness_nm = 1.5 }\n"], "number of a layer"),
        ([SILICA + "tied = { cauchy_a = 1 }\n"], "cannot be tied"),
        (["material = { ordinary = 'roughness', extraordinary = 'SiO2' }\nthickness_nm = 3\n"], "be media"),
        ([ROUGH + "coherent = false\n"], "of a medium"),
        ([SILICA + "tied = 1\n"], "tied of layer 1 must be like"),
        ([SILICA, CAUCHY + "tied = { cauchy_a = 1 }\n"], "which has none"),
        ([SILICA, CAUCHY + "tied = { thickness_nm = 1 }\nfree = { thickness_nm = [0, 9] }\n"], "and tied"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_sentence(
    tmp_path: Path, layers: list[str], needle: str
) -> None:
    path = tmp_path / "film.toml"
    path.write_text('substrate = "Si"\n' + "".join(f"[[layers]]\n{one}" for one in layers))
    with pytest.raises(EllimapsError, match=needle) as error:
        read_model(path)
    assert one_sentence(error)


def test_half_spaces_are_media() -> None:
    for given in ({"substrate": Interface()}, {"substrate": "Si", "ambient": Interface()}):
        with pytest.raises(SettingError, match="must be media"):
            ThinFilm(**given)
    with pytest.raises(SettingError, match="no index of its own"):
        Interface()(500.0)
