"""``ellimaps fit``: from a measurement and a film model to thicknesses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ellimaps.cli.bundles import parsed, setting_options, takes
from ellimaps.cli.options import ClusterLabels, Json, OutFolder, PathArgument
from ellimaps.cli.output import print_files, print_json, print_table, progress_on_stderr
from ellimaps.maps.settings import Preprocessing, Settings, names_of

if TYPE_CHECKING:
    from ellimaps.core.progress import Progress
    from ellimaps.core.spectra import Spectra
    from ellimaps.core.stack import ImageStack
    from ellimaps.maps.films.results import MapFit, ShotFits
    from ellimaps.maps.segmentation import Segmentation
    from ellimaps.optics.fit_options import FitOptions
    from ellimaps.optics.model import ThinFilm

ModelOption = Annotated[
    Path, typer.Option("--model", help="The film model, a TOML file.", show_default=False)
]
KOption = Annotated[
    str | None, typer.Option("-k", help="Fit this many clusters, or auto (default) for the suggested number.")
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="What the columns of a table of spectra are, as 'wavelength_nm aoi_deg Psi Delta'.",
    ),
]
PixelsOption = Annotated[bool, typer.Option("--pixels", help="Fit every pixel.")]
SharedOption = Annotated[
    list[str] | None,
    typer.Option("--shared", help="A free parameter with one value for all clusters; may be repeated."),
]
SigmaPsi = Annotated[
    float | None,
    typer.Option("--sigma-psi", help="Standard deviation of Psi in degrees; by default the map tells it."),
]
SigmaDelta = Annotated[
    float | None,
    typer.Option(
        "--sigma-delta", help="Standard deviation of Delta, at sin 2 Psi = 1; by default the map's."
    ),
]
DeltaNoise = Annotated[
    str, typer.Option("--delta-noise", help="growing (as 1 / sin 2 Psi) or constant noise of Delta.")
]
Minimized = Annotated[
    str, typer.Option("--minimized", help="What chi squared is of: 'psi delta', or ncs for N, C and S.")
]
Weights = Annotated[
    str,
    typer.Option("--weights", help="A cluster's mean weighs by its noise, or by the spread of its pixels."),
]
MirrorDelta = Annotated[
    bool, typer.Option("--mirror-delta", help="Take Delta of spectra as 360° less what the file has.")
]
MaxMse = Annotated[float, typer.Option("--max-mse", help="A fit above this MSE is poor and not trusted.")]
MaxChi2 = Annotated[
    float, typer.Option("--max-chi2", help="Above this reduced chi squared a model lacks fit.")
]
Systematic = Annotated[
    float,
    typer.Option(
        "--systematic", help="What the instrument is right to, degrees of Psi: smaller noise excuses no less."
    ),
]
MinShare = Annotated[
    float, typer.Option("--min-share", help="Leave out wavelengths that less of a cluster measured.")
]
MinDescribed = Annotated[
    float, typer.Option("--min-described", help="Trust no pixel if the model describes less of the map.")
]


@takes(given=setting_options("features", *names_of(Preprocessing), "seed", "dataset"))
def command(
    path: PathArgument,
    model: ModelOption,
    out: OutFolder,
    *,
    k: KOption = None,
    labels: ClusterLabels = None,
    pixels: PixelsOption = False,
    shared: SharedOption = None,
    sigma_psi: SigmaPsi = None,
    sigma_delta: SigmaDelta = None,
    delta_noise: DeltaNoise = "growing",
    minimized: Minimized = "psi delta",
    weights: Weights = "noise",
    max_mse: MaxMse = 15.0,
    max_chi2: MaxChi2 = 3.0,
    systematic: Systematic = 0.07,
    min_share: MinShare = 0.5,
    min_described: MinDescribed = 0.5,
    columns: ColumnsOption = None,
    mirror_delta: MirrorDelta = False,
    given: dict[str, Any],
    as_json: Json = False,
) -> None:
    """Fit a thin-film model to clusters, to every pixel or to spectra and write tables, maps and a figure.

    A text file of Psi and Delta over wavelength is a spectrum, and needs no clusters.

    Example: ellimaps fit demo --model demo/model.toml -k 4 --out results/demo
    """
    from ellimaps.maps.films.files import export_fit
    from ellimaps.maps.films.fit import fit_map, fit_shots
    from ellimaps.maps.films.results import thickness_name
    from ellimaps.maps.pipeline import load
    from ellimaps.optics.fit_options import FitOptions
    from ellimaps.optics.model_file import read_model
    from ellimaps.readers.spectra import may_be_spectra, open_spectra

    _check_choice(k, labels, pixels, shared)
    settings = Settings(**given, k=parsed("k", k or "auto"))
    film = read_model(model)
    limits = FitOptions(
        sigma_psi,
        sigma_delta,
        max_mse=max_mse,
        max_chi2=max_chi2,
        systematic_deg=systematic,
        min_described=min_described,
        min_share=min_share,
        delta_noise=delta_noise,  # type: ignore[arg-type]  # FitOptions refuses other words
        minimized=minimized,  # type: ignore[arg-type]
        weights=weights,  # type: ignore[arg-type]
    )
    if columns or may_be_spectra(path):
        if k is not None or labels is not None or pixels or shared:
            raise typer.BadParameter("Spectra have neither clusters nor pixels.", param_hint="PATH")
        spectra = open_spectra(path, columns=columns)
        _fit_spectra(spectra.mirrored() if mirror_delta else spectra, film, limits, out, as_json)
        return
    if mirror_delta:
        raise typer.BadParameter("Only Delta of spectra can be mirrored.", param_hint="--mirror-delta")
    thickness_name(film)
    with progress_on_stderr() as on_progress:
        stack = load(path, settings, on_progress)
        fit: ShotFits | MapFit
        if pixels:
            fit = fit_map(stack, film, options=limits, on_progress=on_progress)
        else:
            clusters = _segmentation(stack, settings, labels, on_progress)
            fit = fit_shots(clusters, film, shared=shared or (), options=limits)
        files = export_fit(fit, out)
    _tell(fit, [str(file) for file in files], as_json)


def _fit_spectra(spectra: Spectra, film: ThinFilm, limits: FitOptions, out: Path, as_json: bool) -> None:
    from ellimaps.spectra.files import export_spectra_fit, spectrum_facts
    from ellimaps.spectra.fit import fit_spectra

    with progress_on_stderr():
        for warning in spectra.warnings:
            warnings.warn(warning, stacklevel=1)
        fits = fit_spectra(spectra, film, limits)
        files = export_spectra_fit(fits, out)
    facts = [spectrum_facts(fit) for fit in fits.fits]
    if as_json:
        print_json({"spectra": facts, "files": [str(file) for file in files]})
        return
    formats = {"spectrum": "s"}
    for parameter in film.parameters:
        formats |= {parameter.name: ".4f", f"{parameter.name}_se": ".4f"}
    rows = fits.table().assign(spectrum=lambda table: table["spectrum"].astype(str)).to_dict("records")
    print_table(rows, formats | {"mse": ".2f", "chi2": ".3g", "n_wavelengths": "d", "flag": "s"})  # type: ignore[arg-type]
    for fact in facts:
        for remark in fact["remarks"]:
            print(f"spectrum {fact['spectrum']}: {remark}")
    print("files written")
    print_files(files)


def _check_choice(k: str | None, labels: Path | None, pixels: bool, shared: list[str] | None) -> None:
    if (k is not None) + (labels is not None) + pixels > 1:
        raise typer.BadParameter("Give one of -k, --labels and --pixels, not several.", param_hint="-k")
    if pixels and shared:
        raise typer.BadParameter("Pixels are fitted one by one and share nothing.", param_hint="--shared")


def _segmentation(
    stack: ImageStack, settings: Settings, labels: Path | None, on_progress: Progress
) -> Segmentation:
    from ellimaps.maps.labels import labelled_clusters
    from ellimaps.maps.pipeline import found_clusters

    if labels is not None:
        return labelled_clusters(stack, labels, settings)
    return found_clusters(stack, settings, on_progress)[0]


def _tell(fit: ShotFits | MapFit, files: list[str], as_json: bool) -> None:
    from ellimaps.maps.films.results import ShotFits

    if as_json:
        print_json((_shots_facts(fit) if isinstance(fit, ShotFits) else _map_facts(fit)) | {"files": files})
        return
    if isinstance(fit, ShotFits):
        _print_shots(fit)
    else:
        _print_map(fit)
    print("files written")
    print_files(files)


def _shots_facts(fit: ShotFits) -> dict[str, Any]:
    from ellimaps.maps.films.files import cluster_facts
    from ellimaps.maps.films.noise import noise_facts

    clusters = [cluster_facts(cluster) for cluster in fit.clusters]
    return {"clusters": clusters, "shared": list(fit.shared), "noise": noise_facts(fit.noise)}


def _map_facts(fit: MapFit) -> dict[str, Any]:
    from ellimaps.maps.films.noise import noise_facts
    from ellimaps.maps.films.results import thickness_name

    return {
        "median": fit.median(thickness_name(fit.model)),
        "trusted_fraction": fit.trusted_fraction,
        "shares": fit.shares,
        "noise": noise_facts(fit.noise),
        "seconds": fit.seconds,
    }


def _print_shots(fit: ShotFits) -> None:
    from ellimaps.maps.films.results import parameter_names

    formats = {"cluster": "d", "n_pixels": ",d"}
    for name in parameter_names(fit.model):
        formats |= {name: ".4f", f"{name}_se": ".4f", f"{name}_spread": ".4f"}
    formats |= {"mse": ".2f", "chi2": ".3g", "n_wavelengths": "d", "flag": "s"}
    print_table(fit.table().to_dict("records"), formats)  # type: ignore[arg-type]
    print(fit.noise.text)
    for cluster in fit.clusters:
        if cluster.left_out:
            print(f"cluster {cluster.cluster} was fitted without {'; '.join(cluster.left_out)}")
        certainty = fit.certainty(cluster.cluster)
        for remark in certainty.remarks if certainty else ():
            print(f"cluster {cluster.cluster}: {remark}")
    largest = int(fit.segmentation.n_pixels.argmax())
    table = fit.sensitivity(largest)
    if len(table):
        print(f"how far cluster {largest}'s parameters move if something held fixed is off")
        columns = {"fixed": "s", "change": "g", "unit": "s"}
        columns |= dict.fromkeys(parameter_names(fit.model), "+.4f")
        print_table(table.to_dict("records"), columns)  # type: ignore[arg-type]


def _print_map(fit: MapFit) -> None:
    from ellimaps.maps.films.results import thickness_name

    facts = _map_facts(fit)
    print(
        f"{thickness_name(fit.model)}: median {facts['median']:.3f} nm; {facts['trusted_fraction']:.2%} of "
        f"the pixels are trusted; {facts['seconds']:.2f} s"
    )
    print("; ".join(f"{flag} {share:.2%}" for flag, share in fit.shares.items() if share))
    print(fit.noise.text)
