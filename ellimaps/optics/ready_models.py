"""Models to begin with: films often met, on silicon."""

from __future__ import annotations

from ellimaps.optics.layers import THICKNESS, Layer
from ellimaps.optics.library import material
from ellimaps.optics.materials import CAUCHY_A, Cauchy
from ellimaps.optics.model import ThinFilm

# The oxide on which flakes are seen best (P. Blake et al., Appl. Phys. Lett. 91, 063124 (2007)).
_OXIDE_NM = 290.0


def ready_models() -> dict[str, ThinFilm]:
    """Return models by what the sample is, films from the ambient down; the top film's thickness is free."""
    polymer = Cauchy(1.5, 0.005, 0.0, name="Cauchy 1.5")
    any_film = Layer(polymer, 100.0, {THICKNESS: (0.0, 500.0), CAUCHY_A: (1.3, 2.3)})
    return {
        "SiO2 on Si": _on_silicon("SiO2", 100.0, 400.0),
        "hBN on SiO2 on Si": _on_oxide("hBN", 10.0, 150.0),
        "graphite on SiO2 on Si": _on_oxide("graphite", 3.0, 50.0),
        "MoS2 on SiO2 on Si": _on_oxide("MoS2", 3.0, 50.0),
        "Si3N4 on Si": _on_silicon("Si3N4", 100.0, 300.0),
        "Al2O3 on Si": _on_silicon("Al2O3", 50.0, 200.0),
        "TiO2 on Si": _on_silicon("TiO2", 50.0, 200.0),
        "PMMA on Si": _on_silicon("PMMA", 100.0, 400.0),
        "transparent film (index free) on Si": ThinFilm(material("Si"), (any_film,)),
    }


def _on_silicon(film: str, thickness_nm: float, highest_nm: float) -> ThinFilm:
    return ThinFilm(material("Si"), (_film(film, thickness_nm, highest_nm),))


def _on_oxide(film: str, thickness_nm: float, highest_nm: float) -> ThinFilm:
    oxide = Layer(material("SiO2"), _OXIDE_NM)
    return ThinFilm(material("Si"), (_film(film, thickness_nm, highest_nm), oxide))


def _film(name: str, thickness_nm: float, highest_nm: float) -> Layer:
    return Layer(material(name), thickness_nm, {THICKNESS: (0.0, highest_nm)})
