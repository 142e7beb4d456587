"""Values that are made once, on first use, also when several threads ask at the same time.

`functools.cached_property` holds no lock from Python 3.12 on, and `functools.cache` never did: two threads may each
make a value and go on with different objects. Here the first one makes it while the others wait; what failed is tried
again by the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, TypeVar, overload

OwnerT = TypeVar("OwnerT")
ValueT = TypeVar("ValueT")
KeyT = TypeVar("KeyT")

_LOCKS = "_lazy_locks"


class lazy_property(Generic[OwnerT, ValueT]):  # noqa: N801  # used as a decorator, like `property`
    """A property that is worked out once per object, behind a lock of that object and name.

    The value stands in the object's ``__dict__`` under that name; deleting it there makes the next access work it out
    anew.
    """

    def __init__(self, make: Callable[[OwnerT], ValueT]) -> None:
        """Take the function that makes the value."""
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember under which name the value is kept."""
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> lazy_property[OwnerT, ValueT]: ...
    @overload
    def __get__(self, owner: OwnerT, kind: type) -> ValueT: ...
    def __get__(self, owner: OwnerT | None, kind: type) -> lazy_property[OwnerT, ValueT] | ValueT:
        """Return the value; only the first access comes here, later ones find it in the object's ``__dict__``."""
        if owner is None:
            return self
        kept: dict[str, Any] = owner.__dict__
        # `setdefault` of a dict is atomic, so that all threads get the same lock.
        locks: dict[str, Any] = kept.setdefault(_LOCKS, {})
        with locks.setdefault(self._name, threading.RLock()):
            if self._name not in kept:
                kept[self._name] = self._make(owner)
            value: ValueT = kept[self._name]
            return value


class once(Generic[ValueT]):  # noqa: N801  # used as a decorator, like `cache`
    """A function without arguments that is carried out once per process, behind a lock."""

    def __init__(self, make: Callable[[], ValueT]) -> None:
        """Take the function."""
        self._make, self._lock = make, threading.RLock()
        self._made: list[ValueT] = []
        update_wrapper(self, make)

    def __call__(self) -> ValueT:
        """Return the value."""
        if made := tuple(self._made):
            return made[0]
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def cache_clear(self) -> None:
        """Forget the value; the next call makes it anew."""
        with self._lock:
            self._made.clear()


class once_each(Generic[KeyT, ValueT]):  # noqa: N801  # used as a decorator, like `cache`
    """A function of one argument that is carried out once per process and argument, behind a lock.

    No value is forgotten before `cache_clear`.
    """

    def __init__(self, make: Callable[[KeyT], ValueT]) -> None:
        """Take the function."""
        self._make, self._lock = make, threading.RLock()
        self._made: dict[KeyT, ValueT] = {}
        update_wrapper(self, make)

    def __call__(self, key: KeyT) -> ValueT:
        """Return the value."""
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(key)
            return self._made[key]

    def cache_clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._made.clear()
