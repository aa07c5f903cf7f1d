"""``ellimaps estimate``: how many clusters a measurement holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ellimaps.cli.bundles import setting_options, takes
from ellimaps.cli.options import Json, PathArgument, WorkingSet
from ellimaps.cli.output import print_files, print_json, print_table, progress_on_stderr
from ellimaps.maps.settings import Corrections, Opening, Preprocessing, Settings, names_of

if TYPE_CHECKING:
    from ellimaps.maps.clustering.estimation import ClusterEstimate
    from ellimaps.maps.clustering.suggestion import Suggestion

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for the table, the chart and the facts.")
]


@takes(
    given=setting_options(
        *("k_min", "k_max", "features"),
        *names_of(Preprocessing),
        "seed",
        *names_of(Opening, Corrections),
    )
)
def command(
    path: PathArgument,
    given: dict[str, Any],
    working_set_gb: WorkingSet = None,
    out: OutOption = None,
    as_json: Json = False,
) -> None:
    """Estimate how many clusters a measurement holds.

    Example: ellimaps estimate data_example/terraces --k-max 8
    """
    from ellimaps.maps.pipeline import estimate_of, load

    settings = Settings(**given)
    with progress_on_stderr() as on_progress:
        stack = load(path, settings, on_progress, working_set_gb=working_set_gb)
        estimate = estimate_of(stack, settings, on_progress)
    files: list[Path] = []
    if out is not None:
        from ellimaps.maps.export import export_estimate

        files = export_estimate(estimate, stack, out)
    if as_json:
        from ellimaps.maps.export import estimate_facts

        print_json(estimate_facts(estimate) | {"files": [str(file) for file in files]})
        return
    print_estimate(estimate)
    print_files(files)


def print_estimate(estimate: ClusterEstimate) -> None:
    """Print the table, the elbow, the highest silhouette, and the suggestion."""
    print_table(
        estimate.table.to_dict("records"),  # type: ignore[arg-type]
        {
            "k": ".0f",
            "inertia": ".6g",
            "silhouette": ".4f",
            "silhouette_se": ".4f",
            "calinski_harabasz": ".6g",
            "seconds": ".3f",
        },
    )
    print(f"elbow k: {estimate.elbow_k}, silhouette k: {estimate.silhouette_k}")
    print_suggestion(estimate)


def print_suggestion(suggestion: Suggestion) -> None:
    """Print the suggested number of clusters, why, what else can be defended, and the remarks."""
    k = suggestion.suggested_k
    print(f"suggested k: {k if suggestion.kinds > 1 else f'none, {k} is a try'}")
    for sentence in (suggestion.reason, suggestion.alternative_reason, *suggestion.remarks):
        if sentence:
            print(f"  {sentence}")
