"""What a reader of our own finds in an output folder: files that belong together, by what they are."""

from __future__ import annotations

import json
from pathlib import Path

from ellimaps.batch.assemble import TABLES
from ellimaps.batch.marks import PROVENANCE
from ellimaps.batch.results import read_results
from ellimaps.core.swap import STAGING, current
from ellimaps.plates.measuring.profiles import read_profiles
from ellimaps.plates.measuring.thumbnails import read_thumbnails

Contents = dict[str, bytes]
Sets = dict[str, Contents]


def content_of(path: Path) -> bytes:
    """Return what a file holds, without the seconds that a run took."""
    content = path.read_bytes()
    if path.name.endswith("_estimate.csv"):
        # Its last column.
        return b"\n".join(line.rpartition(b",")[0] for line in content.splitlines())
    if path.suffix == ".json" and (b'"timings_s"' in content or path.name.endswith("_estimate.json")):
        facts = json.loads(content)
        facts.pop("timings_s", None)
        if path.name.endswith("_estimate.json"):
            facts["files_sha256"] = ""
            for row in facts["table"]:
                row.pop("seconds")
        return json.dumps(facts).encode()
    return content


def files_of(out: Path) -> Contents:
    """Return all files that are not hidden, as a reader finds them."""
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    manifest = out / STAGING / "manifest.json"
    if manifest.is_file():
        facts = json.loads(manifest.read_text())
        names = (names | {*facts["files"]}) - {*facts["stale"]}
    shown = sorted(name for name in names if not name.startswith("."))
    return {name: content_of(current(out, name)) for name in shown}


def one_set(out: Path) -> Sets:
    """Return all files as one set."""
    return {"files": files_of(out)}


def store_sets(out: Path) -> Sets:
    """Return all files of the OME-Zarr in a folder as one set."""
    return {"files": files_of(out / "a.ome.zarr")}


def batch_sets(out: Path) -> Sets:
    """Return the tables, and the pictures that are shown beside them."""
    tables = {name: content for name, content in files_of(out).items() if name in (*TABLES, PROVENANCE)}
    found = {"tables": tables}
    if tables:
        results = read_results(out)
        shown = [results.picture(image) for _, image in results.images.iterrows()]
        found |= {str(path.relative_to(out)): {"": path.read_bytes()} for path in shown if path is not None}
    return found


def plate_sets(out: Path) -> Sets:
    """Return the profiles, and the thumbnails that are shown beside them."""
    files = files_of(out)
    thumbnails = {name: files.pop(name) for name in list(files) if name.startswith("thumbnails")}
    found = {"profiles": files}
    if files and read_thumbnails(out, read_profiles(out, cells=True).fields) is not None:
        found["thumbnails"] = thumbnails
    return found
