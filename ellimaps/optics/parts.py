"""Materials made of other materials: the two axes of a crystal, what a mixture is of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.materials import Material


def parts_of(whole: AnyMaterial) -> dict[str, AnyMaterial]:
    """Return the materials that a material is made of, by the names of its fields.

    Parameters
    ----------
    whole : Material or UniaxialMaterial
        Any; most are made of none.

    Returns
    -------
    dict of str to Material
        As ``ordinary`` and ``extraordinary`` of a crystal; those of a field with several are numbered, as
        ``material_1`` and ``material_2`` of a mixture.
    """
    return {name: part for name, _, _, part in _parts(whole)}


def with_part(whole: AnyMaterial, name: str, part: AnyMaterial) -> AnyMaterial:
    """Return a material with another one in place of one of its parts.

    Raises
    ------
    SettingError
        If it cannot be made of that.
    """
    for known, field, number, _ in _parts(whole):
        if known == name:
            changed: Any = part
            if number is not None:
                changed = list(getattr(whole, field))
                changed[number] = part
                changed = tuple(changed)
            # What it is called says what it was made of.
            result: AnyMaterial = replace(whole, **{field: changed, "name": ""})  # type: ignore[type-var]
            return result
    raise KeyError(name)


def _parts(whole: AnyMaterial) -> Iterator[tuple[str, str, int | None, AnyMaterial]]:
    """Go through the parts: name, field, number within the field, and the part."""
    if not is_dataclass(whole):
        return
    for field in fields(whole):
        value = getattr(whole, field.name)
        if isinstance(value, Material | UniaxialMaterial):
            yield field.name, field.name, None, value
        elif isinstance(value, tuple) and value and all(isinstance(one, Material) for one in value):
            for number, one in enumerate(value):
                yield f"{field.name.removesuffix('s')}_{number + 1}", field.name, number, one
