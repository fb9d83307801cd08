"""One object with a method for each view: plots of tensors that are at hand, live and linked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Unpack

from nsm_widgets._errors import OptionError
from nsm_widgets.report import create_comprehensive_report, stack_arrays
from nsm_widgets.trace import Trace
from nsm_widgets.view import Theme
from nsm_widgets.widgets import (
    AttentionView,
    CommunicationView,
    ComparisonView,
    Exportable,
    ImportanceView,
    MemoryEvolutionView,
    MemoryView,
    OperationsView,
    RoutingView,
    UntitledGroupOptions,
    UntitledOptions,
    UntitledScoresOptions,
    show_at_cell_end,
)

PX_PER_INCH = 96
V = TypeVar("V", bound=Exportable)
"""A view."""
SavePath = str | os.PathLike[str] | None
Names = Sequence[str] | None


class AdvancedNSMVisualizer:
    """Plots of attention, routing, communication and memory, each a live widget.

    Every ``plot_*`` returns a view. A notebook shows it at the end of the cell, unless the cell shows it
    itself; its picture is saved where ``save_path`` says, or later by ``view.savefig(path)``, as PNG, SVG or
    PDF by the path's ending. Views of one visualizer have a selection each; give them one to link them:
    ``selection=selection``.

    Args:
        figsize: Width and height of saved pictures, in inches. The width is kept; the height follows what is
            shown, for rows of panels have their own. On screen a view is as wide as its cell.
        theme: ``"light"`` or ``"dark"``: the ground of saved pictures.
        dpi: Pixels per inch of a saved PNG, 48 to 600.
        show: Whether notebooks show each plot at the end of its cell.

    Example:
        >>> import numpy as np
        >>> visualizer = AdvancedNSMVisualizer()
        >>> view = visualizer.plot_attention_map(np.eye(4), title="Self-attention")
        >>> view.title
        'Self-attention'

    Raises:
        ValueError: If ``figsize`` is no pair of inches whose width can be drawn.
    """

    def __init__(
        self,
        figsize: tuple[float, float] = (12, 8),
        *,
        theme: Theme = "light",
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
        self.figsize = (width, height)
        self.theme, self.dpi, self.show = theme, dpi, show

    def plot_attention_map(
        self,
        attention_weights: Any,
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
        view = AttentionView(attention_weights, x_labels=x_labels, y_labels=y_labels, title=title, **options)
        return self._done(view, save_path)

    def plot_token_to_state_routing(
        self,
        routing_weights: Any,
        token_labels: Names = None,
        state_labels: Names = None,
        title: str = "Token-to-state routing",
        save_path: SavePath = None,
        **options: Unpack[UntitledOptions],
    ) -> RoutingView:
        """Where each token goes, what share each state gets, and which tokens go nowhere in particular.

        Args:
            routing_weights: ``[token, state]``, ``[time, token, state]`` or ``[time, batch, token, state]``.
            token_labels: One string for each token.
            state_labels: One string for each state.
            title: Heading.
            save_path: Where to save a picture.
            **options: See :class:`RoutingView`.
        """
        view = RoutingView(routing_weights, token_labels, state_labels, title=title, **options)
        return self._done(view, save_path)

    def plot_state_communication(
        self,
        communication_weights: Any,
        state_labels: Names = None,
        title: str = "State-to-state communication",
        save_path: SavePath = None,
        **options: Unpack[UntitledOptions],
    ) -> CommunicationView:
        """Which state listens to which: a matrix and a graph.

        Args:
            communication_weights: ``[state, sender]``, ``[head, state, sender]`` or
                ``[time, head, state, sender]``.
            state_labels: One string for each state.
            title: Heading.
            save_path: Where to save a picture.
            **options: See :class:`CommunicationView`.
        """
        view = CommunicationView(communication_weights, state_labels=state_labels, title=title, **options)
        return self._done(view, save_path)

    def plot_attention_patterns(
        self,
        attention_weights: Any,
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
        view = AttentionView(attention_weights, head_names=pattern_names, title=title, **options)
        return self._done(view, save_path)

    def plot_comparative_patterns(
        self,
        patterns: Any,
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
    ) -> MemoryEvolutionView:
        """How a memory, or the states of a network, change from step to step.

        Args:
            states: A list of ``[slot, word]`` or ``[batch, slot, word]``, oldest first, or one tensor with
                time as its first axis.
            title: Heading.
            save_path: Where to save a picture.
            memory_slots: One string for each slot.
            slots: Slots that have lines; the six that changed most when not given.
            **options: See :class:`MemoryEvolutionView`.
        """
        array = stack_arrays(states)
        dims = ("time", "slot", "word") if array.ndim == 3 else ("time", "batch", "slot", "word")
        trace = _memory_trace(array, dims, memory_slots)
        return self._done(MemoryEvolutionView(trace, slots, title=title, **options), save_path)

    plot_state_dynamics = plot_state_evolution

    def plot_memory_importance(
        self,
        importance_scores: Any,
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
        coords = None if memory_slots is None else {"slot": memory_slots}
        return self._done(ImportanceView(importance_scores, coords=coords, title=title, **options), save_path)

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
    ) -> OperationsView:
        """Read and write weights of every head over the slots; before the step, too, where they are given.

        Args:
            read_weights: ``[head, slot]`` or ``[batch, head, slot]``.
            write_weights: The same of the write heads.
            memory_slots: One string for each slot.
            title: Heading.
            save_path: Where to save a picture.
            before: Read and write weights before the step.
            **options: See :class:`OperationsView`.
        """
        view = OperationsView.from_weights(
            read_weights, write_weights, before=before, memory_slots=memory_slots, title=title, **options
        )
        return self._done(view, save_path)

    def create_comprehensive_report(
        self, data: Any, save_dir: str | os.PathLike[str] = "nsm_report", **options: Any
    ) -> Path:
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
            A pandas ``DataFrame``; without pandas, a plain table.
        """
        from nsm_widgets.stats import summary_statistics

        table = summary_statistics(data)
        if save_path is not None:
            table.to_csv(save_path, index=False)
        return table

    def _done(self, view: V, save_path: SavePath) -> V:
        """Save the picture that was asked for, and have the notebook show the view."""
        if save_path is not None:
            width = round(self.figsize[0] * PX_PER_INCH)
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
