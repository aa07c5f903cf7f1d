"""Published materials: every page, against what was published and another program; search; files."""

from __future__ import annotations

import hashlib
import io
import json
import math
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import ROOT
from support.stacks import one_sentence

import ellimaps
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.maps.films.recipe import FitRecipe, fit_of, fit_text
from ellimaps.optics.database import catalogue
from ellimaps.optics.database.catalogue import MaterialPage, page_material, search_materials
from ellimaps.optics.database.packing import packed
from ellimaps.optics.database.page import Published, page_of, page_text, read_page
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import material, nk_text, read_nk
from ellimaps.optics.materials import Material, lossless
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_files, read_model

TA2O5 = "main/Ta2O5/Bright-amorphous"


@pytest.fixture(scope="module")
def contents() -> dict[str, Any]:
    """Every page of the archive by its path in the database."""
    archive = resources.files("ellimaps.optics").joinpath(catalogue.ARCHIVE)
    with archive.open("rb") as file, zipfile.ZipFile(file) as pages:
        return {
            f"{name.removesuffix('.json')}/{page}": values
            for name in pages.namelist()
            if name != catalogue.INDEX
            for page, values in json.loads(pages.read(name)).items()
        }


@pytest.fixture(scope="module")
def loaded(contents: dict[str, Any]) -> dict[str, Published]:
    """The pages that can be used, by name."""
    return {name: page_of(contents[page.path], name) for name, page in _firsts().items() if not page.refused}


def _firsts() -> dict[str, MaterialPage]:
    """Pages once each: shelves of favourites repeat them."""
    by_path: dict[str, MaterialPage] = {}
    for page in catalogue._pages().values():
        by_path.setdefault(page.path, page)
    return {page.name: page for page in by_path.values()}


def test_99_percent_of_the_pages_load_and_the_rest_are_refused_by_name(
    contents: dict[str, Any], loaded: dict[str, Published]
) -> None:
    refused = [page for page in _firsts().values() if page.refused]
    print(
        f"{len(loaded)} of {len(contents)} pages load; refused:",
        *(page.refused for page in refused),
        sep="\n",
    )
    assert len(contents) == len(loaded) + len(refused) == 3478
    assert len(loaded) >= 0.99 * len(contents)
    for page in refused:
        assert page.refused.startswith(page.name)
        with pytest.raises(SettingError) as error:
            page_of(contents[page.path], page.name)
        assert one_sentence(error)
    for name, one in loaded.items():
        page = catalogue._pages()[name]
        assert (page.range_nm, page.has_k) == (one.range_nm, one.k is not None)
        ends = one(np.array([one.range_nm[0], *one.telling_nm[[0, -1]]]))
        assert np.all((ends.real > 0) & (ends.imag >= 0)), name


def test_the_archive_is_small() -> None:
    archive = resources.files("ellimaps.optics").joinpath(catalogue.ARCHIVE)
    assert len(archive.read_bytes()) <= 8_000_000


def test_glasses_have_the_index_their_makers_give(
    contents: dict[str, Any], loaded: dict[str, Published]
) -> None:
    # nd of the data sheets, at the yellow line of helium; some have n as a table with coarse steps.
    off = {}
    for name, one in loaded.items():
        given = contents[catalogue._pages()[name].path].get("PROPERTIES", {}).get("nd")
        if given is not None and catalogue._pages()[name].covers(587.5618, 587.5618):
            off[name] = abs(float(one(587.5618).real) - float(given))
    values = np.array(list(off.values()))
    print(
        f"{len(off)} data sheets: median {np.median(values):.1e}, 99 % below {np.quantile(values, 0.99):.1e}"
    )
    assert len(off) > 1500
    assert np.median(values) < 1e-5
    assert np.quantile(values, 0.99) < 5e-4


# Handbook values: wavelength in nm, n, k; as printed in the paper or the data sheet that the page cites.
@pytest.mark.parametrize(
    ("name", "wavelength", "index", "within"),
    [
        ("main/Au/Johnson", 659.5, 0.14 + 3.697j, 1e-3),
        ("main/Ag/Johnson", 548.6, 0.06 + 3.586j, 1e-3),
        ("main/SiO2/Malitson", 587.6, 1.45846, 1e-5),
        ("main/SiO2/Malitson", 1014.0, 1.45024, 1e-5),
        ("main/Al2O3/Malitson-o", 589.3, 1.7681, 1e-4),
        ("main/Al2O3/Malitson-e", 589.3, 1.7600, 1e-4),
        ("main/CaF2/Malitson", 587.6, 1.43388, 1e-4),
        ("main/MgF2/Dodge-o", 589.3, 1.37774, 1e-4),
        ("main/MgF2/Dodge-e", 589.3, 1.38956, 1e-4),
        ("main/Si/Aspnes", 619.9, 3.906 + 0.022j, 2e-3),
        ("main/Ge/Aspnes", 619.9, 5.588 + 0.933j, 3e-3),
        ("main/GaAs/Aspnes", 619.9, 3.878 + 0.211j, 2e-3),
        ("main/H2O/Hale", 600.0, 1.332 + 1.09e-8j, 1e-6),
        ("main/ZnSe/Marple", 589.3, 2.62, 0.02),
        ("main/KCl/Li", 589.3, 1.4904, 2e-4),
        ("main/NaCl/Li", 589.3, 1.5443, 3e-4),
        ("main/CaCO3/Ghosh-o", 589.3, 1.6584, 1e-3),
        ("main/CaCO3/Ghosh-e", 589.3, 1.4864, 1e-3),
        ("main/SiO2/Ghosh-o", 589.3, 1.5443, 1e-3),
        ("main/SiO2/Ghosh-e", 589.3, 1.5534, 1e-3),
        ("main/C/Peter", 589.3, 2.4173, 1e-3),
        ("specs/SCHOTT-optical/N-BK7", 587.6, 1.5168, 1e-5),
        ("other/air/Ciddor", 587.6, 1.00027717, 1e-7),
        ("main/Si3N4/Philipp", 632.8, 2.0, 0.03),
    ],
)
def test_published_values(name: str, wavelength: float, index: complex, within: float) -> None:
    assert complex(page_material(name)(wavelength)) == pytest.approx(index, abs=within)


# As refractiveindex.info writes them, for one wavelength in um; c[1] is C1.
FORMULAS: dict[int, Callable[[float, list[float]], float]] = {
    1: lambda x, c: math.sqrt(1 + c[1] + sum(c[i] * x**2 / (x**2 - c[i + 1] ** 2) for i in range(2, 17, 2))),
    2: lambda x, c: math.sqrt(1 + c[1] + sum(c[i] * x**2 / (x**2 - c[i + 1]) for i in range(2, 17, 2))),
    3: lambda x, c: math.sqrt(c[1] + sum(c[i] * x ** c[i + 1] for i in range(2, 17, 2))),
    4: lambda x, c: math.sqrt(
        c[1]
        + c[2] * x ** c[3] / (x**2 - c[4] ** c[5])
        + c[6] * x ** c[7] / (x**2 - c[8] ** c[9])
        + sum(c[i] * x ** c[i + 1] for i in range(10, 17, 2))
    ),
    5: lambda x, c: c[1] + sum(c[i] * x ** c[i + 1] for i in range(2, 11, 2)),
    6: lambda x, c: 1 + c[1] + sum(c[i] / (c[i + 1] - x**-2) for i in range(2, 11, 2) if c[i]),
    7: lambda x, c: (
        c[1] + c[2] / (x**2 - 0.028) + c[3] / (x**2 - 0.028) ** 2 + c[4] * x**2 + c[5] * x**4 + c[6] * x**6
    ),
    8: lambda x, c: math.sqrt((1 + 2 * _retro(x, c)) / (1 - _retro(x, c))),
    9: lambda x, c: math.sqrt(c[1] + c[2] / (x**2 - c[3]) + c[4] * (x - c[5]) / ((x - c[5]) ** 2 + c[6])),
}


def _retro(x: float, c: list[float]) -> float:
    return c[1] + c[2] * x**2 / (x**2 - c[3]) + c[4] * x**2


def test_every_formula_is_the_published_one(contents: dict[str, Any], loaded: dict[str, Published]) -> None:
    seen = dict.fromkeys(FORMULAS, 0)
    for name, one in loaded.items():
        block = contents[catalogue._pages()[name].path]["DATA"][0]
        form, _, number = block["type"].partition(" ")
        if form != "formula":
            continue
        coefficients = [0.0, *map(float, block["coefficients"].split())] + [0.0] * 20
        low, high = (float(word) for word in block["wavelength_range"].split())
        for share in (0.02, 0.3, 0.7):
            um = low + share * (high - low)
            try:
                expected = FORMULAS[int(number)](um, coefficients)
            except (ValueError, ZeroDivisionError):
                continue
            assert float(one.n(np.array(1000 * um))) == pytest.approx(expected, rel=1e-9), name
            seen[int(number)] += 1
    print(seen)
    assert all(seen.values())


_ONLY_HERE = tuple(f"formula {number}" for number in (6, 7, 8, 9))


def test_pages_are_those_of_another_program(shared_data: Path, loaded: dict[str, Published]) -> None:
    """PyElli's reader of the same release, every fifteenth page."""
    elli = pytest.importorskip("elli")
    release = next((shared_data / "materials").glob("refractiveindex_info_*.tar.xz"))
    compared, chosen = 0, {catalogue._pages()[name].path: one for name, one in list(loaded.items())[::15]}
    with tarfile.open(release) as archive:
        for member in archive:
            path = member.name.partition("database/data/")[2].replace("//", "/")
            if path not in chosen or chosen[path].remarks:
                continue
            file = archive.extractfile(member)
            assert file is not None
            values = yaml.load(file.read(), yaml.CSafeLoader)
            if any(block["type"] in _ONLY_HERE for block in values["DATA"]):
                continue
            theirs = elli.db.RII.get_dispersion(SimpleNamespace(_open_file=lambda *_, it=values: it), "", "")
            low, high = chosen[path].range_nm
            waves = np.linspace(low, high, 41)[1:-1]
            expected = np.asarray(theirs.get_refractive_index(waves))
            np.testing.assert_allclose(chosen[path](waves), expected, rtol=1e-9, err_msg=path)
            compared += 1
    print(f"{compared} pages compared")
    assert compared > 80


def page(*blocks: dict[str, Any], **more: Any) -> Published:
    return page_of({"DATA": list(blocks), **more}, "mine.yml")


NK = {"type": "tabulated nk", "data": "0.4 1.5 0.1\n0.5 1.6 0.2\n0.6 1.7 0.0\n"}


def test_blocks_are_joined_where_both_hold() -> None:
    formula = {"type": "formula 5", "wavelength_range": "0.3 0.9", "coefficients": "1.4 0.01 -2"}
    joined = page(formula, {"type": "tabulated k", "data": "0.5 0\n0.7 0.2"})
    assert joined.range_nm == (500.0, 700.0)
    assert "from 300 to 900 nm" in joined.remarks[0]
    assert "together from 500 to 700 nm" in joined.remarks[0]
    assert complex(joined(600.0)) == pytest.approx(1.4 + 0.01 / 0.36 + 0.1j)
    with pytest.raises(SettingError, match="known from 500 to 700 nm, but 450"):
        joined(450.0)
    assert not lossless(joined)
    assert lossless(page(formula))


def test_edges_in_um_are_edges_in_nm() -> None:
    # 0.5751 * 1000 is 575.0999999999999 in binary.
    edge = page({"type": "tabulated n", "data": "0.5751 1.5\n0.6 1.6"})
    assert edge.range_nm == (575.1, 600.0)
    assert complex(edge(575.1)) == 1.5


def test_tables_out_of_order_are_sorted_and_it_is_said() -> None:
    sorted_one = page({"type": "tabulated n", "data": "0.4 1.4\n0.6 1.6\n0.5 1.5"})
    assert complex(sorted_one(550.0)) == pytest.approx(1.55)
    assert "do not ascend" in sorted_one.remarks[0]
    assert page({"type": "tabulated n", "data": "0.6 1.6\n0.5 1.5"}).remarks == ()


def test_a_row_given_twice_is_one_and_two_values_are_their_mean() -> None:
    assert page({"type": "tabulated n", "data": "0.4 1.4\n0.5 1.5\n0.5 1.5"}).remarks == ()
    two = page({"type": "tabulated n", "data": "0.4 1.4\n0.5 1.5\n0.5 1.7\n0.6 1.6"})
    assert complex(two(500.0)) == pytest.approx(1.6)
    assert "two values at 1 wavelength; their mean" in two.remarks[0]


def test_what_no_film_can_have_is_left_out_and_it_is_said() -> None:
    short = page(
        {"type": "tabulated nk", "data": "0.3 -2 0\n0.4 1.5 0\n0.5 1.6 -1e-9\n0.6 1.7 -0.1\n0.7 1.8 0"}
    )
    assert short.range_nm == (400.0, 500.0)
    assert complex(short(500.0)) == 1.6
    assert "2 of 5 rows" in short.remarks[0]
    assert "2 rows" in short.remarks[0]


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([{"type": "tabulated k", "data": "0.4 0\n0.5 0"}], "k alone"),
        (
            [{"type": "tabulated n2", "data": "0.4 1e-20\n0.5 1e-20"}],
            "tabulated n2, which is neither n nor k",
        ),
        ([{"type": "formula 10", "wavelength_range": "1 2", "coefficients": "1"}], "known are 1 to 9"),
        (
            [{"type": "formula 1", "wavelength_range": "1 2", "coefficients": ""}],
            "1 to 17 coefficients, got 0",
        ),
        ([{"type": "formula 9", "wavelength_range": "1 2", "coefficients": "1 2 3 4 5 6 7"}], "got 7"),
        ([{"type": "formula 2", "wavelength_range": "1 2", "coefficients": "1 2 3 4"}], "lacks the one"),
        ([{"type": "formula 1", "wavelength_range": "1", "coefficients": "1"}], "two wavelengths in um"),
        ([{"type": "formula 1", "coefficients": "1"}], "two wavelengths in um"),
        ([{"type": "formula 1", "wavelength_range": "1 x", "coefficients": "1"}], "'x' is not a number"),
        ([{"type": "tabulated n", "data": "0.4 nan\n0.5 1"}], "'nan' is not a number"),
        ([{"type": "tabulated n", "data": "0.4 1 2\n0.5 1"}], "each row of a tabulated n has 2 numbers"),
        ([{"type": "tabulated n", "data": "0.4 1"}], "fewer than two wavelengths"),
        ([{"type": "tabulated n"}], "fewer than two wavelengths"),
        ([{"type": "tabulated n", "data": "abc 1\n0.5 1"}], "'abc' is not a"),
        ([{"type": "tabulated n", "data": "nan 1\n0.5 1"}], "'nan' is not a"),
        ([NK, NK], "gives n in 2 ways"),
        ([NK | {"data": "0.4 -1 0\n0.5 -1 0"}], "fewer than two wavelengths"),
        ([{}], "neither n nor k"),
        ([], "k alone|no n"),
        (
            [
                {"type": "formula 5", "wavelength_range": "0.3 0.4", "coefficients": "1.4"},
                {"type": "tabulated k", "data": "0.5 0\n0.7 0.2"},
            ],
            "nowhere both",
        ),
    ],
)
def test_what_is_no_material_is_refused(blocks: list[Any], said: str) -> None:
    with pytest.raises(SettingError, match=said) as error:
        page(*blocks)
    assert one_sentence(error)


def test_a_formula_is_not_evaluated_where_it_gives_no_index() -> None:
    pole = page({"type": "formula 1", "wavelength_range": "0.4 3", "coefficients": "0 1 1"})
    assert complex(pole(2000.0)) == pytest.approx(math.sqrt(1 + 4 / 3))
    with pytest.raises(SettingError, match="gives no index above 0 at 900 nm"):
        pole(900.0)


@pytest.mark.parametrize("text", ["Ta2O5", "ta2o5", "Ta₂O₅", "Ta 2 O 5", "tantalum pentoxide"])
def test_search_knows_a_material_however_it_is_written(text: str) -> None:
    found = search_materials(text)
    assert [one.name.split("/")[1] for one in found[:17]] == ["Ta2O5"] * 17


def test_search_puts_whole_names_first() -> None:
    def first(text: str) -> str:
        return search_materials(text)[0].name

    assert first("Si").startswith("main/Si/")
    assert first("Co").startswith("main/Co/")
    assert first("CO").startswith("main/CO/")
    assert first("N-BK7") == "specs/SCHOTT-optical/N-BK7"
    assert first("nbk7") == "specs/SCHOTT-optical/N-BK7"
    assert first("Ta2O5 franta").startswith("main/Ta2O5/Franta")
    assert first("gold johnson") == "main/Au/Johnson"
    assert first("Rakic Ag").startswith("main/Ag/Rakic")  # Rakić
    assert first("hBN").startswith("main/BN/")
    assert first(TA2O5) == TA2O5
    assert not search_materials("no such thing at all")
    assert not search_materials("BaF2 Bosomworth")[0].refused
    assert search_materials("BaF2 Bosomworth")[-1].refused
    with pytest.raises(SettingError, match="Search for a formula"):
        search_materials(" -- ")


def test_search_is_fast_in_a_new_process_and_opens_no_socket() -> None:
    code = """
import time; start = time.perf_counter()
import socket
def refuse(*_, **__): raise AssertionError("a socket was opened")
socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = refuse
import ellimaps
found = ellimaps.search_materials("Ta2O5")
print(len(found), time.perf_counter() - start)
assert ellimaps.material(found[0].name)(633.0).real > 2
"""
    answers = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(5)
    ]
    print(*answers)
    assert all(int(answer.split()[0]) >= 18 for answer in answers)
    assert min(float(answer.split()[1]) for answer in answers) < 0.3


def test_pages_are_materials_by_name_or_by_file() -> None:
    one = ellimaps.material(TA2O5)
    assert isinstance(one, Published)
    assert ellimaps.material("main/Ta2O5/nk/Bright-amorphous.yml") == one
    assert "J. Appl. Phys 114, 083515 (2013), https://doi.org/10.1063/1.4819325" in one.reference
    assert "<" not in one.reference
    with pytest.raises(SettingError, match="has no page 'Brigth': use one of Bright-amorphous") as error:
        material("main/Ta2O5/Brigth")
    assert one_sentence(error)
    with pytest.raises(SettingError, match="`ellimaps materials search` finds pages"):
        material("../../etc/passwd")
    with pytest.raises(SettingError, match="main/BaF2/Bosomworth-5K gives k alone"):
        material("main/BaF2/Bosomworth-5K")


def test_a_page_is_written_and_read_without_a_change(loaded: dict[str, Published]) -> None:
    for one in list(loaded.values())[::60]:
        again = read_page(page_text(one), one.name)
        assert again == one
        assert (again.sha256, again.reference, again.conditions) == (
            one.sha256,
            one.reference,
            one.conditions,
        )


def film(name: str, folder: Path) -> Path:
    model = ThinFilm(material("Si"), (Layer(material(name), 100.0),))
    for file, content in model_files(model).items():
        (folder / file).write_bytes(content)
    return folder / "model.toml"


@pytest.mark.parametrize("name", [TA2O5, "specs/SCHOTT-optical/N-BK7", "main/ZnS/Amotchkina"])
def test_a_model_keeps_the_page_its_reference_and_its_numbers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain.toml"
    plain.write_text(f'substrate = "Si"\n[[layers]]\nmaterial = "{name}"\nthickness_nm = 100.0\n')
    written = film(name, tmp_path)
    one = material(name)
    assert read_model(plain).layers[0].material == one
    assert one.reference[:40] in written.read_text("utf-8")  # type: ignore[union-attr]
    assert read_model(written) == read_model(plain)

    # In ten years: the page has other numbers, or is no more.
    later = page(NK)
    monkeypatch.setattr("ellimaps.optics.model_file.page_material", lambda _: later)
    assert read_model(written).layers[0].material == one
    beside = next(tmp_path.glob("*.yml"))
    content = beside.read_text("utf-8")
    beside.unlink()
    with pytest.raises(
        SettingError, match="has other numbers in this database than when the model was written"
    ):
        read_model(written)
    monkeypatch.undo()
    assert read_model(written).layers[0].material == one

    lines = content.splitlines()
    lines[-1] = lines[-1].replace("1", "2")
    beside.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(
        SettingError, match=r"does not hold the numbers that .* had when the model was written"
    ):
        read_model(written)


def test_pages_are_the_indices_of_a_crystal(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(
        'substrate = "Si"\n[[layers]]\nthickness_nm = 9.0\n'
        'material = { ordinary = "main/BN/Choi-o", extraordinary = "main/BN/Choi-e" }\n'
    )
    model = read_model(path)
    for file, content in model_files(model).items():
        (tmp_path / file).write_bytes(content)
    assert len(list(tmp_path.glob("*.yml"))) == 2
    assert read_model(path) == model


def test_the_users_own_page_is_read_beside_a_model(tmp_path: Path) -> None:
    values = {"REFERENCES": "my <i>own</i> work", "DATA": [NK], "CONDITIONS": {"temperature": "298 K"}}
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(values), "utf-8")
    (tmp_path / "model.toml").write_text(
        'substrate = "Si"\n[[layers]]\nthickness_nm = 9.0\nmaterial = { file = "mine.yml" }\n'
    )
    model = read_model(tmp_path / "model.toml")
    own = model.layers[0].material
    assert isinstance(own, Published)
    assert complex(own(450.0)) == pytest.approx(1.55 + 0.15j)  # type: ignore[arg-type]
    assert (own.reference, own.conditions) == ("my own work", (("temperature", "298 K"),))
    for file, content in model_files(model).items():
        (tmp_path / file).write_bytes(content)
    assert read_model(tmp_path / "model.toml") == model


@pytest.mark.parametrize(
    "text",
    [
        "DATA: [",
        "DATA: 3",
        "DATA:\n  - 3",
        "DATA: &a [*a]",
        "DATA: " + "[" * 5000 + "]" * 5000,
        "DATA: " + "[" * 500_000,
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nDATA: [*b,*b]",
        "DATA: !!python/object/apply:os.system [ls]",
        "DATA:\n  - type: tabulated n\n    data: |\n        0.4 \x00 1",
        "DATA: 2020-99-99",
    ],
)
def test_a_damaged_page_ends_in_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ReadError, match=r"mine\.yml") as error:
        read_nk(path)
    assert one_sentence(error)


@pytest.mark.parametrize("suffix", [".nk", ".csv"])
@pytest.mark.parametrize("name", [TA2O5, "main/SiO2/Malitson", "main/ZnS/Amotchkina", "Au", "SiO2"])
def test_materials_are_written_as_n_k_files(name: str, suffix: str, tmp_path: Path) -> None:
    one = material(name)
    assert isinstance(one, Material)
    path = tmp_path / f"one{suffix}"
    path.write_text(nk_text(one, suffix), "utf-8")
    again = read_nk(path)
    assert again.range_nm == one.range_nm
    low, high = one.range_nm
    waves = np.geomspace(low, high, 77).clip(low, high)
    np.testing.assert_allclose(again(waves), one(waves), rtol=2e-3)
    with pytest.raises(SettingError, match="ends in"):
        nk_text(one, ".xls")


def _release(folder: Path, order: int) -> Path:
    catalog = [
        {"DIVIDER": "research"},
        {
            "SHELF": "main",
            "name": "MAIN",
            "content": [
                {
                    "BOOK": "TiO2",
                    "name": "TiO<sub>2</sub> (Titania)",
                    "content": [
                        {"PAGE": "One", "name": "One 2001: n,k 0.4–0.6 µm", "data": "main//TiO2/nk/One.yml"},
                        {"PAGE": "Two", "name": "Two 2002: k", "data": "main/TiO2/nk/Two.yml"},
                    ],
                }
            ],
        },
    ]
    files = {
        "catalog-nk.yml": catalog,
        "data/main/TiO2/about.yml": {"NAMES": ["Titanium dioxide"]},
        "data/main/TiO2/nk/One.yml": {"REFERENCES": "One &amp; only", "DATA": [NK]},
        "data/main/TiO2/nk/Two.yml": {"DATA": [{"type": "tabulated k", "data": "1 0\n2 0"}]},
    }
    path = folder / f"release_{order}_2026-01-02.tar"
    with tarfile.open(path, "w") as archive:
        for name, values in list(files.items())[::order]:
            content = yaml.safe_dump(values, allow_unicode=True).encode()
            member = tarfile.TarInfo(f"./database/{name}")
            member.size, member.mtime = len(content), order + 5
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_release_is_packed_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = packed(_release(tmp_path, 1)), packed(_release(tmp_path, -1))
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    members = zipfile.ZipFile(io.BytesIO(first))
    monkeypatch.setattr(catalogue, "_member", lambda name: json.loads(members.read(name)))
    for cached in (catalogue._index, catalogue._pages, catalogue._by_path, catalogue.page_material):
        cached.cache_clear()
    try:
        one, two = search_materials("titanium dioxide")
        assert (one.name, one.book, one.range_nm) == ("main/TiO2/One", "TiO2 (Titania)", (400.0, 600.0))
        assert two.refused == "main/TiO2/Two gives k alone, and no film can be computed without n."
        assert page_material("main/TiO2/One").reference == "One & only"
        assert catalogue.database_version() == "2026-01-02"
    finally:
        for cached in (catalogue._index, catalogue._pages, catalogue._by_path, catalogue.page_material):
            cached.cache_clear()


def test_a_recipe_holds_the_page_as_well() -> None:
    layer = Layer(material("main/Ta2O5/Gao"), 10.0, {"thickness_nm": (0.0, 100.0)})
    fit = FitRecipe(ThinFilm(material("Si"), (layer,)))
    again = fit_of(tomllib.loads(fit_text(fit))["fit"], Path(), "recipe")
    assert again == fit
