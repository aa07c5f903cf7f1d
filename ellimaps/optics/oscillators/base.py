"""What every oscillator is: named parameters and a permittivity."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from ellimaps.core.errors import SettingError


@dataclass(frozen=True)
class Oscillator:
    """One term of a permittivity; its fields are its parameters.

    Raises
    ------
    SettingError
        If a parameter is no number within `MOST`, or negative where it must not be.
    """

    key: ClassVar[str]
    """What a model file calls it."""
    not_negative: ClassVar[tuple[str, ...]] = ()
    """Parameters that must be 0 or more."""
    positive: ClassVar[tuple[str, ...]] = ()
    """Parameters that must be above 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
                raise SettingError(
                    f"{field.name} of {self.key} must be a number within {MOST:g}, got {value!r:.80}."
                )
            if value < 0 and field.name in (*self.not_negative, *self.positive):
                raise SettingError(f"{field.name} of {self.key} must not be negative, got {value:g}.")
            if value == 0 and field.name in self.positive:
                raise SettingError(f"{field.name} of {self.key} must be above 0.")
            object.__setattr__(self, field.name, float(value))

    @staticmethod
    def permittivity(photon_ev: Any, /, **parameters: Any) -> Any:
        """Return the term of the permittivity.

        Parameters
        ----------
        photon_ev : ndarray of float
            Photon energies in eV.
        **parameters : array_like or Dual
            Values of the parameters, broadcasting against the energies.

        Returns
        -------
        ndarray of complex or Dual
            Of their broadcast shape.
        """
        raise NotImplementedError


MOST = 1e6
"""Beyond it a parameter is a slip: amplitudes of metals are some 100 eV, energies below 100 eV."""
