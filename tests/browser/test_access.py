"""Open to everybody: every view of every page passes axe, in both themes, and every link opens."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import tifffile
from axe_playwright_python.base import AXE_SCRIPT
from browser.conftest import WAIT_MS, idle, segment, serve, show
from conftest import EXAMPLE
from support.cell_folder import write_cells
from support.cell_results import cell_results
from support.small_plate import small_plate

from ellimaps.plates.measuring.profiles import save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.samples.nuclei import nuclei_phantom
from ellimaps.samples.sensors import sample_sensors

# Streamlit asks for these below the page's own address first, and then at the root, where it finds them.
PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
AXE = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, any }) =>
      `${id}: ${html.slice(0, 120)} ${any[0]?.data?.contrastRatio ?? ""}`));
}
"""
# What axe lets pass: a picture or a chart that is called nothing of its own, and an icon read as a word.
NAMELESS = """
() => {
  const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 20;
  const called = (one) => (one.alt ?? "") + (one.getAttribute("aria-label") ?? "");
  const nothing = (name) => !name || name === "Vega visualization";
  const pictures = [...document.querySelectorAll("img")];
  const charts = [...document.querySelectorAll("[data-testid=stPlotlyChart]")].filter(
    (one) => ![one, ...one.querySelectorAll("[aria-label]")].some(called));
  const icons = [...document.querySelectorAll("[data-testid=stIconMaterial]:not([aria-hidden=true])")];
  return [...pictures.filter((one) => nothing(called(one))), ...charts, ...icons]
    .filter(seen).map((one) => `no name: ${one.outerHTML.slice(0, 120)}`);
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A workbench whose data root holds something for every page."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(EXAMPLE, root / "terraces")
    nuclei = nuclei_phantom(6, size=(256, 256), count=18, crowding=0.5).image
    tifffile.imwrite(root / "nuclei.tif", nuclei)
    sample_sensors(root / "demo", seed=1, days=15, every=10, instruments=1)
    write_cells(root / "cells", 16, 96)
    cell_results(root / "counted", size=(96, 96))
    profiles = small_plate(root / "plate")
    save_profiles(profiles, root / "plate" / "results")
    save_thumbnails(make_thumbnails(profiles), root / "plate" / "results")
    with serve(root, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A workbench whose data root is empty."""
    with serve(tmp_path_factory.mktemp("nothing"), tmp_path_factory.mktemp("server")) as running:
        yield running


@contextmanager
def opened(chromium, workbench, address):
    """A page at an address; it asks no other machine, and nothing it asks for is missing."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(WAIT_MS)
    strange, missing = [], []
    host = urlsplit(workbench.address).netloc
    page.on("request", lambda one: urlsplit(one.url).netloc in ("", host) or strange.append(one.url))
    page.on("response", lambda one: one.status < 400 or PROBE.search(one.url) or missing.append(one.url))
    page.goto(f"{workbench.address}{address}")
    page.locator("[data-testid=stTopNavLinkContainer]").first.wait_for()
    idle(page)
    yield page
    assert strange == []
    assert missing == []
    assert workbench.complaints() == []
    page.close()


def views(page):
    """The names of the page's views, none where it is all one."""
    return page.get_by_role("radiogroup", name="View").get_by_role("radio").all_inner_texts()


def complaints(page):
    """What stands in somebody's way on the page as it is, in both themes."""
    found = []
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "(scheme) => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme",
            arg=scheme,
        )
        page.wait_for_timeout(200)
        found += [f"{scheme}: {one}" for one in page.evaluate(AXE)]
    return found + page.evaluate(NAMELESS)


def walk(page):
    """What stands in somebody's way in any view of the page."""
    found = [] if views(page) else complaints(page)
    for view in views(page):
        show(page, view)
        found += [f"{view}: {one}" for one in complaints(page)]
    return found


def nothing_more(_):
    """The page is loaded as it opens."""


def segmented(page):
    segment(page, 4)
    show(page, "How many?")
    page.get_by_role("button", name="Estimate").click()
    page.get_by_role("button", name="Segment, k = 4").wait_for()
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Other minima, and how far").wait_for()
    idle(page)


def one_image(page):
    page.get_by_text("Images", exact=True).first.wait_for()
    page.get_by_test_id("stDataFrame").last.click(position={"x": 18, "y": 60})
    page.get_by_text("Outlines of the objects").wait_for()
    idle(page)


# How each page opens with data, and what is done before its views are looked at.
LOADED = {
    "Maps": ("/?folder=terraces", segmented),
    "Objects": ("/?folder=nuclei.tif", nothing_more),
    "Experiments": ("/experiments", one_image),
    "Classify": ("/classify", nothing_more),
    "Plates": ("/plates", nothing_more),
    "Sensors": ("/sensors?sensors_typed=demo/log.csv", nothing_more),
}
PAGES = [name for name in LOADED if name != "Objects"]


@pytest.mark.parametrize("name", LOADED)
def test_every_view_is_open_to_everybody(chromium, lab, name):
    address, prepare = LOADED[name]
    with opened(chromium, lab, address) as page:
        prepare(page)
        assert walk(page) == []


# Links as they are bookmarked, mistyped or older than the page, and what is then in the tab's title.
LINKS = {
    "/maps": "Maps",
    "/maps?folder=terraces&view=Explore&gone=1&k=abc": "sample_",
    "/?folder=terraces&view=Nowhere&k=-3&cluster=99&features=xyz&position=12&map_kinds=none": "sample_",
    "/?folder=gone&work=abc": "Maps",
    "/experiments?experiments_found=gone": "Experiments",
    "/classify?classify_view=Old&classify_found=gone": "Classify",
    "/plates?plates_view=Old&plates_correct=none&plates_found=gone": "Plates",
    "/sensors?sensors_typed=gone.csv&sensors_view=Old": "Sensors",
}


@pytest.mark.parametrize(("link", "title"), LINKS.items())
def test_a_link_opens_what_it_names(chromium, lab, link, title):
    with opened(chromium, lab, link) as page:
        assert page.title().startswith(title)
        assert page.title().endswith(" · ellimaps")
        assert page.get_by_role("dialog").count() == 0


def test_an_unknown_page_says_so_above_the_first(chromium, lab):
    with opened(chromium, lab, "/nonsense") as page:
        page.get_by_role("dialog").get_by_text("does not seem to exist").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("textbox", name="Measurement folder").wait_for()


def test_every_page_is_open_to_everybody_where_there_is_no_data(chromium, bare):
    with opened(chromium, bare, "/") as page:
        links = page.get_by_test_id("stTopNavLinkContainer").all_inner_texts()
        assert [re.split(r"\n", text)[-1] for text in links] == PAGES
        for name in PAGES:
            page.get_by_role("link", name=name).click()
            page.wait_for_function("(name) => document.title.includes(name)", arg=name)
            idle(page)
            assert walk(page) == [], name
