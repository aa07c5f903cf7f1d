"""How fast the workbench answers its users: in a browser, driven without one, and two of them at once.

Run ``python benchmarks/bench_workbench.py [--json FILE]``. The measurements are the real hBN folder where it
is at hand (``ELLIMAPS_SHARED_DATA``) and 1040 x 1392 pixels at 20 wavelengths (40 maps, generated). What a
browser waits for is timed from the click to the picture. Times of the server are those of the page's code,
driven without a browser, on the first of them; the two users are two browser sessions on the examples.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tools import REAL, ROOT, arguments, report, sample_folder

sys.path.insert(0, str(ROOT / "tests"))

MOVES = 20
MOVES_OF_EACH_USER = 100
MEGABYTE = 1 << 20
K = 5
VIEWS = ("Data", "How many?", "Explore", "Fit", "Compare", "Export")


def folders() -> list[Path]:
    """Return the measurements to time."""
    large = sample_folder("large-40", size=(1040, 1392), bands=20, kinds=K, seed=3)
    return [REAL if REAL.is_dir() else ROOT / "data_example" / "terraces", large]


@contextlib.contextmanager
def opened_browser(data_root: Path) -> Iterator[tuple[Any, Any]]:
    """Serve a folder of measurements and open Chromium."""
    from browser.conftest import serve
    from conftest import CHROMIUM_ARGS, chromium_path
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        serve(data_root, Path(folder)) as workbench,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS) as browser,
    ):
        yield workbench, browser


def journey(folder: Path) -> dict[str, float]:
    """Time what a user waits for on the way through a measurement, in seconds."""
    from browser.conftest import idle, show

    with opened_browser(folder.parent) as (workbench, browser):
        page = workbench.open_page(browser)
        seconds: dict[str, float] = {}

        def wait(what: str, act: Callable[[], object], seen: Callable[[], object] = lambda: None) -> None:
            start = time.perf_counter()
            act()
            seen()
            idle(page)
            seconds[what] = time.perf_counter() - start

        def press(button: str) -> Callable[[], object]:
            return page.get_by_role("button", name=button, exact=True).first.click

        def canvas() -> object:
            return page.locator(".viewer canvas").first.wait_for()

        page.get_by_role("textbox", name="Measurement folder").fill(folder.name)
        wait("open", press("Open"), canvas)
        show(page, "How many?")
        wait("estimate", press("Estimate"), page.get_by_text("suggested").first.wait_for)
        show(page, "Explore")
        field = page.get_by_role("spinbutton", name="Clusters k")
        field.fill(str(K))
        field.press("Enter")
        idle(page)
        wait("segment", press("Segment"), page.get_by_role("img", name="Clusters", exact=True).wait_for)
        for view in VIEWS:
            wait(f"first switch to {view}", lambda view=view: show(page, view))
        again = []
        for view in VIEWS:
            wait("again", lambda view=view: show(page, view))
            again.append(seconds.pop("again"))
        seconds["switch again, median"] = statistics.median(again)
        show(page, "Fit")
        wait("fit clusters", press("Fit"), page.get_by_text("MSE").first.wait_for)
        wait("reload", page.reload, page.get_by_text("MSE").first.wait_for)
    return seconds


def server_times(folder: Path) -> dict[str, Any]:
    """Open a folder, segment it and move the sliders; count what was computed meanwhile."""
    os.environ["ELLIMAPS_DATA_ROOT"] = str(folder.parent)
    from support.maps_page import open_page, view

    from ellimaps.ui.pages.maps import loading

    page = view(open_page(folder.parent, folder.name), "Explore")
    page.number_input(key="k").set_value(5)
    page.button(key="segment").click().run()
    while page.session_state["MapsState"].task is not None:
        time.sleep(0.05)
        page.run()
    before = {name: cache.computed for name, cache in loading.CACHES.items()}
    moves = {
        "wavelength": _moves(page, "position"),
        "cluster": _moves(page, "cluster"),
    }
    assert not page.exception
    after = {name: cache.computed for name, cache in loading.CACHES.items()}
    return {
        **{f"{name}_move_median_s": statistics.median(seconds) for name, seconds in moves.items()},
        **{f"{name}_move_max_s": max(seconds) for name, seconds in moves.items()},
        "recomputations": sum(after.values()) - sum(before.values()),
    }


def _moves(page: Any, key: str) -> list[float]:
    seconds = []
    for move in range(1, MOVES + 1):
        slider = page.select_slider(key=key)
        target = slider.options[move % len(slider.options)]
        slider.set_value(int(target) if key == "cluster" else target)
        start = time.perf_counter()
        page.run()
        seconds.append(time.perf_counter() - start)
    return seconds


def two_users() -> dict[str, Any]:
    """Two browser sessions with different folders, 100 slider moves each: mixing and memory."""
    from browser import conftest as browser_tools
    from browser.test_workbench import colour_bar, open_example, rounds, wavelength

    with opened_browser(ROOT / "data_example") as (workbench, browser):
        pages = {name: workbench.open_page(browser) for name in ("terraces", "terraces_wrap")}
        for name, page in pages.items():
            open_example(page, name)
            browser_tools.segment(page, 4)
        bars = {name: colour_bar(page) for name, page in pages.items()}
        rounds(pages, 10)
        before, start = workbench.resident_bytes(), time.perf_counter()
        rounds(pages, MOVES_OF_EACH_USER)
        seconds, after = time.perf_counter() - start, workbench.resident_bytes()
        for page in pages.values():
            wavelength(page).focus()
            wavelength(page).press("Home")
            browser_tools.idle(page)
        mixed = [name for name, page in pages.items() if colour_bar(page) != bars[name]]
        complaints = workbench.complaints()
    return {
        "moves_of_each_user": MOVES_OF_EACH_USER,
        "seconds_per_round": seconds / MOVES_OF_EACH_USER,
        "resident_mb_before": before / MEGABYTE,
        "resident_mb_after": after / MEGABYTE,
        "growth_mb": (after - before) / MEGABYTE,
        "sessions_mixed": mixed,
        "log_complaints": complaints,
    }


def cell_plot(n: int = 300_000) -> dict[str, Any]:
    """Draw and lasso single cells of a plate in the browser: seconds until a gesture has been answered."""
    import numpy as np
    from browser.conftest import idle
    from support.small_plate import with_cells

    with tempfile.TemporaryDirectory() as folder:
        with_cells(Path(folder), n, np.random.default_rng(0))
        with opened_browser(Path(folder)) as (workbench, browser):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(240_000)
            page.goto(f"{workbench.address}/plates?plates_level=Cells")
            status = page.get_by_role("status").filter(has_text="points")
            start = time.perf_counter()
            status.get_by_text(f"{n} of {n} points").wait_for()
            idle(page)
            opened = time.perf_counter() - start
            plot = page.get_by_role("img", name=f"{n} points")
            timed = plot.evaluate(_TIMED_GESTURES)
            page.get_by_text("cells chosen").wait_for()
            idle(page)
            start = time.perf_counter()
            page.reload()
            status.get_by_text(f"{n} of {n} points").wait_for()
            idle(page)
            reloaded = time.perf_counter() - start
    return {"cells": n, "opened_s": opened, **timed, "reload_s": reloaded}


# Pointer events as a hand makes them; what answers them draws before it returns.
_TIMED_GESTURES = """async (canvas) => {
  const box = canvas.getBoundingClientRect();
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  canvas.setPointerCapture = () => {};
  const send = (type, x, y, buttons = 1) => canvas.dispatchEvent(new PointerEvent(type, {
    bubbles: true, composed: true, pointerId: 1, buttons,
    clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
  const timed = async (act) => {
    await painted();
    const start = performance.now();
    act();
    const worked = (performance.now() - start) / 1000;
    await painted();
    return worked;
  };
  const found = {};
  const zooms = [];
  for (let turn = 0; turn < 5; turn++) {
    const wheel = (deltaY) => canvas.dispatchEvent(new WheelEvent("wheel", {
      bubbles: true, cancelable: true, ctrlKey: true, deltaY,
      clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }));
    zooms.push(await timed(() => wheel(-100)), await timed(() => wheel(100)));
  }
  found.draw_s = zooms.toSorted((a, b) => a - b)[5];
  send("pointerdown", 0.2, 0.2);
  const moves = [];
  for (let turn = 0; turn < 40; turn++) {
    const angle = (2 * Math.PI * turn) / 40;
    const [x, y] = [0.5 + 0.3 * Math.cos(angle), 0.5 + 0.35 * Math.sin(angle)];
    moves.push(await timed(() => send("pointermove", x, y)));
  }
  found.lasso_move_s = moves.toSorted((a, b) => a - b)[20];
  found.lasso_s = await timed(() => send("pointerup", 0.8, 0.5));
  found.hover_s = await timed(() => send("pointermove", 0.5, 0.5, 0));
  return found;
}"""


def wells_page(n: int = 10_000) -> dict[str, Any]:
    """Look at wells with images in the browser: seconds from what a hand does until all is drawn."""
    from browser.conftest import idle, show
    from support.small_plate import many_wells

    folder = Path(tempfile.gettempdir()) / "ellimaps-benchmarks" / f"wells_{n}"
    if not (folder / "results" / "many" / "thumbnails.json").is_file():
        many_wells(folder, n)
    found: dict[str, Any] = {"wells": n}
    with opened_browser(folder) as (workbench, browser):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(240_000)
        points = page.get_by_role("status").filter(has_text=f"{n} of {n} points")
        plot, image = page.locator(".scatter"), page.locator(".sheet canvas").first

        def wait(what: str, act: Callable[[], object], seen: Any) -> None:
            start = time.perf_counter()
            act()
            seen.wait_for()
            idle(page)
            found[f"{what}_s"] = time.perf_counter() - start

        wait("first view", lambda: page.goto(f"{workbench.address}/plates"), points)
        plot.focus()
        wait("next image at a point", lambda: plot.press("ArrowRight"), page.locator(".card canvas"))
        wait("open one", lambda: plot.press("Enter"), page.get_by_text(f"1 of {n:,} fields chosen"))
        wait("reload with one chosen", page.reload, points.get_by_text("1 chosen"))
        page.get_by_role("button", name="Clear selection").first.click()
        idle(page)
        wait("plate map", lambda: show(page, "Plate map"), page.get_by_text("Edge effect"))
        well = page.locator("[data-testid=stVegaLiteChart] svg .mark-rect path").nth(100)
        wait("open a well", well.click, image)
        wait("reload with a well open", page.reload, image)
    return found


def log_page(rows: int = 10_000_000) -> dict[str, Any]:
    """Look at a log of eight sensors in the browser: seconds until all is drawn, and the server's memory."""
    from bench_sensors import write_log
    from browser.conftest import idle, show

    file = write_log(rows, 8, 30, Path(tempfile.gettempdir()) / "ellimaps-benchmarks" / "sensors")["csv"]
    found: dict[str, Any] = {"readings": rows, "file_mb": file.stat().st_size / MEGABYTE}
    lines, chart = ".js-plotly-plot .js-line", ".stVegaLiteChart svg.marks"
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ELLIMAPS_CACHE"] = cache
        with opened_browser(file.parent) as (workbench, browser):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(600_000)

            def wait(what: str, act: Callable[[], object], seen: str = lines, says: str = "") -> None:
                start = time.perf_counter()
                act()
                # What was there before may look the same; the address is written when the page is.
                page.wait_for_url(lambda url: says in url if says else "sensors_view" not in url)
                page.locator(seen).first.wait_for()
                page.locator(".st-key-task").wait_for(state="hidden")
                idle(page)
                found[f"{what}_s"] = time.perf_counter() - start

            def press(button: str) -> Callable[[], object]:
                return page.get_by_role("button", name=button, exact=True).click

            address = f"{workbench.address}/sensors?sensors_typed={file.name}"
            wait("import and first view", lambda: page.goto(address))
            wait("reload", page.reload)
            wait("zoom to a day", press("Last day"), says="sensors_time")
            wait("reload, zoomed", page.reload, says="sensors_time")
            wait("back to the whole log", page.go_back)
            for view in ("Data coverage", "Compare", "Stability", "Anomalies", "Forecast", "Relations"):
                seen = ".stAlert, .st-key-sensors_get_anomalies" if view == "Anomalies" else chart
                says = f"sensors_view={view.replace(' ', '+')}"
                wait(f"first switch to {view}", lambda view=view: show(page, view), seen, says)
                wait("switch to Readings", lambda: show(page, "Readings"))
                wait(f"switch again to {view}", lambda view=view: show(page, view), seen, says)
            found["memory_mb"] = workbench.resident_bytes() / MEGABYTE
    return found


def main() -> None:
    """Measure, print, and write JSON if asked."""
    asked = arguments(__doc__)
    measurements = folders()
    figures: dict[str, dict[str, Any]] = {
        f"in a browser, {folder.name}": journey(folder) for folder in measurements
    }
    figures[f"server, {measurements[0].name}"] = server_times(measurements[0])
    figures["two users"] = two_users()
    figures["cells of a plate"] = cell_plot()
    figures["wells of several plates"] = wells_page()
    figures["a log of 10 million readings"] = log_page()
    report(figures, asked.json)


if __name__ == "__main__":
    main()
