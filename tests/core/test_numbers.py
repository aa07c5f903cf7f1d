"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from ellimaps.core.numbers import (
    counted,
    duration_text,
    number_text,
    shown_unit,
    spoken,
    titled,
    with_error,
    with_unit,
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234567.0, 4, "1,234,567"),
        (12345.678, 4, "12,346"),
        (1234.5678, 4, "1,235"),
        (12.30001, 4, "12.3"),
        (0.00012345, 3, "0.000123"),
        (-58.0, 3, "-58"),
        (0.0, 3, "0"),
        (math.nan, 3, "not known"),
        (math.inf, 3, "not known"),
    ],
)
def test_a_number_has_the_digits_asked_for(value, digits, text):
    assert number_text(value, digits) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (57.98671, 0.0592, "57.987 ± 0.059"),
        (1234.5, 0.25, "1,234.50 ± 0.25"),
        (1234.5, 31.0, "1,234 ± 31"),
        (20.0, 0.0099, "20.0000 ± 0.0099"),
        (20.0, math.nan, "20"),
        (math.nan, 1.0, "not known"),
        (3.14159, 0.0, "3.142"),
    ],
)
def test_a_value_ends_at_the_second_digit_of_its_error(value, error, text):
    assert with_error(value, error) == text


def test_words_agree_with_their_number():
    assert counted(1, "pixel") == "1 pixel"
    assert counted(0, "pixel") == "0 pixels"
    assert counted(20480, "pixel") == "20,480 pixels"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (8.4, "8 s"), (150, "2 min"), (4830, "1 h 20 min")],
)
def test_durations_are_told_roughly(seconds, text):
    assert duration_text(seconds) == text


def test_units_as_they_are_read():
    assert titled("Delta", "deg") == "Delta (°)"
    assert titled("intensity", "") == "intensity"
    assert [shown_unit(unit) for unit in ("um", "nm", "degC")] == ["µm", "nm", "°C"]
    assert spoken("instrument_temperature") == "instrument temperature"


def test_degrees_stand_at_their_number_and_other_units_apart():
    assert [with_unit("50", unit) for unit in ("deg", "°", "um", "nm", "")] == [
        "50°", "50°", "50 µm", "50 nm", "50"
    ]  # fmt: skip
