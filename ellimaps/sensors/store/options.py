"""What a user says about a log where the log itself does not, or where it is read wrongly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from ellimaps.core.errors import ReadError, SettingError

NONE = "none"
"""As a sensor column: no column tells sensors apart, each file is one sensor."""


class ImportQuestion(ReadError):
    """A log can be read in two ways and does not say in which: the sentence asks, and names the answers.

    Attributes
    ----------
    option : str
        The field of `ImportOptions` that answers.
    choices : tuple of str
        Answers, where they can be listed.
    """

    def __init__(self, sentence: str, option: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(f"{sentence} ({flag(option)}{' ' + ' or '.join(choices) if choices else ''}).")
        self.option = option
        self.choices = choices


@dataclass(frozen=True)
class ImportOptions:
    """Answers; what is not given is found in the log.

    Parameters
    ----------
    time_column : str
        Header of the column of times; a time of day beside a date is found.
    time_format : str
        ``dmy``, ``mdy`` or ``ymd`` (the order of day, month and year), ``epoch_s``, ``epoch_ms``,
        ``epoch_us``, ``epoch_ns``, ``excel``, or a format of `datetime.strptime`.
    zone : str
        Zone of the lab, as ``Europe/Berlin``, ``UTC`` or ``+01:00``: times without an offset are written in
        it, and all are shown in it.
    sensor_columns : tuple of str
        Headers of the columns that tell sensors apart; ``none`` if no column does.
    value_columns : tuple of str
        Headers of the columns of readings.
    unit : str
        Unit of the readings that state none, as ``degC``, ``degF`` or ``K``.
    decimal : str
        ``.`` or ``,``: the decimal sign of numbers as 1,021.
    """

    time_column: str = ""
    time_format: str = ""
    zone: str = ""
    sensor_columns: tuple[str, ...] = ()
    value_columns: tuple[str, ...] = ()
    unit: str = ""
    decimal: str = ""

    def __post_init__(self) -> None:
        if self.decimal not in ("", ".", ","):
            raise SettingError(f"The decimal sign is . or , and not {self.decimal!r:.20}.")
        if self.zone:
            check_zone(self.zone)

    def facts(self) -> dict[str, Any]:
        """Return what was said, ready for JSON; nothing where nothing was."""
        said = {name: value for name, value in asdict(self).items() if value}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}


FROM_THE_LOG = ImportOptions()


def flag(option: str) -> str:
    """Return how the command line calls an option."""
    return "--" + option.removesuffix("s").replace("_", "-")


def check_zone(zone: str) -> None:
    """Refuse what is no zone.

    Raises
    ------
    SettingError
        If it is none.
    """
    if fixed_offset(zone) is not None:
        return
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:
        raise SettingError(f"{zone!r:.60} is no zone: write Europe/Berlin, UTC or +01:00.") from error


def fixed_offset(zone: str) -> int | None:
    """Return the minutes of a zone as ``UTC``, ``+01:00`` or ``UTC-5``; None for one with a name."""
    text = zone.strip().upper().removeprefix("UTC").removeprefix("GMT").replace("Z", "")
    if not text:
        return 0
    sign, digits = text[0], text[1:].replace(":", "")
    if sign not in "+-" or not digits.isdecimal() or len(digits) > 4:
        return None
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    return (hours * 60 + minutes) * (-1 if sign == "-" else 1)
