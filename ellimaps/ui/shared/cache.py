"""A bounded cache that all users share: read-only results by what they were made of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class BoundedCache:
    """Keeps the results used last, limited in number and bytes.

    Streamlit's own cache bounds entries but not bytes, and does not let the work show its progress.

    Parameters
    ----------
    max_entries : int
        Most results kept.
    max_bytes : int
        Most bytes kept; a single result larger than that is kept alone.
    size_of : callable
        Bytes of a result.
    """

    def __init__(self, max_entries: int, max_bytes: int, size_of: Callable[[Any], int]) -> None:
        self._max_entries, self._max_bytes, self._size_of = max_entries, max_bytes, size_of
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self.computed = 0

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of this key, made now if it is not there; two users never make the same one."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._results:
                    self._results.move_to_end(key)
                    found: T = self._results[key]
                    return found
            try:
                result = make()
                with self._lock:
                    self.computed += 1
                    self._results[key] = result
                    self._evict()
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return result

    def clear(self) -> None:
        """Forget everything that is kept."""
        with self._lock:
            self._results.clear()

    @property
    def n_bytes(self) -> int:
        """Bytes of all results kept."""
        with self._lock:
            return self._total()

    def __len__(self) -> int:
        return len(self._results)

    def _total(self) -> int:
        return sum(self._size_of(result) for result in self._results.values())

    def _evict(self) -> None:
        while len(self._results) > 1 and (
            len(self._results) > self._max_entries or self._total() > self._max_bytes
        ):
            self._results.popitem(last=False)
