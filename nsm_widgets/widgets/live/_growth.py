"""What a page is sent of a recording that runs: iteration by iteration, within bounds.

The page is first told of the arrays, ``_meta`` with ``"live": run`` and no bytes. Then each update is one
message, ``{"type": "grow", "run": run, "number": n, "arrays": [...], "scalars": [...], ...}``, cut into parts
where the host's limit asks for it. The bytes of all arrays of the iteration lie one after the other, each
beginning at a multiple of eight. ``remove`` are iterations that the page lets go, by their numbers. The page
keeps its own list of numbers, so that a message it never got is an iteration less, and no wrong one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.trace import NamedArray
from nsm_widgets.view import ArraySummary, summary_of
from nsm_widgets.widgets.page_arrays._wire import wire_array

ALIGN = 8

MOST_SCALARS_AT_ONCE = 50_000
"""Values of one scalar in one message; what is left goes with the next."""

Array = Shaped[np.ndarray, "..."]


@dataclass(slots=True)
class Growth:
    """The iterations that a page holds, and what is known of all of them.

    Args:
        run: Names the recording, for the page.
        budget_bytes: What the iterations on the page may take together.
    """

    run: str
    budget_bytes: float
    numbers: list[int] = field(default_factory=list)
    """The iterations on the page, oldest first."""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of one iteration, by array."""
    dtypes: dict[str, str] = field(default_factory=dict)
    summaries: dict[str, ArraySummary] = field(default_factory=dict)
    """Of all that was sent, by array."""
    sent_scalars: dict[str, int] = field(default_factory=dict)
    """The last iteration of which a scalar was sent, by array."""
    bytes_each: int = 0

    def begin(self, arrays: Mapping[str, Array]) -> None:
        """Note what an iteration is made of."""
        self.shapes = {name: values.shape for name, values in arrays.items()}
        self.dtypes = {name: values.dtype.name for name, values in arrays.items()}
        self.bytes_each = sum(values.nbytes for values in arrays.values())
        self.numbers, self.summaries = [], {}

    def fits(self, arrays: Mapping[str, Array]) -> bool:
        """Whether an iteration is made of the same arrays, of the same shapes, as those on the page."""
        return self.key(arrays) == self.key()

    def key(self, arrays: Mapping[str, Array] | None = None) -> Hashable:
        """Names and shapes of an iteration's arrays; of those on the page where none is given."""
        shapes = self.shapes if arrays is None else {name: each.shape for name, each in arrays.items()}
        return frozenset(shapes.items())

    def add(self, number: int, kept: Collection[int]) -> list[int]:
        """Note one more iteration, and choose those that leave for it.

        Args:
            number: Of the new one.
            kept: Those that the recorder still keeps.

        Returns:
            Those that the recorder has dropped, and one more for each that is over the budget: of the others
            always the one without which the widest gap stays smallest, so that they stay evenly spread. The
            first and the newest never go so.
        """
        gone = [old for old in self.numbers if old not in kept]
        self.numbers = [old for old in self.numbers if old in kept]
        most = max(2, int(self.budget_bytes // max(self.bytes_each, 1)))
        while len(self.numbers) + 1 > most:
            spread = [*self.numbers, number]
            inner = range(1, len(spread) - 1)
            place = min(inner, key=lambda i: spread[i + 1] - spread[i - 1])
            gone.append(self.numbers.pop(place))
        self.numbers.append(number)
        return gone

    def note(self, arrays: Mapping[str, NamedArray]) -> dict[str, dict[str, float | int]]:
        """What is to be said of the arrays with one more iteration: counts and range of all that was sent."""
        for name, array in arrays.items():
            new, old = summary_of(array), self.summaries.get(name)
            self.summaries[name] = new if old is None else joined(old, new)
        return {name: self.summaries[name].to_json() for name in arrays}

    def new_scalars(self, arrays: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> list[NewScalars]:
        """What of each scalar the page lacks: from the last one sent on, whose value may be another now."""
        found = []
        for name, (numbers, values) in arrays.items():
            last = self.sent_scalars.get(name)
            start = len(numbers)
            while start > 0 and (last is None or numbers[start - 1] >= last):
                start -= 1
            stop = min(len(numbers), start + MOST_SCALARS_AT_ONCE)
            if start < stop:
                found.append(NewScalars(name, list(numbers[start:stop]), np.array(values[start:stop])))
                self.sent_scalars[name] = numbers[stop - 1]
        return found


@dataclass(frozen=True, slots=True)
class NewScalars:
    """Values of one scalar, and the iterations they belong to."""

    name: str
    numbers: list[int]
    values: Shaped[np.ndarray, " value"]


def joined(a: ArraySummary, b: ArraySummary) -> ArraySummary:
    """The summary of two arrays taken together."""
    some = [each for each in (a, b) if each.finite]
    return ArraySummary(
        size=a.size + b.size,
        low=min((each.low for each in some), default=0.0),
        high=max((each.high for each in some), default=0.0),
        nan=a.nan + b.nan,
        positive_infinity=a.positive_infinity + b.positive_infinity,
        negative_infinity=a.negative_infinity + b.negative_infinity,
    )


def wired(arrays: Mapping[str, NamedArray], dtypes: Mapping[str, str]) -> dict[str, Array]:
    """The arrays as the page reads them; integers of the type that they had before, where they fit it."""
    found = {}
    for name, array in arrays.items():
        values = wire_array(np.asarray(array.values), name)
        known = dtypes.get(name, values.dtype.name)
        if known != values.dtype.name and values.dtype.kind in "iuf" and known in ("float64", "int32"):
            cast = values.astype(known)
            values = cast if np.array_equal(cast, values, equal_nan=True) else values
        found[name] = values
    return found


def grown(
    header: Mapping[str, Any], arrays: Mapping[str, Array], scalars: Sequence[NewScalars]
) -> tuple[dict[str, Any], bytearray]:
    """The message of one update, and its bytes."""
    payload = bytearray()

    def put(values: Array) -> int:
        payload.extend(b"\0" * (-len(payload) % ALIGN))
        start = len(payload)
        payload.extend(np.ascontiguousarray(values).data.cast("B"))
        return start

    content = {
        "type": "grow",
        **header,
        "arrays": [[name, values.dtype.name, put(values), values.nbytes] for name, values in arrays.items()],
        "scalars": [[new.name, new.numbers, put(new.values.astype("<f8"))] for new in scalars],
    }
    return content, payload


def parts(
    content: Mapping[str, Any], payload: bytearray, room: int
) -> Iterator[tuple[dict[str, Any], memoryview]]:
    """The message in as many parts as its bytes need; the first of them says all."""
    data = memoryview(payload)
    starts = range(0, max(len(data), 1), room)
    for part, start in enumerate(starts):
        head = content if part == 0 else {"type": "grow", "run": content["run"]}
        yield {**head, "part": part, "parts": len(starts)}, data[start : start + room]


def send_parts(
    send: Callable[..., None], content: Mapping[str, Any], payload: bytearray, room: int, *, encoded: bool
) -> None:
    """Send a message; as base64 where binary is slow.

    Args:
        send: Sends a content and buffers.
        content: What the first part says.
        payload: The bytes.
        room: Most bytes of one message.
        encoded: Whether bytes go as base64.
    """
    for head, data in parts(content, payload, room):
        if encoded:
            send({**head, "base64": base64.b64encode(data).decode("ascii")})
        else:
            send(head, [data])
