"""A watch that is killed a hundred times while its log grows: what its target was told, and how often.

Run ``python benchmarks/bench_watch.py [--json FILE] [--kills 100]``. The watch gets a SIGKILL 0.2 to 4 s
after each start, while lines are written to the log in two pieces; the suite does the same with 12 kills.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tools import ROOT, machine, report

sys.path.insert(0, str(ROOT / "tests"))

from support.targets import KilledWatch


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--kills", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = KilledWatch(Path(folder), seed=0).run(options.kills)
    report({"machine": machine(), "killed watch": figures}, options.json)


if __name__ == "__main__":
    main()
