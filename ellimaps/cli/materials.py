"""``ellimaps materials``: published refractive indices, found and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ellimaps.cli.options import Json
from ellimaps.cli.output import print_json, print_table
from ellimaps.core.errors import SettingError

if TYPE_CHECKING:
    from ellimaps.optics.database.catalogue import MaterialPage
    from ellimaps.optics.materials import Material

group = typer.Typer(
    help="Find and show published refractive indices (refractiveindex.info, CC0; nothing is fetched).",
    no_args_is_help=True,
)

# Lasers and lamps that ellipsometers have, from the deep ultraviolet to the far infrared, in nm.
_USUAL_NM = (
    193.0, 248.0, 300.0, 365.0, 405.0, 450.0, 500.0, 550.0, 589.3, 632.8, 700.0, 800.0, 1064.0, 1550.0,
    2000.0, 3390.0, 5000.0, 10600.0, 20000.0, 50000.0,
)  # fmt: skip


@group.command("search")
def search(
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT", help="A formula, name, author or glass.", show_default=False),
    ],
    covers: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--covers", help="Only pages known for all of these wavelengths, in nm.", metavar="LOW HIGH"
        ),
    ] = None,
    most: Annotated[int, typer.Option("--most", help="List no more pages than this.", min=1)] = 20,
    as_json: Json = False,
) -> None:
    """Find pages of the database by formula, name, author or glass.

    Example: ellimaps materials search Ta2O5 --covers 400 800
    """
    from ellimaps.optics.database.catalogue import search_materials

    asked = " ".join(text)
    found = search_materials(asked)
    if covers is not None:
        found = [page for page in found if page.covers(min(covers), max(covers))]
    if as_json:
        print_json([_facts(page) for page in found])
        return
    if not found:
        print(_nothing(asked, covers))
        return
    for page in found[:most]:
        print(f"{page.name}\n    {page.book}: {page.title}\n    {_range(page)}")
    if len(found) > most:
        rest = len(found) - most
        print(f"and {rest} more: add a word (author, glass), --covers LOW HIGH or --most {len(found)}")


@group.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="SHELF/BOOK/PAGE", help="A page, or a built-in material.")],
    at: Annotated[list[float] | None, typer.Option("--at", help="Wavelength in nm; may be repeated.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write n and k to this .nk or .csv (in nm), or the page itself to this .yml."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a material: range, n and k, who published it.

    Example: ellimaps materials show main/Ta2O5/Bright-amorphous --at 633 --out Ta2O5.nk
    """
    from ellimaps.optics.library import material
    from ellimaps.optics.materials import Material

    shown = material(name)
    if not isinstance(shown, Material):
        raise SettingError(f"{name} is a crystal with two indices: show {name}-o and {name}-e.")
    facts = _shown(shown, at)
    if out is not None:
        facts["file"] = str(_written(shown, out))
    if as_json:
        print_json(facts)
        return
    indices = facts.pop("indices")
    for key, value in facts.items():
        if value:
            print(f"  {key.removesuffix('_nm'):<10}  {_told(key, value)}")
    print_table(indices, {"wavelength_nm": "g", "n": ".6g", "k": ".4g"})


def _shown(shown: Material, at: list[float] | None) -> dict[str, Any]:
    from ellimaps.optics.database.page import Published

    low, high = shown.range_nm
    waves = at or [wave for wave in _USUAL_NM if low <= wave <= high] or [low, high]
    index = shown(waves)
    rows = [
        {"wavelength_nm": wave, "n": float(one.real), "k": float(one.imag)}
        for wave, one in zip(waves, index, strict=True)
    ]
    facts: dict[str, Any] = {"name": shown.name, "range_nm": [low, high]}
    if isinstance(shown, Published):
        facts |= {"given": shown.kind, "reference": shown.reference, "comments": shown.comments}
        facts |= {"conditions": dict(shown.conditions), "remarks": list(shown.remarks)}
    return facts | {"indices": rows}


def _told(key: str, value: Any) -> str:
    if key == "range_nm":
        return f"{value[0]:.10g} to {value[1]:.10g} nm"
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in value.items())
    return "; ".join(value) if isinstance(value, list) else str(value)


def _written(shown: Material, out: Path) -> Path:
    from ellimaps.core.files import write_files
    from ellimaps.optics.library import nk_text

    return write_files(out.parent, {out.name: nk_text(shown, out.suffix).encode()})[0]


def _facts(page: MaterialPage) -> dict[str, Any]:
    names = ("name", "book", "title", "range_nm", "has_k", "kind", "refused")
    return {name: getattr(page, name) for name in names}


def _range(page: MaterialPage) -> str:
    if page.refused:
        return f"cannot be used: {page.refused}"
    known = "n and k" if page.has_k else "n alone (k = 0)"
    return f"{page.range_nm[0]:.10g} to {page.range_nm[1]:.10g} nm, {known}; {page.kind}"


def _nothing(asked: str, covers: tuple[float, float] | None) -> str:
    from ellimaps.optics.database.catalogue import close_names

    if covers is not None:
        low, high = covers
        return f"No page called {asked} is known from {low:g} to {high:g} nm: try it without --covers."
    near = close_names(asked)
    like = f", or one of {', '.join(near)}" if near else ""
    return (
        f"No page is called {asked}: try a formula (Ta2O5), a name (sapphire), an author, fewer words{like}."
    )
