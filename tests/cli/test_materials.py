"""``ellimaps materials``: what is found, shown and written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ellimaps
from ellimaps.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def answer(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ellimaps", "materials", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return answer


def test_search_tells_name_book_page_and_range(run: Run) -> None:
    code, out, _ = run("search", "Ta2O5")
    assert code == 0
    assert (
        "main/Ta2O5/Bright-amorphous\n    Ta2O5 (Tantalum pentoxide): Bright et al. 2013: n,k 0.5–1000 µm\n"
        in out
    )
    assert "500 to 1000000 nm, n and k; n: table, k: table" in out


def test_search_lists_some_and_counts_the_rest(run: Run) -> None:
    _, out, _ = run("search", "ta2", "o5", "--most", 2)
    assert out.count("main/Ta2O5/") == 2
    assert "and 16 more: add a word" in out


def test_search_as_json_of_those_that_cover_a_range(run: Run) -> None:
    code, out, _ = run("search", "Ta2O5", "--covers", 300, 800, "--json")
    found = json.loads(out)
    assert code == 0
    assert {"name", "book", "title", "range_nm", "has_k", "kind", "refused"} == set(found[0])
    assert all(one["range_nm"][0] <= 300 and one["range_nm"][1] >= 800 for one in found)
    assert 0 < len(found) < 18


def test_nothing_found_says_what_to_try(run: Run) -> None:
    code, out, _ = run("search", "Ta205")
    assert code == 0
    assert "No page is called Ta205" in out
    assert "or one of Ta2O5" in out
    assert json.loads(run("search", "Ta205", "--json")[1]) == []
    assert "try it without --covers" in run("search", "Ta2O5", "--covers", 1, 800)[1]
    code, _, err = run("search", "--", "--")
    assert (code, err.count("\n")) == (2, 1)


def test_show_tells_the_page_and_its_reference(run: Run) -> None:
    code, out, _ = run("show", "main/ZnS/Amotchkina", "--at", 700)
    assert code == 0
    for text in (
        "Appl. Opt. 59, A40-A47 (2020)",
        "400 to 1000 nm",
        "together from 400 to 1000 nm",
        "2.33426",
    ):
        assert text in out
    facts = json.loads(run("show", "Si", "--at", 550, "--json")[1])
    assert facts["indices"][0]["n"] == pytest.approx(4.08, abs=0.01)


def test_what_cannot_be_shown_is_refused(run: Run) -> None:
    for name, said in (
        ("main/BaF2/Bosomworth-5K", "gives k alone"),
        ("main/Ta2O5/Brigth", "has no page 'Brigth'"),
        ("unobtainium", "`ellimaps materials search` finds"),
        ("hBN", "show hBN-o and hBN-e"),
    ):
        code, _, err = run("show", name)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err
    code, _, err = run("show", "main/Ta2O5/Gao", "--at", 10)
    assert code == 2
    assert "but 10..10 nm" in err


@pytest.mark.parametrize("suffix", ["nk", "csv", "yml"])
def test_a_page_is_written(run: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"Ta2O5.{suffix}"
    assert run("show", "main/Ta2O5/Gao", "--out", path)[0] == 0
    again, page = ellimaps.read_nk(path), ellimaps.material("main/Ta2O5/Gao")
    assert complex(again(633.0)) == pytest.approx(complex(page(633.0)), abs=1e-4)  # type: ignore[arg-type]
    code, _, err = run("show", "main/Ta2O5/Gao", "--out", tmp_path / "Ta2O5.xls")
    assert code == 2
    assert "ends in .nk, .csv or .yml" in err
