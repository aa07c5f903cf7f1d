"""A small autoencoder that learns a plate's own pictures; its code is a profile (extra ``deep``).

A convolutional encoder shrinks a picture eight times and describes every spot in a few numbers; a decoder
learns to draw the picture again from them (Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647). The
profile of a field is the mean and the spread of these numbers over its spots, wherever cells lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.files import write_files
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import software_facts
from ellimaps.deep.libraries import seeded_torch, torch_library
from ellimaps.deep.network_file import pack, unpack
from ellimaps.deep.penultimate import Images, Limits, as_channels, scaled_square
from ellimaps.plates.measuring.deep_features import names_for_channels, plate_limits

_KIND = "autoencoder of a plate"
# Small enough to learn without a graphics card: 288 fields take 30 s of processor time (docs/deep.md).
_WIDTHS = (16, 32, 64)
"""Channels after each step of the encoder, doubled where the picture is halved."""
_SHRINK = 2 ** len(_WIDTHS)
_BATCH = 32
_PATCHES_PER_FIELD = 4
_FEWEST_PATCHES = 16 * _BATCH
"""A round has 16 steps at least; a plate of ten fields would take two."""


@dataclass(frozen=True)
class AutoencoderSettings:
    """Every choice the autoencoder depends on.

    Attributes
    ----------
    code : int
        Numbers that describe a spot.
    side_px : int
        What the longer side of a field is scaled to; a multiple of 8.
    patch_px : int
        Side of the patches it learns from; a multiple of 8, at most `side_px`.
    epochs : int
        Most rounds over the fields; it stops before when three in a row gain less than 1 %.
    most_fields : int
        Fields it learns from, drawn at random where there are more.
    patience : int
        Rounds without gain before it stops.
    seed : int
        Of the first weights, the draw and the patches.
    """

    code: int = 32
    side_px: int = 256
    patch_px: int = 64
    epochs: int = 20
    most_fields: int = 500
    patience: int = 3
    seed: int = 0

    def check(self) -> None:
        """Raise `SettingError` if they contradict each other."""
        if self.side_px % _SHRINK or self.patch_px % _SHRINK or not 0 < self.patch_px <= self.side_px:
            raise SettingError(
                "The sides of fields and patches must be multiples of 8, the patch the smaller."
            )
        if min(self.code, self.epochs, self.most_fields, self.patience) < 1:
            raise SettingError("Code, epochs, fields and patience of an autoencoder must be at least 1.")


@dataclass(frozen=True, eq=False)
class Autoencoder:
    """A trained autoencoder.

    Attributes
    ----------
    settings : AutoencoderSettings
        Its choices.
    channels : tuple of str
        Names of the channels it knows.
    limits : ndarray, shape (channel, 2)
        Black and white.
    encoder, decoder : torch.nn.Module
        The network.
    history : tuple of float
        Share of the variance of held-out fields that is not drawn again, after each round.
    """

    settings: AutoencoderSettings
    channels: tuple[str, ...]
    limits: Limits
    encoder: Any = field(repr=False)
    decoder: Any = field(repr=False)
    history: tuple[float, ...] = ()

    def profiles(self, fields: Images, on_progress: Progress = no_progress) -> pd.DataFrame:
        """Return the code of each field: columns ``code_mean_00`` ... and ``code_spread_00`` ...

        Raises
        ------
        SettingError
            If a field has other channels than those it was trained on.
        """
        torch = torch_library()
        rows = np.empty((len(fields), 2 * self.settings.code), np.float32)
        for number in range(len(fields)):
            on_progress(number, len(fields), "fields through the autoencoder")
            square = _square(fields[number], self.limits, self.settings.side_px, number)
            with torch.inference_mode():
                spots = self.encoder(torch.from_numpy(square)[None])[0].flatten(1)
                rows[number] = torch.cat([spots.mean(1), spots.std(1, correction=0)]).numpy()
        on_progress(len(fields), len(fields), "fields through the autoencoder")
        names = [f"code_{what}_{i:02d}" for what in ("mean", "spread") for i in range(self.settings.code)]
        return pd.DataFrame(rows, columns=names)


def train_autoencoder(
    fields: Images,
    channels: Sequence[str] = (),
    settings: AutoencoderSettings | None = None,
    on_progress: Progress = no_progress,
) -> Autoencoder:
    """Train an autoencoder on a plate, without labels.

    Parameters
    ----------
    fields : sequence of ndarray, shape (channel, y, x)
        Of one plate, a list or `ellimaps.plates.measuring.deep_features.LazyFields`; at least two.
    channels : sequence of str
        Names; ``ch1, ch2`` ... by default.
    settings : AutoencoderSettings, optional
        The choices; the defaults otherwise.
    on_progress : callable
        Counts rounds; an exception it raises stops the training.

    Raises
    ------
    SettingError
        If there are fewer than two fields, they differ in their channels, or settings contradict each other.
    MissingExtraError
        If torch is not installed.
    """
    settings = settings or AutoencoderSettings()
    settings.check()
    torch_library()
    if len(fields) < 2:
        raise SettingError("An autoencoder needs at least two fields to learn from: give more.")
    limits = plate_limits(fields)
    names = tuple(names_for_channels(channels, len(limits)))
    squares = _drawn(fields, limits, settings)
    with seeded_torch(settings.seed):
        encoder, decoder = _networks(len(limits), settings.code)
        history = _fit(encoder, decoder, squares, settings, on_progress)
    return Autoencoder(settings, names, limits, encoder.eval(), decoder.eval(), tuple(history))


def save_autoencoder(model: Autoencoder, path: str | Path) -> Path:
    """Write an autoencoder as a zip of safetensors and JSON.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    facts = {
        "kind": _KIND,
        "software": software_facts(),
        "settings": vars(model.settings),
        "channels": list(model.channels),
        "limits": model.limits.tolist(),
        "history": list(model.history),
    }
    target = Path(path)
    return write_files(target.parent, {target.name: pack(facts, _tensors(model.encoder, model.decoder))})[0]


def load_autoencoder(path: str | Path) -> Autoencoder:
    """Read what `save_autoencoder` wrote.

    Raises
    ------
    ReadError
        If it is damaged or something else.
    """
    facts, tensors = unpack(path, _KIND)
    try:
        settings = AutoencoderSettings(**facts["settings"])
        settings.check()
        limits = np.array(facts["limits"], dtype=np.float64).reshape(-1, 2)
        names = tuple(names_for_channels(facts["channels"], len(limits)))
        encoder, decoder = _networks(len(limits), settings.code)
        for name, network in (("encoder", encoder), ("decoder", decoder)):
            network.load_state_dict(_below(tensors, name))
        history = tuple(float(number) for number in facts["history"])
    # torch and JSON have errors of their own for facts and tensors that do not fit; the answer is the same.
    except Exception as error:
        raise ReadError(f"{path} is damaged: train the autoencoder again.") from error
    return Autoencoder(settings, names, limits, encoder.eval(), decoder.eval(), history)


def _networks(channels: int, code: int) -> tuple[Any, Any]:
    """Return encoder and decoder; no normalisation in between, as brightness is part of a profile."""
    nn = torch_library().nn
    down: list[Any] = []
    up: list[Any] = []
    for inner, outer in zip((channels, *_WIDTHS[:-1]), _WIDTHS, strict=True):
        down += [nn.Conv2d(inner, outer, 3, stride=2, padding=1), nn.GELU()]
        up = [nn.GELU(), nn.ConvTranspose2d(outer, inner, 4, stride=2, padding=1), *up]
    down.append(nn.Conv2d(_WIDTHS[-1], code, 1))
    return nn.Sequential(*down), nn.Sequential(nn.Conv2d(code, _WIDTHS[-1], 1), *up)


def _drawn(fields: Images, limits: Limits, settings: AutoencoderSettings) -> NDArray[np.uint8]:
    """Return the fields to learn from as squares in 8 bit, which keeps a large plate in memory."""
    order = np.random.default_rng(settings.seed).permutation(len(fields))[: settings.most_fields]
    shape = (len(order), len(limits), settings.side_px, settings.side_px)
    squares = np.empty(shape, np.uint8)
    for row, number in enumerate(order):
        square = _square(fields[int(number)], limits, settings.side_px, int(number))
        squares[row] = np.rint(square * 255).astype(np.uint8)
    return squares


def _square(image: NDArray[Any], limits: Limits, side_px: int, number: int) -> NDArray[np.float32]:
    values = as_channels(image)
    if len(values) != len(limits):
        raise SettingError(f"Field {number} has {len(values)} channels and not {len(limits)}: leave it out.")
    return scaled_square(values, limits, side_px)


def _fit(
    encoder: Any,
    decoder: Any,
    squares: NDArray[np.uint8],
    settings: AutoencoderSettings,
    on_progress: Progress,
) -> list[float]:
    """Train until held-out fields gain no more, and leave the best weights in the networks."""
    torch = torch_library()
    n_held = max(1, round(len(squares) * 0.1))
    learned = squares[n_held:]
    held = _patches(squares[:n_held], settings.patch_px, _PATCHES_PER_FIELD)
    network = torch.nn.Sequential(encoder, decoder)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    repeats = max(_PATCHES_PER_FIELD, -(-_FEWEST_PATCHES // len(learned)))
    variance = float(held.var(dim=(0, 2, 3), correction=0).mean()) or 1.0
    history: list[float] = []
    best, best_weights, waited = np.inf, _copy(network), 0
    for epoch in range(settings.epochs):
        left = f"{history[-1]:.1%} not yet drawn" if history else "first round"
        on_progress(epoch, settings.epochs, f"training the autoencoder, {left}")
        _round(network, optimizer, _patches(learned, settings.patch_px, repeats))
        history.append(_error(network, held) / variance)
        waited = 0 if history[-1] < best * 0.99 else waited + 1
        if history[-1] < best:
            best, best_weights = history[-1], _copy(network)
        if waited >= settings.patience:
            break
    network.load_state_dict(best_weights)
    on_progress(settings.epochs, settings.epochs, "training the autoencoder")
    return history


def _round(network: Any, optimizer: Any, patches: Any) -> None:
    for part in patches.split(_BATCH):
        optimizer.zero_grad()
        (network(part) - part).square().mean().backward()
        optimizer.step()


def _error(network: Any, patches: Any) -> float:
    torch = torch_library()
    with torch.inference_mode():
        errors = [float((network(part) - part).square().sum()) for part in patches.split(_BATCH)]
    return sum(errors) / int(patches.numel())


def _patches(squares: NDArray[np.uint8], side: int, each: int) -> Any:
    """Return patches of each square at random positions and in random orientations, in random order."""
    torch = torch_library()
    room = squares.shape[-1] - side + 1
    order = torch.randperm(each * len(squares)).tolist()
    corners = torch.randint(room, (len(order), 2)).tolist()
    turns = torch.randint(8, (len(order),)).tolist()
    patches = []
    for number, (y, x), turn in zip(order, corners, turns, strict=True):
        patch = squares[number % len(squares), :, y : y + side, x : x + side]
        patch = np.rot90(patch, turn % 4, axes=(1, 2))
        patches.append(patch[:, :, ::-1] if turn >= 4 else patch)
    return torch.from_numpy(np.stack(patches).astype(np.float32) / 255)


def _copy(network: Any) -> dict[str, Any]:
    return {key: value.clone() for key, value in network.state_dict().items()}


def _tensors(encoder: Any, decoder: Any) -> dict[str, Any]:
    parts = {"encoder": encoder, "decoder": decoder}
    return {
        f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()
    }


def _below(tensors: Mapping[str, Any], name: str) -> dict[str, Any]:
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
