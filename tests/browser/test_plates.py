"""The Plates page in Chromium: hover, lasso, legend, channels, and the four views."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browser.conftest import WAIT_MS, idle, serve, show
from PIL import Image
from support.small_plate import small_plate

from ellimaps.plates.measuring.profiles import save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    root = tmp_path_factory.mktemp("plates")
    profiles = small_plate(root)
    save_profiles(profiles, root / "results" / "small")
    save_thumbnails(make_thumbnails(profiles), root / "results" / "small")
    with serve(root, tmp_path_factory.mktemp("server")) as running:
        yield running


def opened(chromium, plates, view, **query):
    """The page at one of its views, at work on nothing."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    more = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{plates.address}/plates?plates_view={view.replace(' ', '+')}{more}")
    page.get_by_text("24 wells").first.wait_for()
    idle(page)
    return page


def saved(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_bytes()


def brightest(page, title):
    """Largest value of each colour in the upper half of an image as it is drawn, above the scale bar."""
    canvas = page.get_by_role("img", name=title).first
    return canvas.evaluate(
        """(canvas) => {
          const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height / 2).data;
          const most = [0, 0, 0];
          pixels.forEach((value, i) => { if (i % 4 < 3) most[i % 4] = Math.max(most[i % 4], value); });
          return most;
        }"""
    )


def test_the_page_as_a_user_walks_through_it(chromium, plates):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{plates.address}/plates")
    status = page.get_by_role("status").filter(has_text="points")
    status.get_by_text("48 of 48 points", exact=True).wait_for()
    idle(page)

    legend = page.get_by_role("button", name="inert", exact=True)
    legend.click()
    status.get_by_text("40 of 48 points", exact=True).wait_for()
    page.get_by_text("40 of 48 fields", exact=True).wait_for()
    legend.click()
    status.get_by_text("48 of 48 points", exact=True).wait_for()
    page.get_by_role("button", name="sizer", exact=True).dblclick()
    status.get_by_text("8 of 48 points", exact=True).wait_for()
    page.get_by_text("8 of 48 fields", exact=True).wait_for()
    page.get_by_role("button", name="sizer", exact=True).dblclick()
    status.get_by_text("48 of 48 points", exact=True).wait_for()
    idle(page)

    plot = page.get_by_role("img", name="48 points")
    box = plot.bounding_box()
    corners = [(0.06, 0.03), (0.97, 0.03), (0.97, 0.9), (0.06, 0.9)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    status.get_by_text("48 of 48 points, 48 chosen", exact=True).wait_for()
    plot.press("Escape")
    status.get_by_text("48 of 48 points", exact=True).wait_for()
    idle(page)

    title = "A01 field 1, sizer 0.1 uM"
    both = brightest(page, title)
    assert min(both[1:]) > 150
    page.get_by_role("checkbox", name="Show ER").uncheck()
    assert brightest(page, title)[1] < both[1] - 50
    page.get_by_role("checkbox", name="Show DNA").uncheck()
    assert brightest(page, title) == [0, 0, 0]

    for view, found in (
        ("Plate map", "Edge effect: control wells"),
        ("By compound", "Controls, "),
        ("Answers", "change the cells"),
    ):
        show(page, view)
        page.get_by_text(found).first.wait_for()
    assert not plates.complaints()
    page.close()


def test_a_point_shows_its_picture(chromium, plates, tmp_path):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{plates.address}/plates")
    page.get_by_text("48 of 48 points", exact=True).wait_for()
    idle(page)
    box = page.get_by_role("img", name="48 points").bounding_box()
    card = page.locator(".card")
    for step in range(400):
        x, y = 0.08 + 0.03 * (step % 30), 0.05 + 0.06 * (step // 30)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if card.is_visible():
            break
    assert "field" in card.inner_text()
    file = Path(tmp_path) / "card.png"
    card.locator("canvas").screenshot(path=file)
    # A square brighter than its surroundings, not an empty canvas.
    with Image.open(file) as picture:
        low, high = picture.convert("L").getextrema()
    assert high - low > 60
    page.close()


def test_choices_outlive_tabs_and_pages_and_a_reload_finds_the_tab(chromium, plates):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{plates.address}/plates?plates_view=Plate+map")
    page.get_by_text("Edge effect").wait_for()
    idle(page)
    page.get_by_role("radiogroup", name="Values").get_by_text("Against the controls").click()
    page.get_by_text("(robust z)", exact=False).nth(1).wait_for()
    idle(page)
    show(page, "Answers")
    page.wait_for_url(re.compile("plates_view=Answers"))
    page.get_by_role("link", name="Sensors").click()
    page.wait_for_url("**/sensors*")
    idle(page)
    page.get_by_role("link", name="Plates").click()
    page.get_by_text("change the cells").wait_for()
    show(page, "Plate map")
    chosen = page.get_by_role("radiogroup", name="Values").get_by_role("radio", checked=True)
    assert chosen.inner_text() == "Against the controls (robust z)"
    page.reload()
    page.get_by_text("Edge effect").wait_for()
    idle(page)
    page.wait_for_url(re.compile(r"plates_view=Plate\+map"))
    assert plates.complaints() == []
    page.close()


@pytest.mark.parametrize("width", [900, 1920])
def test_a_click_on_a_well_shows_its_images_and_nothing_is_cut(chromium, plates, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{plates.address}/plates?plates_view=Plate+map")
    page.get_by_text("Edge effect").wait_for()
    idle(page)
    for chart in page.locator("[data-testid=stVegaLiteChart] svg").all():
        box = chart.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["width"] <= 1000
    # Of the second row the third well, by its place in the plate of 4 x 6.
    plate = page.locator("[data-testid=stVegaLiteChart] svg").first.locator(".mark-rect path")
    plate.nth(8).click()
    page.get_by_text("B03, inert").first.wait_for()
    page.get_by_role("img", name="B03 field 1").wait_for()
    idle(page)
    page.reload()
    page.get_by_role("img", name="B03 field 1").wait_for()
    page.close()


def test_a_reload_and_a_copied_address_bring_back_what_was_chosen(chromium, plates):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{plates.address}/plates")
    status = page.get_by_role("status").filter(has_text="points")
    status.get_by_text("48 of 48 points", exact=True).wait_for()
    idle(page)
    page.get_by_role("button", name="inert", exact=True).click()
    page.get_by_text("40 of 48 fields chosen").wait_for()
    idle(page)
    page.get_by_role("group", name="Scatter plot").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    status.get_by_text("40 of 48 points, 1 chosen", exact=True).wait_for()
    page.get_by_text("1 of 48 fields chosen").wait_for()
    idle(page)
    page.reload()
    status.get_by_text("40 of 48 points, 1 chosen", exact=True).wait_for()
    page.get_by_text("1 of 48 fields chosen").wait_for()
    idle(page)
    other = chromium.new_context().new_page()
    other.set_default_timeout(WAIT_MS)
    other.goto(page.url)
    other.get_by_text("1 of 48 fields chosen").wait_for()
    other.get_by_role("button", name="Show all").click()
    other.get_by_role("status").get_by_text("48 of 48 points", exact=True).wait_for()
    assert plates.complaints() == []
    other.context.close()
    page.close()


def test_a_compound_over_its_doses_is_seen_opened_and_saved(chromium, plates):
    page = opened(chromium, plates, "By compound", plates_compound="sizer", plates_measure="nuclei+area")
    doses = ["Controls, C01", "0.1 µM, A01", "1 µM, A02", "10 µM, A03", "100 µM, A04"]
    sheet = page.get_by_role("group", name="Images side by side").first
    sheet.get_by_role("img", name=doses[0]).wait_for()
    assert sheet.get_by_role("img").evaluate_all("(all) => all.map((one) => one.ariaLabel)") == doses
    # Of one contrast: as bright as their images, which all have squares of 600 and 900, with noise of 20.
    assert brightest(page, doses[1]) == pytest.approx(brightest(page, doses[4]), abs=8)
    with Image.open(io.BytesIO(saved(page, "Save as PNG: sizer by dose"))) as picture:
        assert picture.format == "PNG"
        assert picture.width > 2 * 5 * 130
    written = ElementTree.fromstring(saved(page, "Save as SVG: sizer by dose"))
    texts = [one.text for one in written.iter("{http://www.w3.org/2000/svg}text")]
    assert set(doses) <= set(texts)
    assert "sizer by dose" in texts
    assert any(text.startswith("DNA: ") and text.endswith("gamma 1.00") for text in texts)
    assert len(list(written.iter("{http://www.w3.org/2000/svg}image"))) == 5
    sheet.get_by_role("img", name=doses[3]).click()
    page.get_by_text("A03, sizer 10 uM").wait_for()
    page.get_by_role("img", name="A03 field 2").wait_for()
    idle(page)
    page.wait_for_url(re.compile(r"plates_measure=nuclei\+area"))
    # By keyboard, too.
    sheet.get_by_role("button", name=doses[1]).focus()
    page.keyboard.press("Enter")
    page.get_by_role("img", name="A01 field 2").wait_for()
    idle(page)
    page.wait_for_url(re.compile("plates_well=A01"))
    assert plates.complaints() == []
    page.close()


def test_the_look_of_channels_is_that_of_all_images_and_outlives_a_reload(chromium, plates):
    page = opened(chromium, plates, "By compound", plates_compound="sizer")
    before = brightest(page, "100 µM, A04")
    page.get_by_text("Channels: colour, contrast, gamma").first.click()
    page.get_by_role("checkbox", name="Show ER").first.uncheck()
    page.get_by_role("slider", name="Gamma").first.fill("2")
    page.get_by_role("slider", name="Gamma").first.dispatch_event("change")
    idle(page)
    after = brightest(page, "100 µM, A04")
    assert after[1] < before[1] - 50
    show(page, "Scatter")
    page.get_by_role("checkbox", name="Show ER").wait_for()
    assert not page.get_by_role("checkbox", name="Show ER").is_checked()
    show(page, "By compound")
    page.reload()
    page.get_by_role("img", name="100 µM, A04").wait_for()
    idle(page)
    assert brightest(page, "100 µM, A04") == after
    assert plates.complaints() == []
    page.close()


def test_the_scatter_plot_is_saved_with_its_legend(chromium, plates):
    page = opened(chromium, plates, "Scatter")
    title = "principal component 2 over principal component 1"
    with Image.open(io.BytesIO(saved(page, f"Save as PNG: {title}"))) as picture:
        assert picture.height == 3 * 460
    written = ElementTree.fromstring(saved(page, f"Save as SVG: {title}"))
    namespace = "{http://www.w3.org/2000/svg}"
    texts = [one.text for one in written.iter(f"{namespace}text")]
    assert {"sizer", "dimmer", "inert", "DMSO", "principal component 1"} <= set(texts)
    # A circle is two arcs: as many as there are points, and lines and swatches beside them.
    arcs = sum(one.get("d").count("a3.5") for one in written.iter(f"{namespace}path"))
    assert arcs == 2 * 48
    page.get_by_role("button", name="inert", exact=True).click()
    page.get_by_text("40 of 48 fields chosen").wait_for()
    idle(page)
    again = ElementTree.fromstring(saved(page, f"Save as SVG: {title}"))
    assert "inert" not in [one.text for one in again.iter(f"{namespace}text")]
    page.close()


def test_tables_are_saved_as_csv_png_and_svg(chromium, plates):
    page = opened(chromium, plates, "Answers")
    page.get_by_text("change the cells").wait_for()
    idle(page)
    page.get_by_role("button", name="Save compounds").click()
    assert saved(page, "CSV").startswith(b"compound,n_doses")
    assert saved(page, "PNG").startswith(b"\x89PNG")
    svg = ElementTree.fromstring(saved(page, "SVG"))
    words = "".join(svg.itertext())
    for word in ("Changes cells", "dimmer", "From which dose on"):
        assert word in words
    assert plates.complaints() == []
    page.close()


def test_back_undoes_a_change_of_view_and_a_reload_finds_it(chromium, plates):
    page = opened(chromium, plates, "Scatter")

    def wait_for(view, image=None):
        page.get_by_role("radiogroup", name="View").get_by_role("radio", name=view, checked=True).wait_for()
        if image is not None:
            page.get_by_role("img", name=image).wait_for()
        idle(page)

    show(page, "Plate map")
    show(page, "By compound")
    # Dimmer's highest dose is in B02, sizer's in A04.
    wait_for("By compound", "100 µM, B02")
    box = page.get_by_role("combobox", name="Compound").last
    box.click()
    page.get_by_role("option", name="sizer", exact=True).click()
    wait_for("By compound", "100 µM, A04")
    address = page.url
    assert "plates_compound=sizer" in address
    page.go_back()
    wait_for("By compound", "100 µM, B02")
    page.go_back()
    wait_for("Plate map")
    page.go_back()
    wait_for("Scatter")
    page.go_forward()
    wait_for("Plate map")
    page.reload()
    page.get_by_text("Edge effect").wait_for()
    wait_for("Plate map")
    page.goto(address)
    wait_for("By compound", "100 µM, A04")
    assert plates.complaints() == []
    page.close()
