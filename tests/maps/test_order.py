"""Delta stands before Psi in tables, figures and reports, as in the vendor's files."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import EXAMPLE

from ellimaps import fit_shots, open_stack, preprocess, read_model, segment
from ellimaps.core.stack import ANGLES, DELTA, PSI
from ellimaps.maps.export import export_contents
from ellimaps.maps.figures import segmentation_figure
from ellimaps.maps.films.figures import shots_figure
from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.report import report_html


@pytest.fixture(scope="module")
def segmentation():
    return segment(preprocess(open_stack(EXAMPLE)), k=4)


@pytest.fixture(scope="module")
def fits(segmentation):
    return fit_shots(segmentation, read_model(EXAMPLE / "model.toml"))


def assert_in_order(texts):
    """Wherever both are named, in every text, Delta is named first."""
    for text in texts:
        places = [text.lower().find(name.lower()) for name in ANGLES]
        assert -1 in places or places[0] < places[1], text


def axes_texts(figure):
    return [text for axes in figure.axes for text in (axes.get_title(), axes.get_ylabel())]


def test_the_vendors_files_have_it_so():
    table = next(EXAMPLE.glob("*.ds.dat")).read_text(encoding="latin-1")
    assert ANGLES == (DELTA, PSI)
    assert_in_order(table.splitlines()[:1])


def test_of_a_stack_that_has_psi_first_too():
    stack = open_stack(EXAMPLE)
    order = np.argsort(stack.bands["quantity"].to_numpy() == DELTA, kind="stable")
    turned = replace(
        stack,
        values=stack.values[order],
        bands=stack.bands.iloc[order].reset_index(drop=True),
        filled=stack.filled[order],
    )
    assert turned.bands["quantity"].iloc[0] == PSI
    assert turned.quantities == [DELTA, PSI]


def test_in_figures(segmentation, fits):
    for figure in (segmentation_figure(segmentation), shots_figure(fits)):
        named = [text for text in axes_texts(figure) if re.search("Delta|Psi", text)]
        assert_in_order([" ".join(named)])
        assert {name for name in ANGLES if any(name in text for text in named)} == set(ANGLES)


def test_in_tables_and_the_report(segmentation, fits):
    curves = fits.curves(0)
    assert_in_order([" ".join(curves.columns), fits.noise.text])
    report = re.sub("<[^>]+>", "\n", report_html(segmentation, fit=fits))
    lines = [line for line in report.splitlines() if re.match(r"(Delta|Psi) 450 nm", line)]
    assert lines == ["Delta 450 nm (°)", "Psi 450 nm (°)"]


def test_in_exported_files(segmentation, fits):
    files = export_contents(segmentation) | fit_contents(fits)
    tables = {name: text.decode("latin-1") for name, text in files.items() if name.endswith((".csv", ".dat"))}
    heads = {name: text.splitlines()[0] for name, text in tables.items()}
    assert any(DELTA.lower() in head.lower() for head in heads.values())
    assert_in_order(heads.values())


def test_what_was_left_out_is_told_in_this_order(segmentation):
    stack = segmentation.stack
    pair = stack.pairs().iloc[3]
    filled = stack.filled.copy()
    filled[[int(pair["delta"]), int(pair["psi"])]] = np.random.default_rng(0).random(stack.shape) < 0.9
    fit = fit_shots(segment(replace(stack, filled=filled), k=4), read_model(EXAMPLE / "model.toml")).clusters[
        0
    ]
    assert [text.split()[0] for text in fit.left_out] == [DELTA, PSI]
