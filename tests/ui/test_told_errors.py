"""What pages tell of bad files and paths: nothing of where the server keeps them, no bytes of Python."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from conftest import EXAMPLE, ROOT
from streamlit.testing.v1 import AppTest

from ellimaps.core.errors import ReadError
from ellimaps.ui.shared.data_root import inside_root, told

FIELDS = {
    "maps": "path",
    "experiments": "experiments_typed",
    "classify": "classify_typed",
    "plates": "plates_profiles",
    "sensors": "sensors_typed",
}
PATHS = [
    "../..",
    "/etc/passwd",
    "/proc/self/environ",
    "~/.ssh",
    "gone/ünï 測.csv",
    "nul\0l",
    "a" * 5000,
    "C:\\maps\\ann\\scan",
    "D:/scan",
    "\\\\server\\share\\scan",
    "//server/share",
    "s3://bucket/log.csv",
]


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """A data root full of what cannot be read, in a folder whose name is not ASCII."""
    root = tmp_path_factory.mktemp("secret")
    folder = root / "müll 測"
    folder.mkdir()
    png = next(EXAMPLE.glob("*.png")).read_bytes()
    contents = {
        "empty": b"",
        "text": b"no \xff\x00 data\n",
        "cut": png[: len(png) // 2],
        "html": b"<html>",
        "pickle": b"\x80\x04K\x01.",
        "table": b"a,b\n1\n\xfe,2,3\n",
        "tiff": b"II*\x00\xff\xff\xff\x7f",
    }
    for ending in (".tif", ".png", ".csv", ".parquet", ".ds.dat", ".ellimodel"):
        for name, content in contents.items():
            kind = folder / f"{name} {ending[1:]}"
            kind.mkdir()
            (kind / f"{name}{ending}").write_bytes(content)
    for cut in (40, 3000):
        copied = shutil.copytree(EXAMPLE, folder / f"maps{cut}")
        first, *others = sorted(copied.glob("*.png"))
        first.write_bytes(first.read_bytes()[:cut])
        for file in others[1:]:
            file.unlink()
    results = folder / "results"
    results.mkdir()
    for name in ("images.csv", "experiments.csv", "profiles.parquet", "profiles.json", "experiments.parquet"):
        (results / name).write_bytes(contents["text"])
    return root


@pytest.fixture
def server(bad, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(bad))
    monkeypatch.chdir(tmp_path)
    return bad


def said(page):
    """What the page tells of errors."""
    assert not page.exception
    return [element.value for kind in (page.error, page.warning) for element in kind]


def betrayed(texts, root):
    """The texts that tell a folder of the server or hold bytes as Python writes them."""
    kept = (str(root), tempfile.gettempdir(), str(ROOT), str(Path.home()))
    return [text for text in texts if any(one in text for one in kept) or re.search(r"\bb['\"]", text)]


def settled(page, name):
    """Run until the work in the background has ended."""
    state = f"{name.capitalize()}State"
    while state in page.session_state and (task := page.session_state[state].task) is not None:
        task.job.wait(30)
        page.run(timeout=60)
    return page


@pytest.mark.parametrize("name", FIELDS)
def test_no_error_tells_where_the_server_keeps_its_files(server, name):
    page = AppTest.from_string(f"from ellimaps.ui.pages.{name}.page import render; render()").run(timeout=60)
    there = [str(path.relative_to(server)) for path in sorted(server.rglob("*"))]
    texts = []
    for text in [*PATHS, *there, *(str(server / path) for path in there[:3])]:
        if name != "maps":
            # Streamlit's test driver types nothing into a list; an address does.
            page = AppTest.from_string(f"from ellimaps.ui.pages.{name}.page import render; render()")
            page.query_params[FIELDS[name]] = text
        else:
            page.text_input(key=FIELDS[name]).set_value(text)
        if name == "maps":
            page.button(key="FormSubmitter:open-Open").click()
        texts += said(settled(page.run(timeout=60), name))
    assert len(texts) > 20
    assert betrayed(texts, server) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.zip", b""),
        ("cut.zip", b"PK\x03\x04cut"),
        ("renamed.zip", None),
        ("picture.tif", b"II*\x00\xff\xff\xff\x7f"),
        ("ünï 測.png", b"\x89PNG\r\n\x1a\n"),
        ("table.ds.dat", b"\xff\x00"),
    ],
)
def test_no_error_of_an_upload_does_either(server, name, content):
    page = AppTest.from_string("from ellimaps.ui.pages.maps.page import render; render()").run(timeout=60)
    page.file_uploader[0].set_value([(name, renamed_zip() if content is None else content, "")])
    page.button(key="FormSubmitter:upload-Open the upload").click().run(timeout=60)
    texts = said(page)
    assert texts
    assert betrayed(texts, server) == []


def renamed_zip():
    """A zip whose list of files calls its file otherwise than the file calls itself."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.png", b"picture")
    head, rest = packed.getvalue()[:40], packed.getvalue()[40:]
    return head + rest.replace(b"one.png", b"two.png")


def test_what_nobody_foresaw_is_told_without_its_folder(server):
    upload = f"{tempfile.gettempdir()}/ellimaps-upload-x1"
    page = AppTest.from_string(
        f"""
from ellimaps.ui.shared.widgets import guarded

with guarded():
    raise ValueError("{server}/scan.csv, {server} and b'PK' in {upload}/a.png")
"""
    ).run()
    assert "(ValueError: scan.csv, " in page.error[0].value
    assert "'PK' in a.png" in page.error[0].value
    assert betrayed(said(page), server) == []


@pytest.mark.usefixtures("server")
def test_words_and_paths_of_others_stay():
    text = "web'b' of 3 km/h, s3://bucket/log.csv and /etc/passwd"
    assert told(text) == text


@pytest.mark.parametrize("text", [r"C:\maps\ann\scan", "d:/scan", r'"\\server\share"'])
@pytest.mark.usefixtures("server")
def test_a_path_of_windows_is_led_to_the_upload(text):
    with pytest.raises(ReadError, match=r"Windows computer.*Upload"):
        inside_root(text)


@pytest.mark.parametrize("text", ["C: maps", "run C", "a:b/c"])
def test_names_with_a_colon_are_no_paths_of_windows(server, text):
    (server / text).mkdir(parents=True, exist_ok=True)
    assert inside_root(text) == server / text
