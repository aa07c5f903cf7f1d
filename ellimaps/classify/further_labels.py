"""What further labels would bring: held-out scores over growing shares of the labels, and where they lead.

In each fold of a cross-validation the classifier is trained on nested shares of what the fold trains on, and
asked about the images held out. The error falls with the number of labels as an inverse power law,
``a + b * n**-c`` [1]_, fitted with the later shares weighing more [2]_.

References
----------
.. [1] C. Cortes, L. D. Jackel, S. A. Solla, V. Vapnik and J. S. Denker, "Learning curves: asymptotic values
   and rate of convergence", Advances in Neural Information Processing Systems 6 (1993) 327.
.. [2] R. L. Figueroa, Q. Zeng-Treitler, S. Kandula and L. H. Ngo, "Predicting sample size required for
   classification performance", BMC Medical Informatics and Decision Making 12 (2012) 8.
   doi:10.1186/1472-6947-12-8
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.classify.classifier_fit import fit_classifier, grouped_folds
from ellimaps.classify.intervals import Limits, product_limits, share_limits
from ellimaps.classify.measured_folder import group_numbers, measure_folder
from ellimaps.classify.training import classes_of
from ellimaps.classify.training_labels import Labels
from ellimaps.core.parallel import one_thread
from ellimaps.core.progress import Progress, no_progress

Floats = NDArray[np.float64]

FURTHER = 50
"""Labels asked about: an hour's work; never more than there are, as twice is as far as a curve leads."""

# Six evenly growing shares in four draws of folds are 120 classifiers: some ten seconds, as a training takes.
_REPEATS = 4
_SHARES = np.geomspace(0.25, 1.0, 6)
_FEWEST_CELLS = 3
"""Of each class in a share: with two, the classifier's own folds have one cell of a class to train on."""

_FEWEST_SHARES = 4
"""One more than the law has parameters."""

# Exponents of learning curves are from 0.3 to 1 mostly (J. Hestness et al., arXiv:1712.00409, section 2).
_EXPONENTS = np.linspace(0.2, 1.5, 14)
_DRAWS = 200

# Wider limits say nothing that a score without them would not; chosen on the sets of
# benchmarks/bench_learning_curve.py that choose.
_WIDEST = 0.45
_QUANTILE = 1.959964


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores over the number of labels, and what further labels would bring.

    Attributes
    ----------
    points : DataFrame
        ``labels, score, low, high``: images trained on, product of the recalls of images held out, and its
        95 % limits for new images.
    fitted : DataFrame
        ``labels, score`` of the law, as far as the further labels; empty where it is not known.
    labels : int
        Images there are.
    further : int
        Labels asked about.
    now, then : float
        Score by the law with all labels, and with the further ones.
    limits : (float, float)
        95 % limits of the latter.
    unknown : str
        Why it is not known what they would bring; empty where it is.
    """

    points: pd.DataFrame
    fitted: pd.DataFrame
    labels: int
    further: int
    now: float
    then: float
    limits: Limits
    unknown: str

    @property
    def words(self) -> str:
        """What further labels would bring, as a sentence."""
        if self.unknown:
            return f"What another {self.further} labels would bring is not known: {self.unknown}."
        low, high = self.limits
        return (
            f"Another {self.further} labels would bring the score from about {self.now:.2f} to about "
            f"{self.then:.2f} ({low:.2f} to {high:.2f})."
        )


def learning_curve(
    images: str | Path, labels: Labels, seed: int = 0, on_progress: Progress = no_progress
) -> LearningCurve:
    """Return how the score grows with the labels of a folder.

    Parameters
    ----------
    images : str or Path
        Folder of the images.
    labels : Labels
        Of :func:`ellimaps.classify.training_labels.read_labels`.
    seed : int
        Of the folds and shares.
    on_progress : callable, optional
        Told of images measured and classifiers fitted.

    Raises
    ------
    ReadError
        If an image cannot be read.
    SettingError
        If there are fewer than two classes, or one has fewer than two different images.
    """
    classes_of(labels.table["label"].tolist())
    measured = measure_folder(images, labels, on_progress)
    _, truth = classes_of(measured.labels)
    groups = group_numbers(measured.thumbnails, measured.groups)
    return learning_curve_of(measured.rows, truth, groups, seed, on_progress)


def learning_curve_of(
    rows: Floats,
    truth: NDArray[np.intp],
    groups: NDArray[np.intp],
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> LearningCurve:
    """Return how the score grows with the labels of measured images.

    Parameters
    ----------
    rows : ndarray, shape (image, measurement)
        Finite.
    truth, groups : ndarray of int, shape (image,)
        Class of each image, from 0, and its group.
    seed, on_progress
        See `learning_curve`.
    """
    counts, right = _answered(rows, truth, groups, seed, on_progress)
    further = min(FURTHER, len(truth))
    cells = [len(np.unique(groups[truth == c])) for c in np.unique(truth)]
    mean = right.mean(axis=0)
    recalls = np.array([mean[truth == c].mean(axis=0) for c in np.unique(truth)])
    scores = recalls.prod(axis=0)
    limits = [
        product_limits(column, [share_limits(*one) for one in zip(column, cells, strict=True)])
        for column in recalls.T.tolist()
    ]
    points = pd.DataFrame({"labels": counts, "score": scores, "low": 0.0, "high": 0.0})
    points[["low", "high"]] = limits or np.empty((0, 2))
    if len(points) < _FEWEST_SHARES:
        least = math.ceil(_FEWEST_CELLS / (0.8 * _SHARES[-_FEWEST_SHARES]))
        return _not_known(points, len(truth), further, f"each class needs {least} different cells or more")
    at = np.array([len(truth), len(truth) + further], dtype=float)
    now, then = 1 - _law(counts, 1 - scores[None], at)[0]
    drawn = 1 - _law(counts, 1 - _redrawn(mean, truth, groups, seed), at)
    draws = np.prod([right[:, truth == c].mean(axis=1) for c in np.unique(truth)], axis=0)
    # How a score changes with what is trained on is told by all shares: draws of the large ones are the same
    # images mostly.
    others = _QUANTILE * math.hypot(np.std(draws, axis=0, ddof=1).mean(), np.std(drawn[:, 1] - drawn[:, 0]))
    low, high = (math.hypot(scores[-1] - end, others) for end in limits[-1])
    known = max(then - low, 0.0), min(then + high, 1.0)
    if known[1] - known[0] > _WIDEST:
        reason = f"so few leave open whether the score would be {known[0]:.2f} or {known[1]:.2f}"
        return _not_known(points, len(truth), further, reason)
    labels = np.geomspace(counts[0], at[1], 60)
    fitted = pd.DataFrame({"labels": labels, "score": 1 - _law(counts, 1 - scores[None], labels)[0]})
    return LearningCurve(points, fitted, len(truth), further, float(now), float(then), known, "")


def _not_known(points: pd.DataFrame, labels: int, further: int, why: str) -> LearningCurve:
    nothing = float("nan")
    fitted = pd.DataFrame({"labels": [], "score": []})
    return LearningCurve(points, fitted, labels, further, nothing, nothing, (nothing, nothing), why)


def _answered(
    rows: Floats, truth: NDArray[np.intp], groups: NDArray[np.intp], seed: int, on_progress: Progress
) -> tuple[Floats, NDArray[np.float64]]:
    """Return images trained on, shape (share,), and whether each answer is right, (repeat, image, share)."""
    # The limit on threads below reaches the libraries that are loaded by then.
    import sklearn.linear_model  # type: ignore[import-untyped]  # noqa: F401

    drawn = [
        (repeat, test, _nested(train, truth, groups, np.random.default_rng((seed, repeat, number))))
        for repeat in range(_REPEATS)
        for number, (train, test) in enumerate(grouped_folds(truth, groups, seed + repeat))
    ]
    # The smallest shares have too few cells in some folds.
    n_shares = min(len(parts) for _, _, parts in drawn)
    right = np.zeros((_REPEATS, len(truth), n_shares))
    with one_thread():
        for done, (repeat, test, parts) in enumerate(drawn):
            for number, part in enumerate(parts[len(parts) - n_shares :]):
                classifier = fit_classifier(rows[part], truth[part], groups[part], seed)
                right[repeat, test, number] = classifier.answers(rows[test]) == truth[test]
                on_progress(done * n_shares + number + 1, len(drawn) * n_shares, "learning, classifiers")
    sizes = [[len(part) for part in parts[len(parts) - n_shares :]] for _, _, parts in drawn]
    return np.mean(sizes, axis=0), right


def _nested(
    train: NDArray[np.intp], truth: NDArray[np.intp], groups: NDArray[np.intp], random: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Return shares of the rows to train on, each in the next: as many of the groups of every class."""
    orders = [
        random.permutation(np.unique(groups[train][truth[train] == c])) for c in np.unique(truth[train])
    ]
    found = []
    for share in _SHARES:
        chosen = [order[: round(share * len(order))] for order in orders]
        if min(map(len, chosen)) >= _FEWEST_CELLS:
            found.append(train[np.isin(groups[train], np.concatenate(chosen))])
    return found


def _redrawn(mean: Floats, truth: NDArray[np.intp], groups: NDArray[np.intp], seed: int) -> Floats:
    """Return scores, shape (draw, share), of the cells of each class drawn again with replacement."""
    random = np.random.default_rng(seed)
    scores = np.ones((_DRAWS, mean.shape[1]))
    for c in np.unique(truth):
        own = groups[truth == c]
        members = (np.unique(own)[:, None] == own).astype(float)
        draws = random.multinomial(len(members), np.full(len(members), 1 / len(members)), _DRAWS)
        scores *= draws @ members @ mean[truth == c] / (draws @ members.sum(axis=1))[:, None]
    return scores


def _law(counts: Floats, errors: Floats, at: Floats) -> Floats:
    """Fit the law to errors, shape (draw, share), and return what it says, shape (draw, at)."""
    weights = np.arange(1, len(counts) + 1) / np.arange(1, len(counts) + 1).sum()
    told = list(_laws(counts, errors, at, weights))
    best = np.argmin([misfit for misfit, _ in told], axis=0)
    return np.array([told[number][1][draw] for draw, number in enumerate(best)])


def _laws(counts: Floats, errors: Floats, at: Floats, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield misfit and prediction of the best ``a`` and ``b``, neither below 0, for each exponent."""
    for exponent in _EXPONENTS:
        falling = counts**-exponent
        away = falling - falling @ weights
        b = np.maximum((errors * away) @ weights / (away**2 @ weights), 0)
        a = errors @ weights - b * (falling @ weights)
        alone = (errors * falling) @ weights / (falling**2 @ weights)
        a, b = np.where(a < 0, 0, a), np.where(a < 0, alone, b)
        misfit = (errors - a[:, None] - b[:, None] * falling) ** 2 @ weights
        yield misfit, a[:, None] + b[:, None] * at**-exponent
