"""The materials of a film model on the page: each dispersion chosen, changed, freed, written and fitted."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.fit_view import click, edit, film, find, fine, layer_key, open_fit_view, state

from ellimaps.optics.effective_medium import EffectiveMedium
from ellimaps.optics.layers import SHARE, SPREAD, THICKNESS, Layer
from ellimaps.optics.library import material
from ellimaps.optics.materials import Cauchy, Constant
from ellimaps.optics.model_file import model_of
from ellimaps.optics.oscillators import OSCILLATORS
from ellimaps.optics.ready_materials import READY_OSCILLATORS, ready_materials
from ellimaps.ui.pages.maps.fit_places import SHOWN
from ellimaps.ui.pages.maps.fitting import OWN_MODEL

# A number of each dispersion, and another value near the one it begins with.
CHANGED = {
    "constant index": ("index_n", 1.46),
    "Cauchy": ("cauchy_a", 1.45),
    "Cauchy with Urbach tail": ("urbach_amplitude", 0.001),
    "Sellmeier": ("sellmeier_1_strength", 0.69),
    "oscillators": ("tauc_lorentz_gap_ev", 1.3),
    "B-spline of k": ("spline_k_3", 0.01),
    "mixture": ("fraction_2", 0.1),
    "interface": ("fraction", 0.4),
    "graded": ("bottom_cauchy_a", 1.5),
    "crystal": ("extraordinary_a", 1.8),
}


@pytest.fixture
def edited(monkeypatch, tmp_path):
    """The example in four clusters, with the editor open."""
    page = open_fit_view(monkeypatch, tmp_path)
    page.number_input(key="k").set_value(4)
    return edit(click(page, "segment"))


def choose(page, name, *place):
    return fine(
        page.selectbox(key=layer_key(page, *(place or ("layer0",)), "material")).set_value(name).run()
    )


def number(page, kind, *place):
    return page.number_input(key=layer_key(page, *(place or ("layer0",)), kind, "value"))


def free(page, kind):
    return page.checkbox(key=layer_key(page, "layer0", kind, "free"))


def layer(page):
    return film(page).model.layers[0]


def text(page):
    return next(one.value for one in page.code if "[[layers]]" in one.value)


def drawn_index(page):
    """The chart of n beside the editor, which names its data by what they hold."""
    charts = [str(one.proto) for one in page.get("vega_lite_chart")]
    (found,) = [
        chart for chart in charts if "photon energy (eV)" in chart and "'.2f'" in chart.replace("\\", "")
    ]
    return found


def test_every_dispersion_is_tried_here():
    assert set(CHANGED) == set(ready_materials())


@pytest.mark.parametrize("name", CHANGED)
def test_a_dispersion_is_chosen_changed_freed_written_and_fitted(edited, name):
    kind, value = CHANGED[name]
    choose(edited, name)
    assert type(layer(edited).material) is type(ready_materials()[name])
    fine(number(edited, kind).set_value(value).run())
    assert layer(edited).parameters[kind] == value
    fine(free(edited, kind).set_value(True).run())
    low, high = layer(edited).free[kind]
    assert low <= value <= high
    read = model_of(tomllib.loads(text(edited)), Path(state(edited).source.path))
    assert read.layers[0].free == layer(edited).free
    np.testing.assert_array_equal(read.rho(550.0, 50.0), film(edited).model.rho(550.0, 50.0))
    click(edited, "fit")
    assert [parameter.kind for parameter in film(edited).setup.model.parameters] == [THICKNESS, kind]
    fine(edited)
    assert len(edited.dataframe[0].value) == 4


def test_a_dispersion_chosen_again_keeps_its_numbers(edited):
    number(edited, "cauchy_b").set_value(0.005).run()
    before = layer(edited).material
    choose(edited, "Cauchy")
    assert layer(edited).material.parameters == before.parameters
    choose(edited, "HfO2")
    assert layer_key(edited, "layer0", "cauchy_a", "value") not in [one.key for one in edited.number_input]
    choose(edited, "Cauchy")
    assert layer(edited).material.parameters == material("HfO2").parameters
    number(edited, "cauchy_a").set_value(1.9).run()
    assert layer(fine(edited)).material.a == 1.9


def test_oscillators_come_and_go_and_what_is_free_stays_free(edited):
    choose(edited, "oscillators")
    free(edited, "tauc_lorentz_energy_ev").set_value(True).run()
    bounds = layer(edited).free["tauc_lorentz_energy_ev"]
    for kind in READY_OSCILLATORS:
        edited.selectbox(key=layer_key(edited, "layer0", "with")).set_value(kind).run()
        assert layer(fine(edited)).material.terms[-1] == READY_OSCILLATORS[kind]
    assert {term.key for term in layer(edited).material.terms} == set(OSCILLATORS)
    assert layer(edited).free == {
        THICKNESS: (0.0, 400.0),
        "tauc_lorentz_1_energy_ev": bounds,
    }
    edited.button(key=layer_key(edited, "layer0", "without", 1)).click().run()
    assert "tauc_lorentz_energy_ev" in layer(fine(edited)).free
    edited.button(key=layer_key(edited, "layer0", "without", 0)).click().run()
    assert layer(fine(edited)).free == {THICKNESS: (0.0, 400.0)}
    assert "tauc_lorentz" not in text(edited)


def test_all_numbers_are_freed_and_held_at_once(edited):
    choose(edited, "oscillators")
    edited.button(key=layer_key(edited, "layer0", "all_free")).click().run()
    assert set(layer(fine(edited)).free) == set(layer(edited).parameters)
    edited.button(key=layer_key(edited, "layer0", "all_free")).click().run()
    assert layer(fine(edited)).free == {}


def test_a_mixture_begins_with_the_film_and_takes_a_third_material(edited):
    before = layer(edited).material
    choose(edited, "mixture")
    assert layer(edited).material == EffectiveMedium("bruggeman", (before, material("air")), (0.5,))
    choose(edited, "PMMA", "layer0", "material_2")
    edited.selectbox(key=layer_key(edited, "layer0", "rule")).set_value("maxwell_garnett").run()
    edited.button(key=layer_key(edited, "layer0", "third")).click().run()
    choose(fine(edited), "constant index", "layer0", "material_3")
    fine(number(edited, "index_n", "layer0", "material_3").set_value(1.33).run())
    mixture = layer(edited).material
    assert (mixture.rule, mixture.fractions) == ("maxwell_garnett", (0.5, 0.0))
    assert mixture.materials == (before, material("PMMA"), Constant(1.33))
    edited.button(key=layer_key(edited, "layer0", "third")).click().run()
    assert len(layer(fine(edited)).material.materials) == 2


def test_either_index_of_a_crystal_has_any_dispersion(edited):
    choose(edited, "crystal")
    choose(edited, "oscillators", "layer0", "extraordinary")
    edited.selectbox(key=layer_key(edited, "layer0", "extraordinary", "with")).set_value("Gaussian").run()
    fine(number(edited, "extraordinary_gaussian_energy_ev").set_value(2.5).run())
    fine(free(edited, "extraordinary_gaussian_energy_ev").set_value(True).run())
    edited.selectbox(key=layer_key(edited, "layer0", "extraordinary", "with")).set_value("Gaussian").run()
    assert "extraordinary_gaussian_1_energy_ev" in layer(fine(edited)).free
    assert layer(edited).material.extraordinary.terms[1].energy_ev == 2.5
    choose(edited, "mixture", "layer0", "ordinary")
    choose(edited, "MoS2-o", "layer0", "ordinary", "material_1")
    assert layer(fine(edited)).material.ordinary.materials[0] == material("MoS2-o")


def test_nodes_of_a_spline_are_spaced_again(edited):
    choose(edited, "B-spline of k")
    edited.number_input(key=layer_key(edited, "layer0", "nodes", "count")).set_value(11).run()
    assert layer(fine(edited)).material.energies_ev == pytest.approx(np.linspace(1.5, 6.5, 11))
    edited.number_input(key=layer_key(edited, "layer0", "nodes", "last")).set_value(1.0).run()
    assert [error.value for error in edited.error] == [
        "A spline needs 2 to 50 ascending energies above 0 eV."
    ]
    assert layer(edited).material.energies_ev[-1] == 6.5
    fine(edited.number_input(key=layer_key(edited, "layer0", "nodes", "last")).set_value(5.5).run())
    assert layer(edited).material.energies_ev[-1] == 5.5


def test_terms_of_a_sellmeier_formula_come_and_go(edited):
    choose(edited, "Sellmeier")
    edited.button(key=layer_key(edited, "layer0", "Take the last term away")).click().run()
    assert layer(fine(edited)).material.terms == material("SiO2").terms[:2]
    edited.button(key=layer_key(edited, "layer0", "Add a term")).click().run()
    fine(number(edited, "sellmeier_3_strength").set_value(0.2).run())
    assert layer(edited).material.terms[2] == (0.2, 0.1)


def test_a_film_is_taken_for_another_part_of_the_model(edited):
    number(edited, "cauchy_a").set_value(1.5).run()
    edited.button(key=layer_key(edited, "add")).click().run()
    choose(edited, "as Layer 2")
    assert layer(edited).material == film(edited).model.layers[1].material
    assert isinstance(layer(edited).material, Cauchy)


def test_an_absorbing_or_layered_ambient_is_refused_in_a_sentence(edited):
    before = film(edited).model
    edited.selectbox(key=layer_key(edited, "ambient", "material")).set_value("Au").run()
    assert [error.value for error in edited.error] == ["The ambient must be transparent, and Au absorbs."]
    assert film(edited).model == before
    assert edited.selectbox(key=layer_key(edited, "ambient", "material")).value == "air"
    assert "hBN" not in edited.selectbox(key=layer_key(edited, "ambient", "material")).options
    choose(edited, "constant index", "ambient")
    fine(number(edited, "index_n", "ambient").set_value(1.33).run())
    assert film(edited).model.ambient == Constant(1.33)


def test_n_and_k_follow_what_is_changed_and_show_what_was_fitted(edited):
    assert edited.session_state[SHOWN] == "layer0"
    before = drawn_index(edited)
    number(edited, "cauchy_a").set_value(1.6).run()
    assert drawn_index(fine(edited)) != before
    choose(edited, "Cauchy", "substrate")
    assert edited.session_state[SHOWN] == "substrate"
    edited.selectbox(key=SHOWN).set_value("layer0").run()
    choose(edited, "Si", "substrate")
    edited.selectbox(key=SHOWN).set_value("layer0").run()
    assert "Dashed" not in " ".join(one.value for one in edited.caption)
    free(edited, "cauchy_a").set_value(True).run()
    click(edited, "fit")
    assert "Dashed: the model as it stands. Line: fitted, cluster 0" in " ".join(
        one.value for one in fine(edited).caption
    )
    edited.button(key=layer_key(edited, 0, "remove")).click().run()
    assert edited.selectbox(key=SHOWN).value == "substrate"
    fine(edited)


def test_every_layer_has_a_search_of_its_own(edited):
    edited.button(key=layer_key(edited, "add")).click().run()
    find(edited, "layer0")
    assert edited.text_input(key=layer_key(edited, "layer0", "published")).value == "SiO2"
    assert layer_key(edited, "layer1", "published") not in [one.key for one in edited.text_input]


def test_an_interface_is_no_half_space_and_no_part_of_a_mixture(edited):
    choose(edited, "interface")
    assert "interface" not in edited.selectbox(key=layer_key(edited, "substrate", "material")).options
    choose(edited, "mixture")
    assert (
        "interface" not in edited.selectbox(key=layer_key(edited, "layer0", "material_1", "material")).options
    )


def test_a_graded_layer_has_ends_and_slices(edited):
    choose(edited, "graded")
    free(edited, "bottom_cauchy_a").set_value(True).run()
    edited.number_input(key=layer_key(edited, "layer0", "slices")).set_value(5).run()
    assert layer(fine(edited)).material.slices == 5
    edited.number_input(key=layer_key(edited, "layer0", "slices")).set_value(1).run()
    assert any("2 to 100 slices" in one.value for one in edited.error)
    assert layer(edited).material.slices == 5
    choose(edited, "constant index", "layer0", "top")
    assert isinstance(layer(edited).material.top, Constant)
    assert "bottom_cauchy_a" in layer(edited).free


def test_layers_that_move_stay_tied(edited):
    tied = Layer("SiO2", 10.0, tied={THICKNESS: 1})
    film(edited).put(OWN_MODEL, replace(film(edited).model, layers=(layer(edited), tied)))
    fine(edited.run())
    assert "that of layer 1" in "".join(one.value for one in edited.caption)
    click(edited, layer_key(edited, "add"))
    assert dict(film(edited).model.layers[2].tied) == {THICKNESS: 2}
    click(edited, layer_key(edited, "1", "remove"))
    assert dict(film(fine(edited)).model.layers[1].tied) == {}


def test_what_is_known_of_the_instrument_is_set_and_freed(edited):
    key = layer_key(edited, "bandwidth_of")
    edited.selectbox(key=key).set_value("given").run()
    fine(edited.number_input(key=layer_key(edited, "bandwidth")).set_value(4.0).run())
    fine(edited.number_input(key=layer_key(edited, "angular_spread")).set_value(0.5).run())
    fine(edited.checkbox(key=layer_key(edited, "angular_spread_deg", "free")).set_value(True).run())
    model = film(edited).model
    assert (model.bandwidth_nm, model.angular_spread_deg) == (4.0, 0.5)
    assert model.free == {"angular_spread_deg": (0.0, 1.0)}
    edited.selectbox(key=key).set_value("of the data").run()
    assert film(edited).model.bandwidth_nm == "file"
    assert "The data do not tell the bandwidth at every wavelength" in edited.error[0].value
    edited.selectbox(key=key).set_value("none").run()
    fine(number(edited, SPREAD).set_value(2.0).run())
    assert layer(edited).thickness_spread_nm == 2.0
    fine(free(edited, SPREAD).set_value(True).run())
    assert layer(edited).free[SPREAD] == (0.0, 5.0)
    click(edited, "fit")
    assert "thickness spread (nm)" in fine(edited).dataframe[0].value.columns


def test_a_plate_has_a_share_in_place_of_a_spread(edited):
    edited.button(key=layer_key(edited, "add")).click().run()
    choose(edited, "glass", "layer1")
    edited.checkbox(key=layer_key(edited, "layer1", "thickness_nm", "free")).set_value(False).run()
    edited.checkbox(key=layer_key(edited, "layer1", "coherent")).set_value(False).run()
    fine(number(edited, THICKNESS, "layer1").set_value(1e6).run())
    fine(number(edited, SHARE, "layer1").set_value(0.7).run())
    plate = film(edited).model.layers[1]
    assert (plate.coherent, plate.thickness_nm, plate.share) == (False, 1e6, 0.7)
    assert layer_key(edited, "layer1", SPREAD, "value") not in [one.key for one in edited.number_input]


def test_layers_are_repeated_and_once_again(edited):
    edited.button(key=layer_key(edited, "add")).click().run()
    edited.selectbox(key=layer_key(edited, "repeat", "last")).set_value(2).run()
    edited.number_input(key=layer_key(edited, "repeat", "times")).set_value(5).run()
    fine(edited.button(key=layer_key(edited, "repeat")).click().run())
    assert film(edited).model.order == (0, 1) * 5
    assert any("repeat = 5" in one.value for one in edited.code)
    assert "In period 1, 5 times." in [one.value for one in edited.caption]
    click(edited, "fit")
    fine(edited)
    edited.selectbox(key=layer_key(edited, "repeat", "last")).set_value(2).run()
    edited.number_input(key=layer_key(edited, "repeat", "times")).set_value(1).run()
    fine(edited.button(key=layer_key(edited, "repeat")).click().run())
    assert film(edited).model.order == (0, 1)


def test_numbers_of_a_layer_are_tied_to_those_of_another(edited):
    edited.button(key=layer_key(edited, "add")).click().run()
    choose(edited, "Cauchy")
    key = layer_key(edited, "0", "tie")
    edited.multiselect(key=f"{key}_kinds_1").set_value(["cauchy_a", THICKNESS]).run()
    fine(edited.button(key=key).click().run())
    tied, other = film(edited).model.layers
    assert dict(tied.tied) == {"cauchy_a": 2, THICKNESS: 2}
    assert tied.material.a == other.material.a
    assert THICKNESS not in tied.free
    fine(number(edited, "cauchy_a", "layer1").set_value(1.5).run())
    assert layer(edited).material.a == 1.5
    key = layer_key(edited, "0", "tie")
    edited.multiselect(key=f"{key}_kinds_1").set_value([]).run()
    fine(edited.button(key=key).click().run())
    assert dict(layer(edited).tied) == {}
