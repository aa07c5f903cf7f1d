"""How fast the workbench answers: first view, slider moves, and two users at once.

Run ``python benchmarks/bench_workbench.py [FOLDER] [--json FILE]``. FOLDER is a measurement, by default the
real hBN folder where it is at hand (``ELLIMAPS_SHARED_DATA``), else a generated one. Server times are
those of the page's code, driven without a browser; the two users are two browser sessions on the examples.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

MOVES = 20
MOVES_OF_EACH_USER = 100
MEGABYTE = 1 << 20


def default_folder() -> Path:
    """Return the real folder where it is at hand, else a generated one."""
    shared = Path(os.environ.get("ELLIMAPS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    real = shared / "ep4_hBN"
    return real if real.is_dir() else ROOT / "data_example" / "terraces"


def server_times(folder: Path) -> dict[str, Any]:
    """Open a folder, segment it and move the sliders; count what was computed meanwhile."""
    os.environ["ELLIMAPS_DATA_ROOT"] = str(folder.parent)
    from streamlit.testing.v1 import AppTest

    from ellimaps.ui.pages.maps import loading

    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=300).run()
    page.text_input(key="path").set_value(folder.name)
    start = time.perf_counter()
    next(button for button in page.button if button.label == "Open").click().run()
    first_view = time.perf_counter() - start
    page.segmented_control(key="view").set_value("Explore").run()
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
        "folder": folder.name,
        "first_view_s": first_view,
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
    from conftest import CHROMIUM_ARGS, chromium_path
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        browser_tools.serve(ROOT / "data_example", Path(folder)) as workbench,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS) as browser,
    ):
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


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder())
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--no-browser", action="store_true", help="leave the two browser sessions out")
    arguments = parser.parse_args()
    figures = {"server": server_times(arguments.folder.resolve())}
    if not arguments.no_browser:
        figures["two_users"] = two_users()
    for group, values in figures.items():
        print(group)
        for name, value in values.items():
            print(f"  {name:24} {f'{value:.3f}' if isinstance(value, float) else value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
