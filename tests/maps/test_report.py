"""The HTML report: complete, self-contained, and safe with any name."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import EXAMPLE
from support.stacks import delta_psi, intensities, one_sentence, sample

from ellimaps import fit_shots, read_model
from ellimaps.core.errors import SettingError
from ellimaps.core.numbers import with_error
from ellimaps.maps.refinement import Clean, Drop, Merge, refine
from ellimaps.maps.regions import Region
from ellimaps.maps.report import report_html
from ellimaps.maps.segmentation import segment

HOSTILE = ("<script>alert(1)</script>", "$x_$ & 'q' \"d\"", "_a\nb", "map")
VOID = {"img", "meta"}


class Page(HTMLParser):
    """The rows of tables as texts, and every tag and attribute; tags must be balanced."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.rows, self.open, self.text = [], [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open += [] if tag in VOID else [tag]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def segmentation():
    return segment(sample(seed=3, kinds=4)[0], 4)


def test_it_is_self_contained(segmentation):
    text = report_html(segmentation, names=HOSTILE)
    page = Page(text)
    links = [value for name, value in page.attributes if name in ("src", "href", "srcset", "action")]
    assert len(links) == 1
    assert links[0].startswith("data:image/png;base64,")
    assert base64.b64decode(links[0].split(",")[1]).startswith(b"\x89PNG")
    assert not re.search(r"https?:|url\(|@import|<script|<link|<iframe", text)
    assert "script" not in page.tags
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    assert text.startswith("<!doctype html>")
    assert '<meta charset="utf-8">' in text


def test_hostile_names_and_comments_stand_there_as_text(segmentation):
    stack = segmentation.stack
    stack = stack.with_values(stack.values, comment="</td><img src=x onerror=alert(1)>", name="<b>&")
    page = Page(report_html(segment(stack, 4), names=HOSTILE))
    assert "onerror=alert(1)" in page.text
    assert [name for name, _ in page.attributes if name == "onerror"] == []
    assert page.tags.count("img") == 1
    assert "b" not in page.tags
    assert ["0", HOSTILE[0]] in [[cell.strip() for cell in row[:2]] for row in page.rows]


def test_it_holds_facts_settings_clusters_and_spectra(segmentation):
    found = refine(segmentation, [Merge((0, 1)), Clean(3)])
    page = Page(report_html(found, names=("a", "b", "c")))
    rows = {row[0]: row[1:] for row in page.rows}
    height, width = found.stack.shape
    assert rows["Maps"] == [f"22 (Delta, Psi) of {height} × {width} px (y × x)"]
    assert rows["Wavelengths"][0].startswith("450, 480")
    assert rows["Angle of incidence"] == ["50°"]
    assert rows["Preprocessing"] == ["gaps fill, despike off, smooth off, roi off, binning 1"]
    assert (rows["k"], rows["features"], rows["seed"]) == (["4"], ["ncs"], ["0"])
    assert rows["Change 1 by hand"] == ["merge 0+1"]
    assert rows["Change 2 by hand"] == ["clean 3 px"]
    assert rows[" 2"] == ["c", f"{found.n_pixels[2]:,}", f"{found.n_pixels[2] / found.n_pixels.sum():.2%}"]
    assert f"{(found.labels < 0).sum():,} pixels have no data. Inertia: {found.inertia:.6g}." in page.text
    shots = found.clustershots()
    shot = shots[(shots["cluster"] == 1) & (shots["band"] == 0)].iloc[0]
    assert rows["Delta 450 nm (°)"][1] == f"{shot['mean']:.2f} ({shot['std']:.2f})"
    assert ["map", "0 a", "1 b", "2 c"] in page.rows


def test_it_is_written_for_people(segmentation):
    """No names of columns, no digits that nobody knows, no deg, and numbers agree with their words."""
    fit = fit_shots(segmentation, read_model(EXAMPLE / "model.toml"))
    reports = report_html(segmentation, fit=fit), report_html(refine(segmentation, [Drop(3)]))
    text = "".join(Page(report).text for report in reports).replace(segmentation.stack.name, "")
    assert re.findall(r"[a-z]_[a-z]|\bdeg\b|\bnan\b|[A-Z][a-z]+\(|\b1 pixels", text) == []
    cluster = fit.clusters[0]
    expected = with_error(cluster.parameters["thickness_nm"], cluster.standard_errors["thickness_nm"])
    assert expected in text


def test_clusters_of_the_same_name_keep_their_own_spectra(segmentation):
    page = Page(report_html(segmentation, names=("oxide",) * 4))
    (row,) = [row for row in page.rows if row[0] == "Psi 450 nm (°)"]
    band = int(np.flatnonzero(segmentation.stack.bands["quantity"] == "Psi")[0])
    assert [cell.split()[0] for cell in row[1:]] == [f"{mean:.2f}" for mean in segmentation.means[:, band]]


def test_many_clusters_are_shown_in_parts_that_fit_a_page():
    found = segment(intensities(np.arange(400.0).reshape(20, 20)), 14)
    widths = [len(row) for row in Page(report_html(found)).rows if row[0] == "map"]
    assert widths == [7, 7, 3]


def test_maps_of_the_same_label_keep_their_rows():
    found = segment(intensities(np.arange(24.0).reshape(2, 3, 4) * 1000), 2)
    bands = found.stack.bands.assign(channel="DAPI")
    twice = segment(found.stack.with_values(found.stack.values, bands=bands), 2)
    rows = [row for row in Page(report_html(twice)).rows if row[0] == "DAPI"]
    assert [row[1].split()[0] for row in rows] == [f"{mean:.5g}" for mean in twice.means[0]]
    assert len(rows) == 2


def test_regions_stand_beside_the_clusters(segmentation):
    regions = (Region("roi1", "pixel", ((5, 5),)), Region("spot", "pixel", ((9, 9),)))
    page = Page(report_html(segmentation, regions=regions))
    assert ["map", "roi1", "spot"] in page.rows
    value = segmentation.stack.values[0, 9, 9]
    (row,) = [row for row in page.rows if row[0] == "Delta 450 nm (°)" and len(row) == 3]
    assert row[2] == f"{value:.2f} (0.00)"


def test_a_cluster_without_a_measured_value_has_a_dash():
    filled = np.array([[[True, False]], [[False, False]]])
    found = segment(delta_psi([[1.0, 20]], [[3.0, 40]], filled=filled), 2)
    page = Page(report_html(found))
    assert ["Delta 500 nm", "20.00 (0.00)", "-"] in page.rows or [
        "Delta 500 nm",
        "-",
        "20.00 (0.00)",
    ] in page.rows


def test_the_same_segmentation_gives_the_same_page(segmentation):
    assert report_html(segmentation, names=HOSTILE) == report_html(segmentation, names=HOSTILE)


def test_wrong_names_are_refused(segmentation):
    with pytest.raises(SettingError, match="2 names are given for 4 clusters") as error:
        report_html(segmentation, names=("a", "b"))
    assert one_sentence(error)
