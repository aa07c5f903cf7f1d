"""Run every timing and show all figures as one table; ``results/benchmarks.json`` keeps them.

Run ``python benchmarks/run.py [NAME ...]``, for example ``python benchmarks/run.py speed memory``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools import ROOT

FOLDER = Path(__file__).parent
JSON = ROOT / "results" / "benchmarks.json"


def figures_of(name: str) -> dict[str, Any]:
    """Run one script and return what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        print(f"running {name}", file=sys.stderr)
        command = [sys.executable, str(FOLDER / f"bench_{name}.py"), "--json", str(file)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode or not file.is_file():
            return {"failed": f"exit code {done.returncode}; run benchmarks/bench_{name}.py to see why"}
        measured: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return measured


def rows_of(values: Any, path: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return figures within figures as rows of a name and a value."""
    if isinstance(values, dict):
        return [row for key, value in values.items() for row in rows_of(value, (*path, str(key)))]
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return [row for number, value in enumerate(values) for row in rows_of(value, (*path, str(number)))]
    return [(" / ".join(path), f"{values:.4g}" if isinstance(values, float) else str(values))]


def main() -> None:
    """Run the scripts asked for, or all; print one table and write it as JSON."""
    known = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(known)}")
    names = parser.parse_args().names or known
    figures = {name: figures_of(name) for name in names}
    rows = rows_of(figures)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"written to {JSON.relative_to(ROOT)}", file=sys.stderr)
    if any("failed" in values for values in figures.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
