"""Work for tests of the batch runner; in a module that worker processes can import."""

from __future__ import annotations

import os
from pathlib import Path

from ellimaps.batch.work import Output


class Killing:
    """Work that kills its process for some images, the first times it sees them."""

    lead = ()
    time_limit_s = 60.0

    def __init__(self, notes, times):
        self.notes, self.times = notes, times

    def facts(self):
        return {}

    def __call__(self, path):
        seen = Path(self.notes) / Path(path).name
        tries = len(seen.read_text()) if seen.exists() else 0
        seen.write_text("x" * (tries + 1))
        if tries < self.times.get(Path(path).name, 0):
            os._exit(9)
        return Output({}, {"objects": 0}, {}, {})
