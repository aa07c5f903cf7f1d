"""How much a file may unpack to, errors in one line, and whole numbers in texts."""

from __future__ import annotations

import pytest

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.numbers import whole_number_in
from ellimaps.core.scratch import WORKING_SET_VARIABLE, check_unpacking, fits_working_set


def test_what_packs_as_measured_pictures_do_may_be_larger_than_the_working_set() -> None:
    check_unpacking("a.tif", 10**9, 10**10, working_set_gb=1)


def test_what_fits_the_working_set_may_be_packed_in_any_way() -> None:
    check_unpacking("a.tif", 1000, 4 * 10**8, working_set_gb=1)


def test_what_does_neither_is_refused_and_the_remedy_is_told() -> None:
    with pytest.raises(
        ReadError, match=r"a\.tif would unpack from 0\.4 MB to 3\.2 GB.*ELLIMAPS_WORKING_SET_GB"
    ):
        check_unpacking("a.tif", 389_000, 3_200_000_000, working_set_gb=4)


def test_the_environment_names_the_working_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fits_working_set(1_600_000_000)
    monkeypatch.setenv(WORKING_SET_VARIABLE, "0.5")
    assert not fits_working_set(1_600_000_000)
    assert fits_working_set(1_600_000_000, 4)
    monkeypatch.setenv(WORKING_SET_VARIABLE, "much")
    with pytest.raises(SettingError, match="must be a number of GB, not 'much'"):
        fits_working_set(1)


def test_an_error_is_one_line_that_a_terminal_can_show() -> None:
    message = str(ReadError("a\n\x1b[31mb\udce9\u202e\u00b5.tif and " + "x" * 5000 + " cannot be read."))
    assert message.isprintable()
    assert message.startswith("a\\n\\x1b[31mb\\udce9\\u202e\u00b5.tif and xxx")
    assert message.endswith("x... cannot be read.")
    assert len(message) < 500


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("\u00b2", None),
        ("\u0663", None),
        ("", None),
    ],
)
def test_whole_numbers_are_digits_that_64_bit_hold(text: str, number: int | None) -> None:
    assert whole_number_in(text) == number
