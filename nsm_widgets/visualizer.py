"""One object with a method for each view: plots of tensors that are at hand, live and linked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, Unpack, cast

import numpy as np
from jaxtyping import Float64

from nsm_widgets._errors import OptionError, ShapeError
from nsm_widgets._options import is_one_of
from nsm_widgets._replacing import replacing
from nsm_widgets.report import create_comprehensive_report, stack_arrays
from nsm_widgets.trace import NamedArray, Trace, given_trace, to_readonly
from nsm_widgets.view import PALETTE, Theme
from nsm_widgets.widgets import (
    AttentionView,
    CommunicationView,
    ComparisonView,
    Exportable,
    ImportanceView,
    LineChart,
    MemoryView,
    ReadWriteView,
    RoutingView,
    UntitledGroupOptions,
    UntitledOptions,
    UntitledScoresOptions,
    ViewGroup,
    show_at_cell_end,
)

PX_PER_INCH = 96
V = TypeVar("V", bound=Exportable)
"""A view."""
SavePath = str | os.PathLike[str] | None
Names = Sequence[str] | None

STYLES: dict[str, Theme] = {
    "whitegrid": "light",
    "white": "light",
    "ticks": "light",
    "darkgrid": "dark",
    "dark": "dark",
}
"""The ground of saved pictures, by the names that seaborn has."""

_Metric = Callable[[Float64[np.ndarray, "*state feature"]], Float64[np.ndarray, "*state"]]
METRICS: dict[str, _Metric] = {
    "norm": lambda features: np.sqrt((features**2).sum(axis=-1)),
    "mean": lambda features: np.asarray(features.mean(axis=-1)),
    "std": lambda features: np.asarray(features.std(axis=-1)),
    "max": lambda features: np.asarray(features.max(axis=-1)),
    "min": lambda features: np.asarray(features.min(axis=-1)),
}
"""What a chart of :meth:`AdvancedNSMVisualizer.plot_state_dynamics` draws of each state."""
CHARTS_IN_A_ROW = 3


class AdvancedNSMVisualizer:
    """Plots of attention, routing, communication and memory, each a live widget.

    Every ``plot_*`` returns a view. A notebook shows it at the end of the cell, unless the cell shows it
    itself; its picture is saved where ``save_path`` says, or later by ``view.savefig(path)``, as PNG, SVG or
    PDF by the path's ending. Views of one visualizer have a selection each; give them one to link them:
    ``selection=selection``.

    Args:
        figsize: Width and height in inches. A picture is that wide, and a view on screen at most; the height
            follows what is shown, for rows of panels have their own.
        style: A name that seaborn has, which sets the ground of saved pictures: light of ``"whitegrid"``,
            ``"white"`` and ``"ticks"``, dark of ``"darkgrid"`` and ``"dark"``. On screen, views take the
            colours of their page.
        theme: ``"light"`` or ``"dark"``, the same without seaborn's names; ``style`` says it when not given.
        dpi: Pixels per inch of a saved PNG, 48 to 600.
        show: Whether notebooks show each plot at the end of its cell.

    Attributes:
        figsize: Width and height, in inches.
        palette: The colours of lines and bars, as ``#rrggbb``.

    Example:
        >>> import numpy as np
        >>> visualizer = AdvancedNSMVisualizer()
        >>> view = visualizer.plot_attention_map(np.eye(4), title="Self-attention")
        >>> view.title
        'Self-attention'

    Raises:
        OptionError: If ``figsize`` is no pair of inches whose width can be drawn, or ``style`` is unknown.
    """

    def __init__(
        self,
        figsize: tuple[float, float] = (12, 8),
        style: str = "whitegrid",
        *,
        theme: Theme | None = None,
        dpi: float = 192,
        show: bool = True,
    ) -> None:
        try:
            width, height = (float(inches) for inches in figsize)
        except (TypeError, ValueError):
            width, height = 0.0, 0.0
        if not (320 <= width * PX_PER_INCH <= 4096 and height > 0):
            raise OptionError(
                "figsize must be (width, height) in inches, with a width of 3.4 to 42, "
                f"got {figsize!r}. (12, 8) is the default."
            )
        if not is_one_of(style, STYLES):
            raise OptionError(f"style must be one of {', '.join(STYLES)}, got {style!r}.")
        self.figsize, self.style, self.palette = (width, height), style, PALETTE
        self.theme: Theme = STYLES[style] if theme is None else theme
        self.dpi, self.show = dpi, show

    def plot_attention_map(
        self,
        attention_weights: object,
        title: str = "Attention map",
        x_labels: Names = None,
        y_labels: Names = None,
        save_path: SavePath = None,
        **options: Unpack[UntitledOptions],
    ) -> AttentionView:
        """One attention matrix, or the heads of one layer.

        Args:
            attention_weights: ``[query, key]``, ``[head, query, key]`` or ``[batch, head, query, key]``; each
                row sums to 1.
            title: Heading.
            x_labels: One string for each key.
            y_labels: One string for each query.
            save_path: Where to save a picture.
            **options: See :class:`View`.
        """
        labels = {"key": x_labels, "query": y_labels}
        view = AttentionView(attention_weights, labels=labels, title=title, **options)
        return self._done(view, save_path)

    def plot_token_to_state_routing(
        self,
        routing_weights: object,
        token_labels: Names = None,
        state_labels: Names = None,
        title: str = "Token-to-state routing",
        save_path: SavePath = None,
        *,
        dims: Sequence[str] | None = None,
        **options: Unpack[UntitledOptions],
    ) -> RoutingView:
        """Where each token goes, what share each state gets, and which tokens go nowhere in particular.

        Args:
            routing_weights: ``[token, state]``, ``[batch, token, state]`` or ``[time, batch, token, state]``;
                batch and time have sliders.
            token_labels: One string for each token.
            state_labels: One string for each state.
            title: Heading.
            save_path: Where to save a picture.
            dims: Names of the axes, where they are others, as ``("time", "token", "state")``.
            **options: See :class:`RoutingView`.
        """
        dims = _dims_of(routing_weights, ("time", "batch", "token", "state"), dims)
        labels = {"token": token_labels, "state": state_labels}
        view = RoutingView(routing_weights, labels=labels, dims=dims, title=title, **options)
        return self._done(view, save_path)

    def plot_state_communication(
        self,
        communication_weights: object,
        state_labels: Names = None,
        title: str = "State-to-state communication",
        save_path: SavePath = None,
        *,
        dims: Sequence[str] | None = None,
        **options: Unpack[UntitledOptions],
    ) -> CommunicationView:
        """Which state listens to which: a matrix and a graph.

        Args:
            communication_weights: ``[state, sender]``, ``[head, state, sender]``,
                ``[batch, head, state, sender]`` or ``[time, batch, head, state, sender]``; batch and time
                have sliders, heads are thumbnails.
            state_labels: One string for each state.
            title: Heading.
            save_path: Where to save a picture.
            dims: Names of the axes, where they are others, as ``("time", "head", "state", "sender")``.
            **options: See :class:`CommunicationView`.
        """
        dims = _dims_of(communication_weights, ("time", "batch", "head", "state", "sender"), dims)
        labels = {"state": state_labels}
        view = CommunicationView(communication_weights, labels=labels, dims=dims, title=title, **options)
        return self._done(view, save_path)

    def plot_attention_patterns(
        self,
        attention_weights: object,
        pattern_names: Names = None,
        title: str = "Attention patterns",
        save_path: SavePath = None,
        **options: Unpack[UntitledOptions],
    ) -> AttentionView:
        """A grid of heads, or of any attention matrices of one shape; press one to enlarge it.

        Args:
            attention_weights: ``[head, query, key]``, or a list or dictionary of matrices.
            pattern_names: One string for each head; a dictionary has its own.
            title: Heading.
            save_path: Where to save a picture.
            **options: See :class:`AttentionView`: ``domain="per-head"`` gives each its own colours.
        """
        if isinstance(attention_weights, Mapping):
            pattern_names = list(attention_weights) if pattern_names is None else pattern_names
            attention_weights = list(attention_weights.values())
        if isinstance(attention_weights, list | tuple):
            attention_weights = stack_arrays(attention_weights)
        view = AttentionView(attention_weights, labels={"head": pattern_names}, title=title, **options)
        return self._done(view, save_path)

    def plot_comparative_patterns(
        self,
        patterns: object,
        pattern_names: Names = None,
        reference: str | int | None = None,
        title: str = "Comparative attention patterns",
        save_path: SavePath = None,
        **options: Unpack[UntitledOptions],
    ) -> ComparisonView:
        """Named matrices side by side, with the difference to a chosen one and the divergence of each row.

        Args:
            patterns: A dictionary of matrices, or ``[pattern, query, key]``.
            pattern_names: One string for each pattern of a tensor.
            reference: Name or index of the one to compare with; it can be chosen in the view, too.
            title: Heading.
            save_path: Where to save a picture.
            **options: See :class:`ComparisonView`.
        """
        view = ComparisonView(patterns, pattern_names, reference=reference, title=title, **options)
        return self._done(view, save_path)

    def plot_memory_content(
        self,
        memory: object,
        title: str = "Memory content",
        save_path: SavePath = None,
        *,
        memory_slots: Names = None,
        **options: Unpack[UntitledOptions],
    ) -> MemoryView:
        """Slots down, words across.

        Args:
            memory: ``[slot, word]`` or ``[batch, slot, word]``.
            title: Heading.
            save_path: Where to save a picture.
            memory_slots: One string for each slot.
            **options: See :class:`View`.
        """
        array = stack_arrays(memory)
        trace = _memory_trace(array, ("batch", "slot", "word")[-array.ndim :], memory_slots)
        return self._done(MemoryView(trace, title=title, **options), save_path)

    def plot_state_evolution(
        self,
        states: object,
        title: str = "Memory evolution",
        save_path: SavePath = None,
        *,
        memory_slots: Names = None,
        slots: Sequence[int] | None = None,
        **options: Unpack[UntitledGroupOptions],
    ) -> ViewGroup:
        """How a memory, or the states of a network, change from step to step.

        Args:
            states: A list of ``[slot, word]`` or ``[batch, slot, word]``, oldest first, or one tensor with
                time as its first axis.
            title: Heading.
            save_path: Where to save a picture.
            memory_slots: One string for each slot.
            slots: Slots that have lines; the six that changed most when not given.
            **options: See :class:`MemoryView`.
        """
        array = stack_arrays(states)
        dims = ("time", "slot", "word") if array.ndim == 3 else ("time", "batch", "slot", "word")
        trace = _memory_trace(array, dims, memory_slots)
        view = cast("ViewGroup", MemoryView(trace, slots=slots, lines=True, title=title, **options))
        return self._done(view, save_path)

    def plot_state_dynamics(
        self,
        states: object,
        state_labels: Names = None,
        metrics: Sequence[str] | None = None,
        title: str = "State dynamics",
        save_path: SavePath = None,
        *,
        slots: Sequence[int] | None = None,
        **options: Unpack[UntitledGroupOptions],
    ) -> ViewGroup:
        """What becomes of each state from step to step: a chart for each metric, with a line for each state.

        Args:
            states: A list of ``[state, feature]`` or ``[batch, state, feature]``, oldest first, or one tensor
                with time as its first axis.
            state_labels: One string for each state.
            metrics: Of ``"norm"``, ``"mean"``, ``"std"``, ``"max"`` and ``"min"`` over the features of a
                state. When not given, maps of the states and of how they change stand above norm, mean and
                standard deviation, as :meth:`plot_state_evolution` draws them.
            title: Heading.
            save_path: Where to save a picture.
            slots: States that have lines; without metrics, the six that changed most when not given.
            **options: See :class:`ViewGroup`.

        Raises:
            OptionError: If there is no such metric.
        """
        if metrics is None:
            return self.plot_state_evolution(
                states, title, save_path, memory_slots=state_labels, slots=slots, **options
            )
        known = isinstance(metrics, (list, tuple)) and all(is_one_of(name, METRICS) for name in metrics)
        if not known or not metrics:
            raise OptionError(f"metrics must be some of {', '.join(METRICS)}, got {metrics!r}.")
        array = stack_arrays(states).astype(np.float64)
        if array.ndim not in (3, 4):
            raise ShapeError(
                f"states must have axes (time, state, feature) or (time, batch, state, feature), got shape "
                f"{array.shape}. One step? Give it as a list: [states]."
            )
        dims = ("time", "state") if array.ndim == 3 else ("time", "batch", "state")
        names = list(dict.fromkeys(metrics))
        trace = Trace.from_arrays(
            {name: METRICS[name](array) for name in names},
            dims=dict.fromkeys(names, dims),
            coords=None if state_labels is None else {"state": state_labels},
            kinds=dict.fromkeys(names, "scalar"),
        )
        charts = [partial(LineChart, trace, name, lines="state", picked=slots or ()) for name in names]
        rows = [charts[at : at + CHARTS_IN_A_ROW] for at in range(0, len(charts), CHARTS_IN_A_ROW)]
        return self._done(ViewGroup(trace, rows, title=title, **options), save_path)

    def plot_memory_importance(
        self,
        importance_scores: object,
        title: str = "Memory slot importance",
        save_path: SavePath = None,
        *,
        memory_slots: Names = None,
        **options: Unpack[UntitledScoresOptions],
    ) -> ImportanceView:
        """A bar for each slot, sorted as you choose; dead and saturated slots are marked.

        Args:
            importance_scores: ``[slot]``, in [0, 1]; or a trace to compute them from.
            title: Heading.
            save_path: Where to save a picture.
            memory_slots: One string for each slot.
            **options: See :class:`ImportanceView`.
        """
        labels = {"slot": memory_slots}
        return self._done(ImportanceView(importance_scores, labels=labels, title=title, **options), save_path)

    def plot_memory_read_write_operations(
        self,
        read_weights: object,
        write_weights: object,
        memory_slots: Names = None,
        title: str = "Memory read and write operations",
        save_path: SavePath = None,
        *,
        before: tuple[Any, Any] | None = None,
        **options: Unpack[UntitledOptions],
    ) -> ReadWriteView:
        """Read and write weights of every head over the slots; before the step, too, where they are given.

        Args:
            read_weights: ``[slot]`` of one head, ``[head, slot]`` or ``[batch, head, slot]``.
            write_weights: The same of the write heads.
            memory_slots: One string for each slot.
            title: Heading.
            save_path: Where to save a picture.
            before: Read and write weights before the step.
            **options: See :class:`ReadWriteView`.
        """
        earlier: Any = tuple(map(_of_heads, before)) if isinstance(before, (tuple, list)) else before
        view = ReadWriteView.from_weights(
            _of_heads(read_weights),
            _of_heads(write_weights),
            before=earlier,
            labels={"slot": memory_slots},
            title=title,
            **options,
        )
        return self._done(view, save_path)

    def create_comprehensive_report(
        self, data: object, save_dir: str | os.PathLike[str] = "nsm_report", **options: Any
    ) -> Path:  # options: see there
        """Write a folder with a live page, pictures and tables of everything in a dictionary or a trace.

        Args:
            data: See :func:`nsm_widgets.report.create_comprehensive_report`.
            save_dir: The folder.
            **options: ``title``, ``precision``, ``max_bytes``, ``theme``, ``progress``.

        Returns:
            The folder.

        Raises:
            ReportError: At the end, if something could not be drawn.
        """
        width_px = round(self.figsize[0] * PX_PER_INCH)
        return create_comprehensive_report(data, save_dir, **{"width_px": width_px, **options})

    def create_summary_statistics(self, data: object, save_path: SavePath = None) -> Any:
        """Shape, mean, standard deviation, range and sparsity of every array, one line for each.

        Args:
            data: A dictionary of arrays, or a trace.
            save_path: Where to save the table, as CSV.

        Returns:
            A pandas ``DataFrame``; without pandas, a plain table. Its columns are those of
            :func:`~nsm_widgets.stats.summary_statistics`; after them stand ``Component``, the array's name,
            and ``Mean``, ``Std``, ``Min`` and ``Max``, the same numbers by the names that they had before.
        """
        from nsm_widgets.stats import summary_statistics

        table = summary_statistics(data)
        columns = {name: list(table[name]) for name in table.columns}
        return _saved(table, columns | _renamed(table, {"name": "Component", **_MEASURES}), save_path)

    def create_interactive_summary(self, data: object, save_path: SavePath = None) -> Any:
        """A short table: what each array is like.

        Args:
            data: A dictionary of arrays, or a trace.
            save_path: Where to save the table, as CSV.

        Returns:
            A pandas ``DataFrame``, or a plain table, with the columns ``Metric``, the array's name,
            ``Shape``, ``Mean``, ``Std``, ``Min`` and ``Max``.
        """
        from nsm_widgets.stats import summary_statistics

        table = summary_statistics(data)
        return _saved(table, _renamed(table, {"name": "Metric", "shape": "Shape", **_MEASURES}), save_path)

    def _done(self, view: V, save_path: SavePath) -> V:
        """Save the picture that was asked for, and have the notebook show the view."""
        width = round(self.figsize[0] * PX_PER_INCH)
        layout = getattr(view, "layout")  # noqa: B009 - a trait, which no protocol tells of
        if layout.max_width is None:
            layout.max_width = f"{width}px"
        if save_path is not None:
            try:
                view.savefig(save_path, theme=self.theme, width_px=width, dpi=self.dpi)
            except Exception:
                view.close()
                raise
        if self.show:
            show_at_cell_end(view)
        return view


def _memory_trace(array: object, dims: Sequence[str], names: Names) -> Trace:
    coords = None if names is None else {"slot": names}
    return Trace.from_arrays({"memory": array}, dims={"memory": dims}, coords=coords)


_MEASURES = {"mean": "Mean", "std": "Std", "min": "Min", "max": "Max"}


def _renamed(table: Any, names: Mapping[str, str]) -> dict[str, list[Any]]:  # pandas ships no types
    """Some columns of a table under other names."""
    return {new: list(table[old]) for old, new in names.items() if old in table.columns}


def _saved(table: Any, columns: Mapping[str, list[Any]], path: SavePath) -> Any:  # likewise
    """These columns as a table of the same kind, saved as CSV where that was asked for."""
    from nsm_widgets.stats import Table

    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    made = Table(list(columns), rows) if isinstance(table, Table) else type(table)(columns)
    if path is not None:
        with replacing(Path(path)) as temporary:
            made.to_csv(temporary, index=False)
    return made


def _of_heads(weights: Any) -> Any:  # of any library
    """The weights of one head alone with an axis for heads."""
    if weights is None or to_readonly(weights, "weights")[0].ndim != 1:
        return weights
    return weights[None] if hasattr(weights, "shape") else [weights]


def _dims_of(weights: object, known: tuple[str, ...], dims: Sequence[str] | None) -> Sequence[str] | None:
    """The last of these axes, as many as a tensor has; ``None`` of what names its own."""
    if dims is not None or isinstance(weights, NamedArray) or given_trace(weights) is not None:
        return dims
    rank = to_readonly(weights, "weights")[0].ndim
    return known[-rank:] if 2 <= rank <= len(known) else None
