"""The command line: thin commands over the pipeline.

Exit codes: 0 done, 1 a failure (such as a full disk), 2 bad input or options. Work on many images ends with 1
if some of them failed, and with 3 if it was aborted (a full disk, a folder in use).
"""

from __future__ import annotations

import gc
import io
import sys
from typing import Annotated

import typer

from ellimaps.cli import (
    app,
    batch,
    cells,
    estimate,
    export,
    fit,
    info,
    materials,
    plates,
    sample,
    segment,
    sensors,
    serve,
)
from ellimaps.core.errors import AbortedError, EllimapsError, ExportError
from ellimaps.core.spreadsheets import VARIABLE, CsvFor, choose_csv

cli = typer.Typer(
    name="ellimaps",
    help="Find the regions of ellipsometric maps and fluorescence stacks and read one spectrum per region.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command("info")(info.command)
cli.command("estimate")(estimate.command)
cli.command("segment")(segment.command)
cli.command("fit")(fit.command)
cli.command("export")(export.command)
cli.add_typer(materials.group, name="materials")
cli.add_typer(cells.group, name="cells")
cli.command("batch")(batch.command)
cli.add_typer(plates.group, name="plates")
cli.add_typer(sensors.group, name="sensors")
cli.add_typer(sample.group, name="sample")
cli.command("app")(app.command)
cli.command("serve")(serve.command)


@cli.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and leave.", is_eager=True),
    csv: Annotated[
        CsvFor | None,
        typer.Option(
            "--csv",
            envvar=VARIABLE,
            help="Who opens CSV tables. For spreadsheets (the default), texts and headings that begin with "
            "= + - @ get an apostrophe before them; for programs they stay as they are.",
        ),
    ] = None,
) -> None:
    if csv is not None:
        choose_csv(csv)
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"ellimaps {version_of('ellimaps')}")
        raise typer.Exit


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Imports make many objects and no garbage: looking for it after every 700 takes a tenth of `segment`.
    gc.set_threshold(50_000)
    for stream in (sys.stdout, sys.stderr):
        # A file name may be no Unicode; written so, JSON is still JSON.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli()
    except AbortedError as error:
        _leave(str(error), 3)
    except ExportError as error:
        _leave(str(error), 1)
    except EllimapsError as error:
        _leave(str(error), 2)
    except KeyboardInterrupt:
        _leave("stopped.", 130)


def _leave(message: str, code: int) -> None:
    print(f"ellimaps: {message}", file=sys.stderr)
    sys.exit(code)
