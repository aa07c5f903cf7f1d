"""Reports as HTML show names as they are: whatever a name says, it is text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from support.hostile_names import FILE, NAME, hostile_lab

import ellimaps
from ellimaps.classify.training import train
from ellimaps.classify.training_labels import read_labels
from ellimaps.classify.training_page import training_html
from ellimaps.core.figures import figure_svg
from ellimaps.maps.report import report_html
from ellimaps.maps.segmentation import segment
from ellimaps.plates.measuring.profiles import read_profiles
from ellimaps.plates.report import plate_report
from ellimaps.readers import open_stack
from ellimaps.sensors.calendar_page import calendar_page
from ellimaps.sensors.events import Event
from ellimaps.sensors.report_page import log_report
from ellimaps.sensors.stability import stability_of
from ellimaps.sensors.store.filters import SensorFilters
from ellimaps.sensors.store.logs import open_log


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of hostile names."""
    return hostile_lab(tmp_path_factory.mktemp("lab"))


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def maps(lab: Path) -> str:
    segmentation = segment(open_stack(lab / f"image {FILE}.ome.tif"), 3)
    return report_html(segmentation, names=[NAME, "b", "c"], lacking=[NAME])


def training(lab: Path) -> str:
    folder = lab / f"cells {FILE}"
    trained = train(folder / "images", read_labels(folder / "labels.csv", folder / "images"), repeats=1)
    return training_html(trained.model, trained.report)


def plate(lab: Path) -> str:
    return plate_report(read_profiles(lab / f"plate {FILE}" / "results"))


def log(lab: Path) -> str:
    event = Event.of("2026-01-05 06:00", "2026-01-05 07:00", "service", NAME)
    return log_report(open_log(lab / "log.csv"), events=[event])


def calendar(lab: Path) -> str:
    opened = open_log(lab / "log.csv")
    found = stability_of(opened, SensorFilters(), limit=0.5, window="1h")
    return calendar_page(found.calendar("hours_out"), NAME).decode()


REPORTS: dict[str, Callable[[Path], str]] = {
    "maps/templates/report.html": maps,
    "classify/templates/training.html": training,
    "plates/templates/report.html": plate,
    "sensors/templates/report.html": log,
    "sensors/templates/calendar.html": calendar,
}


def test_every_page_of_html_is_made_from_a_template_that_is_tried_here() -> None:
    package = Path(ellimaps.__file__).parent
    templates = {file.relative_to(package).as_posix() for file in package.rglob("templates/*.html")}
    # The server's page shows nothing of any data; `tests/server` and `tests/browser` try it.
    without_data = {"server/templates/docs.html"}
    assert templates - set(REPORTS) - without_data == {
        "core/templates/page.html",
        "core/templates/tables.html",
    }
    built = re.compile(r"<(html|body|table|td|tr|h1|p)\b[^>]*>", re.IGNORECASE)
    own = [file for file in package.rglob("*.py") if built.search(file.read_text(encoding="utf-8"))]
    assert [file.name for file in own] == []


@pytest.mark.parametrize("template", REPORTS)
def test_names_are_text(template: str, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELLIMAPS_CACHE", str(tmp_path))
    page = Page(REPORTS[template](lab))
    assert "**bold** $x^2$ `code`" in page.text
    tags, given = zip(*page.tags, strict=True)
    assert not {"script", "iframe", "object", "link", "base", "form"} & set(tags)
    named = [one.get(name) or "#" for one in given for name in ("src", "href", "xlink:href")]
    assert all(re.match(r"data:image/png;base64,|#", address) for address in named)
    assert not any(name.startswith("on") for one in given for name in one)


@pytest.mark.parametrize("name", [NAME, r"$\nothing$", "$", "a_1 $x_2$", "a\\$b"])
def test_names_in_figures_are_no_formulas(name: str) -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.plot(np.arange(1, 4), [1, 100, 10000], label=name)
    axes.set(title=name, xlabel=name, yscale="log")
    axes.set_xticks([1, 2], [name, "b"])
    axes.legend()
    drawn = figure_svg(figure)
    assert Page(drawn).text.count(name) == 4
    # Powers of ten stay formulas, of digits placed one by one.
    assert drawn.count("<tspan") > 4
