"""Names that data brings are shown as they are, on every view of every page: nothing they say is done."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from browser.conftest import WAIT_MS, idle, segment, serve, show
from browser.test_access import drawn, one_image, trained, views
from support.hostile_names import FILE, hostile_lab

# What came of a name, looked for in components too: what fetches or leads away, and a name that is not whole.
MORE_THAN_NAMES = r"""
() => {
  const all = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    one.shadowRoot ? [one, ...all(one.shadowRoot)] : [one]);
  const elements = all(document);
  const leads = (one) => ["src", "href", "xlink:href", "data", "srcset"]
    .map((name) => one.getAttribute(name) ?? "")
    .some((text) => !text.startsWith("#") && /leak|^javascript/i.test(text));
  const told = (one) => one.textContent.replaceAll("\u2060", "");
  const whole = (text) => !text.includes("\\")
    && (!text.includes("bold") || text.includes("**bold** $x^2$ `code`"))
    && (!text.includes("smile") || text.includes(":red[red] :smile:"));
  const kinds = "[data-testid=stMarkdownContainer], p, li, td, th, text";
  const texts = elements.filter((one) => one.matches(kinds));
  return [
    ...elements.filter(leads).map((one) => `leads: ${one.outerHTML.slice(0, 200)}`),
    ...texts.filter((one) => /leak|bold|smile/.test(told(one)) && !whole(told(one)))
      .map((one) => `not as it is: ${one.outerHTML.slice(0, 900)}`),
  ];
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A workbench on hostile names."""
    root = hostile_lab(tmp_path_factory.mktemp("lab"))
    with serve(root, tmp_path_factory.mktemp("server")) as running:
        yield running


def nothing_more(_):
    """The page is loaded as it opens."""


def named_clusters(page):
    segment(page, 3)


def fitted_spectra(page):
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Other minima, and how far").wait_for()
    idle(page)


def thumbnails(page):
    page.locator(".scatter").focus()
    page.keyboard.press("ArrowRight")


LOADED = {
    "nothing open": ("/", nothing_more),
    "Maps": (f"/?folder={quote(f'maps {FILE}')}", named_clusters),
    "channels": (f"/?folder={quote(f'image {FILE}.ome.tif')}", named_clusters),
    "spectra": (f"/?folder={quote(f'spots {FILE}.csv')}", fitted_spectra),
    "a question": (f"/?folder={quote(f'untitled {FILE}.txt')}", nothing_more),
    "Experiments": (f"/experiments?experiments_typed={quote(f'counted {FILE}/results')}", one_image),
    "a tree to run": (f"/experiments?experiments_typed={quote(f'counted {FILE}/tree')}", nothing_more),
    "Classify": (f"/classify?classify_typed={quote(f'cells {FILE}/images')}", trained),
    "Plates": (f"/plates?plates_profiles={quote(f'plate {FILE}/results')}", thumbnails),
    "Sensors": ("/sensors?sensors_typed=log.csv", nothing_more),
    "what is not there": (f"/?folder={quote(FILE)}", nothing_more),
}


@pytest.mark.parametrize("name", LOADED)
def test_names_do_nothing(chromium, lab, name):
    address, prepare = LOADED[name]
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(WAIT_MS)
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(f"{lab.address}{address}")
    page.locator("[data-testid=stTopNavLinkContainer]").first.wait_for()
    idle(page)
    prepare(page)
    drawn(page)
    found = page.evaluate(MORE_THAN_NAMES)
    for view in views(page):
        show(page, view)
        drawn(page)
        found += [f"{view}: {one}" for one in page.evaluate(MORE_THAN_NAMES)]
    page.close()
    places = [urlsplit(url) for url in asked]
    own = ("", urlsplit(lab.address).netloc)
    assert [place for place in places if place.netloc not in own or "leak" in place.path] == []
    assert found == []
