"""Objects as Cellpose or StarDist find them, bit by bit, with weights from a local file alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import MissingExtraError, ReadError, SettingError
from ellimaps.core.extras import optional
from ellimaps.core.provenance import sha256

Network = Literal["cellpose", "stardist"]
_ELSE = {
    "cellpose": "Cellpose says of its own models that they were trained on data under CC BY-NC",
    "stardist": "ask who gave it to you",
}
"""What its README says (Cellpose 4.2), which holds for no others' weights."""


@dataclass(frozen=True)
class Segmenter:
    """A network that finds objects.

    Attributes
    ----------
    network : {"cellpose", "stardist"}
        Whose it is.
    weights : str
        The file of its weights; of StarDist in the folder of its model, beside ``config.json``.
    weights_sha256 : str
        Its SHA-256; of StarDist that of the SHA-256 of all files of the model that matter, in a row.
    license : str
        What is known of the terms under which the weights may be used.
    """

    network: Network
    weights: str
    weights_sha256: str
    license: str

    def find(self, image: NDArray[np.generic]) -> NDArray[np.int32]:
        """Return the objects of an image (y, x) as labels; 0 is background.

        Raises
        ------
        ReadError
            If the weights are gone, or are not those of such a network.
        """
        find = _model(self.network, self.weights, self.weights_sha256)
        # Cellpose writes into what it is given.
        return find(np.array(image)).astype(np.int32)

    def facts(self) -> dict[str, str]:
        """Return what a result depends on, ready for JSON."""
        return {**asdict(self), "weights": Path(self.weights).name}


def segmenter(network: str, weights: str | Path) -> Segmenter:
    """Return a network with weights from a file; nothing is loaded, and nothing ever fetched.

    Parameters
    ----------
    network : {"cellpose", "stardist"}
        Whose it is.
    weights : str or Path
        See `Segmenter`; a folder of StarDist may be given as well.

    Raises
    ------
    SettingError
        If there is no such network.
    ReadError
        If there are no weights.
    MissingExtraError
        If its library is not installed.
    """
    if network not in get_args(Network):
        raise SettingError(f"network must be {' or '.join(get_args(Network))}, not {network!r:.80}.")
    path = _weights(cast(Network, network), Path(weights))
    if find_spec(network) is None:
        raise MissingExtraError(
            f'Networks of {network} need its library: pip install "ellimaps[{network}]", in an environment '
            "of its own if others need other versions."
        )
    return Segmenter(cast(Network, network), str(path), _digest(network, path), _license(path, network))


def _weights(network: Network, path: Path) -> Path:
    what = f"The weights {path} of {network} "
    if network == "stardist":
        path = path / "weights_best.h5" if path.is_dir() else path
        if path.is_file() and not (path.parent / "config.json").is_file():
            raise ReadError(f"{what}have no config.json beside them: give the folder of the model.")
    if not path.is_file():
        raise ReadError(
            f"{what}do not exist: download them once where there is a network, and give the file; nothing is "
            "fetched here."
        )
    return path.resolve()


def _digest(network: str, weights: Path) -> str:
    if network != "stardist":
        return sha256(weights)
    beside = (weights.parent / name for name in ("config.json", "thresholds.json"))
    files = [weights, *(path for path in beside if path.is_file())]
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()


def _license(weights: Path, network: str) -> str:
    """Return the first line of a license beside the weights, or what else is known."""
    names = (f"{weights.name}.license", "LICENSE", "LICENSE.txt", "LICENSE.md")
    for path in (weights.parent / name for name in names):
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(200).strip()
            return f"{path.name}: {text.splitlines()[0] if text else 'empty'}"
    return f"not stated beside the file; {_ELSE[network]}"


@lru_cache(maxsize=1)
def _model(network: Network, weights: str, digest: str) -> Callable[[NDArray[np.generic]], NDArray[Any]]:
    """Load a model once per process; it stays for the images that follow."""
    # Cellpose would fetch its own in place of those that have gone.
    if _digest(network, Path(weights)) != digest:
        raise ReadError(f"The weights {weights} changed meanwhile: run again.")
    load = _cellpose if network == "cellpose" else _stardist
    try:
        # StarDist prints what it loads, and standard output is for results.
        with redirect_stdout(io.StringIO()):
            return load(Path(weights))
    except MissingExtraError:
        raise
    # Whatever the libraries stumble over in foreign bytes, the answer is the same.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ReadError(
            f"{weights} holds no weights of this {network} or is damaged ({reason:.120}): give others."
        ) from error


def _cellpose(weights: Path) -> Callable[[NDArray[np.generic]], NDArray[Any]]:
    models = optional("cellpose.models", "cellpose", "Networks of Cellpose")
    model = models.CellposeModel(gpu=False, pretrained_model=str(weights))
    return lambda image: np.asarray(model.eval(image)[0])


def _stardist(weights: Path) -> Callable[[NDArray[np.generic]], NDArray[Any]]:
    models = optional("stardist.models", "stardist", "Networks of StarDist")
    normalize = optional("csbdeep.utils", "stardist", "Networks of StarDist").normalize
    model = models.StarDist2D(None, name=weights.parent.name, basedir=str(weights.parent.parent))
    model.load_weights(weights.name)
    if model.config.n_channel_in != 1:
        raise ValueError(f"it takes images of {model.config.n_channel_in} channels, not of one")

    def find(image: NDArray[np.generic]) -> NDArray[Any]:
        # As its documentation has it.
        return np.asarray(model.predict_instances(normalize(image, 1, 99.8), show_tile_progress=False)[0])

    return find
