"""The Maps page by Streamlit's own test driver: every control, empty, loaded, clicked and wrong."""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
from dataclasses import replace

import numpy as np
import pyarrow
import pytest
from conftest import EXAMPLE, EXAMPLE_WRAP, ROOT
from streamlit.testing.v1 import AppTest

from ellimaps.images.spikes import spikes_taken
from ellimaps.maps.refinement import Clean, Drop, Merge, Split
from ellimaps.ui.pages.maps import loading
from ellimaps.ui.pages.maps.export import zipped
from ellimaps.ui.pages.maps.pixel_spectrum import pick_pixel
from ellimaps.ui.pages.maps.refine import take_names
from ellimaps.ui.pages.maps.regions import draw_region

VIEWS = ["Data", "How many?", "Explore", "Fit", "Compare", "Export"]


@pytest.fixture
def page(monkeypatch, tmp_path):
    """The page on the examples, in a working folder of its own."""
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(ROOT / "data_example"))
    monkeypatch.chdir(tmp_path)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()


@pytest.fixture
def opened(page):
    return page.button(key="example_terraces").click().run()


@pytest.fixture
def segmented(opened):
    return segment(view(opened, "Explore"), 4)


def state(page):
    return page.session_state["MapsState"]


def view(page, name):
    return page.segmented_control(key="view").set_value(name).run()


def settled(page):
    """The page after its background work."""
    for _ in range(200):
        if state(page).task is None:
            return page
        time.sleep(0.1)
        page.run()
    raise AssertionError(state(page).task)


def segment(page, k):
    page.number_input(key="k").set_value(k)
    return settled(page.button(key="segment").click().run())


def click(page, key):
    return settled(page.button(key=key).click().run())


def fine(page):
    assert not page.exception
    assert not page.error, [error.value for error in page.error]
    return page


def test_the_empty_page_offers_every_way_in(page):
    fine(page)
    assert page.text_input(key="path").value == ""
    assert [button.label for button in page.button][:3] == ["Open", "terraces", "terraces_wrap"]
    assert len(page.get("file_uploader")) == 1
    assert "Open this folder" in [button.label for button in page.button]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Paste the path"),
        ("nowhere", "does not exist"),
        ("../..", "is not below the data root"),
        ("terraces/model.toml", "model.toml"),
    ],
)
def test_a_wrong_path_is_one_sentence(page, text, sentence):
    page.text_input(key="path").set_value(text)
    next(button for button in page.button if button.label == "Open").click().run()
    assert not page.exception
    assert sentence in page.error[0].value


def test_a_quoted_path_opens(page):
    page.text_input(key="path").set_value(f'"{EXAMPLE}"')
    fine(next(button for button in page.button if button.label == "Open").click().run())
    assert state(page).source.path == str(EXAMPLE)


def test_browsing_opens_a_folder(page):
    page.button(key=f"browse_{EXAMPLE_WRAP}").click().run()
    page.button(key="browse_open").click().run()
    assert state(fine(page)).source.path == str(EXAMPLE_WRAP)


def test_browsing_goes_up_again(page):
    page.button(key=f"browse_{EXAMPLE_WRAP}").click().run()
    page.button(key="browse_up").click().run()
    assert page.button(key=f"browse_{EXAMPLE}")


def test_a_folder_of_folders_offers_what_lies_below(page):
    page.button(key="browse_open").click().run()
    assert "choose one of the folders below" in page.error[0].value
    page.button(key=f"below_{EXAMPLE}").click().run()
    assert state(page).source.path == str(EXAMPLE)


def test_the_facts_are_shown(opened):
    fine(opened)
    facts = "".join(one.proto.body for one in opened.get("html"))
    for text in ("22 (Delta and Psi)", "128 × 160 px", "450 to 750 nm", "50°", "2026-01-01", "SiO2"):
        assert text in facts


def test_recent_folders_and_back(opened):
    opened.button(key="open_another").click().run()
    assert opened.button(key="recent_0").label == str(EXAMPLE)
    opened.button(key="back").click().run()
    assert not state(opened).opening
    opened.button(key="open_another").click().run()
    opened.button(key="example_terraces_wrap").click().run()
    opened.button(key="open_another").click().run()
    assert [opened.button(key=f"recent_{n}").label for n in (0, 1)] == [str(EXAMPLE_WRAP), str(EXAMPLE)]
    opened.button(key="recent_1").click().run()
    assert state(fine(opened)).source.path == str(EXAMPLE)


def test_opening_the_same_folder_again_keeps_the_work(segmented):
    segmented.button(key="open_another").click().run()
    segmented.button(key="example_terraces").click().run()
    assert state(segmented).current is not None


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_says_what_to_do_before_anything_is_made(opened, name):
    fine(view(opened, name))
    if name != "Data":
        assert opened.info


def test_preprocessing_choices_reach_the_settings(opened):
    opened.segmented_control(key="gaps").set_value("exclude")
    for key in ("despike_on", "smooth_on", "roi_on"):
        opened.checkbox(key=key).check()
    fine(opened.run())
    opened.number_input(key="despike").set_value(6.0)
    opened.number_input(key="smooth").set_value(1.5)
    opened.number_input(key="binning_128").set_value(2)
    opened.slider(key="roi_y_128").set_value((0, 100))
    opened.slider(key="roi_x_160").set_value((10, 160))
    settings = state(fine(opened.run())).settings
    assert (settings.gaps, settings.despike, settings.smooth, settings.binning) == ("exclude", 6.0, 1.5, 2)
    assert settings.roi == (0, 100, 10, 160)
    assert "2 × 2" in said(opened)
    for name in VIEWS[1:]:
        view(opened, name)
    assert view(opened, "Data").number_input(key="smooth").value == 1.5


def test_filled_pixels_are_counted_and_have_a_legend(opened):
    stack = loading.prepared(state(opened).source, state(opened).settings)
    assert opened.select_slider(key="position").value == "450"
    counts = [int(stack.filled[band].sum()) for band in np.flatnonzero(stack.bands["wavelength_nm"] == 450)]
    assert min(counts) > 0
    for count, panel in zip(counts, viewer(opened)["panels"], strict=True):
        assert f"{count:,} of " in said(opened)
        assert sum(base64.b64decode(panel["filled"])) == count


def said(page):
    """What stands in small letters."""
    return " ".join(caption.value for caption in page.caption)


@pytest.mark.parametrize("settings", [{}, {"binning": 2, "roi": (10, 110, 20, 140)}])
def test_a_pixel_has_a_spectrum_before_anything_is_segmented(opened, settings):
    own = state(opened)
    if settings:
        opened.number_input(key="binning_128").set_value(2)
        opened.checkbox(key="roi_on").check().run()
        opened.slider(key="roi_y_128").set_value((10, 110))
        opened.slider(key="roi_x_160").set_value((20, 140)).run()
    assert "Click a pixel" in said(opened)
    y0, _, x0, _ = settings.get("roi", (0, 0, 0, 0))
    pick_pixel(own, {"kind": "pixel", "vertices": [[81 - x0, 65 - y0]]}, own.settings)
    fine(opened.run())
    assert own.current is None
    stack = loading.prepared(own.source, own.settings)
    row, column = (65 - y0) // own.settings.binning, (81 - x0) // own.settings.binning
    text = next(one.value for one in opened.markdown if "Pixel x 81, y 65" in one.value)
    values = stack.values[:, row, column]
    delta, psi = (values[stack.bands["quantity"] == quantity] for quantity in ("Delta", "Psi"))
    assert f"Delta 450 nm {delta[0]:.2f}°, Psi 450 nm {psi[0]:.2f}°" in text
    drawn = [chart_values(one) for one in opened.get("vega_lite_chart")]
    assert np.allclose(drawn, [delta, psi])
    assert viewer(opened)["regions"][0]["vertices"] == [[81.5 - x0, 65.5 - y0]]


def chart_values(chart):
    """The values of the points of a chart of a pixel."""
    tables = [pyarrow.ipc.open_stream(one.data.data).read_pandas() for one in chart.proto.datasets]
    return next(table["value"] for table in tables if len(table) > 1)


def test_contrast_in_degrees_is_the_same_for_all_wavelengths(opened):
    own_limits = [panel["limits"] for panel in viewer(opened)["panels"]]
    fine(opened.segmented_control(key="contrast_by").set_value("degrees").run())
    fields = {one.label: one for one in opened.number_input}
    stack = loading.prepared(state(opened).source, state(opened).settings)
    for quantity in ("Delta", "Psi"):
        limits = [fields[f"{quantity} {side} (°)"].value for side in ("from", "to")]
        usual = np.percentile(stack.values[stack.bands["quantity"] == quantity], (1, 99))
        assert np.allclose(limits, usual, atol=2)
    fields["Psi from (°)"].set_value(12.5)
    fields["Psi to (°)"].set_value(30.0).run()
    for wavelength in ("450", "750"):
        opened.select_slider(key="position").set_value(wavelength).run()
        assert viewer(fine(opened))["panels"][1]["limits"] == [12.5, 30.0] != own_limits[1]
    next(one for one in opened.number_input if one.label == "Psi to (°)").set_value(12.5).run()
    assert "must end above where it begins" in opened.error[0].value


def test_an_estimate_is_kept_and_taken(opened):
    view(opened, "How many?")
    click(opened, "estimate")
    estimate = next(iter(state(opened).estimates.values()))
    assert estimate.suggested_k == 4
    assert "Suggested: 4 clusters" in opened.success[0].value
    assert len(opened.get("vega_lite_chart")) == 4
    opened.selectbox(key="features").set_value("standard").run()
    assert "kept" in opened.info[0].value
    for name in ("Data", "Explore", "How many?"):
        view(opened, name)
    opened.selectbox(key="features").set_value("ncs").run()
    assert list(state(opened).estimates.values()) == [estimate]
    click(opened, "take_4")
    assert state(fine(opened)).current.k == 4
    assert opened.segmented_control(key="view").value == "Explore"
    assert opened.number_input(key="k").value == 4


def test_the_first_chart_of_an_estimate_shows_what_its_text_says(opened):
    click(view(opened, "How many?"), "estimate")
    estimate = next(iter(state(opened).estimates.values()))
    said_share = int(re.search(r"holds (\d+)% of the lower peak", opened.success[0].value)[1])
    chart = opened.get("vega_lite_chart")[0]
    tables = [pyarrow.ipc.open_stream(one.data.data).read_pandas() for one in chart.proto.datasets]
    held = next(table for table in tables if "counts" in table).set_index("k")["held"]
    assert round(held[estimate.kinds]) == said_share
    limit = next(table for table in tables if len(table) == 1)["held"][0]
    assert (held.loc[: estimate.kinds] < limit).all()
    assert held[estimate.kinds + 1] > limit
    assert f"{estimate.kinds} kinds" in json.loads(chart.proto.spec)["title"]


def test_where_two_numbers_can_be_defended_both_maps_are_shown(opened):
    click(view(opened, "How many?"), "estimate")
    key, estimate = next(iter(state(opened).estimates.items()))
    viewers = len(opened.get("bidi_component"))
    state(opened).estimates[key] = replace(
        estimate, alternative_k=5, alternative_reason="k = 5 can be defended.", remarks=("Note.",)
    )
    fine(opened.run())
    assert len(opened.get("bidi_component")) == viewers + 1
    assert "k = 5 can be defended" in opened.info[0].value
    assert opened.warning[0].value == "Note."
    state(opened).estimates[key] = replace(estimate, kinds=1)
    assert "No number is suggested" in fine(opened.run()).warning[0].value
    state(opened).estimates[key] = replace(estimate, alternative_k=5)
    opened.run()
    click(opened, "take_5")
    assert state(fine(opened)).current.k == 5
    assert opened.number_input(key="k").value == 5


def test_the_suggestion_becomes_k_and_is_not_reset(opened):
    click(view(opened, "How many?"), "estimate")
    assert view(opened, "Explore").number_input(key="k").value == 4
    opened.number_input(key="k").set_value(7).run()
    for name in ("Data", "How many?", "Explore"):
        view(opened, name)
    assert opened.number_input(key="k").value == 7


def test_an_estimate_can_be_stopped(opened, monkeypatch):
    monkeypatch.setattr("ellimaps.ui.shared.tasks._SHORT_S", 0.0)
    view(opened, "How many?")
    opened.slider(key="k_range").set_value((2, 30))
    opened.button(key="estimate").click().run()
    assert state(opened).task is not None
    assert opened.button(key="estimate").disabled
    opened.button(key="stop").click().run()
    settled(opened)
    assert opened.warning[0].value == "Stopped."
    assert not state(opened).estimates


def test_exploring_moves_no_computation(segmented):
    before = {name: cache.computed for name, cache in loading.CACHES.items()}
    for label in ("480", "750", "450"):
        fine(segmented.select_slider(key="position").set_value(label).run())
    for cluster in (3, 0):
        fine(segmented.select_slider(key="cluster").set_value(cluster).run())
    segmented.slider(key="contrast").set_value((5.0, 95.0))
    fine(segmented.run())
    assert {name: cache.computed for name, cache in loading.CACHES.items()} == before


def test_a_drag_shows_maps_and_leaves_the_slider_until_it_is_let_go(opened):
    slider = opened.select_slider(key="position")
    opened.session_state["position_drag"] = {"position": 5, "from": 0}
    assert viewer(fine(opened.run()))["panels"][0]["title"].startswith("Delta 600 nm")
    assert slider.value == "450"
    assert viewer(fine(opened.run()))["panels"][0]["title"].startswith("Delta 450 nm")
    opened.select_slider(key="position").set_value("480")
    opened.session_state["position_drag"] = {"position": 5, "from": 0}
    assert viewer(fine(opened.run()))["panels"][0]["title"].startswith("Delta 480 nm")


def test_every_map_kind_is_drawn(segmented):
    kinds = ["raw", "labels", "segmented", "over_raw", "over_segmented", "difference", "distance"]
    fine(segmented.get("button_group")[-1].set_value(kinds).run())
    titles = [panel["title"] for panel in viewer(segmented)["panels"]]
    assert len(titles) == 12
    assert titles[-1].startswith("Distance")
    fine(segmented.get("button_group")[-1].set_value([]).run())
    assert [panel["title"] for panel in viewer(segmented)["panels"]] == ["Clusters"]


def test_distributions_are_drawn_on_request(segmented):
    assert len(segmented.get("vega_lite_chart")) == 2
    fine(segmented.toggle(key="distributions").set_value(True).run())
    assert len(segmented.get("vega_lite_chart")) == 6


def test_the_scale_bar_needs_a_pixel_size(segmented):
    assert viewer(segmented)["pixelSize"] is None
    size = next(one for one in view(segmented, "Data").number_input if one.label.startswith("Pixel width"))
    size.set_value(2.5).run()
    assert viewer(segmented)["pixelSize"] == 2.5
    view(segmented, "Explore")
    assert any("pixel width" in caption.value for caption in segmented.caption)
    click(segmented, "segment")
    assert viewer(fine(segmented))["pixelSize"] == 2.5


def test_no_setting_is_called_by_its_name_in_a_program(segmented):
    view(segmented, "Data").checkbox(key="despike_on").check()
    segmented.number_input(key="binning_128").set_value(2).run()
    view(segmented, "Explore")
    assert "remove spikes, bin. Press Segment" in said(segmented)
    click(segmented, "segment")
    titles = segmented.selectbox(key="shown").options
    assert titles[-1].endswith("remove spikes: 8.0 robust σ, bin: 2 px")
    assert not any("_" in title for title in titles)


def test_segmentations_are_kept_compared_and_shown_again(segmented):
    segment(segmented, 5)
    assert [settings.k for settings in state(segmented).kept] == [4, 5]
    computed = loading.SEGMENTATIONS.computed
    fine(view(segmented, "Compare"))
    assert float(segmented.metric[0].value) > 0.9
    assert len(viewer(segmented)["panels"]) == 2
    first = state(segmented).kept[0]
    segmented.selectbox(key="compare_second").set_value(first).run()
    assert "the same segmentation" in segmented.info[0].value
    segmented.selectbox(key="shown").set_value(first).run()
    assert state(segmented).current.k == 4
    assert loading.SEGMENTATIONS.computed == computed


def test_colours_and_names_stay_with_a_cluster(segmented):
    own = state(segmented)
    own.rename(2, "oxide")
    colour, place = own.look.colors[2], own.shown().labels == 2
    for act in (lambda: segment(segmented, 5), lambda: merge(segmented, [0, 1]), lambda: split(segmented, 0)):
        act()
        labels = own.shown().labels[place]
        cluster = np.bincount(labels[labels >= 0]).argmax()
        assert own.look.colors[cluster] == colour
        assert own.look.names[cluster] == "oxide"
        assert len(set(own.look.colors)) == own.shown().k


def merge(page, clusters):
    page.multiselect[0].set_value(clusters).run()
    return click(page, "merge")


def split(page, cluster):
    next(box for box in page.selectbox if box.label == "Split or drop").set_value(cluster).run()
    return click(page, "split")


def test_refining_and_undoing(segmented):
    first = state(segmented).shown().labels
    merge(segmented, [0, 1])
    split(segmented, 0)
    click(segmented, "drop")
    segmented.number_input(key="clean_size").set_value(5)
    click(segmented, "clean")
    fine(segmented)
    assert state(segmented).current.refine == (Merge((0, 1)), Split(0, 2), Drop(0), Clean(5))
    for left in (3, 2, 1, 0):
        click(segmented, "undo")
        assert len(state(segmented).current.refine) == left
    assert np.array_equal(state(segmented).shown().labels, first)
    assert segmented.button(key="undo").disabled


def test_dropped_pixels_are_dropped_and_shares_are_of_the_map(segmented):
    own = state(segmented)
    first = own.shown()
    assert "In no cluster" not in said(segmented)
    next(box for box in segmented.selectbox if box.label == "Split or drop").set_value(1).run()
    click(segmented, "drop")
    count, size = int(first.n_pixels[1]), first.labels.size
    assert f"In no cluster: {count:,} pixels were dropped ({count / size:.2%}) of {size:,} pixels" in said(
        fine(segmented)
    )
    assert "without data" not in said(segmented)
    codes = np.frombuffer(base64.b64decode(viewer(segmented)["labels"]), np.uint8)
    assert (codes == 255).sum() == count
    assert (codes == 0).sum() == 0
    click(segmented, "undo")
    assert "In no cluster" not in said(segmented)


def test_pixels_without_data_are_told_from_dropped_ones(opened):
    fine(opened.segmented_control(key="gaps").set_value("exclude").run())
    segment(view(opened, "Explore"), 4)
    labels = state(opened).shown().labels
    missing = int((labels < 0).sum())
    assert missing > 0
    click(opened, "drop")
    dropped = int((state(opened).shown().labels < 0).sum()) - missing
    size = f"of {labels.size:,} pixels of the map."
    assert f"{dropped:,} pixels were dropped" in said(opened)
    assert f"{missing:,} pixels were without data ({missing / labels.size:.2%}) {size}" in said(opened)
    codes = np.frombuffer(base64.b64decode(viewer(opened)["labels"]), np.uint8)
    assert ((codes == 255).sum(), (codes == 0).sum()) == (dropped, missing)


def test_remove_spikes_says_what_it_took_and_warns_beyond_a_percent(opened):
    fine(opened.checkbox(key="despike_on").check().run())
    source, settings = state(opened).source, state(opened).settings
    table = spikes_taken(loading.opened(source, settings), loading.prepared(source, settings))
    worst = table.loc[table["share"].idxmax()]
    assert 0 < worst["share"] < 0.01
    expected = f"took {worst['taken']:,} of {worst['measured']:,} measured pixels of {worst['map']}"
    assert expected in said(opened)
    assert not opened.warning
    opened.number_input(key="despike").set_value(1.0).run()
    assert "lose more than 1%" in opened.warning[0].value


def test_a_refinement_that_cannot_be_is_one_sentence_and_loses_nothing(segmented):
    segmented.number_input(key="clean_size").set_value(4)
    click(segmented, "clean")
    assert "odd" in segmented.error[0].value
    assert state(segmented).current.refine == ()
    assert not segmented.exception


def test_names_are_edited(segmented):
    own = state(segmented)
    take_names(own, {1: {"name": " film "}, 2: {"name": None}})
    assert own.look.names == ("0", "film", "2", "3")
    take_names(own, {0: {"name": "film"}})
    assert own.look.titles == ["film (0)", "film (1)", "2", "3"]
    fine(segmented.run())
    assert own.full_settings().names == ("film", "film", "2", "3")


def test_a_drawn_region_is_shown_added_and_removed(segmented):
    own = state(segmented)
    draw_region(own, {"kind": "pixel", "vertices": [[5, 6]]})
    draw_region(own, {"kind": "rectangle", "vertices": [[10, 10], [20, 10], [20, 20], [10, 20]]})
    fine(segmented.run())
    assert own.full_settings().regions == ()
    segmented.button(key="keep_roi1").click().run()
    assert [region.kind for region in own.full_settings().regions] == ["rectangle"]
    draw_region(own, {"kind": "polygon", "vertices": [[1, 1], [9, 1], [5, 9]]})
    fine(segmented.run())
    assert [region["name"] for region in viewer(segmented)["regions"]] == ["roi1", "roi2"]
    segmented.button(key="remove_roi2").click().run()
    segmented.button(key="remove_roi1").click().run()
    assert own.full_settings().regions == ()
    assert own.drawn is None


def test_regions_have_values_in_a_table_and_colors_of_their_own(segmented):
    own = state(segmented)
    draw_region(own, {"kind": "rectangle", "vertices": [[10, 10], [20, 10], [20, 15], [10, 15]]})
    segmented.run()
    segmented.button(key="keep_roi1").click().run()
    draw_region(own, {"kind": "pixel", "vertices": [[100, 100]]})
    fine(segmented.run())
    table = segmented.table[0].value
    assert table["pixels"].tolist() == [50, 1]
    assert table["status"].tolist() == ["in the export", "drawn last"]
    stack = loading.prepared(own.source, own.settings)
    for n, quantity in enumerate(("Delta", "Psi")):
        values = stack.values[n, 10:15, 10:20][stack.measured[n, 10:15, 10:20]]
        assert stack.bands["quantity"].iloc[n] == quantity
        assert table[f"{quantity} 450 nm, mean (°)"][0] == pytest.approx(values.mean(), abs=1e-3)
        assert table[f"{quantity}, spread (°)"][0] == pytest.approx(values.std(), rel=1e-2)
    colors = {one["name"]: one["color"] for one in viewer(segmented)["regions"]}
    assert len(set(colors.values())) == 2
    assert not set(colors.values()) & set(own.look.palette)
    for chart in segmented.get("vega_lite_chart"):
        tables = [pyarrow.ipc.open_stream(one.data.data).read_pandas() for one in chart.proto.datasets]
        drawn = next(one for one in tables if "region" in one)
        assert dict(zip(drawn["region"], drawn["color"], strict=True)) == colors
    segmented.button(key="remove_roi1").click().run()
    assert [one["color"] for one in viewer(fine(segmented))["regions"]] == [colors["roi2"]]


def test_a_region_without_pixels_is_dropped(segmented):
    draw_region(state(segmented), {"kind": "pixel", "vertices": [[500, 500]]})
    fine(segmented.run())
    assert state(segmented).drawn is None


def test_changed_settings_are_announced(segmented):
    segmented.number_input(key="seed").set_value(3).run()
    assert any("seed. Press Segment" in caption.value for caption in segmented.caption)
    segmented.selectbox(key="features").set_value("raw").run()
    settled(segmented.button(key="segment").click().run())
    assert (state(segmented).current.seed, state(segmented).current.features) == (3, "raw")


def test_raw_features_warn_where_delta_wraps(page):
    page.button(key="example_terraces_wrap").click().run()
    view(page, "Explore").selectbox(key="features").set_value("raw").run()
    page.button(key="segment").click().run()
    settled(page)
    assert "crosses 0/360" in page.warning[0].value


def test_the_export_offers_everything(segmented, tmp_path):
    fine(view(segmented, "Export"))
    assert [one.label for one in segmented.get("download_button")] == [
        "Download all files (zip)",
        "Label image (TIFF)",
        "Outlines for QuPath (GeoJSON)",
        "Outlines for Fiji (RoiSet)",
        "Report (HTML)",
        "Recipe (TOML)",
    ]
    assert "k=4" in segmented.code[0].value
    next(button for button in segmented.button if button.label == "Write files").click().run()
    fine(segmented)
    name = loading.load(state(segmented).source).name
    written = tmp_path / "results" / name
    assert "13 files written" in segmented.success[0].value
    assert (
        json.loads((written / f"{name}_segmentation.json").read_text(encoding="utf-8"))["settings"]["k"] == 4
    )


@pytest.mark.parametrize("folder", ["/", "..", "\\\\host\\share", " "])
def test_writing_elsewhere_is_refused(segmented, folder):
    view(segmented, "Export")
    segmented.text_input[0].set_value(folder)
    next(button for button in segmented.button if button.label == "Write files").click().run()
    assert "folder" in segmented.error[0].value
    assert not segmented.success
    assert not segmented.exception
    assert state(segmented).current.k == 4


def test_a_zip_is_the_same_every_time():
    assert zipped({"a": b"1", "b": b"2"}) == zipped({"a": b"1", "b": b"2"})


def test_an_unexpected_error_in_a_part_leaves_the_rest(segmented, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr("ellimaps.ui.pages.maps.explore.region_spectra", fail)
    segmented.run()
    assert not segmented.exception
    assert "What you have made is kept" in segmented.error[0].value
    assert state(segmented).current.k == 4
    assert segmented.button(key="undo")


def viewer(page):
    """What the map viewer of the page was given."""
    return json.loads(page.get("bidi_component")[-1].proto.json)


def test_an_example_of_the_same_name_as_ours_opens_as_well(tmp_path, monkeypatch):
    shutil.copytree(EXAMPLE, tmp_path / "data_example" / EXAMPLE.name)
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not page.exception
    page.button(key=f"example_{EXAMPLE.name}_1").click().run()
    assert not page.exception
