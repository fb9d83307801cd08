"""A view of a recording that runs: what it shows at first, with each update, and at the end."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol
from weakref import ref

from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError, ShapeError, words_of
from nsm_widgets.trace import (
    LazyValues,
    NamedArray,
    Progress,
    Trace,
    TraceRecorder,
    logged_name,
    missing_text,
)
from nsm_widgets.view import Layout, Panel, arrays_of, scalars_row
from nsm_widgets.widgets._host import in_vscode
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets.live._growth import Growth, grown, send_parts, wired
from nsm_widgets.widgets.page_arrays._page_arrays import (
    BASE64_MESSAGE_BYTES,
    BINARY_MESSAGE_BYTES,
    PageArrays,
    describe,
)

Build = Callable[[Trace], tuple[Trace, Layout]]
"""From a trace to what a view draws of it: the trace with what is computed from it, and panels."""

Running = Callable[[Trace, Layout], tuple[Trace, Layout]]
"""The same of one iteration of a recording that runs, and of the panels that there are; at first none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a view is made of what is recorded."""

    build: Build
    running: Running
    """While it runs."""


class Fed(Protocol):
    """What is kept up to date: a view, or a group of views."""

    @property
    def page_arrays(self) -> PageArrays:
        """Holds the arrays."""

    @property
    def selection(self) -> Selection:
        """What is followed."""

    def _to_hold(self, trace: Trace, layout: Layout) -> tuple[str, ...]:
        """The arrays that its page arrays hold."""

    def _show(self, trace: Trace, layout: Layout, *, above: Layout = ()) -> None:
        """Draw other panels."""

    def _keep(self, layout: Layout) -> None:
        """Note how the panels on show stand now."""

    def _at_first(self, trace: Trace) -> None:
        """Settle what depends on the first trace that is shown."""


ALONE = "iterations differ in shape: the newest is shown alone"
APART = "those of another shape are not shown: recorder.iteration(number) has each"
ALONE_AT_END = "iterations differ in length: they follow each other along time"
STORED_AT_END = "iterations stay on the disk, and follow each other along time"
MOST_ERROR_LENGTH = 200
"""Characters of an error on the page."""

_RUNS = itertools.count(1)


def is_running(value: object) -> bool:
    """Whether it is a recorder whose block runs, or is still to run."""
    return isinstance(value, TraceRecorder) and not value.is_over


class LiveFeed:
    """Keeps one view up to date while a recorder's block runs.

    Args:
        view: What is kept up to date.
        recorder: What is watched.
        plan: Makes the view's panels.
    """

    def __init__(self, view: Fed, recorder: TraceRecorder, plan: Plan) -> None:
        self._view = view
        self._recorder = ref(recorder)
        self._plan = plan
        self._room = BASE64_MESSAGE_BYTES if in_vscode() else BINARY_MESSAGE_BYTES
        self._encoded = in_vscode()
        import_module("nsm_widgets.widgets.plot._logged_curve")  # now, not in the middle of the training
        self.begin()
        recorder.watch.add(self)

    @property
    def recorder(self) -> TraceRecorder | None:
        """What is watched, while anybody keeps it."""
        return self._recorder()

    def close(self) -> None:
        """Watch no more."""
        recorder = self._recorder()
        if recorder is not None:
            recorder.watch.remove(self)

    def begin(self) -> None:
        """A block begins: what the view shows stays until its first iteration is whole."""
        self._growth = Growth(f"run {next(_RUNS)}", self._view.page_arrays._budget_mb * 1e6)
        self._layout: Layout = ()
        self._scalars: Layout = ()
        self._num_scalars = 0
        self._metas: list[dict[str, Any]] = []
        self._scalar_metas: list[dict[str, Any]] = []
        self._note = self._problem = ""
        self._shapes: Counter[Any] = Counter()
        self._widened: dict[str, None] = {}
        self._say("waiting", None)

    def update(self, progress: Progress) -> int:
        """Send the newest iteration, if the page has not got it, and what was logged since."""
        growth = self._growth
        if not self._layout and not progress.numbers:
            self._say("waiting", progress)
            return 0
        new = bool(progress.numbers) and progress.numbers[-1] not in growth.numbers[-1:]
        header: dict[str, Any] = {}
        arrays: Mapping[str, Any] = {}
        if new:
            number = progress.numbers[-1]
            try:
                shown, layout = self._plan.running(one_of_many(progress.take(number), number), self._layout)
                header, arrays = self._add(number, progress, shown, layout)
            except Exception as problem:
                self._problem = error_line(problem)
                self._say("running" if self._layout else "waiting", progress, failed=1)
                raise
            self._problem = ""
        self._show_scalars(progress)
        drawn = {panel.array for row in self._scalars for panel in row}
        series = {logged_name(name): each for name, each in progress.scalars.series.items()}
        scalars = growth.new_scalars({n: (s.numbers, s.values) for n, s in series.items() if n in drawn})
        content: dict[str, Any] = {
            "run": growth.run,
            "number": None,
            "remove": [],
            "status": self._status("running", progress),
        }
        message, payload = grown({**content, **header}, arrays, scalars)
        send_parts(self._view.page_arrays.send, message, payload, self._room, encoded=self._encoded)
        return len(payload)

    def end(self, progress: Progress, whole: Callable[[], Trace], error: BaseException | None) -> None:
        """Show all that was recorded, as a view of the trace would."""
        state = "ended" if error is None else "failed"
        why = "" if error is None else error_line(error)
        try:
            shown, layout = self._plan.build(trace := self._final(progress, whole))
        except RecordingError as problem:
            self._say(state, progress, why=why or str(problem))
            return
        except Exception as problem:
            self._problem = error_line(problem)
            self._say(state, progress, why=why, failed=1)
            raise
        self._problem = ""
        scalars, view = scalars_row(trace), self._view
        everything = (*scalars, *layout)
        view.page_arrays.hold(shown, view._to_hold(shown, everything))
        self._say(state, progress, why=why or missing_text(trace))
        if not self._layout:
            view._at_first(shown)
        self._go_to_newest(shown, arrays_of(everything))
        view._show(shown, everything)

    def _go_to_newest(self, trace: Trace, names: Sequence[str]) -> None:
        """Where the newest was followed, it is what Python has selected, too."""
        selection = self._view.selection
        selection.attach(selectable_sizes(trace, names))
        newest = max((trace[name].sizes.get("iteration", 1) for name in names), default=1) - 1
        if selection.follow:
            with selection._lock_property(iteration=newest):  # a page knows better where it stands
                selection.iteration = newest

    def _final(self, progress: Progress, whole: Callable[[], Trace]) -> Trace:
        """All iterations side by side; else along time; else the newest alone."""
        try:
            trace = whole()
        except (RecordingError, ShapeError):
            if not progress.numbers:
                raise
            self._note = ALONE
            return one_of_many(progress.take(progress.numbers[-1]), progress.numbers[-1])
        stored = sum(a.values.nbytes for a in trace.values() if isinstance(a.values, LazyValues))
        if stored > self._growth.budget_bytes:
            self._note = STORED_AT_END
            return trace
        try:
            return trace.by_iteration()
        except ShapeError:
            self._note = ALONE_AT_END
            return trace

    def _add(
        self, number: int, progress: Progress, shown: Trace, layout: Layout
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Take one more iteration in: the message's header, and the arrays that go with it."""
        growth, first = self._growth, not self._layout
        named = {name: shown[name] for name in arrays_of(layout)}
        arrays = wired(named, growth.dtypes)
        size = sum(values.nbytes for values in arrays.values())
        if size > growth.budget_bytes:
            limit = growth.budget_bytes / 1e6
            self._note = (
                f"one iteration takes {size / 1e6:.3g} MB, more than budget_mb={limit:g}: shown at the end"
            )
            return {}, {}
        merged = layout if first else merged_layout(self._layout, layout)
        same = {name: values.dtype.name for name, values in arrays.items()} == growth.dtypes
        fits = growth.fits(arrays)
        self._shapes[growth.key(arrays)] += 1
        if not first and not fits and 2 * self._shapes[growth.key()] > self._shapes.total():
            self._note = APART  # as after the last batch of an epoch: what most iterations are like stays
            return {}, {}
        if first or merged is None or not fits or not same:
            self._note = ALONE if not first and not fits else self._note
            self._begin(layout, shown, named, arrays)
            merged = layout
        elif self._note == ALONE:
            self._note = APART
        gone = growth.add(number, set(progress.numbers))
        domains, unused = self._widen(merged)
        self._view.page_arrays.trace = shown
        self._view._keep(merged)
        self._view.selection.attach({"iteration": len(growth.numbers)})
        header = {"number": number, "remove": gone, "summaries": growth.note(named), "domains": domains}
        header |= {"unused": unused} if unused else {}
        return header, arrays

    def _begin(
        self, layout: Layout, shown: Trace, named: Mapping[str, NamedArray], arrays: Mapping[str, Any]
    ) -> None:
        """Tell the page of arrays and panels."""
        first = not self._layout
        self._growth.begin(arrays)
        self._layout = layout
        run = {"live": self._growth.run, "generation": next(_RUNS)}
        self._metas = [
            {**describe(named[name], arrays[name], over_budget=False), **run, **_sent_as_is(arrays[name])}
            for name in arrays
        ]
        self._view.page_arrays._hold_running(shown, arrays, [*self._metas, *self._scalar_metas])
        try:
            if first:
                self._view._at_first(shown)
            self._view._show(shown, layout, above=self._scalars)
        except Exception:
            self._layout = ()  # it is not shown: the next iteration begins anew
            raise

    def _widen(self, layout: Layout) -> tuple[dict[str, Any], dict[str, Any]]:
        """Keep the panels with the colours that all iterations need, and only those folds that all allow.

        Returns:
            What of the colours changed, and what of the folds.
        """
        known = {panel.id: panel for row in self._layout for panel in row}
        changed, unused = {}, {}
        for panel in (panel for row in layout for panel in row):
            before = known.get(panel.id)
            if before is None or before == panel:
                continue
            extents = [
                [each.domain.low, each.domain.high, each.below, each.above] for each in (before, panel)
            ]
            if extents[0] != extents[1]:
                changed[panel.id] = extents[1]
            if getattr(before, "unused", {}) != (now := getattr(panel, "unused", {})):
                unused[panel.id] = now
            if before.domain != panel.domain:
                self._widened[panel.array] = None
        self._layout = layout
        return changed, unused

    def _show_scalars(self, progress: Progress) -> None:
        """Make room for a number that is logged for the first time."""
        series = progress.scalars.series
        if not self._layout or len(series) == self._num_scalars:
            return
        self._num_scalars = len(series)
        arrays = {array.name: array for array in progress.scalars.arrays()}
        self._scalars = scalars_row(Trace(*arrays.values()))
        self._scalar_metas = [
            {
                **describe(arrays[panel.array], arrays[panel.array].values, over_budget=False),
                **_sent_as_is(arrays[panel.array].values),
                "live": self._growth.run,
                "generation": 0,
                "shape": [0],
                "labels": {},
            }
            for row in self._scalars
            for panel in row
        ]
        self._view.page_arrays._meta = [*self._metas, *self._scalar_metas]
        shown = self._view.page_arrays.trace.assign(*arrays.values())
        self._view._show(shown, self._layout, above=self._scalars)

    def _say(self, state: str, progress: Progress | None, why: str = "", failed: int = 0) -> None:
        """Tell the page how far it is; ``failed``: what the recorder has yet to count."""
        status = self._status(state, progress)
        status["failures"] += failed
        self._view.page_arrays._live = {**status, "run": self._growth.run, "why": why}

    def _status(self, state: str, progress: Progress | None) -> dict[str, Any]:
        """How far it is: what is counted is shown on screen."""
        recorder = self._recorder()
        return {
            "state": state,
            "seen": progress.seen if progress else 0,
            "kept": len(progress.numbers) - progress.apart if progress else 0,
            "newest": progress.numbers[-1] if progress and progress.numbers else None,
            "left_out": dict(progress.left_out) if progress else {},
            "widened": list(self._widened),
            "failures": recorder.watch.failures if recorder is not None else 0,
            "note": " · ".join(filter(None, [self._problem, self._note])),
        }


def error_line(problem: BaseException) -> str:
    """What went wrong, in a line."""
    return f"{type(problem).__name__}: {words_of(problem)}"[:MOST_ERROR_LENGTH].removesuffix(": ")


def selectable_sizes(trace: Trace, names: Sequence[str]) -> dict[str, int]:
    """Length of each axis over the arrays drawn; the longest, where reads and writes differ in heads."""
    sizes: dict[str, int] = {}
    for name in names:
        for dim, size in trace[name].sizes.items():
            sizes[dim] = max(sizes.get(dim, 0), size)
    return sizes


def one_of_many(trace: Trace, number: int) -> Trace:
    """The trace of one iteration, as :meth:`Trace.by_iteration` gives it, with the axis in every array."""
    arrays = []
    for array in trace.values():
        if "iteration" not in array.dims:
            coords = {**array.coords, "iteration": [number]}
            dims = ("iteration", *array.dims)
            array = NamedArray(array.name, array.values[None], dims, coords, array.attrs)
        arrays.append(array)
    told = {key: value for key, value in trace.attrs["iterations"].items() if key != "steps"}
    return Trace().assign(*arrays, attrs={**trace.attrs, "iterations": told})


def merged_layout(old: Layout, new: Layout) -> Layout | None:
    """Panels with the colours that both need; ``None`` where they are other panels."""
    if [len(row) for row in old] != [len(row) for row in new]:
        return None
    rows = []
    for before, after in zip(old, new, strict=True):
        row = [_merged(a, b) for a, b in zip(before, after, strict=True)]
        if not all(row):
            return None
        rows.append(tuple(panel for panel in row if panel is not None))
    return tuple(rows)


def _merged(a: Panel, b: Panel) -> Panel | None:
    if a.colored and b.domain.diverging and not a.domain.diverging:
        return None  # another colour map
    merged = a.merged(b)
    return merged if replace(b.merged(a), cmap=a.cmap) == merged else None


def _sent_as_is(values: NDArray[Any]) -> dict[str, Any]:
    return {"sent": {"type": values.dtype.name, "exponent": 0}}
