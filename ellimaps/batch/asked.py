"""What a run was asked to do, kept beside its results, so that it can be continued by whoever opens them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ellimaps.batch.lock import STATE
from ellimaps.batch.store import Store
from ellimaps.core.files import json_bytes

_FILE = f"{STATE}/run.json"


@dataclass(frozen=True)
class Asked:
    """A run and whether it came to its end.

    Attributes
    ----------
    root : str
        Folder of the images or maps, absolute.
    pattern : str, optional
        How paths below it were read.
    recipe : str
        Every choice, as `ellimaps.batch.recipes.read_work` reads it; empty where no recipe can say it.
    total : int
        Images or folders found.
    finished : bool
        Whether all of them were dealt with.
    """

    root: str
    pattern: str | None
    recipe: str
    total: int
    finished: bool = False

    def write(self, store: Store) -> None:
        """Keep it beside the results."""
        store.write(_FILE, json_bytes(asdict(self)))


def read_asked(out: Path) -> Asked | None:
    """Return what the last run into a folder was asked; None where that is not known."""
    try:
        found = Asked(**json.loads((out / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (found.root, found.recipe, found.pattern or "")
    return found if isinstance(found.total, int) and all(isinstance(text, str) for text in texts) else None
