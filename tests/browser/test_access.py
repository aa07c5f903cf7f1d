"""Open to everybody: every view of every page passes axe, in both themes, and every link opens."""

from __future__ import annotations

import re
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browser.conftest import WAIT_MS, idle, segment, serve, show
from support.lab import write_lab

# Streamlit asks for these below the page's own address first, and then at the root, where it finds them.
PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")
AXE = """
async () => {
  const { passes, violations } = await axe.run(document, { resultTypes: ["violations"] });
  const said = violations.map(({ id, impact, nodes }) => `${impact} ${id} ${nodes.length}`).join(", ");
  window.accessibility = `${passes.length} rules pass, violations: ${said || "none"}`;
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
  const kinds = "img, [data-testid=stVegaLiteChart], [data-testid=stPlotlyChart]";
  const pictures = [...document.querySelectorAll(kinds)];
  const icons = [...document.querySelectorAll("[data-testid=stIconMaterial]:not([aria-hidden=true])")];
  return [...pictures.filter((one) => nothing(called(one))), ...icons]
    .filter(seen).map((one) => `no name: ${one.outerHTML.slice(0, 120)}`);
}
"""

# Nor does axe look at the words of charts, which are drawn.
FAINT = """
() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [red, green, blue] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const behind = light(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
  const words = "[data-testid=stVegaLiteChart] :is(.role-axis, .role-legend, .role-title) text, " +
    ".js-plotly-plot :is(.xtick text, .ytick text, .xtitle, .ytitle, .legendtext, .annotation-text)";
  return [...document.querySelectorAll(words)].filter((one) => one.textContent).flatMap((one) => {
    const ahead = light(getComputedStyle(one).fill);
    const ratio = Math.max(ahead, behind) / Math.min(ahead, behind);
    return ratio < 4.5 ? [`faint: ${one.textContent} ${ratio.toFixed(2)}`] : [];
  });
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A workbench whose data root holds something for every page."""
    root = write_lab(tmp_path_factory.mktemp("lab"))
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
    # Colors halfway between two themes are nobody's.
    page.add_style_tag(content="* { transition: none !important; }")
    yield page
    assert strange == []
    assert missing == []
    assert workbench.complaints() == []
    page.close()


def views(page):
    """The names of the page's views, none where it is all one."""
    return page.get_by_role("radiogroup", name="View").get_by_role("radio").all_inner_texts()


def complaints(page, view=""):
    """What stands in somebody's way on the page as it is, in both themes."""
    found = []
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    # Changing the theme draws everything anew: the one that is shown comes first.
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for scheme in ("dark", "light") if is_dark else ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "(scheme) => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme",
            arg=scheme,
        )
        found += [f"{scheme}: {one}" for script in (AXE, FAINT) for one in standing(page, script)]
        # The accessibility report: pytest -s tests/browser/test_access.py
        print(f"{urlsplit(page.url).path} {view}, {scheme}: {page.evaluate('accessibility')}")
    return found + standing(page, NAMELESS)


def standing(page, script):
    """What a script finds now and a moment later; a page at work may be halfway between two themes."""
    if not page.evaluate(script):
        return []
    page.wait_for_timeout(1_000)
    return page.evaluate(script)


def drawn(page):
    """Wait for what comes after the server's answer: work in the background, and charts."""
    idle(page)
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stSkeleton], .st-key-task')"
        " && [...document.querySelectorAll('[data-testid=stVegaLiteChart], [data-testid=stPlotlyChart]')]"
        ".every((one) => one.querySelector('svg'))"
    )
    idle(page)


def walk(page):
    """What stands in somebody's way in any view of the page."""
    drawn(page)
    found = [] if views(page) else complaints(page)
    for view in views(page):
        show(page, view)
        drawn(page)
        found += [f"{view}: {one}" for one in complaints(page, view)]
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


def fitted_spectra(page):
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Other minima, and how far").wait_for()
    idle(page)


def one_image(page):
    # Until this stands below its table, the last table is another one.
    page.get_by_text("Click the box at the left of a row").wait_for()
    idle(page)
    table = page.get_by_test_id("stDataFrame").last
    table.locator("canvas").first.wait_for()
    table.click(position={"x": 18, "y": 60})
    page.get_by_text("Outlines of the objects").wait_for()
    idle(page)


def trained(page):
    show(page, "Train")
    repeats = page.get_by_role("spinbutton", name="Repeats")
    repeats.fill("1")
    repeats.press("Enter")
    idle(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Images it gets wrong").wait_for()
    idle(page)
    page.get_by_text("Learning curve: what").click()
    page.get_by_role("button", name="Draw the learning curve").click()
    page.get_by_role("button", name="Learning curve (CSV)").wait_for()
    idle(page)


def noted(page):
    show(page, "Events")
    page.get_by_role("textbox", name="When").fill("2025-01-10 10:00")
    page.get_by_role("textbox", name="Until").fill("2025-01-10 16:00")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("events changed this sensor").wait_for()
    idle(page)


# How each page opens with data, and what is done before its views are looked at.
LOADED = {
    "Maps": ("/?folder=terraces", segmented),
    "Objects": ("/?folder=nuclei.tif", nothing_more),
    "Spectra": ("/?folder=spots/wafer.csv", fitted_spectra),
    "A question": ("/?folder=spots/untitled.txt", nothing_more),
    "Experiments": ("/experiments", one_image),
    "Classify": ("/classify", trained),
    "Plates": ("/plates", nothing_more),
    "Sensors": ("/sensors?sensors_typed=demo/log.csv", noted),
}
PAGES = [name for name in LOADED if name not in ("Objects", "Spectra", "A question")]


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
    "/?folder=spots/wafer.csv&view=Explore&cluster=99&columns=": "wafer",
    "/?folder=spots/untitled.txt": "Maps",
    "/experiments?experiments_found=gone": "Experiments",
    "/classify?classify_view=Old&classify_found=gone": "Classify",
    "/plates?plates_view=Old&plates_correct=none&plates_profiles=gone": "Plates",
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


# Of the element that has the focus, also inside a component: its name and whether that is seen.
FOCUSED = """
() => {
  let one = document.activeElement;
  while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  const { outlineStyle, boxShadow } = getComputedStyle(one);
  const said = one.getRootNode().getElementById(one.getAttribute("aria-describedby"));
  return {
    name: one.getAttribute("aria-label") ?? one.textContent,
    isSeen: outlineStyle !== "none" || boxShadow !== "none",
    said: said?.checkVisibility() ? said.textContent : one.getAttribute("aria-description"),
  };
}
"""


def tab_to(page, name):
    """Press Tab until what has this name has the focus, and that is seen."""
    for _ in range(40):
        focused = page.evaluate(FOCUSED)
        if focused["name"] == name:
            assert focused["isSeen"], focused
            return focused
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_map_is_moved_and_a_pixel_picked_by_keyboard(chromium, lab):
    with opened(chromium, lab, "/?folder=terraces") as page:
        segment(page, 4)
        viewer, readout = page.locator(".viewer"), page.locator(".viewer .readout")
        page.get_by_role("button", name="Move", exact=True).focus()
        page.keyboard.press("Shift+Tab")
        said = tab_to(page, "Delta 450 nm, measured")["said"]
        assert "Arrow keys move the cross, Enter picks its pixel" in said
        x, y = map(int, re.match(r"x (\d+), y (\d+)", readout.text_content()).groups())
        for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
            page.keyboard.press(key)
        assert readout.text_content().startswith(f"x {x + 2}, y {y - 1}   ·   Delta 450 nm, measured: ")
        page.keyboard.press("Enter")
        page.get_by_text(f"pixel x {x + 2}, y {y - 1}").wait_for()
        idle(page)
        whole = viewer.get_attribute("data-view")
        page.keyboard.press("+")
        left, _, width, _ = map(float, viewer.get_attribute("data-view").split())
        page.keyboard.press("Shift+ArrowRight")
        moved, _, same, _ = map(float, viewer.get_attribute("data-view").split())
        assert same == width
        assert moved == pytest.approx(left + width / 10, abs=0.011)
        page.keyboard.press("0")
        assert viewer.get_attribute("data-view") == whole
        page.keyboard.press("PageDown")
        page.get_by_text("Delta 480 nm, measured").wait_for()
        idle(page)
        assert page.evaluate(FOCUSED)["name"] == "Delta 480 nm, measured"


def test_points_and_pictures_are_reached_by_keyboard(chromium, lab):
    with opened(chromium, lab, "/plates") as page:
        status = page.get_by_role("status").filter(has_text="48 of 48 points")
        status.wait_for()
        page.locator(".scatter").focus()
        page.keyboard.press("ArrowRight")
        assert "go from point to point" in page.evaluate(FOCUSED)["said"]
        page.get_by_role("status").filter(has_text=re.compile(r"[A-D]\d\d, field \d$")).wait_for()
        assert page.evaluate(FOCUSED)["isSeen"]
        page.keyboard.press("Enter")
        status.get_by_text("48 of 48 points, 1 chosen", exact=True).wait_for()
        idle(page)
        page.keyboard.press("ArrowRight")
        page.keyboard.press(" ")
        status.get_by_text("48 of 48 points, 2 chosen", exact=True).wait_for()
        idle(page)
        tab_to(page, "Show/hide columns")
        tab_to(page, "Images: arrow keys, +, − and 0")
        canvas = page.locator(".sheet canvas").first
        views = []
        for key in ("0", "+", "ArrowRight", "0"):
            page.keyboard.press(key)
            views.append(canvas.evaluate("(one) => one.toDataURL()"))
        assert len(set(views)) == 3
        assert views[0] == views[-1]
