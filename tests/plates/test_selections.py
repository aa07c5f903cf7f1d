"""Named selections beside the profiles: what is written is read, of a plate measured again too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.plates.selections import MOST_NAMED, SELECTIONS, Selection, read_selections, save_selections


def fields(*wells):
    return pd.DataFrame({"plate": "p", "well": wells, "field": np.arange(1, len(wells) + 1)})


def test_what_is_saved_is_read_and_finds_its_fields_by_name(tmp_path):
    assert read_selections(tmp_path) == {}
    kept = {"round, µ": Selection((("p", "A01", 1), ("p", "B02", 3)), drawn=True), "all": Selection(())}
    save_selections(tmp_path, kept)
    assert read_selections(tmp_path) == kept
    assert kept["round, µ"].of(fields("A01", "B02", "B02")).tolist() == [True, False, True]
    save_selections(tmp_path, {"one": kept["all"]})
    assert list(read_selections(tmp_path)) == ["one"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": 2, "selections": {}}', '{"format": 1, "selections": {"a": {"fields": [1]}}}'],
)
def test_damaged_files_are_told(tmp_path, text):
    (tmp_path / SELECTIONS).write_text(text)
    with pytest.raises(ReadError, match=r"selections\.json is damaged"):
        read_selections(tmp_path)


def test_names_are_given_and_few(tmp_path):
    with pytest.raises(SettingError, match="a name"):
        save_selections(tmp_path, {" ": Selection(())})
    with pytest.raises(SettingError, match="at most"):
        save_selections(tmp_path, {str(number): Selection(()) for number in range(MOST_NAMED + 1)})
    assert not (tmp_path / SELECTIONS).exists()
