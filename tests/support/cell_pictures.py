"""Pictures of single cells whose extent is known, and folders of them with labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

BACKGROUND = 400.0
SIGNAL = 30000.0


def cell(
    seed: int, *, radius: float = 30.0, arms: int = 0, reach: float = 0.0, margin: int = 12
) -> NDArray[np.uint16]:
    """Return a cell in its own box and a margin: a disc with arms of some reach beyond the radius."""
    random = np.random.default_rng(seed)
    half = int(radius + reach) + margin
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    angle, distance = np.arctan2(y, x), np.hypot(y, x)
    mask = distance <= radius
    for direction in random.uniform(-np.pi, np.pi) + np.arange(arms) * 2 * np.pi / max(arms, 1):
        across = distance * np.sin(angle - direction)
        along = distance * np.cos(angle - direction)
        mask |= (np.abs(across) <= 3) & (along > 0) & (along <= radius + reach)
    grain = ndimage.gaussian_filter(random.normal(size=mask.shape), 2)
    grain /= grain.std()
    bright = ndimage.gaussian_filter(mask * SIGNAL, 0.7) * (1 + 0.15 * grain)
    values = BACKGROUND + bright + random.normal(0, 40, mask.shape)
    return np.clip(values, 0, 65535).astype(np.uint16)


def padded(image: NDArray[Any], shares: tuple[float, float, float, float]) -> NDArray[Any]:
    """Return an image with background around it: top, bottom, left and right as shares of its sides."""
    height, width = image.shape
    top, bottom, left, right = (
        int(share * side) for share, side in zip(shares, (height, height, width, width), strict=True)
    )
    shape = (top + height + bottom, left + width + right)
    canvas = np.random.default_rng(1).normal(BACKGROUND, 40, shape)
    canvas[top : top + height, left : left + width] = image
    return canvas.astype(image.dtype)


def compact(seed: int) -> NDArray[np.uint16]:
    """Return a small round cell."""
    return cell(seed, radius=22 + seed % 5)


def branched(seed: int) -> NDArray[np.uint16]:
    """Return a cell with long arms."""
    return cell(seed, radius=22 + seed % 5, arms=3 + seed % 3, reach=28 + seed % 7)


def large(seed: int) -> NDArray[np.uint16]:
    """Return a large round cell."""
    return cell(seed, radius=46 + seed % 6)


def labelled_folder(folder: Path, count: int = 8, kinds: int = 2) -> tuple[Path, Path]:
    """Write images and a CSV of their labels; return the folder and the CSV."""
    images = folder / "images"
    images.mkdir(parents=True)
    lines = ["image_id,is_homogenous"]
    for number in range(count * kinds):
        kind = number % kinds
        made = (branched, compact, large)[kind](number)
        tifffile.imwrite(images / f"{number + 1:03}.tif", made)
        lines.append(f"{number + 1},{kind}")
    labels = folder / "labels.csv"
    labels.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return images, labels
