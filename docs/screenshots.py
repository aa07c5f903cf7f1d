"""Take the pictures in docs/images/: walk the workbench on the generated examples and look at each view.

Run ``make screenshots``; Chromium is needed. ``python docs/screenshots.py fit plates`` walks only the pages
that are needed and takes only the pictures whose names begin so.
"""

from __future__ import annotations

import re
import sys
import tempfile
from itertools import product
from pathlib import Path

import tifffile

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "tests"))

from browser.conftest import Workbench, idle, segment, serve, show  # noqa: E402
from conftest import CHROMIUM_ARGS, chromium_path  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from support.cell_folder import write_cells  # noqa: E402

from ellimaps.plates.measuring.plate import read_plate  # noqa: E402
from ellimaps.plates.measuring.profiles import profile_plate, save_profiles  # noqa: E402
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails  # noqa: E402
from ellimaps.samples import sample_cells, sample_ep4, sample_plate, sample_sensors  # noqa: E402
from ellimaps.samples.nuclei import nuclei_phantom  # noqa: E402

LARGEST_BYTES = 250_000
ONLY = tuple(sys.argv[1:]) or ("",)


def main() -> None:
    """Take all pictures, or those asked for."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS) as browser,
    ):
        others = {
            "objects": objects,
            "experiments": experiments,
            "classify": classify,
            "plates": plates,
            "sensors": sensors,
        }
        if not all(name.startswith(tuple(others)) for name in ONLY):
            maps(browser)
        for page, walk_page in others.items():
            if any(name.startswith(page[: len(name)]) for name in ONLY):
                walk_page(browser)


def maps(browser: Browser) -> None:
    """Take the pictures of the page Maps on the examples."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(ROOT / "data_example", Path(folder)) as workbench,
    ):
        walk(workbench, browser)
        film_model(workbench, browser)
        narrow(workbench, browser)
        dark(workbench, browser)


def objects(browser: Browser) -> None:
    """Take the picture of the view Objects on generated nuclei."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        image = nuclei_phantom(6, size=(512, 512), count=90, crowding=0.5).image
        tifffile.imwrite(
            data / "nuclei.ome.tif", image, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.32}
        )
        with serve(data, Path(folder)) as workbench:
            page = workbench.open_page(browser)
            path = page.get_by_role("textbox", name="Measurement folder")
            path.fill("nuclei.ome.tif")
            path.press("Enter")
            page.get_by_text("Missing values").wait_for()
            show(page, "Objects")
            page.get_by_text("outlines of").wait_for()
            page.get_by_test_id("stDataFrame").first.click(position={"x": 18, "y": 90})
            idle(page)
            page.mouse.move(5, 5)
            take(page, "objects")
            page.close()


def experiments(browser: Browser) -> None:
    """Take the pictures of the page Experiments: a tree before its run, results of maps and of objects."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        for wafer, growth, number in product(range(2), range(4), range(2)):
            place = data / "wafers" / f"wafer {wafer}" / f"growth {growth}" / f"map {number}"
            # The same films, so that one model is right for all.
            sample_ep4(
                place, seed=0, size=(96, 128), kinds=2, bands=11, noise=0.05 + 0.02 * (growth + number)
            )
        sample_cells(
            data / "cells", dates=1, subjects=2, experiments=4, fovs=6, size=(256, 256), count=(2, 8)
        )
        with serve(data, Path(folder)) as workbench:
            page = other_page(workbench, browser, "experiments?experiments_found=wafers", 800)
            page.get_by_role("img", name=re.compile("Delta")).wait_for()
            take(page, "experiments-run")
            for name, tree in (("experiments-maps", "wafers"), ("experiments-objects", "cells")):
                page.goto(f"{workbench.address}/experiments?experiments_found={tree}")
                page.get_by_role("button", name="Run", exact=True).click()
                page.get_by_role("button", name="Run again").wait_for()
                page.mouse.move(5, 5)
                take(page, name)
            page.close()


def classify(browser: Browser) -> None:
    """Take the pictures of the page Classify on generated cells, two of them labelled wrongly."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write_cells(data / "cells", 32, 192, wrong=2)
        with serve(data, Path(folder)) as workbench:
            walk_classify(workbench, browser)


def walk_classify(workbench: Workbench, browser: Browser) -> None:
    """Label a few cells, train on the list beside them, and try what was trained."""
    page = other_page(workbench, browser, "classify", 800)
    page.get_by_text("1 of 32").wait_for()
    idle(page)
    for number in (1, 2, 3, 4, 5):
        page.get_by_role("button", name=re.compile("^homo" if number % 2 else "^hetero")).click()
        page.get_by_text(f"{number + 1} of 32 ·").wait_for()
        idle(page)
    page.mouse.move(5, 5)
    take(page, "classify-label")
    show(page, "Train")
    labels = page.get_by_role("combobox", name=re.compile("Labels$"))
    labels.fill("cells/labels.csv")
    labels.press("Enter")
    idle(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Images it gets wrong").wait_for()
    page.mouse.move(5, 5)
    take(page, "classify-train")
    show(page, "Try")
    page.get_by_text("All measurements").wait_for()
    take(page, "classify-try")
    page.close()


def plates(browser: Browser) -> None:
    """Take the pictures of the page Plates on a generated plate."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "data" / "demo"
        sample_plate(demo, seed=0, fields=2, size=192)
        profiles = profile_plate(read_plate(demo / "images", demo / "layout.csv"))
        save_profiles(profiles, demo / "profiles")
        save_thumbnails(make_thumbnails(profiles), demo / "profiles")
        with serve(demo.parent, Path(folder)) as workbench:
            walk_plates(workbench, browser)


def walk_plates(workbench: Workbench, browser: Browser) -> None:
    """Look at the four views, and at the pictures of two fields."""
    page = other_page(workbench, browser, "plates", 1000)
    page.get_by_text("192 of 192 points", exact=True).wait_for()
    page.get_by_role("radiogroup", name="Layout").get_by_text("UMAP", exact=True).click()
    idle(page)
    point_at_a_picture(page)
    take(page, "plates-scatter")
    page.mouse.move(5, 5)
    page.get_by_text("Ctrl + wheel zooms. Legend").scroll_into_view_if_needed()
    take(page, "plates-pictures")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    for view, found in (
        ("Plate map", "Edge effect"),
        ("By compound", "Controls, "),
        ("Answers", "change the cells"),
    ):
        show(page, view)
        page.get_by_text(found).first.wait_for()
        if view == "By compound":
            choose(page, "Compound", "Thinner")
            choose(page, "Measure", "cell count")
        take(page, f"plates-{view.split()[-1].lower()}")
    page.close()


def point_at_a_picture(page: Page) -> None:
    """Move the pointer over the scatter plot until a point shows its picture."""
    box = page.get_by_role("img", name="192 points").bounding_box()
    assert box is not None
    for step in range(600):
        x, y = 0.25 + 0.015 * (step % 30), 0.2 + 0.03 * (step // 30)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if page.locator(".card").is_visible():
            return


def sensors(browser: Browser) -> None:
    """Take the pictures of the page Sensors on a generated log."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        sample_sensors(data / "demo", seed=1, days=60, instruments=1)
        with serve(data, Path(folder)) as workbench:
            walk_sensors(workbench, browser)


def walk_sensors(workbench: Workbench, browser: Browser) -> None:
    """Open the log and look at every view."""
    page = other_page(workbench, browser, "sensors", 900)
    page.get_by_role("combobox", name="Log").fill("demo/log.csv")
    page.keyboard.press("Enter")
    page.locator(".js-plotly-plot").wait_for()
    take(page, "sensors-readings")
    for view, found in (
        ("Data coverage", "When which sensor reported"),
        ("Stability", "Worst window"),
        ("Anomalies", "periods, the latest first"),
        ("Forecast", "How well it did before"),
        ("Relations", "Cross-correlation after whitening"),
    ):
        show(page, view)
        page.get_by_text(found).first.wait_for()
        if view == "Anomalies":
            choose(page, "Sensor", "America / A1 / room temperature")
            page.get_by_text("room temperature (°C)").wait_for()
        take(page, f"sensors-{view.lower().replace(' ', '-')}")
    page.close()


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a list, which shows few of them until one types."""
    box = page.get_by_role("combobox", name=re.compile(f"{label}$")).first
    box.click()
    box.press_sequentially(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.mouse.move(5, 5)
    idle(page)


def other_page(workbench: Workbench, browser: Browser, name: str, height: int) -> Page:
    """Open another page of the workbench than Maps."""
    page = browser.new_page(viewport={"width": 1280, "height": height})
    page.set_default_timeout(240_000)
    page.goto(f"{workbench.address}/{name}")
    return page


def walk(workbench: Workbench, browser: Browser) -> None:
    """Take the pictures of the user guide, in its order."""
    page = workbench.open_page(browser)
    take(page, "open")
    open_example(page)
    pick_pixel(page)
    take(page, "data")
    show(page, "How many?")
    page.get_by_role("button", name="Estimate").click()
    page.get_by_role("button", name="Segment, k = 4").wait_for()
    take(page, "estimate")
    page.get_by_role("button", name="Segment, k = 4").click()
    page.get_by_role("img", name="Clusters", exact=True).wait_for()
    idle(page)
    draw_region(page)
    take(page, "explore")
    page.get_by_role("button", name="Add to the export").scroll_into_view_if_needed()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    take(page, "refine")
    fit(page)
    take(page, "fit")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    take(page, "fit-profile")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    segment(page, 5)
    show(page, "Compare")
    take(page, "compare")
    show(page, "Export")
    # The Python lines below name the folder on this machine.
    bottom = page.get_by_text("The same in Python").bounding_box()
    take(page, "export", height=int(bottom["y"]) - 8 if bottom else None)


def film_model(workbench: Workbench, browser: Browser) -> None:
    """Take the model editor with n and k that were fitted, and a search beside a material."""
    page = workbench.open_page(browser, 1280, 960)
    open_example(page)
    segment(page, 4)
    show(page, "Fit")
    page.get_by_test_id("stCheckbox").filter(has_text="Edit").click()
    page.get_by_role("checkbox", name="fit Cauchy A").check(force=True)
    page.get_by_role("spinbutton", name="Cauchy A to").wait_for()
    idle(page)
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("Dashed: the model as it stands.").wait_for()
    page.mouse.move(5, 5)
    take(page, "fit-model")
    page.get_by_role("button", name="Find").nth(1).click()
    field = page.get_by_role("textbox", name="Search published materials")
    field.fill("hBN")
    field.press("Enter")
    page.get_by_text("main/BN/Choi-o").first.wait_for()
    page.mouse.move(5, 5)
    take(page, "fit-find")
    page.close()


def narrow(workbench: Workbench, browser: Browser) -> None:
    """Take every view in a narrow window."""
    page = workbench.open_page(browser, 800, 1000)
    open_example(page)
    take(page, "data-narrow")
    show(page, "How many?")
    page.get_by_role("button", name="Estimate").click()
    page.get_by_role("button", name="Segment, k = 4").wait_for()
    take(page, "estimate-narrow")
    segment(page, 4)
    take(page, "explore-narrow")
    fit(page)
    take(page, "fit-narrow")
    segment(page, 5)
    show(page, "Compare")
    take(page, "compare-narrow")
    show(page, "Export")
    bottom = page.get_by_text("The same in Python").bounding_box()
    take(page, "export-narrow", height=int(bottom["y"]) - 8 if bottom else None)


def dark(workbench: Workbench, browser: Browser) -> None:
    """Take the explore view in dark colours."""
    page = workbench.open_page(browser, color_scheme="dark")
    open_example(page)
    segment(page, 4)
    draw_region(page)
    take(page, "explore-dark")


def open_example(page: Page) -> None:
    """Open the first example."""
    page.get_by_role("button", name="terraces", exact=True).first.click()
    page.get_by_text("Angle of incidence").wait_for()
    idle(page)


def pick_pixel(page: Page) -> None:
    """Click a pixel, whose spectrum is then beside the maps."""
    page.locator(".viewer canvas").first.click(position={"x": 150, "y": 90})
    page.get_by_text(re.compile("Pixel x")).wait_for()
    page.get_by_test_id("stVegaLiteChart").last.wait_for()
    page.mouse.move(5, 5)
    idle(page)


def fit(page: Page) -> None:
    """Fit the example's own model to all clusters, then to every pixel."""
    show(page, "Fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_role("img", name="Thickness (nm)").wait_for()
    page.get_by_role("button", name="Fit every pixel").click()
    page.get_by_text("of the pixels are trusted").wait_for()
    page.mouse.move(5, 5)
    idle(page)


def draw_region(page: Page) -> None:
    """Choose a wavelength and draw a rectangle, whose spectrum is then beside the clustershots."""
    slider = page.get_by_role("slider", name="Wavelength (nm)")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    page.get_by_text("Delta 570 nm, measured").wait_for()
    idle(page)
    page.get_by_role("button", name="Rectangle").click()
    box = page.locator(".viewer canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 130, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 215, box["y"] + 115, steps=5)
    page.mouse.up()
    page.get_by_text(re.compile("rectangle within")).wait_for()
    page.mouse.move(5, 5)
    idle(page)


def take(page: Page, name: str, height: int | None = None) -> None:
    """Save the window, or the upper part of it, if the picture was asked for."""
    idle(page)
    page.wait_for_timeout(500)
    if not name.startswith(ONLY):
        return
    size = page.viewport_size
    assert size is not None
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(height or size["height"], size["height"])}
    file = IMAGES / f"workbench-{name}.png"
    page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.save(file, optimize=True)
    if file.stat().st_size > LARGEST_BYTES:
        picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main()
