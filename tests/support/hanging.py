"""Work for tests of the time limit: some images never end; in a module that worker processes can import."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ellimaps.batch.work import Output


class Hanging:
    """Work that notes its process and hangs for some images, deaf to everything but a kill."""

    lead = ()

    def __init__(self, notes, names, time_limit_s=3.0):
        self.notes, self.names, self.time_limit_s = str(notes), names, time_limit_s

    def facts(self):
        return {}

    def recipe(self):
        return ""

    def __call__(self, path):
        name = Path(path).stem
        Path(self.notes, name).write_text(f"{os.getpid()}\n")
        while name in self.names:
            time.sleep(0.01)
        return Output({"table": b"Object\n1\n"}, {"objects": 1}, {}, {"Object": "number"})


class SlowToLoad(Hanging):
    """Work whose process takes longer to load than an image may."""

    def __setstate__(self, state):
        time.sleep(state["time_limit_s"] + 1)
        self.__dict__ |= state
