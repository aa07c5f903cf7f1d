"""``ellimaps info``: what a measurement holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ellimaps.cli.bundles import setting_options, takes
from ellimaps.cli.options import AcquisitionLog, AcquisitionSensor, Json, PathArgument
from ellimaps.cli.output import print_json, progress_on_stderr
from ellimaps.maps.settings import Opening, names_of

if TYPE_CHECKING:
    from ellimaps.core.progress import Progress
    from ellimaps.core.stack import ImageStack

# More would fill the screen; --json has all.
_MOST_BANDS = 12


@takes(opening=setting_options(*names_of(Opening)))
def command(
    path: PathArgument,
    opening: dict[str, Any],
    sensors: AcquisitionLog = None,
    sensor: AcquisitionSensor = None,
    as_json: Json = False,
) -> None:
    """Say what a measurement holds, and whether the temperature was stable meanwhile.

    Example: ellimaps info data_example/terraces
    """
    from ellimaps.core.stack import stack_facts
    from ellimaps.readers import open_stack

    with progress_on_stderr() as on_progress:
        stack = open_stack(path, **opening, on_progress=on_progress)
        measured = _conditions(stack, sensors, sensor, on_progress) if sensors else {}
    facts = stack_facts(stack)
    if as_json:
        print_json(facts | measured)
        return
    wavelengths = facts["wavelengths_nm"]
    angles = facts["aoi_deg"] if isinstance(facts["aoi_deg"], list) else [facts["aoi_deg"]]
    size = " x ".join(str(side) for side in facts["shape"])
    rows = {
        "name": facts["name"],
        "maps": f"{facts['n_maps']} ({', '.join(facts['quantities'])}) of {size} pixels (y x x)",
        "bands": _bands(stack),
        "wavelengths": f"{len(wavelengths)}, {wavelengths[0]:g}..{wavelengths[-1]:g} nm"
        if wavelengths
        else "-",
        "angle of incidence": (", ".join(f"{angle:g}" for angle in angles) or "-") + " deg",
        "pixel aspect": f"{facts['pixel_aspect']:.4f} (height over width)",
        "acquired": facts["acquired_at"] or "not known",
        "comment": facts["comment"].replace("\n", "\n" + " " * 22) or "-",
        "missing values": f"{facts['missing_fraction']:.2%} "
        f"(worst map {max(facts['missing_fraction_per_map']):.2%})",
    }
    if stack.is_ellipsometric:
        del rows["bands"]
    if measured:
        rows["temperature"] = measured["conditions"]["sentence"]
    for key, value in rows.items():
        print(f"  {key:<18}  {value}")
    for warning in facts["warnings"]:
        print(f"  warning             {warning}")


def _conditions(stack: ImageStack, log: str, sensor: str | None, on_progress: Progress) -> dict[str, Any]:
    from ellimaps.sensors.conditions import conditions_of
    from ellimaps.sensors.store.logs import open_log

    return {"conditions": conditions_of(open_log(log, on_progress), stack, sensor).facts()}


def _bands(stack: ImageStack) -> str:
    from ellimaps.core.stack import band_label

    labels = [band_label(band) for _, band in stack.bands.iterrows()]
    more = f" and {len(labels) - _MOST_BANDS} more" if len(labels) > _MOST_BANDS else ""
    return ", ".join(labels[:_MOST_BANDS]) + more
