"""What the timings share: measured calls, figures of processes of their own, one way to print and save."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ELLIMAPS_SHARED_DATA", ROOT.parent / "shared" / "data"))
REAL = SHARED / "ep4_hBN"

# Not what getrusage says: on Linux that counts the process which started this one.
_TAIL = """
import json, re
from pathlib import Path
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(json.dumps({**figures, "peak_mb": int(peak_kb) / 1024}))
"""

Figures = dict[str, dict[str, Any]]


def timed(call: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """Return the median time of some calls in seconds, and what the last one gave."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[len(seconds) // 2], result


def in_process(
    program: str, *arguments: object, timeout_s: float = 1800, limit_gb: float = 0
) -> dict[str, Any]:
    """Run a program in a process of its own: what it prints as JSON, its peak memory and its time.

    With a limit, the process may not have more address space than that; what it says when it ends early
    stands under ``failed``.
    """
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit_gb * 1e9:.0f},) * 2)\n"
    command = [sys.executable, "-c", (limit if limit_gb else "") + program + _TAIL, *map(str, arguments)]
    start = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {timeout_s:.0f} s"}
    seconds = time.perf_counter() - start
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failed": lines[-1][:160], "process_s": seconds}
    return {**json.loads(done.stdout.splitlines()[-1]), "process_s": seconds}


def sample_folder(name: str, **settings: Any) -> Path:
    """Return a generated measurement; it is made once and kept in the temporary folder."""
    from ellimaps.samples import sample_ep4

    folder = Path(tempfile.gettempdir()) / "ellimaps-benchmarks" / name
    if not (folder / "truth.npz").is_file():
        print(f"generating {folder}", file=sys.stderr)
        sample_ep4(folder, **settings)
    return folder


def report(figures: Figures, json_file: Path | None) -> None:
    """Print figures as one table, and save them as JSON if asked."""
    for group, values in figures.items():
        print(group)
        for name, value in values.items():
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            print(f"  {name:44} {text}")
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def arguments(description: str | None, **flags: str) -> argparse.Namespace:
    """Read the options that all timings have, and further ones that are on or off, with their help."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    for name, text in flags.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    return parser.parse_args()


def sensitivity(module: ModuleType, measure: Callable[[], dict[str, float]]) -> Figures:
    """Return what is measured with each private numeric constant of a module halved, and doubled."""
    found: Figures = {"as it is": measure()}
    numbers = {
        name: value
        for name, value in vars(module).items()
        if name[:1] == "_" and name.isupper() and isinstance(value, int | float)
    }
    for name, value in numbers.items():
        for what, factor in (("half", 0.5), ("double", 2)):
            setattr(module, name, type(value)(value * factor))
            found[f"{name} = {value:g}, {what}"] = measure()
        setattr(module, name, value)
    return found


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    from importlib.metadata import version

    libraries = {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "ellimaps")}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
        **libraries,
    }
