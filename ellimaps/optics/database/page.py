"""A published material: formulae and tables of n and k with their reference, as refractiveindex.info has."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from ellimaps.core.errors import SettingError
from ellimaps.optics.database.formulas import FORMULAS, IN_PAIRS, formula_index
from ellimaps.optics.fresnel import Real
from ellimaps.optics.materials import Material

_ROUNDED_K = 1e-5
"""A k this little below 0 is 0: it is rounded, and 1 um of it would absorb 0.03 % of violet light."""
_DEPTH = 10
"""A page nests lists and tables three deep; a text that goes on and on is none."""


@dataclass(frozen=True)
class Formula:
    """n by one of the nine formulae."""

    number: int
    coefficients: tuple[float, ...]
    range_nm: tuple[float, float]

    @property
    def kind(self) -> str:
        """As refractiveindex.info calls it."""
        return f"formula {self.number}"

    def __call__(self, wavelength_nm: Real) -> Real:
        """Return n at wavelengths in nm."""
        return formula_index(self.number, self.coefficients, wavelength_nm)


@dataclass(frozen=True)
class Column:
    """n or k by a table of (wavelength in nm, value), interpolated linearly."""

    rows: tuple[tuple[float, float], ...]

    @property
    def range_nm(self) -> tuple[float, float]:
        """First and last wavelength."""
        return self.rows[0][0], self.rows[-1][0]

    @property
    def kind(self) -> str:
        """As refractiveindex.info calls it."""
        return "table"

    @cached_property
    def wavelengths_nm(self) -> Real:
        """Those of the rows."""
        return np.array([row[0] for row in self.rows])

    @cached_property
    def _values(self) -> Real:
        return np.array([row[1] for row in self.rows])

    def __call__(self, wavelength_nm: Real) -> Real:
        """Return the values at wavelengths in nm."""
        return np.interp(wavelength_nm, self.wavelengths_nm, self._values)


@dataclass(frozen=True)
class Published(Material):
    """A material as a page of refractiveindex.info, or a file of that form, gives it.

    Attributes
    ----------
    name : str
        ``SHELF/BOOK/PAGE`` in the database, or the name of the file.
    n : Formula or Column
        The refractive index.
    k : Column or None
        The extinction coefficient; None if the page has none, which is then 0.
    reference, comments : str
        Who published it and what they say of the sample, in one line each.
    conditions : tuple of (str, str)
        Temperature, substrate and the like.
    remarks : tuple of str
        What was done to the published numbers, or is left of their range.
    """

    name: str
    n: Formula | Column
    k: Column | None = None
    reference: str = field(default="", compare=False, repr=False)
    comments: str = field(default="", compare=False, repr=False)
    conditions: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    remarks: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def range_nm(self) -> tuple[float, float]:
        """Wavelengths in nm for which n is known, and k if the page has any."""
        ranges = [part.range_nm for part in (self.n, self.k) if part is not None]
        return max(low for low, _ in ranges), min(high for _, high in ranges)

    @property
    def kind(self) -> str:
        """How n and k are given, in words."""
        return f"n: {self.n.kind}" + (f", k: {self.k.kind}" if self.k else "")

    @property
    def telling_nm(self) -> Real:
        """Those of the tables within the range."""
        low, high = self.range_nm
        tables = [part.wavelengths_nm for part in (self.n, self.k) if isinstance(part, Column)]
        if not tables:
            return super().telling_nm
        waves = np.unique(np.concatenate([*tables, self.range_nm]))
        return waves[(low <= waves) & (waves <= high)]

    @property
    def is_page(self) -> bool:
        """Whether the name is that of a page of the database."""
        return "/" in self.name

    @property
    def spec(self) -> Any:
        """As in a model file: the file that holds the numbers, and of a page where they are from."""
        if not self.is_page:
            return {"file": self.name}
        reference = {"reference": self.reference} if self.reference else {}
        return {"page": self.name, **reference, "sha256": self.sha256, "file": self.file[0]}

    @property
    def file(self) -> tuple[str, bytes]:
        """The page, in a file called after it."""
        name = re.sub(r"[^\w.()+-]", "_", self.name) + ".yml" if self.is_page else self.name
        return name, page_text(self).encode()

    @property
    def sha256(self) -> str:
        """Of the numbers alone: the same for whoever writes the same numbers in other words."""
        return sha256("\n".join(_data_lines(self)).encode()).hexdigest()

    def _index(self, wavelength_nm: Real) -> Any:
        n, k = self.n(wavelength_nm), 0.0 if self.k is None else self.k(wavelength_nm)
        impossible = ~(np.isfinite(n) & (n > 0))
        if np.any(impossible):
            at = float(np.asarray(wavelength_nm)[impossible].flat[0])
            raise SettingError(f"{self.name}: the {self.n.kind} gives no index above 0 at {at:g} nm.")
        return n + 1j * k


def page_of(values: Any, name: str) -> Published:
    """Return the material that a page's values describe.

    Parameters
    ----------
    values : mapping
        What the YAML of a page holds: ``DATA``, and what there is of ``REFERENCES``, ``COMMENTS`` and
        ``CONDITIONS``.
    name : str
        What to call it.

    Raises
    ------
    SettingError
        If it has no n, or one that no film can have; the message says which.
    """
    blocks = values.get("DATA") if isinstance(values, Mapping) else None
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        raise SettingError(f"{name} is no page of refractiveindex.info: it has no list DATA of n or n and k.")
    remarks: list[str] = []
    n, k = _parts(blocks, name, remarks)
    conditions = values.get("CONDITIONS")
    found = Published(
        name,
        n,
        k,
        plain(values.get("REFERENCES", "")),
        plain(values.get("COMMENTS", "")),
        tuple((plain(key), plain(value)) for key, value in conditions.items())
        if isinstance(conditions, Mapping)
        else (),
        tuple(remarks),
    )
    return _checked(found)


def read_page(text: str, name: str) -> Published:
    """Return the material of a YAML text in the form of a page; see `page_of`.

    Raises
    ------
    SettingError
        If it is no YAML, nests deeper than a page does, or makes no material.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEPTH or isinstance(event, yaml.AliasEvent):
                raise SettingError(f"{name} is no page of refractiveindex.info: it nests or refers too much.")
        values = yaml.load(text, Loader=loader)  # nosec B506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SettingError(f"{name} is not valid YAML: {reason:.200}.") from error
    return page_of(values, name)


def page_text(material: Published) -> str:
    """Return a material as YAML that `read_page` reads back with the same numbers."""
    said = " ".join([material.comments, *(f"{remark}." for remark in material.remarks)]).strip()
    source = f"# Page {material.name} of refractiveindex.info (CC0 1.0)" if material.is_page else "#"
    lines = [f"{source}; wavelengths in um."]
    for key, text in (("REFERENCES", material.reference), ("COMMENTS", said)):
        lines += [f"{key}: |", f"    {text}"] if text else []
    if material.conditions:
        lines += [
            "CONDITIONS:",
            *(f"    {_quoted(key)}: {_quoted(value)}" for key, value in material.conditions),
        ]
    return "\n".join([*lines, *_data_lines(material), ""])


def plain(text: Any) -> str:
    """Return a text without its HTML, in one line; of links to a DOI the address is kept."""
    text = re.sub(r"\[\s*<a [^>]*>[^<]*script[^<]*</a>\s*\]", "", str(text))
    text = re.sub(
        r'<a [^>]*href="(https?://(?:dx\.)?doi\.org/[^"]*)"[^>]*>(.*?)</a>', r"\2, \1 ", text, flags=re.S
    )
    text = re.sub(r"<sup>(.*?)</sup>", r"^\1", text, flags=re.S)
    text = html.unescape(re.sub(r"</?[A-Za-z][^>]*>", lambda tag: " " if "br" in tag[0] else "", text))
    return " ".join(text.split())


def _parts(
    blocks: Sequence[Mapping[str, Any]], name: str, remarks: list[str]
) -> tuple[Formula | Column, Column | None]:
    found: dict[str, list[Formula | Column]] = {"n": [], "k": []}
    for block in blocks:
        form, _, which = str(block.get("type", "")).partition(" ")
        if form == "formula":
            found["n"].append(_formula(block, which, name))
        elif form == "tabulated" and which in ("n", "k", "nk"):
            for column, part in zip(which, _columns(block, which, name, remarks), strict=True):
                found[column].append(part)
        else:
            raise SettingError(f"{name} gives {form} {which}".rstrip() + ", which is neither n nor k.")
    if not found["n"]:
        raise SettingError(f"{name} gives k alone, and no film can be computed without n.")
    for column, parts in found.items():
        if len(parts) > 1:
            raise SettingError(f"{name} gives {column} in {len(parts)} ways, and does not say which holds.")
    k = found["k"][0] if found["k"] else None
    assert not isinstance(k, Formula)
    return found["n"][0], k


def _formula(block: Mapping[str, Any], which: str, name: str) -> Formula:
    number = int(which) if which.isdecimal() and which.isascii() else 0
    if number not in FORMULAS:
        raise SettingError(f"{name} uses formula {which:.20}: known are 1 to {len(FORMULAS)}.")
    coefficients = tuple(map(float, _numbers(block.get("coefficients"), name)))
    limits = [_nm(value) for value in _numbers(block.get("wavelength_range"), name)]
    most = FORMULAS[number][1]
    if not 1 <= len(coefficients) <= most:
        raise SettingError(f"{name}: formula {number} has 1 to {most} coefficients, got {len(coefficients)}.")
    if number in IN_PAIRS and len(coefficients) % 2 == 0:
        raise SettingError(f"{name}: the last coefficient of formula {number} lacks the one it belongs to.")
    if len(limits) != 2:
        raise SettingError(f"{name}: a formula needs wavelength_range with two wavelengths in um.")
    return Formula(number, coefficients, (min(limits), max(limits)))


def _columns(block: Mapping[str, Any], which: str, name: str, remarks: list[str]) -> list[Column]:
    lines = [line.split() for line in str(block.get("data", "")).splitlines() if line.strip()]
    if any(len(line) != 1 + len(which) for line in lines):
        raise SettingError(f"{name}: each row of a tabulated {which} has {1 + len(which)} numbers.")
    numbers = [_numbers(" ".join(line), name) for line in lines]
    rows = [(_nm(line[0]), *map(float, line[1:])) for line in numbers]
    table = (
        _possible(_ascending(np.array(rows), which, remarks), which, remarks)
        if len(rows) > 1
        else np.empty((0, 2))
    )
    if len(table) < 2:
        raise SettingError(f"{name} knows {which} at fewer than two wavelengths that films can have.")
    waves = table[:, 0].tolist()
    return [Column(tuple(zip(waves, column.tolist(), strict=True))) for column in table[:, 1:].T]


def _ascending(table: Real, which: str, remarks: list[str]) -> Real:
    """Return rows with ascending wavelengths, one for each."""
    if np.any(np.diff(table[:, 0]) < 0) and np.any(np.diff(table[:, 0]) > 0):
        remarks.append(f"The published rows of {which} do not ascend and were sorted")
    table = table[np.argsort(table[:, 0], kind="stable")]
    waves, start, count = np.unique(table[:, 0], return_index=True, return_counts=True)
    means = np.add.reduceat(table, start, axis=0) / count[:, None]
    differ = np.any(np.abs(table - np.repeat(means, count, axis=0)) > 1e-12, axis=1)
    if np.any(differ):
        twice = len(np.unique(table[differ, 0]))
        remarks.append(
            f"{which} has two values at {twice} wavelength{'s' * (twice > 1)}; their mean was taken"
        )
    means[:, 0] = waves
    once = count == 1
    means[once] = table[start[once]]
    return means


def _possible(table: Real, which: str, remarks: list[str]) -> Real:
    """Return the longest run of rows with n above 0 and k of 0 or more."""
    good = table[:, 0] > 0
    if "n" in which:
        good &= table[:, 1] > 0
    if "k" in which:
        k = table[:, -1]
        k[(k < 0) & (k >= -_ROUNDED_K)] = 0.0
        good &= k >= 0
    if np.all(good):
        return table
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int))).reshape(-1, 2)
    first, behind = max(edges.tolist(), key=lambda run: run[1] - run[0], default=(0, 0))
    remarks.append(
        f"{np.sum(~good)} of {len(table)} rows of {which} have an n of 0 or less or a k below 0; kept is the "
        f"longest run without them, {behind - first} rows"
    )
    return table[first:behind]


def _checked(found: Published) -> Published:
    low, high = found.range_nm
    if not 0 < low < high:
        n, k = found.n.range_nm, (found.k or found.n).range_nm
        raise SettingError(
            f"{found.name} gives n from {n[0]:g} to {n[1]:g} nm, and k from {k[0]:g} to {k[1]:g} nm: nowhere "
            "both."
        )
    if found.k is None or found.n.range_nm == found.k.range_nm:
        return found
    (n_low, n_high), (k_low, k_high) = found.n.range_nm, found.k.range_nm
    remark = (
        f"n is given from {n_low:g} to {n_high:g} nm and k from {k_low:g} to {k_high:g} nm: together from "
        f"{low:g} to {high:g} nm"
    )
    return replace(found, remarks=(*found.remarks, remark))


def _numbers(text: Any, name: str) -> list[str]:
    """Return the numbers of a text, still as it writes them."""
    words = str(text if text is not None else "").split()
    for word in words:
        try:
            finite = np.isfinite(float(word))
        except ValueError:
            finite = False
        if not finite:
            raise SettingError(f"{name}: {word!r:.40} is not a number.")
    return words


def _nm(um: str) -> float:
    """Return the nm of a text of um: 0.5751 is 575.1, and not the 575.0999... of binary numbers."""
    return float(Decimal(um) * 1000)


def _um(nm: float) -> str:
    return str(Decimal(repr(nm)) / 1000)


def _data_lines(material: Published) -> list[str]:
    lines = ["DATA:"]
    n, k = material.n, material.k
    if isinstance(n, Formula):
        lines += [
            f"  - type: {n.kind}",
            f"    wavelength_range: {_um(n.range_nm[0])} {_um(n.range_nm[1])}",
            f"    coefficients: {' '.join(map(repr, n.coefficients))}",
        ]
    elif k is not None and np.array_equal(n.wavelengths_nm, k.wavelengths_nm):
        both = [(*row, other) for row, (_, other) in zip(n.rows, k.rows, strict=True)]
        return [*lines, *_table_lines("nk", both)]
    else:
        lines += _table_lines("n", n.rows)
    return lines + (_table_lines("k", k.rows) if k is not None else [])


def _table_lines(which: str, rows: Sequence[tuple[float, ...]]) -> list[str]:
    texts = [f"        {_um(row[0])} {' '.join(map(repr, row[1:]))}" for row in rows]
    return [f"  - type: tabulated {which}", "    data: |", *texts]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
