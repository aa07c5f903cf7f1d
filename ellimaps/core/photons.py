"""Photon energies."""

EV_NM = 1239.8419843320026
"""Photon energy times wavelength in eV nm: h c / e, exact in the SI of 2019."""
