"""Films and their light, computed without ellimaps' optics: the truth that fits are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ellimaps.core.stack import ImageStack
from ellimaps.optics.library import material

Index = Callable[[np.ndarray], np.ndarray]
SILICON, SILICA, CHROMIUM = (material(name) for name in ("Si", "SiO2", "Cr"))


def film_angles(
    films: Sequence[tuple[Index, float]], waves: np.ndarray, aoi_deg: float, substrate: Index = SILICON
) -> tuple[np.ndarray, np.ndarray]:
    """Psi and Delta in degrees of isotropic films in air, by characteristic matrices (Abeles)."""
    sine = np.sin(np.deg2rad(aoi_deg))
    reflected = []
    for is_p in (True, False):

        def admittance(index: np.ndarray, is_p: bool = is_p) -> tuple[np.ndarray, np.ndarray]:
            normal = np.emath.sqrt(index**2 - sine**2)
            return normal, index**2 / normal if is_p else normal

        electric, magnetic = np.ones(len(waves), complex), admittance(substrate(waves))[1]
        for index, thickness in reversed(films):
            normal, ratio = admittance(index(waves))
            phase = 2 * np.pi * normal * thickness / waves
            cosine, turned = np.cos(phase), -1j * np.sin(phase)
            electric, magnetic = (
                cosine * electric + turned / ratio * magnetic,
                turned * ratio * electric + cosine * magnetic,
            )
        outside = admittance(np.ones(len(waves)))[1]
        reflected.append((outside * electric - magnetic) / (outside * electric + magnetic))
    rho = -reflected[0] / reflected[1]
    return np.rad2deg(np.arctan(np.abs(rho))), np.rad2deg(-np.angle(rho)) % 360


def noisy_terraces(
    curves: Sequence[tuple[np.ndarray, np.ndarray]],
    waves: np.ndarray,
    aoi_deg: float,
    *,
    sigma_psi: float = 0.05,
    side: int = 12,
    seed: int = 0,
) -> ImageStack:
    """A row of square terraces with these Psi and Delta; Delta's noise is twice Psi's over sin 2 Psi."""
    rng = np.random.default_rng(seed)
    psi, delta = (np.repeat(np.array(part).T[:, None, :], side, axis=1) for part in zip(*curves, strict=True))
    psi, delta = (np.repeat(part, side, axis=2) for part in (psi, delta))
    sigma_delta = 2 * sigma_psi / np.sin(np.deg2rad(2 * psi))
    psi = psi + sigma_psi * rng.normal(size=psi.shape)
    delta = (delta + sigma_delta * rng.normal(size=delta.shape)) % 360
    return ImageStack.from_arrays(delta, psi, waves, aoi_deg, name="terraces")
