"""Fine-tuning a network to classify cells, and its score on cells it has not seen (extra ``deep``)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.classify.cell_window import CellCut, cut_cell, window
from ellimaps.classify.classifier_fit import grouped_folds, recall_product
from ellimaps.classify.deep_model import DeepModel, log_odds, network_with_head
from ellimaps.classify.image_features import measure_image
from ellimaps.classify.images import read_image
from ellimaps.classify.measured_folder import group_numbers
from ellimaps.classify.training import classes_of
from ellimaps.classify.training_labels import Labels
from ellimaps.core.errors import SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256, software_facts
from ellimaps.deep import Backbone
from ellimaps.deep.libraries import seeded_torch, torch_library

EPOCHS = 10
"""Rounds over the images; a few hundred images on a CPU take minutes, and more may be asked for."""

LEARNING_RATE = 3e-5
"""Of AdamW for weights that are trained already: within the 2e-5 to 5e-5 recommended for fine-tuning
(J. Devlin et al., BERT, 2019, appendix A.3)."""

# The new head starts from nothing and learns about as fast as AdamW's usual 1e-3.
_HEAD_FACTOR = 30.0
# Few windows at once, for the memory of an ordinary computer.
_BATCH = 8


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of a training: cut out, with class, group and SHA-256 of each."""

    cuts: list[CellCut]
    truth: NDArray[np.intp]
    groups: NDArray[np.intp]
    classes: list[Any]
    unit: str
    pixel_size_um: float | None
    hashes: dict[str, str]


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a network is trained."""

    backbone: Backbone
    epochs: int
    seed: int
    learning_rate: float

    def check(self) -> None:
        """Raise `SettingError` if nothing could be learned."""
        if self.epochs < 1 or not 0 < self.learning_rate < 1:
            raise SettingError("A network learns in 1 epoch or more, at a learning rate between 0 and 1.")


@dataclass(frozen=True, eq=False)
class _Seen:
    """One image: its cell in pixels, its pixel size, its thumbnail, its hash."""

    cut: CellCut
    pixel_size_um: float | None
    thumbnail: NDArray[np.float32]
    sha256: str


def fine_tune(
    images: Sequence[NDArray[Any]],
    labels: Sequence[Any],
    backbone: Backbone,
    epochs: int = EPOCHS,
    seed: int = 0,
    on_progress: Progress = no_progress,
    *,
    learning_rate: float = LEARNING_RATE,
    label_name: str = "label",
    groups: Sequence[str] = (),
    pixel_sizes_um: Sequence[float | None] = (),
) -> DeepModel:
    """Fine-tune a network on labelled images.

    Parameters
    ----------
    images : sequence of ndarray, shape (y, x) or (channel, y, x)
        Of any real number type.
    labels : sequence of int or str
        What each is.
    backbone : Backbone
        See `ellimaps.deep.load_backbone`; it is left as it is.
    epochs : int
        Rounds over the images.
    seed : int
        Of the folds, the classifier's first weights, the order and the changes of the images.
    on_progress : callable
        Counts rounds over all trainings; an exception it raises stops the work.
    learning_rate : float
        Of the network; that of the new classifier on it is 30 times as large. The default is for trained
        weights; random ones need about 1e-3.
    label_name : str
        What is predicted.
    groups : sequence of str, optional
        Images of a group stay together in the validation; empty where there is none. Images that show the
        same cell stay together anyway.
    pixel_sizes_um : sequence of float or None, optional
        Side of a pixel; lengths are in pixels unless all are known.

    Returns
    -------
    DeepModel
        Trained on all images. ``provenance`` has ``score`` (product of the recalls) and ``recalls`` of
        grouped cross-validation, in which every image is answered by a network that has not seen it, and
        ``losses`` of each round.

    Raises
    ------
    SettingError
        If there are fewer than two classes, one has fewer than two different images, or lengths differ.
    MissingExtraError
        If torch is not installed.
    """
    plan = _Plan(backbone, epochs, seed, learning_rate)
    plan.check()
    sizes = list(pixel_sizes_um) or [None] * len(images)
    names = list(groups) or [""] * len(images)
    if not len(images) == len(labels) == len(sizes) == len(names):
        raise SettingError("Images, labels, groups and pixel sizes must be equally many: give one for each.")
    seen = (_look(values, size, "") for values, size in zip(images, sizes, strict=True))
    cells = _cells(seen, [str(i) for i in range(len(images))], list(labels), names, on_progress)
    return _tuned(cells, label_name, plan, on_progress)


def fine_tune_folder(
    folder: str | Path,
    labels: Labels,
    backbone: Backbone,
    epochs: int = EPOCHS,
    seed: int = 0,
    on_progress: Progress = no_progress,
    *,
    learning_rate: float = LEARNING_RATE,
) -> DeepModel:
    """Fine-tune a network on a labelled folder, of which one image is in memory at a time.

    Parameters
    ----------
    folder : str or Path
        Folder of the images.
    labels : Labels
        Of :func:`ellimaps.classify.training_labels.read_labels`.
    backbone, epochs, seed, on_progress, learning_rate
        See `fine_tune`.

    Raises
    ------
    ReadError
        If an image cannot be read.
    SettingError
        If there are fewer than two classes, or one has fewer than two different images.
    """
    plan = _Plan(backbone, epochs, seed, learning_rate)
    plan.check()
    table = labels.table
    files = table["file"].tolist()
    seen = (_look_at_file(Path(folder) / name) for name in files)
    cells = _cells(seen, files, table["label"].tolist(), table["group"].tolist(), on_progress)
    return _tuned(cells, labels.name, plan, on_progress)


def _look_at_file(path: Path) -> _Seen:
    values, pixel_size_um = read_image(path)
    return _look(values, pixel_size_um, sha256(path))


def _look(values: NDArray[Any], pixel_size_um: float | None, sha256: str) -> _Seen:
    features = measure_image(values)
    return _Seen(cut_cell(values, features.mask), pixel_size_um, features.thumbnail, sha256)


def _cells(
    seen: Iterable[_Seen], files: list[str], labels: list[Any], groups: list[str], on_progress: Progress
) -> _Cells:
    """Cut out all cells; images without one are left out."""
    classes_of(labels)
    found: list[_Seen] = []
    for number, one in enumerate(seen):
        found.append(one)
        on_progress(number + 1, len(labels), "looking for cells")
    kept = [i for i, one in enumerate(found) if one.cut.extent > 0]
    classes, truth = classes_of([labels[i] for i in kept])
    sizes = [found[i].pixel_size_um for i in kept]
    known = [size for size in sizes if size]
    is_um = len(known) == len(sizes)
    cuts = [found[i].cut for i in kept]
    if is_um:
        cuts = [CellCut(cut.levels, cut.extent * size) for cut, size in zip(cuts, known, strict=True)]
    return _Cells(
        cuts=cuts,
        truth=truth,
        groups=group_numbers(np.stack([found[i].thumbnail.ravel() for i in kept]), [groups[i] for i in kept]),
        classes=classes,
        unit="um" if is_um else "px",
        pixel_size_um=float(np.median(known)) if known else None,
        hashes={files[i]: found[i].sha256 for i in kept if found[i].sha256},
    )


def _tuned(cells: _Cells, label_name: str, plan: _Plan, on_progress: Progress) -> DeepModel:
    backbone = plan.backbone
    # A quarter more than all but the largest cells: one giant must not shrink all others.
    extent = 1.25 * float(np.percentile([cut.extent for cut in cells.cuts], 98))
    shown = np.stack([window(cut, extent, backbone.side_px) for cut in cells.cuts])
    folds = grouped_folds(cells.truth, cells.groups, plan.seed)
    steps = itertools.count(1)
    total = (len(folds) + 1) * plan.epochs

    def round_done() -> None:
        on_progress(next(steps), total, "fine-tuning the network")

    # What is in no fold counts as answered wrongly.
    answers = np.full(len(shown), -1, dtype=np.intp)
    with seeded_torch(plan.seed):
        for learned, held in folds:
            network, _ = _trained(plan, shown[learned], cells.truth[learned], round_done)
            answers[held] = _answers(network, backbone, shown[held])
        network, losses = _trained(plan, shown, cells.truth, round_done)
    return DeepModel(
        label_name=label_name,
        classes=cells.classes,
        backbone=backbone.name,
        architecture=backbone.architecture,
        network=network,
        side_px=backbone.side_px,
        window_extent=extent,
        unit=cells.unit,
        pixel_size_um=cells.pixel_size_um,
        provenance=_provenance(cells, plan, answers) | {"folds": len(folds), "losses": losses},
    )


def _provenance(cells: _Cells, plan: _Plan, answers: NDArray[np.intp]) -> dict[str, Any]:
    classes = range(len(cells.classes))
    return {
        "software": software_facts() | {"torch": str(torch_library().__version__)},
        "backbone_weights": plan.backbone.weights,
        "seed": plan.seed,
        "epochs": plan.epochs,
        "learning_rate": plan.learning_rate,
        "images": len(cells.cuts),
        "score": recall_product(cells.truth, answers, len(classes)),
        "recalls": [float((answers[cells.truth == c] == c).mean()) for c in classes],
        "inputs_sha256": cells.hashes,
    }


def _trained(
    plan: _Plan, shown: NDArray[np.float32], truth: NDArray[np.intp], round_done: Callable[[], None]
) -> tuple[Any, list[float]]:
    """Return a copy of the network, fine-tuned, and its mean loss in each round.

    The network stays in evaluation mode: batches of a few images would spoil the statistics it brings.
    """
    torch = torch_library()
    backbone = plan.backbone
    n_classes = int(truth.max()) + 1
    network = network_with_head(copy.deepcopy(backbone.network), backbone.dimension, n_classes).eval()
    criterion = torch.nn.CrossEntropyLoss(_class_weights(truth))
    rates = (("backbone", plan.learning_rate), ("head", plan.learning_rate * _HEAD_FACTOR))
    parameters = [{"params": network[name].parameters(), "lr": rate} for name, rate in rates]
    optimiser = torch.optim.AdamW(parameters, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.epochs)
    windows, classes = torch.from_numpy(shown), torch.from_numpy(truth)
    losses: list[float] = []
    for _ in range(plan.epochs):
        of_parts = []
        for part in torch.randperm(len(windows)).split(_BATCH):
            optimiser.zero_grad()
            loss = criterion(log_odds(network, backbone.architecture, varied(windows[part])), classes[part])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            of_parts.append(float(loss.detach()))
        schedule.step()
        losses.append(float(np.mean(of_parts)))
        round_done()
    return network, losses


def _class_weights(truth: NDArray[np.intp]) -> Any:
    """Return a weight per class, so that rare classes count as much as common ones."""
    counts = np.bincount(truth)
    return torch_library().tensor(len(truth) / (len(counts) * counts), dtype=torch_library().float32)


def _answers(network: Any, backbone: Backbone, shown: NDArray[np.float32]) -> NDArray[np.intp]:
    torch = torch_library()
    with torch.inference_mode():
        parts = torch.from_numpy(shown).split(_BATCH)
        found = [log_odds(network, backbone.architecture, part).argmax(1).numpy() for part in parts]
    return np.concatenate(found)


def varied(windows: Any) -> Any:
    """Return windows (image, y, x), each turned by any angle, half of them mirrored, brighter or dimmer."""
    torch = torch_library()
    n = len(windows)
    angle = torch.rand(n) * (2 * torch.pi)
    mirror = torch.randint(2, (n,)) * 2.0 - 1.0
    zero = torch.zeros(n)
    turns = torch.stack(
        [
            torch.stack([angle.cos() * mirror, -angle.sin(), zero], dim=1),
            torch.stack([angle.sin() * mirror, angle.cos(), zero], dim=1),
        ],
        dim=1,
    )
    functional = torch.nn.functional
    grid = functional.affine_grid(turns, [n, 1, *windows.shape[1:]], align_corners=False)
    turned = functional.grid_sample(windows[:, None], grid, align_corners=False)[:, 0]
    low, high = 0.8, 1.25
    gain = low * (high / low) ** torch.rand(n, 1, 1)
    return (turned * gain).clamp(0, 1)
