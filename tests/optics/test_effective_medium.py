"""Effective media: against closed forms and limits, in files, with a free fraction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.stacks import one_sentence

from ellimaps.core.errors import EllimapsError
from ellimaps.optics.dual import Dual, slopes_of, value_of
from ellimaps.optics.effective_medium import EffectiveMedium, Rule, bruggeman, maxwell_garnett
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material
from ellimaps.optics.materials import Constant, Material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text, read_model
from ellimaps.optics.spectra import SpectraFitter

WAVELENGTHS = np.linspace(400.0, 900.0, 30)


def random_media(count: int, n: int, seed: int = 2026) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    k = draw.uniform(0, 6, (count, n)) * (draw.random((count, n)) < 0.7)
    return list((draw.uniform(0.05, 5, (count, n)) + 1j * k) ** 2)


@pytest.mark.parametrize("count", [2, 3])
def test_bruggeman_is_the_root_that_absorbs(count: int) -> None:
    n = 20_000
    media = random_media(count, n)
    shares = list(np.random.default_rng(1).dirichlet(np.ones(count), n).T)
    mixed = np.asarray(bruggeman(media, shares))
    rest = sum(f * (e - mixed) / (e + 2 * mixed) for f, e in zip(shares, media, strict=True))
    np.testing.assert_allclose(rest, 0, atol=1e-9)
    assert (mixed.imag >= -1e-8 * np.abs(mixed)).all()
    assert (np.sqrt(mixed + 0j).real > 0).all()


def test_two_materials_have_a_closed_form() -> None:
    one, two = random_media(2, 5000)
    share = np.random.default_rng(2).random(5000)
    b = (3 * (1 - share) - 1) * one + (3 * share - 1) * two
    roots = np.stack([(b + sign * np.sqrt(b * b + 8 * one * two)) / 4 for sign in (1, -1)])
    found = np.asarray(bruggeman([one, two], [1 - share, share]))
    np.testing.assert_allclose(np.abs(roots - found).min(axis=0) / np.abs(found), 0, atol=1e-6)


@pytest.mark.parametrize("rule", ["bruggeman", "maxwell_garnett", "linear"])
def test_pure_materials_stay_what_they_are(rule: Rule) -> None:
    silica, silicon = material("SiO2"), material("Si")
    assert isinstance(silica, Material)
    assert isinstance(silicon, Material)
    for fraction, pure in ((0.0, silica), (1.0, silicon)):
        mixed = EffectiveMedium(rule, (silica, silicon), (fraction,))
        np.testing.assert_allclose(mixed(WAVELENGTHS), pure(WAVELENGTHS), rtol=1e-9)


def test_few_inclusions_follow_maxwell_garnett() -> None:
    host, guest = np.array([2.25 + 0j]), np.array([12.0 + 0.5j])
    dilute = [np.array([0.999]), np.array([0.001])]
    one, other = bruggeman([host, guest], dilute), maxwell_garnett([host, guest], dilute)
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_derivatives_by_fractions_are_those_of_differences() -> None:
    media = random_media(3, 200)

    def mixed(two: float, three: float) -> np.ndarray:
        return np.asarray(bruggeman(media, [np.array(1 - two - three), np.array(two), np.array(three)]))

    two, three = Dual(np.array(0.3), {"two": 1.0}), Dual(np.array(0.2), {"three": 1.0})
    found = bruggeman(media, [1 - two - three, two, three])
    np.testing.assert_allclose(value_of(found), mixed(0.3, 0.2), rtol=1e-9)
    step = 1e-6
    for name, high, low in (
        ("two", mixed(0.3 + step, 0.2), mixed(0.3 - step, 0.2)),
        ("three", mixed(0.3, 0.2 + step), mixed(0.3, 0.2 - step)),
    ):
        differences = (high - low) / (2 * step)
        np.testing.assert_allclose(slopes_of(found)[name], differences, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("many", [False, True])
def test_a_free_fraction_is_found_again(many: bool) -> None:
    porous = EffectiveMedium("bruggeman", (Constant(1.46), Constant(1.0)), (0.3,))
    free = {"thickness_nm": (50.0, 300.0), "fraction_2": (0.0, 0.6)}
    model = ThinFilm("Si", (Layer(porous, 100.0, free),))
    draw = np.random.default_rng(1)
    truth = np.stack([draw.uniform(100, 280, 10), draw.uniform(0.1, 0.5, 10)], axis=1)
    psi, delta = model.psi_delta(WAVELENGTHS, np.full(30, 65.0), truth)
    fit = SpectraFitter(model, WAVELENGTHS, np.full(30, 65.0), FitOptions(), many=many).fit(psi, delta)
    np.testing.assert_allclose(fit.parameters, truth, rtol=1e-4)


def test_a_model_file_holds_a_mixture(tmp_path: Path) -> None:
    path = tmp_path / "film.toml"
    mixture = '{ bruggeman = ["SiO2", "Si", "air"], fractions = [0.2, 0.3] }'
    text = f'substrate = "Si"\n[[layers]]\nmaterial = {mixture}\n'
    path.write_text(text + "thickness_nm = 10\nfree = { fraction_3 = [0.0, 0.5] }\n")
    model = read_model(path)
    assert model.layers[0].material.name == "SiO2 and Si and air"
    path.write_text(model_text(model))
    assert read_model(path) == model


@pytest.mark.parametrize(
    ("given", "needle"),
    [
        ('{ bruggeman = ["SiO2", "air"] }', "several ways"),
        ('{ bruggeman = "SiO2", fractions = [0.5] }', "list of materials"),
        ('{ bruggeman = ["SiO2"], fractions = [0.5] }', "two or three"),
        ('{ bruggeman = ["SiO2", "hBN"], fractions = [0.5] }', "isotropic"),
        ('{ linear = ["SiO2", "air"], fractions = [1.5] }', "no more than 1"),
        ('{ linear = ["SiO2", "air"], fractions = [-0.5] }', "0 or more"),
    ],
)
def test_what_is_no_mixture_is_refused_in_one_sentence(tmp_path: Path, given: str, needle: str) -> None:
    path = tmp_path / "film.toml"
    path.write_text(f'substrate = "Si"\n[[layers]]\nmaterial = {given}\nthickness_nm = 10\n')
    with pytest.raises(EllimapsError, match=needle) as error:
        read_model(path)
    assert one_sentence(error)
