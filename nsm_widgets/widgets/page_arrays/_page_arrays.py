"""One trace's arrays on the page's side, held once and read by every view."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, Literal

import numpy as np
import traitlets
from jaxtyping import Shaped
from numpy.typing import NDArray

from nsm_widgets._environment import EVERYTHING_MB
from nsm_widgets._errors import ClosedError, OptionError, ShapeError
from nsm_widgets._old_names import with_old_options
from nsm_widgets._options import is_number, is_one_of
from nsm_widgets._text import escape_surrogates, replace_surrogates
from nsm_widgets.export import held_arrays
from nsm_widgets.trace import (
    Coord,
    LazyValues,
    NamedArray,
    Trace,
    evenly,
    given_trace,
    is_mask,
    missing_text,
    numbers_of,
)
from nsm_widgets.view import num_stepless, ranks_of, summary_of, with_derived
from nsm_widgets.widgets._base import DATA_BUNDLE, SyncedWidget
from nsm_widgets.widgets._host import in_vscode
from nsm_widgets.widgets.page_arrays._pyramids import Pyramids
from nsm_widgets.widgets.page_arrays._serve import Answer, Served, answer
from nsm_widgets.widgets.page_arrays._state_room import current_run, state_room
from nsm_widgets.widgets.page_arrays._wire import (
    VALUE_PRECISIONS,
    Sent,
    ValuePrecision,
    is_kept,
    sent_as,
    wire_array,
)

DEFAULT_BUDGET_MB = 64.0

BINARY_MESSAGE_BYTES = 4_000_000
BASE64_MESSAGE_BYTES = 372_000
"""Most bytes of one message. VS Code serialises binary buffers number by number: there, bytes are base64
strings, and a message of them is shorter than half a megabyte."""

SILENCE_S = 0.5
"""A page that waits for many answers has the first of them before it takes the kernel for a busy one."""

MOST_REQUESTS = 256
"""Of one message; a page of ours sends far fewer."""


@with_old_options
class PageArrays(SyncedWidget):
    """Holds a trace's arrays for the page. Views made from one share its bytes.

    Each array up to ``budget_mb`` crosses once, whole, as binary: with the widget's state, which a notebook
    can be saved with, as long as there is room, else when a view first needs it: the picture on show goes
    first, drawn here with as many texels as the screen has, the values follow. Of a larger array, which may
    be a memory-mapped one larger than memory, only pictures cross, prefetched around the cursor, and the
    values around the cell that is hovered.

    There is room for 8 MB in a saved notebook, for the arrays of all its views together, counted in its file,
    where three bytes take four; the environment variable ``NSM_WIDGETS_STATE_MB``, read when a kernel makes
    its first page arrays, sets another limit. First come, first served; what is closed gives its room back,
    and so does one that was made or shown only in cells that ran again since. Views say on the page and in
    their summary what a saved notebook will not carry. In VS Code, which is known by the cell that makes it,
    or because it started the kernel, nothing goes with the state; the environment variable
    ``NSM_WIDGETS_HOST``, ``vscode`` or ``jupyter``, has the last word.

    Args:
        data: What to show: a trace or a recorder.
        only: Names of the arrays to hold. When not given, all of them and those that views compute from them.
        budget_mb: Largest array, in 10**6 bytes, that crosses whole.
        precision: How near the recorded values are that cross when they are needed; see
            ``ValuePrecision`` in ``_wire``. Those in the widget's state are exact, and
            pictures are always drawn from exact values. Views say on the page what was rounded.

    Example:
        >>> trace = Trace.from_arrays({"memory": np.zeros((5, 1, 8, 4))})
        >>> page_arrays = PageArrays(trace)
        >>> page_arrays.arrays
        ('memory', 'memory_change')

    Raises:
        TypeError: If ``data`` is no trace.
        ShapeError: If ``only`` names an array that the trace does not hold.
        DtypeError: If an array has values that the page could not show exactly.
        ValueError: If ``budget_mb`` or ``NSM_WIDGETS_STATE_MB`` is no number of at least 0, or ``precision``
            is unknown.
    """

    _bundle = DATA_BUNDLE
    _css = ""

    _kind = traitlets.Unicode("store").tag(sync=True)
    _meta: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _buffers = traitlets.Dict().tag(sync=True)
    """Bytes by name. None at all: the array is not, or no longer, in the state."""

    _state_mb = traitlets.Float().tag(sync=True)
    """What the arrays of a saved notebook take at most, for the page to say it."""

    _trace: Trace | None = None

    joining: Literal["", "gathers", "watches"] = ""
    """While a group is made: whether this takes what its parts draw, or is filled by a recorder."""

    _live = traitlets.Dict().tag(sync=True)
    """Of a recording that is watched: which run it is, and how far; see ``live._live``."""

    def __init__(
        self,
        data: object,
        *,
        only: Sequence[str] | None = None,
        budget_mb: float = DEFAULT_BUDGET_MB,
        precision: ValuePrecision = "exact",
        **options: object,
    ) -> None:
        trace = require_trace(data, "PageArrays")
        if not is_number(budget_mb) or budget_mb < 0:
            raise OptionError(f"budget_mb must be a number of at least 0, got {budget_mb!r}.")
        if not is_one_of(precision, VALUE_PRECISIONS):
            raise OptionError(f"precision must be one of {', '.join(VALUE_PRECISIONS)}, got {precision!r}.")
        if only is None:
            trace = with_derived(trace)
        if isinstance(only, str):
            raise TypeError(f"only must be a list of names, got the string {only!r}. Use [{only!r}].")
        names = tuple(trace) if only is None else tuple(only)
        for name in names:
            if name not in trace:
                raise ShapeError(f"only must name arrays of the trace ({', '.join(trace)}), got {name!r}.")
        self._budget_mb, self._precision = budget_mb, precision
        state = {**self._take(trace, names), "_live": _status_at_end(trace)}
        super().__init__(_state=state, **options)

    def _take(self, trace: Trace, names: Sequence[str]) -> dict[str, Any]:
        """Hold these arrays from now on; what the page is told of them."""
        room = state_room()
        self._arrays = {name: _held(trace[name], self._budget_mb) for name in names}
        small = {name: array for name, array in self._arrays.items() if array.nbytes <= self._budget_mb * 1e6}
        self._for_state = _savable(self._arrays if room.limit_mb >= EVERYTHING_MB else small)
        self._stand()
        self.trace = trace
        metas = [describe(trace[name], self._arrays[name], over_budget=name not in small) for name in names]
        self._served: dict[str, Served] = {}
        pyramids = Pyramids()
        for meta in metas:
            name, summary = str(meta["name"]), meta["summary"]
            kept = (
                self._precision if trace[name].values.dtype.kind == "f" else "exact"
            )  # large integers are float64 there
            sent = sent_as(meta["dtype"], summary["low"], summary["high"], kept)
            meta["sent"] = sent.to_json()
            self._served[name] = _served(self._arrays[name], sent, meta, pyramids)
        return {"_meta": metas, "_buffers": self._save_more(()), "_state_mb": room.limit_mb}

    def hold(self, trace: Trace, only: Sequence[str]) -> None:
        """Hold these arrays of another trace instead of those at hand, on every page.

        Args:
            trace: What to show.
            only: Names of the arrays to hold.
        """
        state_room().give_back(self)
        state = self._take(trace, tuple(only))
        with self.hold_sync():
            for name, value in state.items():
                setattr(self, name, value)

    def _hold_running(
        self, trace: Trace, arrays: Mapping[str, Shaped[np.ndarray, "..."]], metas: list[dict[str, Any]]
    ) -> None:
        """Hold the newest iteration of a recording that runs; a page is sent the others as they come."""
        state_room().give_back(self)
        self.trace, self._arrays, self._for_state, self._served = trace, dict(arrays), {}, {}
        with self.hold_sync():
            self._meta, self._buffers = metas, {}

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays held."""
        return tuple(self._arrays)

    @property
    def saved(self) -> tuple[str, ...]:
        """Names of the arrays in the widget's state, and so in a notebook that is saved with it."""
        return tuple(name for name, data in self._buffers.items() if len(data))

    @property
    def not_saved(self) -> dict[str, int]:
        """Bytes, by name, of the other arrays: a saved notebook has only a picture of them."""
        return {name: array.nbytes for name, array in self._arrays.items() if name not in self.saved}

    @property
    def trace(self) -> Trace:
        """What is shown.

        Raises:
            ClosedError: If it is closed.
        """
        if self._trace is None:
            raise ClosedError(
                "the trace of a view must be asked for while it is open, got a closed one, which has "
                "let go of it. Keep it beside the view: trace = view.trace."
            )
        return self._trace

    @trace.setter
    def trace(self, trace: Trace) -> None:
        self._trace = trace

    def close(self) -> None:
        """Take the arrays off the page, give their room in the saved notebook back, and let go of them."""
        if self.comm is not None:
            self._free_state()
            # at once: a widget is part of circles, which Python frees when it happens to look
            self._trace, self._arrays, self._for_state, self._served = None, {}, {}, {}
        super().close()

    def shown(self) -> None:
        """Called when a cell displays a view.

        Frees the saved state of the view that it replaces, and saves arrays that now fit.
        """
        if self.comm is None:
            return
        self._stand()
        if more := self._save_more(self.saved):
            self._buffers = {**self._buffers, **more}

    def __repr__(self) -> str:
        """Names, shapes and bytes."""
        held = ", ".join(f"{name} {array.shape}" for name, array in self._arrays.items())
        return f"PageArrays({held}; {sum(a.nbytes for a in self._arrays.values()) / 1e6:.1f} MB)"

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Text: there is nothing to draw."""
        return {"text/plain": repr(self)}, {}

    def _stand(self) -> None:
        for replaced in state_room().stand(self, current_run()):
            if isinstance(replaced, PageArrays):
                replaced._free_state()

    def _save_more(self, already: Sequence[str]) -> dict[str, memoryview]:
        sizes = {name: array.nbytes for name, array in self._for_state.items() if name not in already}
        taken = state_room().take(self, sizes)
        return {name: np.asarray(self._arrays[name]).data.cast("B") for name in taken}

    def _free_state(self) -> None:
        """The page keeps the copy that it has. Empty bytes, not fewer names: nbclient forgets no buffer."""
        if self.saved:
            self._buffers = dict.fromkeys(self._buffers, b"")
        state_room().give_back(self)

    def _take_message(self, content: Mapping[str, Any]) -> None:
        """Answer what a page requests by ``{"type": "ask", "asks": [...], "encoding": "binary" | "base64"}``.

        See ``_serve``. Answers go back together, in as many messages as the host's
        limit makes of them: ``{"type": "answer", "pieces": [{"key", "part", "parts", ...}]}``, and a buffer,
        or a string ``base64``, for each piece.
        """
        requests = content.get("asks")
        if content.get("type") != "ask" or not isinstance(requests, list):
            return
        encoded = content.get("encoding") == "base64"
        room = BASE64_MESSAGE_BYTES if encoded else BINARY_MESSAGE_BYTES
        answers = (answer(self._served, request) for request in requests[:MOST_REQUESTS])
        for pieces in _messages((found for found in answers if found is not None), room):
            headers = [header for header, _ in pieces]
            if encoded:
                texts = [base64.b64encode(data).decode("ascii") for _, data in pieces]
                self.send({"type": "answer", "pieces": headers, "base64": texts})
            else:
                self.send({"type": "answer", "pieces": headers}, [data for _, data in pieces])


def _messages(answers: Iterable[Answer], room: int) -> Iterator[list[tuple[dict[str, Any], memoryview]]]:
    """Answers cut into pieces, and pieces put together into messages of at most ``room`` bytes.

    What is found goes at once when the page has heard nothing for ``SILENCE_S``.
    """
    message: list[tuple[dict[str, Any], memoryview]] = []
    free, heard = room, monotonic()
    for found in answers:
        data = memoryview(found.data).cast("B")
        starts = range(0, max(len(data), 1), room)
        for part, start in enumerate(starts):
            piece = data[start : start + room]
            if message and len(piece) > free:
                yield message
                message, free, heard = [], room, monotonic()
            message.append(({**found.header, "part": part, "parts": len(starts)}, piece))
            free -= len(piece)
        if monotonic() - heard >= SILENCE_S:
            yield message
            message, free, heard = [], room, monotonic()
    if message:
        yield message


def _savable(arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> dict[str, Shaped[np.ndarray, "..."]]:
    """The arrays that may travel with the widget's state, where there is room; none in VS Code."""
    return {} if in_vscode() else dict(arrays)


def _status_at_end(trace: Trace) -> dict[str, Any]:
    """What a page says of a recording that is over; nothing where no iteration is missing."""
    why = missing_text(trace)
    counts: dict[str, object] = {
        "seen": 0,
        "kept": 0,
        "newest": None,
        "left_out": {},
        "widened": [],
        "failures": 0,
    }
    return {"state": "ended", **counts, "note": "", "why": why} if why else {}


def require_trace(value: object, owner: str) -> Trace:
    """The trace that was given, or the one inside a finished recorder.

    Raises:
        TypeError: If the value is neither.
    """
    recorded = given_trace(value)
    if recorded is None:
        raise TypeError(
            f"{owner} needs a Trace, got {type(value).__name__}. Record one with "
            "TraceRecorder(model), or make one with Trace.from_arrays or Trace.from_attentions."
        )
    return recorded


def _held(array: NamedArray, budget_mb: float) -> Any:
    """The values as the page reads them. What is in a store and too large to cross whole stays there."""
    values: Any = array.values
    if isinstance(values, LazyValues) and values.nbytes > budget_mb * 1e6 and is_kept(values.dtype):
        return values
    return wire_array(np.asarray(values), array.name)


def _served(values: object, sent: Sent, meta: Mapping[str, Any], pyramids: Pyramids) -> Served:
    return Served(
        values,
        sent,
        dims=tuple(meta["dims"]),
        summary=meta["summary"],
        thresholds=tuple(meta["thresholds"]),
        magnitude_thresholds=tuple(meta["magnitude_thresholds"]),
        pyramids=pyramids,
    )


def describe(array: NamedArray, wire: NDArray[Any], *, over_budget: bool) -> dict[str, Any]:
    """What the page must know of an array besides its bytes."""
    summary = summary_of(array)
    return {
        "name": array.name,
        "dims": list(array.dims),
        "shape": list(array.shape),
        "dtype": wire.dtype.name,
        "source_dtype": replace_surrogates(array.attrs.get("source_dtype", array.dtype.name)),
        "description": replace_surrogates(array.attrs.get("description", "")),
        "kind": replace_surrogates(array.attrs.get("kind", "")),
        "memory_seen": replace_surrogates(array.attrs.get("memory_seen", "")),
        "labels": {dim: _labels(array, dim) for dim in array.dims if dim in array.coords},
        "written_labels": _written_labels(array),
        "numbers": _numbers(array),
        "masks": {
            name: {"dims": list(coord.dims), "bits": _bits(coord)}
            for name, coord in array.coords.items()
            if is_mask(name)
        },
        **({"mask_means": array.attrs["mask_means"]} if "mask_means" in array.attrs else {}),
        "summary": {**summary.to_json(), "nan": summary.nan - num_stepless(array)},
        "thresholds": list(ranks_of(array, magnitudes=False)),
        "magnitude_thresholds": list(ranks_of(array, magnitudes=True)) if summary.low < 0 else [],
        "over_budget": over_budget,
    }


def _numbers(array: NamedArray) -> dict[str, Any]:
    """Of cropped axes: the first number and the step where all are as far apart, else one for each place."""
    found = {dim: numbers_of(array.coords, dim) for dim in array.dims}
    told: dict[str, Any] = {}
    for dim, numbers in found.items():
        if numbers is not None:
            even = evenly(numbers)
            told[dim] = numbers.tolist() if even is None else {"first": even[0], "step": even[1]}
    return told


def _bits(mask: Coord) -> str:
    return base64.b64encode(np.packbits(mask.values).tobytes()).decode("ascii")


def _written_labels(array: NamedArray) -> dict[str, Any]:
    """Labels with an escape for each lone surrogate, of the axes that have any: shown on hover."""

    def written(labels: object) -> Any:
        return list(map(written, labels)) if isinstance(labels, list) else escape_surrogates(str(labels))

    stored = {dim: c.values.tolist() for dim, c in array.coords.items() if c.values.dtype.kind not in "ib"}
    return {dim: written(labels) for dim, labels in stored.items() if written(labels) != labels}


def _labels(array: NamedArray, dim: str) -> list[str] | list[list[str]]:
    """One label for each index, or, where they differ between items of the batch, one list for each item."""
    if array.coords[dim].dims == (dim,):
        return list(array.labels(dim))
    return [list(array.labels(dim, batch=item)) for item in range(array.sizes["batch"])]


@held_arrays.register
def _held_arrays(page_arrays: PageArrays) -> Mapping[str, Shaped[np.ndarray, "..."]]:
    return page_arrays._arrays
