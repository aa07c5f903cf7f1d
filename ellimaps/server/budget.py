"""Memory for what clients send: bodies share a fixed number of bytes, and small ones always find some."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class BudgetSpentError(Exception):
    """There is no memory for more of a body now."""


class Budget:
    """Bytes of bodies and images that may be in memory at the same time.

    Parameters
    ----------
    total : int
        Bytes for all of them.
    small : int
        A body of no more bytes than this may use all of it, larger ones together half: a few large bodies
        that arrive slowly keep no image of usual size out.
    """

    def __init__(self, total: int, small: int) -> None:
        self._total = total
        self._small = small
        self.used = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Return a context in which a request may have a share of it; nothing is left of it afterwards."""
        share = Share(self)
        try:
            yield share
        finally:
            share.resize(0)

    def fits(self, more: int, size: int) -> bool:
        """Return whether a share may grow by so many bytes to a size."""
        return self.used + more <= (self._total if size <= self._small else self._total // 2)


class Share:
    """What one request has of a budget.

    Parameters
    ----------
    budget : Budget
        Where it is from.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def resize(self, size: int) -> None:
        """Have so many bytes.

        Raises
        ------
        BudgetSpentError
            If there are not so many.
        """
        more = size - self._size
        if more > 0 and not self._budget.fits(more, size):
            raise BudgetSpentError
        self._budget.used += more
        self._size = size
