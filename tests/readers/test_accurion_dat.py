"""The texts of a data set: tables and descriptions, written in other ways, damaged and hostile."""

from __future__ import annotations

import re
import tracemalloc
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support.ep4_tools import TAG, check_sentence, edit, info_of, table_of, write_small
from support.reading import message_of, refusal, same_stack, within

from ellimaps.core.errors import EllimapsError
from ellimaps.readers import accurion_dat, list_datasets, open_stack

MICRO = "\u00b5"


# --- the table, written in other ways ---


def test_a_commented_row_is_left_out(folder: Path) -> None:
    edit(table_of(folder), ("\n600.0", "\n#600.0"))
    assert open_stack(folder).wavelengths_nm == [500.0, 700.0]


def test_column_names_in_any_case(folder: Path) -> None:
    edit(
        table_of(folder),
        ("#lambda", "#LAMBDA"),
        ("AOI", "aoi"),
        ("X_pos", "x_POS"),
        ("Delta", "DELTA"),
        ("Psi", "psi"),
    )
    stack = open_stack(folder)
    assert stack.wavelengths_nm == [500.0, 600.0, 700.0]
    assert stack.bands["stage_x_mm"].notna().all()


def test_no_unit_row(folder: Path) -> None:
    clean = open_stack(folder)
    lines = table_of(folder).read_bytes().splitlines(keepends=True)
    table_of(folder).write_bytes(b"".join(lines[:1] + lines[2:]))
    same_stack(open_stack(folder), clean)


def test_only_the_columns_that_are_needed(folder: Path) -> None:
    rows = [f"{w}\t{TAG}_{n:03d}.png\t{TAG}_{n + 1:03d}.png" for w, n in ((500, 1), (600, 3), (700, 5))]
    table_of(folder).write_text("\n".join(["#Lambda\tDelta\tPsi", *rows]))
    stack = open_stack(folder)
    assert stack.angles_deg == [50.0]
    assert stack.bands["time_s"].iloc[0] == 0.185
    assert stack.bands["stage_x_mm"].isna().all()


def test_units_are_converted(folder: Path) -> None:
    table = table_of(folder)
    edit(
        table,
        ("#nm\tnm\tdeg\t-\ts\tmm", f"#{MICRO}m\tnm\trad\t-\tms\t{MICRO}m"),
        ("\t0.000\t0.000", "\t1500\t0.000"),
    )
    edit(
        table, ("\n500.0\tNaN\t50.000", "\n0.5\t2.5\t0.872664626"), ("\n600.0", "\n0.6"), ("\n700.0", "\n0.7")
    )
    edit(table, ("0.6\tNaN\t50.000", "0.6\tNaN\tNaN"), ("0.7\tNaN\t50.000", "0.7\tNaN\t"))
    stack = open_stack(folder)
    assert stack.wavelengths_nm == pytest.approx([500.0, 600.0, 700.0])
    assert stack.angles_deg == [50.0]
    assert stack.bands["stage_x_mm"].iloc[0] == pytest.approx(1.5)
    assert stack.bands["time_s"].iloc[0] == pytest.approx(0.185e-3)
    assert stack.bands["bandwidth_nm"].iloc[0] == 2.5


def test_a_unit_that_is_not_known(folder: Path) -> None:
    edit(table_of(folder), ("\ts\tmm", "\tfortnight\tmm"))
    assert open_stack(folder).bands["stage_x_mm"].notna().all()
    edit(table_of(folder), ("#nm", "#eV"))
    message = message_of(folder)
    assert f"{TAG}.ds.dat" in message
    assert "'ev'" in message


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode("latin-1"),
        lambda text: text.replace("\n", "\r").encode("latin-1"),
        lambda text: text.encode("utf-8"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace("mm", f"{MICRO}m").encode("latin-1"),
        lambda text: text.replace("mm", f"{MICRO}m").encode("utf-8-sig"),
        lambda text: text.replace("mm", "\u03bcm").encode("utf-16"),
        lambda text: ("\n\n" + text.replace("\n", "\t\n\n") + "\n \t\n").encode("ascii"),
        lambda text: re.sub(r"(\d)\.(\d)", r"\1,\2", text).encode("ascii"),
        lambda text: text.replace("\t", " \t ").encode("ascii"),
        lambda text: text.replace(TAG + "_", f"D:\\data\\old\\{TAG}_").encode("ascii"),
        lambda text: text.replace(TAG + "_", f"/mnt/old/{TAG}_").encode("ascii"),
    ],
    ids=[
        "crlf", "cr", "utf8", "utf8 bom", "utf16", "utf16 big endian", "latin1 micro", "utf8 bom micro",
        "utf16 greek mu", "blanks", "decimal comma", "padded cells", "windows paths", "unix paths",
    ],
)  # fmt: skip
def test_other_encodings_and_ways_to_write(folder: Path, encode) -> None:  # type: ignore[no-untyped-def]
    clean = open_stack(folder)
    table = table_of(folder)
    table.write_bytes(encode(table.read_text("ascii")))
    assert list_datasets(folder) == [TAG]
    same_stack(open_stack(folder), clean)


# --- errors, each with the file in it ---


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\n600.0", "\n500.0", "twice"),
        ("\n600.0", "\nNaN", "no wavelength"),
        ("\n600.0", "\n", "no wavelength"),
        ("\n600.0", "\n-600", "no wavelength"),
        ("\n600.0", "\n0", "no wavelength"),
        ("\n600.0", "\ninf", "'inf' instead of a number"),
        ("\n600.0", "\n6e999", "'6e999' instead of a number"),
        ("\n600.0", "\n6_00.0", "'6_00.0' instead of a number"),
        ("\n600.0", "\nred", "'red' instead of a number in column lambda, data row 2"),
        ("\n600.0\tNaN\t50.000", "\n600.0\tNaN\tsteep", "'steep' instead of a number in column AOI"),
        ("\tPsi\n", "\tM\n", "a Delta column but no Psi column"),
        ("\tDelta\t", "\tM\t", "a Psi column but no Delta column"),
        ("bandwidth", "Wavelength", "two columns for Wavelength"),
        (f"\t{TAG}_004.png", "\tNaN", "names no Psi map in data row 2"),
        (f"{TAG}_001.png", "", "names no Delta map in data row 1"),
        (f"{TAG}_004.png", f"{TAG}_002.png", "lists"),
        (f"{TAG}_004.png", "..", "names no Psi map"),
        (f"{TAG}_004.png", "other\\", "other is missing"),
        (f"{TAG}_004.png", "a" * 3000 + ".png", "names no Psi map"),
        (f"{TAG}_004.png", "a\0b.png", "names no Psi map"),
        (f"{TAG}_004.png", "12", "12 is missing"),
        (f"\t{TAG}_004.png", "", "9 cells instead of 10 in data row 2"),
        (f"\t{TAG}_004.png", f"\t{TAG}_004.png\tmore", "11 cells instead of 10"),
        ("#lambda", "lambda", "no header line"),
    ],
)  # fmt: skip
def test_damaged_table(folder: Path, old: str, new: str, says: str) -> None:
    edit(table_of(folder), (old, new))
    message = message_of(folder)
    assert f"{TAG}.ds.dat" in message
    assert says in message


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"just text", b"\0" * 5000, b"\xff\xfe", b"\xff\xfe\0\xd8"]
)
def test_table_that_is_none(folder: Path, content: bytes) -> None:
    table = table_of(folder)
    table.write_bytes(content)
    for path in (folder, table):
        assert message_of(path).startswith(f"{table.name} is not a data set table")


def test_table_that_ends_after_its_header(folder: Path) -> None:
    table = table_of(folder)
    table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[:2]))
    assert message_of(folder).startswith(f"{table.name} lists no maps")


# --- hostile files: an error within a second, memory in proportion to the files ---


@pytest.mark.parametrize("rows", [15_000, 500_000])
def test_a_table_that_lists_very_many_maps(folder: Path, rows: int) -> None:
    table = table_of(folder)
    lines = [f"{n + 1}\ta{n}.png\tb{n}.png" if rows == 15_000 else "1\ta\tb" for n in range(rows)]
    table.write_text("\n".join(["#lambda\tDelta\tPsi", *lines]))
    message = refusal(folder)
    assert message.startswith(
        "a0.png is missing" if rows == 15_000 else f"{table.name} has 500001 lines and 3 columns"
    )


def test_a_table_of_one_endless_line(folder: Path) -> None:
    table = table_of(folder)
    head = b"#Delta\tPsi\n"
    table.write_bytes(b"#" + b"\t" * 4_000_000)
    assert "1 lines and 4000001 columns" in refusal(folder)
    for content in (head + b"x" * 4_000_000, head + b"\t" * 4_000_000):
        table.write_bytes(content)
        assert refusal(folder).startswith(table.name)
    table.write_bytes(head * 500_000)
    assert refusal(folder).startswith(f"{table.name} is larger than 4 MB")


# --- the description ---


def test_without_description(folder: Path) -> None:
    info_of(folder).unlink()
    stack = open_stack(folder)
    assert stack.comment == ""
    assert stack.acquired_at == datetime(2024, 2, 29, 8, 15, 30, 250000)
    assert stack.warnings == ()


def test_start_time_from_the_description_where_the_name_has_none(tmp_path: Path) -> None:
    folder = write_small(tmp_path, tag="film_99999999999999999")
    assert open_stack(folder).acquired_at is None
    edit(info_of(folder), ("<keys>delta_wrapping</keys>", "<keys>measurement_start</keys>"))
    edit(info_of(folder), ("<values>0-360\u00b0</values>", "<values>06.04.2016  14:15:54</values>"))
    assert open_stack(folder).acquired_at == datetime(2016, 4, 6, 14, 15, 54)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<DS_info_out>",
        b"\0" * 100,
        b"\xff\xfe<\0",
        b"<?xml version='1.0'?>" * 2,
        b"<a>" * 340_000,
        b"<a>" * 140_000 + b"</a>" * 140_000,
        b" " * 3_000_000,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)  # fmt: skip
def test_a_damaged_description_is_a_warning(folder: Path, content: bytes) -> None:
    info_of(folder).write_bytes(content)
    with within(1):
        stack = open_stack(folder)
    assert all(warning.startswith(info_of(folder).name) for warning in stack.warnings)
    assert ("is larger than 1 MB" in "".join(stack.warnings)) == (len(content) > 2**20)
    assert stack.comment == ""
    assert stack.n_bands == 6


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_do_not_expand(folder: Path, encoding: str) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "lol">{levels}]>'
    bomb = head + "<DS_info_out><comment>&e9;</comment></DS_info_out>"
    info_of(folder).write_bytes(bomb.encode(encoding))
    tracemalloc.start()
    with within(1):
        stack = open_stack(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6
    assert "declares a document type" in stack.warnings[0]
    assert stack.comment == ""


def test_declared_encodings_of_the_description(folder: Path) -> None:
    text = '<?xml version="1.0" encoding="{}"?><DS_info_out><comment>5 \u00b5m \u00e4</comment></DS_info_out>'
    for encoding in ("utf-8", "latin-1", "utf-16", "utf-8-sig"):
        info_of(folder).write_bytes(text.format(encoding).encode(encoding))
        assert open_stack(folder).comment == "5 \u00b5m \u00e4"


# --- properties of the table ---

CELL = st.one_of(
    st.sampled_from(["", "NaN", "-", "550", "550,5", "1e3", "1e999", "-inf", "0x10", "1_0"]),
    st.sampled_from(["a.png", "b.png", "#", ".."]),
    st.text(max_size=8),
)  # fmt: skip
LABEL = st.one_of(
    st.sampled_from(["lambda", "AOI", "Delta", "PSI", "time", "X_pos", "zone", ""]), st.text(max_size=8)
)


@settings(max_examples=150, deadline=None)
@given(
    header=st.lists(LABEL, min_size=1, max_size=8),
    rows=st.lists(st.lists(CELL, min_size=1, max_size=8), max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    header: list[str],
    rows: list[list[str]],
    encoding: str,
    newline: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ds.dat"
    text = newline.join(["#" + "\t".join(header), *("\t".join(row) for row in rows)])
    path.write_bytes(text.encode(encoding, errors="replace"))
    try:
        table = accurion_dat.table_in(path.read_bytes(), path.name)
    except EllimapsError as error:
        check_sentence(str(error).replace("None", ""))
        return
    assert {"Delta", "Psi"} <= set(table)
    assert all(
        np.isfinite(table[column].dropna()).all() for column in table if column not in ("Delta", "Psi")
    )
    assert all(isinstance(name, str) and name for name in table["Delta"])


@settings(max_examples=60, deadline=None)
@given(
    wavelengths=st.lists(st.integers(2000, 99999), min_size=1, max_size=12, unique=True),
    angle=st.integers(0, 90_000),
    comma=st.booleans(),
    encoding=st.sampled_from(["ascii", "utf-16", "utf-8-sig"]),
    order=st.permutations(["lambda", "AOI", "Delta", "Psi", "M"]),
)
def test_a_table_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    wavelengths: list[int],
    angle: int,
    comma: bool,
    encoding: str,
    order: list[str],
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.ds.dat"
    rows = []
    for number, wavelength in enumerate(wavelengths):
        numbers = {"lambda": f"{wavelength / 10:.1f}", "AOI": f"{angle / 1000:.3f}", "M": "NaN"}
        cells = {label: text.replace(".", ",") if comma else text for label, text in numbers.items()}
        cells |= {"Delta": f"d{number}.png", "Psi": f"p{number}.png"}
        rows.append("\t".join(cells[label] for label in order))
    path.write_bytes("\n".join(["#" + "\t".join(order), *rows]).encode(encoding))
    table = accurion_dat.table_in(path.read_bytes(), path.name)
    assert list(table["wavelength_nm"]) == [wavelength / 10 for wavelength in wavelengths]
    assert set(table["aoi_deg"]) == {angle / 1000}
    assert list(table["Psi"]) == [f"p{number}.png" for number in range(len(wavelengths))]
