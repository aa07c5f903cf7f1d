"""``ellimaps info``: what a measurement holds."""

from __future__ import annotations

from ellimaps.cli.options import Dataset, Json, PathArgument
from ellimaps.cli.output import print_json, told_on_stderr


def command(path: PathArgument, dataset: Dataset = None, as_json: Json = False) -> None:
    """Say what a measurement holds.

    Example: ellimaps info data_example/terraces
    """
    from ellimaps.readers import open_stack
    from ellimaps.stack import stack_facts

    with told_on_stderr() as on_progress:
        facts = stack_facts(open_stack(path, dataset=dataset, on_progress=on_progress))
    if as_json:
        print_json(facts)
        return
    wavelengths = facts["wavelengths_nm"]
    angles = facts["aoi_deg"] if isinstance(facts["aoi_deg"], list) else [facts["aoi_deg"]]
    size = " x ".join(str(side) for side in facts["shape"])
    rows = {
        "name": facts["name"],
        "maps": f"{facts['n_maps']} ({', '.join(facts['quantities'])}) of {size} pixels (y x x)",
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
    for key, value in rows.items():
        print(f"  {key:<18}  {value}")
    for warning in facts["warnings"]:
        print(f"  warning             {warning}")
