"""Thin-film models as small readable TOML files; ``docs/file-formats.md`` has the layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from ellimaps.core.errors import EllimapsError, SettingError
from ellimaps.core.small_files import read_toml, toml_value
from ellimaps.optics.absorbing import MAX_NODES, CauchyUrbach, OscillatorSum, SplineIndex
from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.database.catalogue import page_material
from ellimaps.optics.database.page import Published
from ellimaps.optics.effective_medium import EffectiveMedium, Rule
from ellimaps.optics.graded import Graded
from ellimaps.optics.instrument import OFFSETS
from ellimaps.optics.interface import ROUGHNESS, Interface
from ellimaps.optics.layers import Layer
from ellimaps.optics.library import is_built_in, material, read_nk, spec_of
from ellimaps.optics.materials import Cauchy, Constant, LayerMaterial, Material, Sellmeier
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.oscillators import OSCILLATORS
from ellimaps.optics.oscillators.base import Oscillator
from ellimaps.optics.parts import parts_of
from ellimaps.optics.period import Period, runs_of

MAX_MODEL_BYTES = 1024 * 1024
"""A model of `MAX_LAYERS` layers takes some 5 kB."""

_MODEL_KEYS = (
    "ambient", "substrate", "layers", "aoi_deg", "aoi_offset_deg", "delta_offset_deg", "wavelengths_nm",
    "without_nm", "free", "instrument",
)  # fmt: skip
_PERIOD_KEYS = ("repeat", "layers")
_LAYER_KEYS = ("material", "thickness_nm", "free", "tied", "thickness_spread_nm", "coherent", "share")
_INSTRUMENT_KEYS = ("bandwidth_nm", "angular_spread_deg")
_WAYS = (
    ("file",), ("index",), ("cauchy",), ("sellmeier",), ("ordinary", "extraordinary"), ("cauchy", "urbach"),
    ("oscillators",), ("oscillators", "offset"), ("spline",), ("bruggeman", "fractions"),
    ("maxwell_garnett", "fractions"), ("linear", "fractions"), ("interface",), ("graded",),
    ("graded", "slices"),
)  # fmt: skip
_PAGE_KEYS = ("page", "reference", "sha256", "file")
_MATERIAL_KEYS = tuple(dict.fromkeys(key for way in _WAYS for key in way))
_URBACH_KEYS = ("amplitude", "urbach_ev", "edge_ev")


def read_model(path: str | Path) -> ThinFilm:
    """Read a model from a TOML file.

    Parameters
    ----------
    path : str or Path
        The file; the n, k files it names lie beside it.

    Raises
    ------
    ReadError
        If it or an n, k file cannot be read, or it is not TOML.
    SettingError
        If it holds something ellimaps does not know or that makes no model; the message says where.
    """
    path = Path(path)
    values = read_toml(path, "model", MAX_MODEL_BYTES)
    try:
        return model_of(values, path.parent)
    except EllimapsError as error:
        raise type(error)(f"The model {path.name}: {error}") from None


def model_of(values: Mapping[str, Any], folder: Path) -> ThinFilm:
    """Return the model that a file's values describe.

    Parameters
    ----------
    values : mapping
        What the file holds.
    folder : Path
        Where the n, k files it names are.

    Raises
    ------
    SettingError, ReadError
        As for `read_model`.
    """
    _check_keys(values, _MODEL_KEYS, ("substrate",), "the model")
    ambient = _material(values.get("ambient", "air"), folder, "ambient")
    if not isinstance(ambient, Material):
        raise SettingError(f"the ambient must be isotropic, and {ambient.name} is not.")
    rows = values.get("layers", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SettingError("layers must be given as [[layers]] tables.")
    angle, instrument = values.get("aoi_deg"), values.get("instrument", {})
    if not isinstance(instrument, dict):
        raise SettingError(f"instrument must be like {{ bandwidth_nm = 5.0 }}, got {instrument!r:.80}.")
    _check_keys(instrument, _INSTRUMENT_KEYS, (), "instrument")
    return ThinFilm(
        substrate=_material(values["substrate"], folder, "substrate"),
        layers=tuple(_layers(rows, folder)),
        ambient=ambient,
        aoi_deg=None if angle is None else _number(angle, "aoi_deg"),
        aoi_offset_deg=_number(values.get("aoi_offset_deg", 0.0), "aoi_offset_deg"),
        delta_offset_deg=_number(values.get("delta_offset_deg", 0.0), "delta_offset_deg"),
        bandwidth_nm=instrument.get("bandwidth_nm", 0.0),
        angular_spread_deg=_number(instrument.get("angular_spread_deg", 0.0), "angular_spread_deg"),
        wavelengths_nm=values.get("wavelengths_nm"),
        without_nm=_list(values.get("without_nm", []), "without_nm"),
        free=_bounds(values.get("free", {}), "the model"),
    )


def model_text(model: ThinFilm) -> str:
    """Return a model as TOML, which `read_model` reads back."""
    lines = [
        f"ambient = {toml_value(spec_of(model.ambient))}",
        f"substrate = {toml_value(spec_of(model.substrate))}",
    ]
    if model.aoi_deg is not None:
        lines.append(f"aoi_deg = {toml_value(model.aoi_deg)}")
    offsets = {name: getattr(model, name) for name in OFFSETS}
    lines += [f"{name} = {toml_value(value)}" for name, value in offsets.items() if value]
    instrument = {name: value for name in _INSTRUMENT_KEYS if (value := getattr(model, name))}
    if instrument:
        lines.append(f"instrument = {toml_value(instrument)}")
    if model.wavelengths_nm is not None:
        lines.append(f"wavelengths_nm = {toml_value(model.wavelengths_nm)}")
    if model.without_nm:
        left_out = [low if low == high else (low, high) for low, high in model.without_nm]
        lines.append(f"without_nm = {toml_value(left_out)}")
    if model.free:
        lines.append(f"free = {toml_value(model.free)}")
    for times, run in runs_of(model.layers):
        rows = [_row(model.layers[number]) for number in run]
        lines += ["", "[[layers]]"]
        table = rows[0] if model.layers[run[0]].repeat is None else {"repeat": times, "layers": rows}
        lines += [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def model_files(model: ThinFilm) -> dict[str, bytes]:
    """Return a model as files: ``model.toml``, and beside it the n, k files that it names.

    Raises
    ------
    SettingError
        If two tables have one name.
    """
    files = {"model.toml": model_text(model).encode()}
    for one in materials_of(model):
        if isinstance(one, UniaxialMaterial) or one.file is None or is_built_in(one):
            continue
        name, content = one.file
        if files.setdefault(name, content) != content:
            raise SettingError(f"Two n, k tables of the model are called {name}: rename one of them.")
    return files


def materials_of(model: ThinFilm) -> list[AnyMaterial]:
    """Return every material of a model, and beside it all that it is made of."""
    media = (model.ambient, *(layer.material for layer in model.layers), model.substrate)
    return [one for medium in media for one in _with_parts(medium)]


def _with_parts(whole: AnyMaterial) -> Iterator[AnyMaterial]:
    yield whole
    for part in parts_of(whole).values():
        yield from _with_parts(part)


def _row(layer: Layer) -> dict[str, Any]:
    """Return a layer as the table of a model file."""
    row: dict[str, Any] = {
        "material": spec_of(layer.material),
        "thickness_nm": float(layer.thickness_nm),
    }
    if layer.thickness_spread_nm:
        row["thickness_spread_nm"] = float(layer.thickness_spread_nm)
    if not layer.coherent:
        row |= {"coherent": False, "share": float(layer.share)}
    return row | {key: value for key in ("free", "tied") if (value := getattr(layer, key))}


def _layers(rows: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[Layer | Period]:
    """Go through the layers and periods of a file; the layers of all are numbered through."""
    number = 1
    for row in rows:
        if not row.keys() & set(_PERIOD_KEYS):
            yield _layer(row, folder, f"layer {number}")
            number += 1
            continue
        where = f"the period that begins with layer {number}"
        _check_keys(row, _PERIOD_KEYS, _PERIOD_KEYS, where)
        inside, times = row["layers"], row["repeat"]
        if not isinstance(inside, list) or not all(isinstance(one, dict) for one in inside):
            raise SettingError(
                f"layers of {where} must be a list of tables, each with material and thickness_nm."
            )
        yield Period(
            tuple(_layer(one, folder, f"layer {at}") for at, one in enumerate(inside, start=number)), times
        )
        number += len(inside)


def _layer(row: Mapping[str, Any], folder: Path, where: str) -> Layer:
    if row.keys() & set(_PERIOD_KEYS):
        raise SettingError(f"{where} is a period within a period: write out the one inside.")
    _check_keys(row, _LAYER_KEYS, ("material", "thickness_nm"), where)
    film = _material(row["material"], folder, where)
    thickness = _number(row["thickness_nm"], f"thickness_nm of {where}")
    return Layer(
        film,
        thickness,
        _bounds(row.get("free", {}), where),
        thickness_spread_nm=_number(row.get("thickness_spread_nm", 0.0), f"thickness_spread_nm of {where}"),
        coherent=row.get("coherent", True),
        share=_number(row.get("share", 1.0), f"share of {where}"),
        tied=_ties(row.get("tied", {}), where),
    )


def _ties(value: Any, where: str) -> dict[str, int]:
    if not isinstance(value, dict):
        raise SettingError(f"tied of {where} must be like {{ cauchy_a = 1 }}, got {value!r:.80}.")
    return value


def _material(value: Any, folder: Path, where: str) -> AnyMaterial:
    if isinstance(value, str):
        return Interface() if value == ROUGHNESS else material(value)
    if not isinstance(value, dict) or not value:
        raise SettingError(f"{where} needs a material: a name in quotes, or {{ index = 1.46 }} and the like.")
    if "page" in value:
        return _page(value, folder, where)
    _check_keys(value, _MATERIAL_KEYS, (), f"the material of {where}")
    if len(value) == 1 and set(value) <= {"ordinary", "extraordinary", "offset", "urbach", "slices"}:
        (alone,) = value
        needed = {"offset": "oscillators", "urbach": "cauchy", "slices": "graded"}.get(
            alone, "both ordinary and extraordinary"
        )
        raise SettingError(f"the material of {where} needs {needed}.")
    if not any(set(value) == set(way) for way in _WAYS):
        raise SettingError(f"the material of {where} is given in several ways: {', '.join(sorted(value))}.")
    if "ordinary" in value:
        return _uniaxial(value, folder, where)
    if "file" in value:
        return _file(value["file"], folder, where)
    if "fractions" in value:
        return _mixture(value, folder, where)
    if "graded" in value:
        return _graded(value, folder, where)
    if "interface" in value:
        return Interface(_number(value["interface"], f"interface of {where}"))
    return _formula(value, where)


def _uniaxial(value: Mapping[str, Any], folder: Path, where: str) -> UniaxialMaterial:
    ordinary, extraordinary = (_material(value[key], folder, where) for key in ("ordinary", "extraordinary"))
    if not isinstance(ordinary, Material) or not isinstance(extraordinary, Material):
        raise SettingError(f"ordinary and extraordinary of {where} must be isotropic, such as hBN-o, hBN-e.")
    for axis in (ordinary, extraordinary):
        if isinstance(axis, LayerMaterial):
            raise SettingError(f"ordinary and extraordinary of {where} must be media, as {axis.name} is not.")
    return UniaxialMaterial(ordinary, extraordinary)


def _mixture(value: Mapping[str, Any], folder: Path, where: str) -> EffectiveMedium:
    rule = next(key for key in get_args(Rule) if key in value)
    if not isinstance(value[rule], list):
        raise SettingError(f"{rule} of {where} must be a list of materials such as ['SiO2', 'air'].")
    parts = tuple(_material(one, folder, f"{rule} of {where}") for one in value[rule])
    isotropic = tuple(one for one in parts if isinstance(one, Material))
    if len(isotropic) != len(parts):
        raise SettingError(f"{rule} of {where} must be of isotropic materials, such as hBN-o.")
    fractions = _numbers(value["fractions"], 1, 2, f"fractions of {where}")
    return EffectiveMedium(rule, isotropic, fractions)


def _graded(value: Mapping[str, Any], folder: Path, where: str) -> Graded:
    ends = value["graded"]
    if not isinstance(ends, list) or len(ends) != 2:
        raise SettingError(f"graded of {where} must be a list of two materials, the top and the bottom one.")
    top, bottom = (_material(one, folder, f"graded of {where}") for one in ends)
    if not isinstance(top, Material) or not isinstance(bottom, Material):
        raise SettingError(f"graded of {where} must be of isotropic materials, such as hBN-o.")
    return Graded(top, bottom, *([value["slices"]] if "slices" in value else []))


def _file(name: Any, folder: Path, where: str) -> Material:
    return read_nk(_beside(name, folder, where))


def _beside(name: Any, folder: Path, where: str) -> Path:
    # A model that came from elsewhere must not make ellimaps read files all over the disk.
    if not isinstance(name, str) or not name or Path(name).name != name or "\\" in name:
        raise SettingError(f"file of {where} must be the name of a file beside the model, got {name!r:.80}.")
    return folder / name


def _page(value: Mapping[str, Any], folder: Path, where: str) -> Published:
    """Return a page of the database with the numbers it had when the model was written."""
    _check_keys(value, _PAGE_KEYS, ("page", "sha256"), f"the material of {where}")
    page, beside = value["page"], _beside(value["file"], folder, where) if "file" in value else None
    if not isinstance(page, str) or "/" not in page:
        raise SettingError(f'page of {where} must be like "main/Ta2O5/Gao", got {page!r:.80}.')
    if beside is not None and not beside.is_file():
        beside = None
    found = page_material(page) if beside is None else read_nk(beside, page)
    if isinstance(found, Published) and found.sha256 == value["sha256"]:
        return found
    if beside is not None:
        raise SettingError(
            f"{value['file']} of {where} does not hold the numbers that {page} had when the model was "
            "written: take the file of that time, or give yours as { file = ... } alone."
        )
    raise SettingError(
        f"{page} of {where} has other numbers in this database than when the model was written: put the file "
        f"{value.get('file', 'of that time')} beside the model, or give {page!r} alone for those of today."
    )


def _formula(value: Mapping[str, Any], where: str) -> Material:
    way, content = next(iter(value.items()))
    if "oscillators" in value:
        return _oscillators(
            value["oscillators"], _number(value.get("offset", 1.0), f"offset of {where}"), where
        )
    if "urbach" in value:
        return _urbach(value, where)
    where = f"{way} of {where}"
    if way == "spline":
        return _spline(content, where)
    if way == "sellmeier":
        if not isinstance(content, list) or not content:
            raise SettingError(f"{where} must be a list of pairs [strength, resonance in um].")
        terms = [_numbers(term, 2, 2, where) for term in content]
        return Sellmeier(tuple((strength, at) for strength, at in terms))
    if way == "cauchy":
        return Cauchy(*_coefficients(content, where))
    n, k = (*_numbers(content if isinstance(content, list) else [content], 1, 2, where), 0.0)[:2]
    return Constant(n, k)


def _coefficients(content: Any, where: str) -> tuple[float, float, float]:
    a, b, c = (*_numbers(content, 1, 3, where), 0.0, 0.0)[:3]
    return a, b, c


def _oscillators(rows: Any, offset: float, where: str) -> OscillatorSum:
    where = f"oscillators of {where}"
    if not isinstance(rows, list) or not all(isinstance(row, dict) and len(row) == 1 for row in rows):
        raise SettingError(f"{where} must be a list of tables, each of one kind of {', '.join(OSCILLATORS)}.")
    terms = [_oscillator(key, content, where) for row in rows for key, content in row.items()]
    return OscillatorSum(tuple(terms), offset)


def _oscillator(key: str, content: Any, where: str) -> Oscillator:
    if key not in OSCILLATORS:
        raise SettingError(f"{where} has the unknown {key!r:.80}: use {', '.join(OSCILLATORS)}.")
    kind = OSCILLATORS[key]
    names = tuple(field.name for field in fields(kind))
    return kind(**_named_numbers(content, names, f"{key} of {where}"))


def _urbach(value: Mapping[str, Any], where: str) -> CauchyUrbach:
    tail = _named_numbers(value["urbach"], _URBACH_KEYS, f"urbach of {where}")
    index = _coefficients(value["cauchy"], f"cauchy of {where}")
    return CauchyUrbach(index, tail["amplitude"], tail["urbach_ev"], tail["edge_ev"])


def _spline(content: Any, where: str) -> SplineIndex:
    if not isinstance(content, dict):
        raise SettingError(f"{where} must be like {{ energies_ev = [...], k = [...], offset = 1.5 }}.")
    _check_keys(content, ("energies_ev", "k", "offset"), ("energies_ev", "k"), where)
    energies, k = (
        _numbers(content[name], 2, MAX_NODES, f"{name} of {where}") for name in ("energies_ev", "k")
    )
    return SplineIndex(energies, k, _number(content.get("offset", 1.0), f"offset of {where}"))


def _named_numbers(content: Any, names: tuple[str, ...], where: str) -> dict[str, float]:
    if not isinstance(content, dict):
        raise SettingError(f"{where} must be a table of {', '.join(names)}, got {content!r:.80}.")
    _check_keys(content, names, names, where)
    return {name: _number(content[name], f"{name} of {where}") for name in names}


def _check_keys(
    values: Mapping[str, Any], known: tuple[str, ...], needed: tuple[str, ...], where: str
) -> None:
    for key in values:
        if key not in known:
            raise SettingError(f"{where} has the unknown key {key!r:.80}: use {', '.join(known)}.")
    for key in needed:
        if key not in values:
            raise SettingError(f"{where} needs {key}.")


def _bounds(value: Any, where: str) -> dict[str, tuple[float, float]]:
    if not isinstance(value, dict):
        raise SettingError(
            f"free of {where} must be like {{ thickness_nm = [0.0, 400.0] }}, got {value!r:.80}."
        )
    result = {}
    for name, bounds in value.items():
        low, high = _numbers(bounds, 2, 2, f"free {name:.80} of {where}")
        result[name] = (low, high)
    return result


def _list(value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise SettingError(f"{where} must be a list, got {value!r:.80}.")
    return tuple(value)


def _numbers(value: Any, fewest: int, most: int, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not fewest <= len(value) <= most:
        count = f"{most}" if fewest == most else f"{fewest} to {most}"
        raise SettingError(f"{where} must be a list of {count} numbers, got {value!r:.80}.")
    return tuple(_number(item, where) for item in value)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingError(f"{where} must be a number, got {value!r:.80}.")
    return float(value)
