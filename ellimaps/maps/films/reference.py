"""The thickness of a layer as a cluster tells it on which nothing lies above that layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ellimaps.core.errors import SettingError
from ellimaps.core.numbers import number_text, with_error
from ellimaps.maps.films.fit import fit_shots
from ellimaps.maps.films.results import thickness_name
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import THICKNESS
from ellimaps.optics.model import ThinFilm


@dataclass(frozen=True)
class Reference:
    """A thickness taken from a cluster.

    Attributes
    ----------
    cluster : int
        Where it was fitted.
    thickness_nm : float
        Rounded to the second digit of its error, as it stands in the model then.
    standard_error_nm : float
        Of the fit there; how far the model itself is off comes on top.
    mse : float
        MSE in N, C, S of that fit.
    flag : Flag
        What to think of it: ok, or lack of fit, for which the error allows.
    """

    cluster: int
    thickness_nm: float
    standard_error_nm: float
    mse: float
    flag: Flag


def thickness_of_reference(
    segmentation: Segmentation,
    model: ThinFilm,
    layer: int,
    cluster: int,
    *,
    highest_nm: float,
    options: FitOptions | None = None,
) -> Reference:
    """Fit a layer's thickness to a cluster, without the layers above it.

    Parameters
    ----------
    segmentation : Segmentation
        Clusters of Delta and Psi maps.
    model : ThinFilm
        The layers below, the substrate and the angle of incidence are as they stand in it, all held fixed.
    layer : int
        Number of the layer from the ambient.
    cluster : int
        The cluster on which this layer is the topmost.
    highest_nm : float
        The thickness is sought from 0 to this.
    options : FitOptions, optional
        Standard deviations, limits; see there.

    Raises
    ------
    SettingError
        If that fit is poor, ambiguous or at its limit, or cannot be made.
    """
    if model.layers[layer].repeat is not None:
        raise SettingError(f"Layer {layer + 1} is repeated in a period: no cluster has it alone on top.")
    bare = model.arranged(range(layer, len(model.layers)))
    top, *below = (replace(one, free={}) for one in bare.layers)
    start, own = min(top.thickness_nm, highest_nm), {k: v for k, v in top.tied.items() if k != THICKNESS}
    sought = replace(top, thickness_nm=start, free={THICKNESS: (0.0, highest_nm)}, tied=own)
    bare = replace(bare, layers=(sought, *below), free={})
    fit = fit_shots(segmentation, bare, options=options).clusters[cluster]
    if fit.flag not in (Flag.OK, Flag.LACK_OF_FIT):
        raise SettingError(
            f"Cluster {cluster} does not tell the thickness of this layer: without what lies above it, the "
            f"fit is flagged {fit.flag.text}. Choose a cluster where this layer is the topmost, or another "
            "limit."
        )
    name = thickness_name(bare)
    error = fit.standard_errors[name]
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 4
    return Reference(cluster, round(fit.parameters[name], digits), error, fit.mse, fit.flag)


def reference_text(reference: Reference, name: str) -> str:
    """Return where a thickness comes from and how well it is known, as one sentence.

    Parameters
    ----------
    reference : Reference
        The thickness.
    name : str
        What its cluster is called.
    """
    value = with_error(reference.thickness_nm, reference.standard_error_nm)
    verdict = f"an MSE of {number_text(reference.mse, 2)} and the verdict {reference.flag.text}"
    return f"{value} nm as in cluster {name}, where the fit has {verdict}; held fixed."
