"""How certain a fit's parameters are: limits and curves from the profile of chi squared, and correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ellimaps.optics.fresnel import Real
from ellimaps.optics.solver import Minimum, covariances, minimize
from ellimaps.optics.spectra import FitProblem, SpectraFitter

# 90 % of chi squared with one degree of freedom lie below.
_RISE_90 = 2.7055
# With this correlation a standard error is ten times what it is with the other parameter held.
_INSEPARABLE = 0.995
# Points of a profile: a fifth of a standard error apart near the minimum, elsewhere a hundredth of the width.
_NEAR = np.linspace(-5, 5, 51)
_ACROSS = 101


@dataclass(frozen=True, eq=False)
class Certainty:
    """How certain the free parameters of one fit are.

    Attributes
    ----------
    names : tuple of str
        The free parameters.
    values, standard_errors : ndarray of float, shape (parameter,)
        Of the fit.
    limits : ndarray of float, shape (parameter, 2)
        90 % limits; a bound where chi squared does not rise enough before it.
    is_open : ndarray of bool, shape (parameter, 2)
        Where a limit is only a bound.
    correlation : ndarray of float, shape (parameter, parameter)
        NaN where the data do not determine the parameters.
    curves : tuple of DataFrame
        Per parameter ``value, chi2``: reduced chi squared with the parameter held there and the others free,
        across its bounds (the uniqueness test).
    """

    names: tuple[str, ...]
    values: Real
    standard_errors: Real
    limits: Real
    is_open: np.ndarray
    correlation: Real
    curves: tuple[pd.DataFrame, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the data cannot tell, in words."""
        found = []
        for number, name in enumerate(self.names):
            sides = [
                side
                for side, is_open in zip(("lower", "upper"), self.is_open[number], strict=True)
                if is_open
            ]
            if len(sides) == 2:
                found.append(f"The data do not determine {name} within its bounds.")
            elif sides and not (sides == ["lower"] and self.limits[number, 0] == 0):
                found.append(f"The data set no {sides[0]} limit to {name} within its bounds.")
            found += [
                f"{self.names[other]} and {name} cannot be told apart by these data (correlation "
                f"{self.correlation[number, other]:+.4f}): hold one of them."
                for other in range(number)
                if abs(self.correlation[number, other]) > _INSEPARABLE
            ]
        return tuple(found)

    def table(self) -> pd.DataFrame:
        """Return a row per parameter: ``parameter, value, standard_error, low_90, high_90``, correlations."""
        table = pd.DataFrame(
            {
                "parameter": self.names,
                "value": self.values,
                "standard_error": self.standard_errors,
                "low_90": self.limits[:, 0],
                "high_90": self.limits[:, 1],
            }
        )
        columns = {
            f"correlation_{name}": self.correlation[:, number] for number, name in enumerate(self.names)
        }
        return table.assign(**columns)


def certainty_of(
    fitter: SpectraFitter,
    problem: FitProblem,
    parameters: Real,
    standard_errors: Real,
    *,
    across: bool = True,
) -> Certainty:
    """Return how certain the parameters of one spectrum's fit are.

    Parameters
    ----------
    fitter : SpectraFitter
        What fitted it.
    problem : FitProblem
        The spectrum, alone.
    parameters, standard_errors : ndarray of float, shape (parameter,)
        Where the fit ended, and what it said.
    across : bool
        Whether the curves go across the bounds, or only as far as the limits need.

    Notes
    -----
    Chi squared may rise by 2.71 within 90 % limits, times the square of what the standard errors were widened
    by where the model misses the data.
    """
    best = Minimum(*(part[:1] for part in problem.at(parameters[None])))
    covariance = covariances(best.normal)[0]
    local = np.sqrt(np.diag(covariance))
    known = np.isfinite(local) & (local > 0)
    widened = np.where(known, standard_errors / np.where(known, local, 1), 1.0)
    limits, is_open, curves = [], [], []
    for number in range(len(parameters)):
        values, rises = _profile(fitter, problem, best, covariance, number, widened[number], across=across)
        sides = [
            _limit(values, rises, parameters[number], _RISE_90 * widened[number] ** 2, side)
            for side in (-1, 1)
        ]
        limits.append([value for value, _ in sides])
        is_open.append([is_bound for _, is_bound in sides])
        chi2 = (best.chi2[0] + rises) / problem.freedom[0]
        curves.append(pd.DataFrame({"value": values, "chi2": chi2}))
    with np.errstate(invalid="ignore"):
        correlation = covariance / np.outer(local, local)
    names = tuple(parameter.name for parameter in fitter.exact.parameters)
    return Certainty(
        names, parameters, standard_errors, np.array(limits), np.array(is_open), correlation, tuple(curves)
    )


def _profile(
    fitter: SpectraFitter,
    problem: FitProblem,
    best: Minimum,
    covariance: Real,
    number: int,
    widened: float,
    *,
    across: bool,
) -> tuple[Real, Real]:
    """Return values of a parameter, ascending, and the rise of chi squared with the others free."""
    curve, at = problem.curve, best.parameters[0]
    error = np.sqrt(covariance[number, number])
    starts = [at[None]]
    if np.isfinite(error) and error > 0:
        slope = covariance[number] / error
        starts.append(at + _NEAR[:, None] * widened * slope)
    if across or len(starts) == 1:
        values = np.linspace(curve.low[number], curve.high[number], _ACROSS)
        starts.append(fitter.look_up.best_with(problem.measured, number, values))
    start = np.concatenate(starts)
    inside = (start[:, number] >= curve.low[number]) & (start[:, number] <= curve.high[number])
    ends = np.repeat(at[None], 2, axis=0)
    ends[:, number] = curve.low[number], curve.high[number]
    start = np.clip(np.concatenate([start[inside], ends]), curve.low, curve.high)
    target = problem.target.part(np.zeros(len(start), dtype=np.intp))
    held = np.arange(len(at)) == number
    chi2 = minimize(curve, target, start, held=held).chi2 if len(at) > 1 else curve.chi2(target, start)
    order = np.argsort(start[:, number], kind="stable")
    values, first = np.unique(start[order, number], return_index=True)
    return values, np.minimum.reduceat(chi2[order], first) - best.chi2[0]


def _limit(values: Real, rises: Real, at: float, asked: float, side: int) -> tuple[float, bool]:
    """Return the outermost value on one side with a rise below what is asked, and whether it is the bound."""
    outwards = np.flatnonzero(values <= at)[::-1] if side < 0 else np.flatnonzero(values >= at)
    along, roots = values[outwards], np.sqrt(np.maximum(rises[outwards], 0))
    inside = np.flatnonzero(roots < np.sqrt(asked))
    last = int(inside[-1]) if inside.size else 0
    if last == len(along) - 1:
        return float(along[-1]), True
    share = np.clip((np.sqrt(asked) - roots[last]) / (roots[last + 1] - roots[last]), 0, 1)
    return float(along[last] + share * (along[last + 1] - along[last])), False
