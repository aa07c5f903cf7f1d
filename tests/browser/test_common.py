"""What the components in the browser share, against values worked out by hand."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ellimaps.ui.components
from ellimaps.ui.components.browser import base64_of

DECODE = "(found) => (window.common = {...found, numbers: (text) => [...found.decode(text, Uint16Array)]})"
FLOATS = "all.map((one) => Float32Array.from(one))"
VIEW = f"(found) => (window.common = {{around: (...all) => found.View.around(...{FLOATS})}})"
COMMON = Path(ellimaps.ui.components.__file__).with_name("common.js")


@pytest.fixture(scope="module")
def call(chromium: Any) -> Any:
    """Call a function of ``common.js``; the module is imported as Streamlit's page imports it."""
    page = chromium.new_page()
    module = base64.b64encode(COMMON.read_bytes()).decode()
    page.evaluate(f"import('data:text/javascript;base64,{module}').then({DECODE})")
    yield lambda name, *values: page.evaluate(
        "([name, values]) => window.common[name](...values)", [name, values]
    )
    page.close()


@pytest.mark.parametrize(
    ("ends", "count", "expected"),
    [
        ((0, 10), 5, [0, 2, 4, 6, 8, 10]),
        ((-1, 1), 4, [-1, -0.5, 0, 0.5, 1]),
        ((0.12, 0.58), 5, [0.2, 0.3, 0.4, 0.5]),
        ((3, 130), 3, [50, 100]),
    ],
)
def test_ticks_are_round_and_within(call, ends, count, expected):
    assert call("ticks", *ends, count) == pytest.approx(expected)


def test_ticks_of_pixels_are_whole(call):
    assert call("ticks", 10.2, 12.9, 10, 1) == [11, 12]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3e-17, "0"),
        (0.1 + 0.2, "0.3"),
        (142.6789, "142.7"),
        (-0.00123456, "-0.001235"),
        (12345.6, "12346"),
    ],
)
def test_numbers_are_short_and_true(call, value, text):
    assert call("nice", value) == text


def test_arrays_arrive_as_they_were_sent(call):
    sent = np.array([[0, 1, 65535], [7, 256, 3]], dtype="<u2")
    assert call("numbers", base64_of(sent)) == sent.ravel().tolist()


def test_a_scale_bar_has_a_round_length(call):
    assert [call("roundDown", value) for value in (0.73, 1, 4.99, 60)] == [0.5, 1, 2, 50]


def test_a_point_far_out_does_not_flatten_the_others(chromium):
    module = base64.b64encode((COMMON.parent / "scatter" / "view.js").read_bytes()).decode()
    page = chromium.new_page()
    page.evaluate(f"import('data:text/javascript;base64,{module}').then({VIEW})")
    plain = [*range(11)]
    for xs, (x0, x1) in (
        (plain, (-0.5, 10.5)),
        ([*plain, 1e6], (-0.5, 10.5)),
        ([-1e6, *plain, float("nan")], (-0.5, 10.5)),
        ([0] * 10 + [1], (-0.05, 1.05)),
        # Two of eleven are no outlier but a group of their own.
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 990, 1000], (-50, 1050)),
        ([], (0, 1)),
    ):
        view = page.evaluate("([xs, ys]) => window.common.around(xs, ys)", [xs, plain])
        assert (view["x0"], view["x1"]) == pytest.approx((x0, x1))
        assert (view["y0"], view["y1"]) == pytest.approx((-0.5, 10.5))
    page.close()
