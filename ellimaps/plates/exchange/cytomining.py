"""Profiles for pycytominer and copairs: Parquet with the names that their feature inference knows.

Metadata begin with ``Metadata_``, features with the part of the cell they are of and the kind of
measurement, as CellProfiler has it: ``Nuclei_AreaShape_Area``, ``Cytoplasm_Intensity_MeanIntensity_DNA``.
A name says what was measured, not that CellProfiler would measure the same: intensities are those of the
files, not from 0 to 1, and a median over cells has no ending, a range between quartiles ``_IQR``. What is
measured of all pixels of a field, or of those above the background, is ``Cells_Field_...`` and
``Cells_Tissue_...``: `infer_cp_features` leaves out ``Image_...``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ellimaps.core.errors import SettingError
from ellimaps.core.files import with_listing, write_files
from ellimaps.core.provenance import software_facts
from ellimaps.objects.column_names import renamed
from ellimaps.plates.measuring.profiles import Profiles, parquet_bytes
from ellimaps.plates.statistics.assay_quality import channels_of
from ellimaps.plates.statistics.treatments import control_wells, positive_wells

COMPARTMENTS = ("Cells", "Nuclei", "Cytoplasm")
"""What pycytominer takes for features where it is not told others."""
LISTING = "cytomining.json"
METADATA_NAMES = {
    "plate": "Metadata_Plate",
    "well": "Metadata_Well",
    "row": "Metadata_Row",
    "column": "Metadata_Column",
    "field": "Metadata_Site",
    "n_fields": "Metadata_Site_Count",
    "compound": "Metadata_Compound",
    "concentration": "Metadata_Concentration",
    "concentration_unit": "Metadata_Concentration_Unit",
    "files": "Metadata_Files",
}
CONTROL_TYPE = "Metadata_control_type"
"""``negcon``, ``poscon`` or ``trt``, as the JUMP consortium's tables have it."""

_OF_OBJECTS = re.compile(r"cell_(.+)_(?:median|iqr)")
_OF_FIELDS = {"cell_count": "Cells_Number_Count", "field_": "Cells_Field_", "tissue_": "Cells_Tissue_"}
_OF_CELLS = {
    "around_": "Cytoplasm_Intensity_MeanIntensity_",
    "granularity_": "Cells_Granularity_Fine_",
    "radial_": "Cells_RadialDistribution_MeanFrac_",
    "correlation_": "Cells_Correlation_Correlation_",
}


def cytomining_table(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return a table of fields or wells as the cytomining chain reads it.

    Parameters
    ----------
    table : DataFrame
        ``Profiles.fields`` or ``Profiles.wells``.
    names : dict of str to str
        Of the features; see `cytomining_names`.
    """
    metadata = {old: new for old, new in METADATA_NAMES.items() if old in table}
    found = table[[*metadata, *names]].rename(columns=metadata | names)
    kinds = np.select([control_wells(table), positive_wells(table)], ["negcon", "poscon"], "trt")
    found.insert(len(metadata), CONTROL_TYPE, kinds)
    return found


def cytomining_names(features: Sequence[str], *, objects: str = "Nuclei") -> dict[str, str]:
    """Return the name of every feature in the cytomining chain, each another one.

    Parameters
    ----------
    features : sequence of str
        As `Profiles.features`; what begins with one of :data:`COMPARTMENTS` stays as it is.
    objects : str
        What was found on the pictures: ``Nuclei``, or ``Cells`` in merged ones.

    Raises
    ------
    SettingError
        If channels are called so that two features would have the same name.
    """
    measures = {feature: match[1] for feature in features if (match := _OF_OBJECTS.fullmatch(feature))}
    channels = channels_of(features)
    theirs = renamed(pd.DataFrame(columns=list(measures.values())), channels, "cellprofiler").columns
    known = dict(zip(measures, map(str, theirs), strict=True))
    names = {feature: _name(feature, known.get(feature, ""), objects) for feature in features}
    name, count = Counter(names.values()).most_common(1)[0] if names else ("", 0)
    if count > 1:
        first, second = [feature for feature, one in names.items() if one == name][:2]
        raise SettingError(f"{first} and {second} would both be called {name}: rename a channel.")
    return names


def write_cytomining(profiles: Profiles, out: str | Path) -> list[Path]:
    """Write ``cytomining_wells.parquet`` and ``cytomining_fields.parquet`` into a folder.

    ``cytomining.json`` beside them holds the name every feature had.

    Raises
    ------
    SettingError
        If two features would have the same name.
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    merged = list(profiles.facts.get("channels", [])) == ["merged"]
    names = cytomining_names(profiles.features, objects="Cells" if merged else "Nuclei")
    files = {
        f"cytomining_{level}.parquet": parquet_bytes(cytomining_table(table, names))
        for level, table in (("wells", profiles.wells), ("fields", profiles.fields))
    }
    facts = {"software": software_facts(), "name": profiles.facts.get("name"), "names": names}
    return write_files(Path(out), with_listing(files, LISTING, facts), listing=LISTING)


def _name(feature: str, measure: str, objects: str) -> str:
    """Return the name of a feature, given that of what it summarizes over objects, if it does."""
    if feature.startswith(tuple(f"{part}_" for part in COMPARTMENTS)):
        return feature
    ending = "_IQR" if feature.endswith("_iqr") else ""
    for own, name in _OF_CELLS.items():
        if measure.startswith(own):
            return name + measure.removeprefix(own) + ending
    if measure:
        return f"{objects}_{measure}{ending}"
    for own, name in _OF_FIELDS.items():
        if feature.startswith(own):
            return name + feature.removeprefix(own)
    return f"Cells_{feature}"
