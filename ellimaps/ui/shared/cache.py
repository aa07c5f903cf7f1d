"""A bounded cache that all users share: read-only results by what they were made of."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from cachetools import LRUCache, cached

MEGABYTE = 1 << 20
"""In bytes. The limits of all caches together are 7.8 GB, half the memory of a usual PC of a laboratory."""
T = TypeVar("T")
_CACHES: WeakSet[BoundedCache[Any]] = WeakSet()


class BoundedCache(Generic[T]):
    """Keeps the results used last, limited in bytes.

    Streamlit's own cache bounds entries but not bytes, and does not let the work show its progress.

    Parameters
    ----------
    limit : int
        Most bytes kept; a result larger than that is kept alone.
    size_of : callable, optional
        Bytes of a result; without it the limit is a number of results.
    """

    def __init__(self, limit: int, size_of: Callable[[T], int] = lambda _: 1) -> None:
        self._results: LRUCache[Hashable, T] = LRUCache(limit, lambda result: min(size_of(result), limit))
        self._changed = Condition()
        self._get = cached(self._results, key=lambda key, _: key, condition=self._changed)(self._make)
        self.computed = 0
        _CACHES.add(self)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of this key, made now if it is not there; two users never make the same one."""
        return self._get(key, make)

    def kept(self, key: Hashable) -> T | None:
        """Return the result of this key if it is there."""
        with self._changed:
            return self._results.get(key)

    def clear(self) -> None:
        """Forget everything that is kept."""
        with self._changed:
            self._results.clear()

    @property
    def size(self) -> int:
        """What is kept, in the unit of the limit."""
        return int(self._results.currsize)

    def __len__(self) -> int:
        return len(self._results)

    def _make(self, _: Hashable, make: Callable[[], T]) -> T:
        result = make()
        with self._changed:
            self.computed += 1
        return result


def forget_all() -> None:
    """Empty all caches."""
    for cache in list(_CACHES):
        cache.clear()
