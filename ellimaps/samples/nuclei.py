"""Phantom pictures of nuclei of uneven shape, texture and brightness, with their label image as truth.

They share no assumption with the finder: outlines are bent ellipses, brightness inside is grainy with dark
nucleoli, nuclei of a crowd lie partly over each other, haze is a second, wide blur of the same light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class NucleiPhantom:
    """A picture of nuclei and its truth.

    Attributes
    ----------
    image : ndarray of uint8 or uint16, shape (y, x)
        What a camera would record.
    labels : ndarray of int32, shape (y, x)
        0 is background; where nuclei lie over each other a pixel belongs to the upper one.
    """

    image: NDArray[np.uint8] | NDArray[np.uint16]
    labels: NDArray[np.int32]


def nuclei_phantom(
    seed: int | tuple[int, ...] = 0,
    *,
    size: tuple[int, int] = (384, 384),
    count: int = 40,
    radius: float = 12.0,
    crowding: float = 0.0,
    spread: float = 0.3,
    haze: float = 0.0,
    debris: int = 0,
    photons: float = 200.0,
    bits: int = 16,
) -> NucleiPhantom:
    """Compute a fluorescence picture of nuclei.

    Parameters
    ----------
    seed : int or tuple of int
        The same seed and settings give the same picture.
    size : (int, int)
        Picture size (y, x) in pixels.
    count : int
        How many nuclei to place; fewer where there is no room for all.
    radius : float
        Typical radius in pixels; they vary by a fifth.
    crowding : float
        0: well apart; 1: in clusters, a fifth of the diameter over each other.
    spread : float
        Standard deviation of the logarithm of their brightness.
    haze : float
        Share of the light that is blurred over three radii.
    debris : int
        How many bright specks, at most a third of a nucleus across.
    photons : float
        That a pixel of a typical nucleus sends; the noise follows.
    bits : {8, 16}
        Of the camera; the brightest pixels reach 60 % of its range.

    Returns
    -------
    NucleiPhantom
        The picture and its truth.
    """
    random = np.random.default_rng(seed)
    light, labels = np.zeros(size), np.zeros(size, dtype=np.int32)
    for number, (y, x, r) in enumerate(_places(random, size, count, radius, crowding), start=1):
        box, inside = _bent_ellipse(random, size, y, x, r)
        labels[box][inside] = number
        light[box] += inside * np.exp(random.normal(0, spread)) * _grain(random, inside.shape, r)
    for _ in range(debris):
        y, x = random.uniform(0, size[0]), random.uniform(0, size[1])
        box, speck = _bent_ellipse(random, size, y, x, radius * random.uniform(0.08, 0.33))
        light[box] += speck * random.uniform(0.3, 1.5)
    blurred = ndimage.gaussian_filter(light, random.uniform(0.8, 1.6))
    if haze:
        blurred = (1 - haze) * blurred + haze * ndimage.gaussian_filter(light, 3 * radius)
    ramp = np.add.outer(np.linspace(0, 1, size[0]), np.linspace(1, 0, size[1])) / 2
    counted = random.poisson(photons * (0.05 + 0.05 * ramp + blurred)) + random.normal(0, 2, size)
    scaled = counted * (0.6 * (2**bits - 1) / max(float(np.percentile(counted, 99.9)), 1.0))
    image = np.clip(np.rint(scaled), 0, 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16)
    return NucleiPhantom(image, _renumbered(labels))


def _places(
    random: np.random.Generator, size: tuple[int, int], count: int, radius: float, crowding: float
) -> list[tuple[float, float, float]]:
    """Return ``y, x, radius``; of a crowd each is drawn near one that is there."""
    found: list[tuple[float, float, float]] = []
    nearest = 1.25 - 0.45 * crowding
    for _ in range(300 * count):
        if len(found) == count:
            break
        r = radius * float(np.exp(random.normal(0, 0.2)))
        y, x = random.uniform(0, size[0]), random.uniform(0, size[1])
        if found and random.random() < crowding:
            y0, x0, r0 = found[random.integers(len(found))]
            angle = random.uniform(0, 2 * np.pi)
            y, x = y0 + (r + r0) * nearest * np.sin(angle), x0 + (r + r0) * nearest * np.cos(angle)
        inside = 0 < y < size[0] and 0 < x < size[1]
        if inside and all(np.hypot(y - b, x - a) >= (r + c) * nearest * 0.999 for b, a, c in found):
            found.append((float(y), float(x), r))
    return found


def _bent_ellipse(
    random: np.random.Generator, size: tuple[int, int], y: float, x: float, r: float
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return the box around a bent ellipse, and which of its pixels lie inside."""
    box = tuple(slice(max(int(p - 2 * r), 0), int(p + 2 * r) + 2) for p in (y, x))
    ys, xs = np.ogrid[: size[0], : size[1]]
    ys, xs = ys[box[0]], xs[:, box[1]]
    angle = np.arctan2(ys - y, xs - x)
    turn, phase = random.uniform(0, 2 * np.pi, 2)
    axes = random.uniform(0.75, 1.0)
    ellipse = 1 / np.sqrt(np.cos(angle - turn) ** 2 * axes + np.sin(angle - turn) ** 2 / axes)
    bend = 1 + 0.06 * np.cos(3 * angle + phase) + 0.04 * np.cos(2 * angle + turn)
    return (box[0], box[1]), np.asarray(np.hypot(ys - y, xs - x) <= r * ellipse * bend)


def _grain(random: np.random.Generator, size: tuple[int, ...], r: float) -> NDArray[np.float64]:
    """Return chromatin: brightness that varies by a fifth at a quarter of the radius, with dark nucleoli."""
    chromatin = ndimage.gaussian_filter(random.normal(size=size), r / 4)
    chromatin /= max(float(chromatin.std()), 1e-9)
    return np.asarray(np.clip(1 + 0.2 * chromatin, 0.3, None) * np.where(chromatin < -1.5, 0.7, 1.0))


def _renumbered(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return labels numbered on, without those that others cover wholly."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
