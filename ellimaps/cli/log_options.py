"""Options that say how a sensor log is to be read, where it does not say so itself."""

from __future__ import annotations

from inspect import Parameter
from typing import Annotated, Any

import typer

from ellimaps.cli.bundles import Bundle, optional_options

_ASKED = optional_options(
    time_column=Annotated[
        str | None, typer.Option("--time-column", help="Column of the times, by its header.", metavar="NAME")
    ],
    time_format=Annotated[
        str | None,
        typer.Option(
            "--time-format",
            help="How times are written: dmy, mdy, ymd, epoch_s, epoch_ms, excel, or as %d/%m/%Y %H:%M.",
            metavar="FORMAT",
        ),
    ],
    zone=Annotated[
        str | None,
        typer.Option("--zone", help="Zone of the lab and its log, as Europe/Berlin, UTC or +01:00."),
    ],
    sensor_columns=Annotated[
        list[str] | None,
        typer.Option(
            "--sensor-column",
            help="Column that tells sensors apart; may be repeated. none: no column does.",
            metavar="NAME",
        ),
    ],
    value_columns=Annotated[
        list[str] | None,
        typer.Option("--value-column", help="Column of readings; may be repeated.", metavar="NAME"),
    ],
    unit=Annotated[
        str | None,
        typer.Option("--unit", help="Unit of readings that state none, as degC or degF."),
    ],
    decimal=Annotated[
        str | None, typer.Option("--decimal", help="Decimal sign of numbers as 1,021.", metavar=". or ,")
    ],
)


def _said(_: typer.Context, given: dict[str, Any]) -> dict[str, Any]:
    """Return what was said, as `ImportOptions` takes it."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value
    }


def _grouped(option: Parameter) -> Parameter:
    """Return an option under a heading of its own, so that the help of a command stays readable."""
    typed = option.annotation
    typed.__metadata__[0].rich_help_panel = "How the log is written"
    return option


SAID = Bundle([_grouped(option) for option in _ASKED.options], _said)
