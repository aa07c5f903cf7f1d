"""The files of an embedding and its answers."""

from __future__ import annotations

from pathlib import Path

from ellimaps.core.files import csv_bytes, with_listing, write_files
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.answers import Answers, answers
from ellimaps.plates.statistics.clusters import ClusterMethod, cluster
from ellimaps.plates.statistics.components import Level
from ellimaps.plates.statistics.embedding import Method, embed
from ellimaps.plates.statistics.plate_quality import PlateQuality, plate_quality
from ellimaps.plates.statistics.positional_effect import Correction, corrected, positional_effect

LISTING = "embedding.json"


def write_answers(
    profiles: Profiles,
    out: str | Path,
    *,
    method: Method = "pca",
    seed: int = 0,
    level: Level = "field",
    clusters: ClusterMethod = "agglomerative",
    correct: Correction = "none",
    positive: str | None = None,
    on_progress: Progress = no_progress,
) -> tuple[list[Path], Answers, PlateQuality]:
    """Write the embedding with its clusters, the answers, and what they depend on, into a folder.

    Parameters
    ----------
    profiles : Profiles
        What is known of every field and well.
    out : str or Path
        Folder to write into; made if need be.
    method, seed, level : str, int, str
        See `ellimaps.plates.statistics.embedding.embed`.
    clusters : str
        See `ellimaps.plates.statistics.clusters.cluster`.
    correct : str
        See `ellimaps.plates.statistics.positional_effect.corrected`; ``plate_effect.csv`` says what was
        there before.
    positive : str, optional
        See `ellimaps.plates.statistics.assay_quality.positive_controls`.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Returns
    -------
    (list of Path, Answers, PlateQuality)
        The files written: ``embedding.csv, answers.csv, compounds.csv, dose_response.csv, changes.csv,
        plate_effect.csv, quality.csv, embedding.json``, of several plates ``batch_effect.csv`` as well; and
        what is in them.

    Raises
    ------
    SettingError
        If a setting is unknown, the plate has too few wells or controls, or no well the positive control.
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    on_progress(0, 1, "laying out points")
    effect = positional_effect(profiles)
    quality = plate_quality(profiles, positive)
    profiles = corrected(profiles, correct)
    positions = embed(profiles, method, seed, level)
    positions["cluster"] = cluster(profiles, clusters, seed, level)
    found = answers(profiles, seed, on_progress=on_progress)
    files = {
        "embedding.csv": csv_bytes(positions),
        "answers.csv": csv_bytes(found.treatments),
        "compounds.csv": csv_bytes(found.compounds),
        "dose_response.csv": csv_bytes(found.dose_responses),
        "changes.csv": csv_bytes(found.changes),
        "plate_effect.csv": csv_bytes(effect),
        "quality.csv": csv_bytes(quality.controls),
    }
    if quality.batches is not None:
        files["batch_effect.csv"] = csv_bytes(quality.batches.table)
    facts = {
        "software": software_facts(),
        "settings": {
            **{"method": method, "seed": seed, "level": level},
            **{"clusters": clusters, "correct": correct, "positive": positive},
        },
        "profiles": {key: profiles.facts.get(key) for key in ("name", "layout_sha256", "settings")},
    }
    return write_files(Path(out), with_listing(files, LISTING, facts), listing=LISTING), found, quality
