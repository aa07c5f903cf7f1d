"""The pages of the database that comes with ellimaps: found by name, opened one at a time."""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ellimaps.core.errors import SettingError

if TYPE_CHECKING:
    from ellimaps.optics.database.page import Published

ARCHIVE = "data/refractiveindex.zip"
"""Made by ``python -m ellimaps.optics.database.packing``."""
INDEX = "index.json"
_COPIES = "3d/"
"""The shelf for artists repeats pages of others, and gives names as *iron* to them."""
_SHORT = 3
"""Letters that are looked for inside of words: two, as of Si, are in a tenth of all names."""


@dataclass(frozen=True)
class MaterialPage:
    """A page of the database, and whether it can be used.

    Attributes
    ----------
    name : str
        ``SHELF/BOOK/PAGE``, as `ellimaps.material` takes it.
    book : str
        What the page is about: ``Ta2O5 (Tantalum pentoxide)``.
    title : str
        Who measured it when, and how.
    range_nm : (float, float)
        Shortest and longest wavelength; 0, 0 of a page that cannot be used.
    has_k : bool
        Whether it has an extinction coefficient.
    kind : str
        How n and k are given.
    refused : str
        Why it cannot be used; empty if it can.
    path : str
        Its file in the database.
    known_as, words : str
        Its whole names between bars, its book's first, and all words of them and the title between blanks, as
        the search compares them.
    """

    name: str
    book: str
    title: str
    range_nm: tuple[float, float]
    has_k: bool
    kind: str
    refused: str
    path: str
    known_as: str = field(repr=False)
    words: str = field(repr=False)

    def covers(self, low_nm: float, high_nm: float) -> bool:
        """Whether it is known for all wavelengths between two."""
        return self.range_nm[0] <= low_nm and high_nm <= self.range_nm[1]

    @property
    def short_book(self) -> str:
        """The middle of the name."""
        return self.name.split("/")[1]

    def rank(self, word: str) -> int | None:
        """Return how well a word, as `words_of` makes them, names the page: 0 best; None if not at all."""
        if self.known_as.startswith(f"|{word}|"):
            return 0
        if f"|{word}|" in self.known_as:
            return 1
        if f" {word} " in self.words:
            return 2
        if f" {word}" in self.words:
            return 3
        return 4 if len(word) >= _SHORT and (word in self.words or word in self.known_as) else None


def search_materials(text: str) -> list[MaterialPage]:
    """Return the pages of the refractiveindex.info database that a text names, the likeliest first.

    Parameters
    ----------
    text : str
        A formula, a name, an author, a glass, or several of them: ``Ta2O5``, ``tantalum pentoxide``,
        ``Ta2O5 bright``. Capitals, accents, subscripts, blanks and hyphens do not matter, but Si comes before
        SI.

    Returns
    -------
    list of MaterialPage
        Whole names before parts of names, within that as the database has them; pages that cannot be used
        behind those that can.

    Raises
    ------
    SettingError
        If the text has no letters or digits.

    Notes
    -----
    The copy of the database comes with ellimaps; nothing is fetched.
    """
    words = words_of(text)
    if not words:
        raise SettingError("Search for a formula as Ta2O5, a name as sapphire, or an author.")
    found = []
    for position, page in enumerate(_pages().values()):
        rank = _rank(page, words)
        if rank is not None:
            key = (
                page.name.startswith(_COPIES),
                rank,
                bool(page.refused),
                page.short_book not in text,
                position,
            )
            found.append((key, page))
    return [page for _, page in sorted(found, key=lambda one: one[0])]


def _rank(page: MaterialPage, words: list[str]) -> int | None:
    """Return the rank of all words as one name, as of Ta 2 O 5, or of the worst of them."""
    together = page.rank("".join(words))
    each = [page.rank(word) for word in words]
    known = [rank for rank in each if rank is not None]
    ranks = ([max(known)] if len(known) == len(each) else []) + ([] if together is None else [together])
    return min(ranks, default=None)


def extraordinary_of(page: MaterialPage) -> MaterialPage | None:
    """Return the page of the other index of a crystal; None if this is not that of the ordinary one.

    Both are of one measurement, ``main/BN/Rah-o`` and ``main/BN/Rah-e``.
    """
    other = _pages().get(f"{page.name.removesuffix('-o')}-e") if page.name.endswith("-o") else None
    return other if other is not None and not other.refused else None


def database_version() -> str:
    """Return which state of the refractiveindex.info database this is, as a date."""
    return str(_index()["version"])


def close_names(text: str) -> list[str]:
    """Return the names of books that are spelled nearly as a text that names none."""
    books = {"".join(words_of(page.short_book)): page.short_book for page in reversed(_pages().values())}
    return [books[key] for key in get_close_matches("".join(words_of(text)), list(books), 3)]


@lru_cache(maxsize=256)
def page_material(name: str) -> Published:
    """Return the material of a page.

    Parameters
    ----------
    name : str
        ``SHELF/BOOK/PAGE``, or the page's file in the database.

    Raises
    ------
    SettingError
        If there is no such page, or it cannot be used.
    """
    from ellimaps.optics.database.page import page_of

    pages = _pages()
    page = pages.get(name) or _by_path().get(name.removesuffix(".yml"))
    if page is None:
        raise SettingError(_unknown(name))
    if page.refused:
        raise SettingError(page.refused)
    return page_of(_content(page.path), page.name)


def _unknown(name: str) -> str:
    book = name.rpartition("/")[0]
    beside = [known.rpartition("/")[2] for known in _pages() if known.startswith(f"{book}/")]
    if beside:
        return f"{book} has no page {name.rpartition('/')[2]!r:.80}: use one of {', '.join(beside)}."
    return (
        f"The database of materials has no page {name!r:.80}: `ellimaps materials search` finds pages and "
        "tells their names, as SHELF/BOOK/PAGE."
    )


@cache
def _pages() -> dict[str, MaterialPage]:
    return {page.name: page for page in _listed(_index()["books"])}


@cache
def _by_path() -> dict[str, MaterialPage]:
    # A page of several shelves is that of the first.
    return {page.path.removesuffix(".yml"): page for page in reversed(_pages().values())}


def _listed(books: list[Any]) -> Iterator[MaterialPage]:
    for shelf, book, title, known_as, words, pages in books:
        for page, of_page, path, limits, has_k, kind, refused, own_names, own_words in pages:
            yield MaterialPage(
                f"{shelf}/{book}/{page}",
                title,
                of_page,
                tuple(limits),
                has_k,
                kind,
                refused,
                path,
                f"{known_as}{own_names}",
                f"{words}{own_words}",
            )


@cache
def _index() -> Any:
    return _member(INDEX)


def _content(path: str) -> Any:
    folder, _, file = path.rpartition("/")
    return _member(f"{folder}.json")[file]


def _member(name: str) -> Any:
    archive = resources.files("ellimaps.optics").joinpath(ARCHIVE)
    with archive.open("rb") as file, zipfile.ZipFile(file) as pages:
        return json.loads(pages.read(name))


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters without accents or signs, subscripts as digits."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(letter for letter in apart if not unicodedata.combining(letter)))
