"""From a release of the refractiveindex.info database to the one file that comes with ellimaps.

Usage: ``python -m ellimaps.optics.database.packing refractiveindex_info_2026-06-14.tar.xz``. The release is
https://github.com/polyanskiy/refractiveindex.info-database as a tar file with its date in the name. The same
release gives the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ellimaps.core.errors import SettingError
from ellimaps.core.files import write_files
from ellimaps.optics.database.catalogue import ARCHIVE, INDEX, words_of
from ellimaps.optics.database.page import page_of, plain

_ROOT = re.compile(r"^(?:.*?/)?database/")
_ALSO = {("main", "BN"): ("hBN",)}
"""What ellimaps itself calls a material, and the database does not."""
_KEPT = ("REFERENCES", "COMMENTS", "CONDITIONS", "PROPERTIES", "DATA")


def packed(release: Path) -> bytes:
    """Return the archive of a release: a list of its pages, and the pages of a folder together.

    Raises
    ------
    SettingError
        If the file's name has no date.
    """
    dated = re.search(r"\d{4}-\d{2}-\d{2}", release.name)
    if dated is None:
        raise SettingError(
            f"{release.name} does not tell its date: name it like refractiveindex_2026-06-14.tar.xz."
        )
    texts = _texts(release)
    folders: dict[str, dict[str, Any]] = {}
    for path in sorted({path for *_, path in _listed(texts)}):
        folder, _, file = path.rpartition("/")
        folders.setdefault(folder, {})[file] = _trimmed(_yaml(texts[f"data/{path}"]))
    index = {"version": dated[0], "books": _books(texts, folders)}
    members = {INDEX: index} | {f"{folder}.json": pages for folder, pages in folders.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(_entry(name), json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    # The time and the system of the packing would make other bytes.
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type, entry.create_system = zipfile.ZIP_LZMA, 3
    return entry


def _texts(release: Path) -> dict[str, str]:
    """Return the YAML files of a release by their path below ``database``."""
    with tarfile.open(release) as archive:
        files = [member for member in archive if member.isfile() and member.name.endswith(".yml")]
        return {_ROOT.sub("", file.name): _content(archive, file) for file in files}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    assert file is not None
    return file.read().decode("utf-8-sig")


def _yaml(text: str) -> Any:
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # nosec B506


def _listed(texts: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any], str]]:
    """Return shelf, book, page and the page's file of every entry of the catalogue."""
    for shelf in _yaml(texts["catalog-nk.yml"]):
        for book in shelf.get("content", ()):
            for page in book.get("content", ()):
                if "PAGE" in page:
                    yield str(shelf["SHELF"]), book, page, re.sub("/+", "/", page["data"])


def _books(texts: Mapping[str, str], folders: Mapping[str, Mapping[str, Any]]) -> list[list[Any]]:
    """Return shelf, book, title, names, words and pages of each book, as `catalogue` reads them."""
    books: dict[tuple[str, str], list[Any]] = {}
    seen: set[str] = set()
    for shelf, book, page, path in _listed(texts):
        key, title = (shelf, str(book["BOOK"])), plain(book["name"])
        if key not in books:
            outside, _, inside = title.partition(" (")
            names = [key[1], outside, inside, *_ALSO.get(key, ()), *_names(texts, path)]
            books[key] = [*key, title, *_compared([*names], [shelf, *names]), []]
        short, name = str(page["PAGE"]), "/".join((*key, str(page["PAGE"])))
        if name not in seen:
            folder, _, file = path.rpartition("/")
            about = plain(page["name"])
            compared = _compared([short, name, path.removesuffix(".yml")], [short, about])
            row = [short, about, path, *_facts(folders[folder][file], name)]
            books[key][-1].append([*row, compared[0].removeprefix("|"), compared[1].removeprefix(" ")])
        seen.add(name)
    return list(books.values())


def _compared(names: list[str], said: list[str]) -> tuple[str, str]:
    """Return names and words as the search compares them."""
    whole = dict.fromkeys("".join(words_of(name)) for name in names)
    words = dict.fromkeys(words_of(" ".join(said)))
    return f"|{'|'.join(filter(None, whole))}|", f" {' '.join(words)} "


def _names(texts: Mapping[str, str], path: str) -> list[str]:
    """Return what a page's material is called, as told in the folder of its folder."""
    about = _yaml(texts.get(f"data/{path.rsplit('/', 2)[0]}/about.yml", "{}"))
    return [plain(name) for name in about.get("NAMES") or ()]


def _facts(values: Mapping[str, Any], name: str) -> list[Any]:
    try:
        page = page_of(values, name)
    except SettingError as error:
        return [(0.0, 0.0), False, ", ".join(str(block.get("type")) for block in values["DATA"]), str(error)]
    return [page.range_nm, page.k is not None, page.kind, ""]


def _trimmed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page with one blank between numbers; its digits stay as published."""
    kept = {key: values[key] for key in _KEPT if key in values}
    kept["DATA"] = [
        {
            key: "\n".join(" ".join(line.split()) for line in str(text).strip().splitlines())
            for key, text in block.items()
        }
        for block in values["DATA"]
    ]
    return json.loads(json.dumps(kept, default=str))  # type: ignore[no-any-return]


def main(release: str) -> None:
    """Write the archive into the package."""
    content = packed(Path(release))
    folder, _, name = ARCHIVE.rpartition("/")
    write_files(Path(__file__).resolve().parents[1] / folder, {name: content})
    print(f"{name}: {len(content) / 1e6:.2f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
