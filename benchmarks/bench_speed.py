"""How fast and how right the way from a folder to files is, side by side with others, at three sizes.

Run ``python benchmarks/bench_speed.py [--json FILE]`` after ``pip install -e '.[bench]'``. The sizes are the
real hBN folder (where it is at hand), 520 x 696 x 44 maps and 1040 x 1392 x 100 maps (generated, 580 MB).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import peers
from tools import REAL, ROOT, Figures, arguments, in_process, machine, report, sample_folder, timed

from ellimaps.core.files import csv_bytes, write_files
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.estimation import estimate_k
from ellimaps.maps.clustering.features import FeatureSpace, feature_matrix
from ellimaps.maps.clustering.kmeans import KMeans
from ellimaps.maps.pipeline import cluster, estimate_of, load
from ellimaps.maps.segmentation import segment
from ellimaps.maps.settings import Settings
from ellimaps.maps.tables import clustershot_table, coordinates_file, full_table

STARTS = {5: 10, 10: 10, 20: 10}
# Ten starts of 20 clusters take a quarter of an hour there.
STARTS_LARGE = {5: 10, 10: 3, 20: 3}
HYPERSPY_LIMIT_GB = 12.0
HYPERSPY_TIMEOUT_S = 180.0

WHOLE_RUN = """
import sys, time
start = time.perf_counter()
import ellimaps.cli, ellimaps.maps.export
from ellimaps.maps.pipeline import run
from ellimaps.maps.settings import Settings
from ellimaps.readers.accurion_png import read_facts
imports = time.perf_counter() - start
k = None if sys.argv[2] == "auto" else int(sys.argv[2])
result = run(sys.argv[1], sys.argv[3], Settings(k=k))
stack = result.segmentation.stack
size = stack.values.nbytes
figures = {"stack_mb": size / 1e6, "k": result.segmentation.k, "imports_s": imports}
figures |= {f"{step}_s": seconds for step, seconds in result.seconds.items()}
figures["processor_s"] = time.process_time()
"""


def without_figure(folder: Path, out: Path) -> dict[str, float]:
    """Go from a folder to the tables, as the older tool did, and return the seconds of the whole."""
    settings = Settings()
    stack = load(folder, settings)
    estimate = estimate_of(stack, settings)
    found = cluster(stack, Settings(k=estimate.suggested_k))
    tables = {
        "clustershot.csv": csv_bytes(clustershot_table(found)),
        "full.csv": csv_bytes(full_table(found)),
    }
    write_files(out, {**tables, "coordinates.csv": coordinates_file(found)})
    return {}


def whole_way(folder: Path) -> dict[str, Any]:
    """Compare the way from folder to files with the older method."""
    with tempfile.TemporaryDirectory() as out:
        ours, _ = timed(lambda: without_figure(folder, Path(out)), 3)
        older = peers.older_method(folder, Path(out) / "older")
    steps = {f"older_{name}": value for name, value in older.items()}
    return {"ellimaps_s": ours, **steps, "older_over_ellimaps": older["total_s"] / ours}


def estimates(stack: ImageStack) -> dict[str, Any]:
    """Compare the sweep over k = 2..10 with scikit-learn's best of ten and a sampled silhouette."""
    points = feature_matrix(stack)[0]
    ours, estimate = timed(lambda: estimate_k(stack), 3)
    theirs, labels = timed(lambda: peers.sklearn_estimate(points))
    inertia = np.array([peers.inertia_of(points, one) for one in labels])
    excess = estimate.table["inertia"].to_numpy() / inertia - 1
    return {
        "ellimaps_s": ours,
        "sklearn_best_of_10_s": theirs,
        "sklearn_over_ellimaps": theirs / ours,
        "largest_excess_inertia_percent": float(100 * excess.max()),
        "suggested_k": estimate.suggested_k,
    }


def hyperspy(stack: ImageStack) -> dict[str, Any]:
    """Run HyperSpy's estimate and clusters in processes of bounded memory and time."""
    points = feature_matrix(stack)[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.npy"
        np.save(file, points.reshape(*stack.shape, -1))
        limits = {"limit_gb": HYPERSPY_LIMIT_GB, "timeout_s": HYPERSPY_TIMEOUT_S}
        found = {
            "estimate_silhouette": in_process(peers.HYPERSPY_ESTIMATE, file, "silhouette", **limits),
            "estimate_elbow": in_process(peers.HYPERSPY_ESTIMATE, file, "elbow", **limits),
            "clusters_k5": in_process(peers.HYPERSPY_CLUSTERS, file, **limits),
        }
    return {f"{what}_{name}": value for what, values in found.items() for name, value in values.items()}


def segmentations(stack: ImageStack, starts: dict[int, int]) -> dict[str, Any]:
    """Compare segmentation at given k, with inertia as excess over the best seen.

    ``starts`` holds for each k how many starts the slower of scikit-learn's fits gets.
    """
    points = feature_matrix(stack)[0]
    figures: dict[str, Any] = {}
    for k, many in starts.items():
        found: dict[str, tuple[float, float]] = {}
        seconds, own = timed(lambda k=k: KMeans(FeatureSpace(stack)).fit(k), 3)
        found["ellimaps"] = seconds, own.inertia
        for name, n_init in (("sklearn_1", 1), (f"sklearn_{many}", many)):
            seconds, model = timed(lambda k=k, n=n_init: peers.sklearn_fit(points, k, n))
            found[name] = seconds, peers.inertia_of(points, model.labels_)
        seconds, model = timed(lambda k=k: peers.intelex_fit(points, k, 1))
        found["intelex_1"] = seconds, peers.inertia_of(points, model.labels_)
        seconds, labels = timed(lambda k=k: peers.faiss_labels(points, k, 1))
        found["faiss_1"] = seconds, peers.inertia_of(points, labels)
        best = min(inertia for _, inertia in found.values())
        for name, (seconds, inertia) in found.items():
            figures[f"k{k}_{name}_s"] = seconds
            figures[f"k{k}_{name}_excess_percent"] = 100 * (inertia / best - 1)
        figures[f"k{k}_ellimaps_over_sklearn_1"] = found["ellimaps"][0] / found["sklearn_1"][0]
    return figures


def growth(stack: ImageStack) -> dict[str, Any]:
    """Fit the exponents with which time grows with pixels, bands and k."""
    height, width = stack.shape
    parts = [stack.values[:, : height // n, :width] for n in (8, 4, 2, 1)]
    by_pixels = [_seconds(_part(stack, values, stack.n_bands)) for values in parts]
    bands = [stack.n_bands // n // 2 * 2 for n in (8, 4, 2, 1)]
    by_bands = [_seconds(_part(stack, stack.values[:n], n)) for n in bands]
    ks = (4, 8, 16, 30)
    by_k = [timed(lambda k=k: segment(stack, k))[0] for k in ks]
    pixels = [values[0].size for values in parts]
    figures = {}
    for number, what in enumerate(("estimate", "segment")):
        figures[f"{what}_exponent_pixels"] = _exponent(pixels, [row[number] for row in by_pixels])
        figures[f"{what}_exponent_bands"] = _exponent(bands, [row[number] for row in by_bands])
    return {**figures, "segment_exponent_k": _exponent(list(ks), by_k)}


def _part(stack: ImageStack, values: np.ndarray, n_bands: int) -> ImageStack:
    return ImageStack(values, stack.bands.iloc[:n_bands], stack.name)


def _seconds(stack: ImageStack) -> tuple[float, float]:
    return timed(lambda: estimate_k(stack))[0], timed(lambda: segment(stack, 5))[0]


def _exponent(sizes: list[int], seconds: list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def floor(folder: Path) -> dict[str, Any]:
    """Return what cannot be done without: reading the bytes once, and one product per Lloyd pass."""
    from ellimaps.core.parallel import single_threaded

    read, _ = timed(lambda: [path.read_bytes() for path in sorted(folder.glob("*.png"))])
    stack = load(folder, Settings())
    space = FeatureSpace(stack)
    kmeans = KMeans(space)
    centers = kmeans.centers(5)
    one_pass, _ = timed(lambda: kmeans.assess([centers]), 3)
    block = np.ascontiguousarray(space.block(space.parts()[0]))
    rows = centers.astype(np.float32)
    with single_threaded():
        product, _ = timed(lambda: rows @ block, 50)
    features, _ = timed(lambda: space.block(space.parts()[0]), 20)
    n_blocks = len(space.parts())
    return {
        "reading_the_bytes_s": read,
        "one_lloyd_pass_s": one_pass,
        "its_products_alone_one_thread_s": product * n_blocks,
        "its_features_alone_one_thread_s": features * n_blocks,
    }


def start_up(folder: Path) -> dict[str, Any]:
    """Time the command line's start, and list what it should not import."""
    figures: dict[str, Any] = {}
    for name, command in (("help", ["--help"]), ("info", ["info", str(folder)])):
        call = [sys.executable, "-c", "from ellimaps.cli import main; main()", *command]
        figures[f"{name}_s"], _ = timed(
            lambda call=call: subprocess.run(call, capture_output=True, check=True), 5
        )
        check = (
            "import sys, contextlib\nfrom ellimaps.cli import main\n"
            f"sys.argv = ['ellimaps', *{command!r}]\n"
            "with contextlib.suppress(SystemExit):\n    main()\n"
            "print(*[m for m in ('sklearn', 'matplotlib', 'streamlit') if m in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
        figures[f"{name}_heavy_imports"] = done.stderr.strip() or "none"
    return figures


def parts(folder: Path) -> dict[str, Any]:
    """Return the parts of `ellimaps segment -k auto`, the median of five processes."""
    with tempfile.TemporaryDirectory() as out:
        found = [in_process(WHOLE_RUN, folder, "auto", out) for _ in range(5)]
    return {name: sorted(one[name] for one in found)[2] for name in found[0]}


def large(folder: Path) -> dict[str, Any]:
    """Run the whole way on the large maps, in processes of their own."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as out:
        for k in ("auto", "5"):
            found = in_process(WHOLE_RUN, folder, k, out)
            figures |= {f"k_{k}_{name}": value for name, value in found.items()}
            figures[f"k_{k}_peak_over_stack"] = found["peak_mb"] * 1.048576 / found["stack_mb"]
    return figures


def measured(figures: Figures, group: str, values: dict[str, Any]) -> None:
    """Note figures and say so, for some take minutes."""
    figures[group] = values
    print(f"{group}: {values}", file=sys.stderr)


def main() -> None:
    """Measure, print, and write JSON if asked."""
    options = arguments(__doc__)
    warnings.simplefilter("ignore")
    middle = sample_folder("middle", size=(520, 696), bands=22, kinds=5, seed=3)
    big = sample_folder("large", size=(1040, 1392), bands=50, kinds=5, seed=3)
    figures: Figures = {"machine": machine()}
    small = REAL if REAL.is_dir() else ROOT / "data_example" / "terraces"
    name = "real folder" if small == REAL else "example (the real folder is not at hand)"
    measured(figures, "start-up", start_up(small))
    measured(figures, f"{name}: ellimaps segment -k auto, whole process", parts(small))
    measured(figures, "1040 x 1392 x 100, whole process", large(big))
    measured(figures, f"{name}: folder to files without figure", whole_way(small))
    stack = load(small, Settings())
    measured(figures, f"{name}: estimate k = 2..10", estimates(stack))
    measured(figures, f"{name}: HyperSpy", hyperspy(stack))
    measured(figures, f"{name}: segment", segmentations(stack, STARTS))
    stack = load(middle, Settings())
    measured(figures, "520 x 696 x 44: estimate k = 2..10", estimates(stack))
    measured(figures, "520 x 696 x 44: segment", segmentations(stack, STARTS))
    measured(figures, "520 x 696 x 44: growth of time", growth(stack))
    measured(figures, "1040 x 1392 x 100: floor", floor(big))
    measured(figures, "1040 x 1392 x 100: segment", segmentations(load(big, Settings()), STARTS_LARGE))
    report(figures, options.json)


if __name__ == "__main__":
    main()
