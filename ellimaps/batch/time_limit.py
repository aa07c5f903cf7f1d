"""How long one image may take: an image that hangs is ended and listed, and the rest goes on."""

from __future__ import annotations

from ellimaps.batch.work import Outcome
from ellimaps.core.errors import SettingError
from ellimaps.core.small_files import toml_value

NAME = "time_limit_s"
TIME_LIMIT_S = 1800.0
"""By default. The longest work we know is a fit of every pixel: 90 microseconds of processor time for each of
120,000 pixels with two free parameters (``benchmarks/bench_fits.py``), so two minutes for 1040 x 1392 pixels;
fifteen times as much is left to slow machines and drives."""
_LONGEST_S = 7 * 86400.0  # a week, which a run may take that nobody looks at


def time_limit(value: object = None) -> float:
    """Return a time limit as a number of seconds; the default for None.

    Raises
    ------
    SettingError
        If it is none, or beyond a second and a week.
    """
    if value is None:
        return TIME_LIMIT_S
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= _LONGEST_S:
        raise SettingError(
            f"{NAME} must be a number of seconds from 1 to {_LONGEST_S:.0f}, not {value!r:.80}."
        )
    return float(value)


def with_time_limit(recipe: str, seconds: float) -> str:
    """Return the text of a recipe that also says how long an image may take."""
    header, version, rest = recipe.split("\n", 2)
    return "\n".join([header, version, f"{NAME} = {toml_value(seconds)}", rest])


def late(seconds: float) -> Outcome:
    """Return what becomes of an image that took longer."""
    return Outcome(
        reason=f"It took longer than {seconds:g} s and was ended: check the file, or give it more time "
        "(--time-limit)."
    )
