"""What NXellipsometry asks for and no measurement says: told in a small TOML file, or left out and listed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import read_toml

_TIME = "2026-01-31T12:00:00+01:00"
_MOST_BYTES = 1 << 20
"""Forty short answers have some kilobytes."""


class AskedField(NamedTuple):
    """A field: whether the definition requires it, and the only values it may have where they are few."""

    is_required: bool = False
    allowed: tuple[str, ...] = ()


_REQUIRED = AskedField(is_required=True)
_RECOMMENDED = AskedField()
ASKED: dict[str, AskedField] = {
    "ellipsometry_experiment_type": _REQUIRED,
    "instrument/rotating_element/rotating_element_type": AskedField(
        is_required=True,
        allowed=(
            "polarizer (source side)",
            "analyzer (detector side)",
            "compensator (source side)",
            "compensator (detector side)",
        ),
    ),
    "start_time": _RECOMMENDED,
    "identifier_experiment": _RECOMMENDED,
    "instrument/angle_reference_frame": AskedField(allowed=("beam centered", "sample-normal centered")),
    "instrument/device_information/vendor": _RECOMMENDED,
    "instrument/device_information/model": _RECOMMENDED,
    "instrument/device_information/identifier": _RECOMMENDED,
    "instrument/detector_camera/detector_type": _RECOMMENDED,
    "instrument/source_light/type": _RECOMMENDED,
    "instrument/source_light/name": _RECOMMENDED,
    "sample/sample_id": _RECOMMENDED,
    "sample/physical_form": _RECOMMENDED,
    "sample/chemical_formula": _RECOMMENDED,
    "sample/preparation_date": _RECOMMENDED,
    "sample/substrate": _RECOMMENDED,
    "sample/environment/sample_medium": _RECOMMENDED,
    "user/name": _RECOMMENDED,
    "user/affiliation": _RECOMMENDED,
}
"""By their paths below the entry (NXellipsometry and NXoptical_spectroscopy, NXDL v2026.01).

A measurement tells when it started in the local time of the instrument; NeXus wants the time zone with it.
"""
KNOWN = (
    "title",
    "experiment_description",
    "instrument/ellipsometer_type",
    "instrument/beam_probe/parameter_reliability",
    "instrument/detector_camera/detector_channel_type",
    "sample/name",
)
"""What the measurement tells, and a user may tell otherwise."""


def read_facts(path: Path | None) -> dict[str, str]:
    """Return what a user says, by paths below the entry; nothing where there is no file.

    Raises
    ------
    ReadError
        If it is no TOML.
    SettingError
        If it names another field, or gives one a value that it cannot have.
    """
    facts = {} if path is None else dict(_flat(read_toml(path, "facts", _MOST_BYTES)))
    for field, value in facts.items():
        if field not in ASKED and field not in KNOWN:
            known = ", ".join((*ASKED, *KNOWN))
            raise SettingError(f"{path} names {field!r:.80}, which is none of the fields {known}.")
        allowed = ASKED.get(field, _RECOMMENDED).allowed
        if allowed and value not in allowed:
            raise SettingError(f"{path} gives {field} as {value!r:.80}: write one of {', '.join(allowed)}.")
    if "start_time" in facts and not _has_zone(facts["start_time"]):
        raise SettingError(f"{path} gives a start_time without its time zone: write it as {_TIME}.")
    return facts


def _has_zone(time: str) -> bool:
    try:
        return datetime.fromisoformat(time).tzinfo is not None
    except ValueError:
        return False


def left_empty(facts: Mapping[str, str]) -> list[str]:
    """Return the fields that nobody has told, those that are required first."""
    return sorted(
        (field for field in ASKED if field not in facts), key=lambda one: not ASKED[one].is_required
    )


def _flat(values: Mapping[str, Any], below: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{below}{name}/")
        elif isinstance(value, list):
            raise SettingError(f"{below}{name} is a list: give one value.")
        else:
            found.append((f"{below}{name}", value.isoformat() if hasattr(value, "isoformat") else str(value)))
    return found
