"""Numbers that a training loop logs beside what is recorded: the loss, a learning rate."""

from __future__ import annotations

import math
import sys
import threading
from array import array
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nsm_widgets._errors import DtypeError, RecordingError, ShapeError, warn_or_log, words_of
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.record._host_copy import HostCopy

PREFIX = "scalar."
"""Before the name of a scalar, in a trace."""

MOST_VALUES = 1_000_000
"""Of one scalar, 16 MB: beyond that every second one goes, and is counted."""

MOST_WAITING = 64
"""So many values may be on their way from a device; beyond that the oldest one, long there, is taken in."""

_LONGEST_NAME = 100


class Scalars:
    """Each scalar's values with the iterations they belong to, for every iteration, recorded or not.

    What is no number is left out, counted, and warned of once.

    A loss on a CUDA device is not waited for: it is on its way until somebody asks for the values.

    >>> scalars = Scalars()
    >>> scalars.log(0, {"loss": 0.7})
    >>> scalars.log(5, {"loss": 0.5, "lr": 1e-4})
    >>> scalars.arrays()[0].values.tolist()
    [0.7, 0.5]
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._lock = threading.RLock()
        self.left_out: Counter[str] = Counter()
        """How many values of each name were no numbers."""
        self._series: dict[str, Series] = {}
        self._waiting: deque[tuple[Series, int, HostCopy | float]] = deque()

    @property
    def series(self) -> dict[str, Series]:
        """Each scalar by its name, with all that was noted of it."""
        with self._lock:
            self._take_in(0)
            return dict(self._series)

    def log(self, number: int, values: object) -> None:
        """Note these of one iteration; what was noted of it before under the same name is replaced.

        Raises:
            RecordingError: If ``strict``, and a name is no text, empty, too long, or like another one.
            DtypeError, ShapeError: If ``strict``, and a value is no single real number, or it is no mapping.
        """
        noted: list[tuple[str, float | HostCopy]] = []
        with self._lock:
            for name, value in self._items(values):
                try:
                    checked = (_name(name), _number(name, value))
                    self._refuse_alike(name, [*self._series, *(each for each, _ in noted)])
                    noted.append(checked)
                except Exception as error:  # a foreign item() may raise anything
                    if self._strict:
                        raise
                    self._leave_out(name if isinstance(name, str) else type(name).__name__, error)
            for name, each in noted:
                self._waiting.append((self._series.setdefault(name, Series()), number, each))
            self._take_in(MOST_WAITING)

    def _items(self, values: object) -> list[tuple[Any, Any]]:
        try:
            if not isinstance(values, Mapping):
                raise DtypeError(
                    f"log takes numbers by name, got {type(values).__name__}. log(loss=0.3), or "
                    "log({'val/loss': 0.3})."
                )
            return list(values.items())
        except Exception as error:  # so may a foreign mapping
            if self._strict:
                raise
            self._leave_out(type(values).__name__, error)
            return []

    def _leave_out(self, name: str, error: Exception) -> None:
        if not self.left_out:
            warn_or_log(
                f"what was logged could not be noted, and the training goes on: {words_of(error)} Later "
                "values like it are counted only, in recorder.scalars_left_out."
            )
        self.left_out[name] += 1

    def _take_in(self, left: int) -> None:
        """Add what waits, in its order, until so many are left that are on their way."""
        while self._waiting and (len(self._waiting) > left or not isinstance(self._waiting[0][2], HostCopy)):
            series, number, value = self._waiting.popleft()
            series.add(number, float(value.values()) if isinstance(value, HostCopy) else value)

    def _refuse_alike(self, name: str, known: Sequence[str]) -> None:
        other = next((each for each in known if logged_name(each) == logged_name(name)), name)
        if other != name:
            raise RecordingError(
                f"scalars must have names that differ in more than / and ., got {name!r} beside {other!r}."
            )

    def arrays(self) -> list[NamedArray]:
        """One array ``(logged)`` for each, which is called ``scalar.<name>``."""
        return [series.array(name) for name, series in self.series.items()]


class Series:
    """One scalar: numbers of iterations, in the order in which they were logged, and a value for each."""

    def __init__(self) -> None:
        self.numbers = array("q")
        self.values = array("d")
        self.dropped = 0
        """How many values were dropped for want of room."""

    def add(self, number: int, value: float) -> None:
        """Append, or replace the value of the same iteration."""
        if self.numbers and self.numbers[-1] == number:
            self.values[-1] = value
            return
        if len(self.numbers) >= MOST_VALUES:
            before = len(self.numbers)
            self.numbers, self.values = self.numbers[::2], self.values[::2]
            self.dropped += before - len(self.numbers)
        self.numbers.append(number)
        self.values.append(value)

    def array(self, name: str) -> NamedArray:
        """The values as an array of their own, ascending by iteration; of one iteration the last one."""
        numbers, values = np.array(self.numbers), np.array(self.values, dtype=np.float64)
        if (numbers[1:] <= numbers[:-1]).any():  # several threads logged
            order = np.argsort(numbers, kind="stable")
            order = order[np.append(np.diff(numbers[order]) > 0, True)]
            numbers, values = numbers[order], values[order]
        values.flags.writeable = False
        attrs: dict[str, Any] = {
            "kind": "scalar",
            "scalar": name,
            "description": f"{name}, logged in training",
        }
        if self.dropped:
            attrs["dropped"] = self.dropped
        return NamedArray(logged_name(name), values, ("logged",), {"logged": numbers.tolist()}, attrs)


def logged_name(name: str) -> str:
    """What the array of a scalar is called: arrays have no slash in their names.

    >>> logged_name("val/loss")
    'scalar.val.loss'
    """
    return PREFIX + name.replace("/", ".")


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise RecordingError(
            f"a scalar's name must be a text of 1 to {_LONGEST_NAME} printable characters, got {name!r}. "
            "log(loss=0.3), or log({'val/loss': 0.3})."
        )
    return name


def _number(name: str, value: Any) -> float | HostCopy:  # of any library that has item()
    """The value as a float: of a tensor or array that holds one number, that number."""
    item = getattr(value, "item", None)
    if item is not None:
        if math.prod(getattr(value, "shape", ())) != 1:
            raise ShapeError(
                f"{name} must be a single number, got shape {tuple(value.shape)}. "
                f"Log a mean of it: log({name}=values.mean())."
            )
        if getattr(value, "is_cuda", False) and not value.is_complex():
            value = value.reshape(()) if value.ndim else value
            return HostCopy(value.detach().to(sys.modules["torch"].float64, copy=True))
        value = item()
    if not isinstance(value, (int, float)):
        raise DtypeError(
            f"{name} must be a real number or a tensor that holds one, got {type(value).__name__}. "
            "log(loss=loss) takes the tensor that backward() was called on."
        )
    try:
        return float(value)
    except OverflowError as error:
        raise DtypeError(
            f"{name} must fit into a float64, got an integer of {int(value).bit_length()} bits. "
            "Log its logarithm."
        ) from error
