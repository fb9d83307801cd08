"""The views: each a layout of panels over one trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Unpack

import traitlets

from nsm_widgets._axes import LEADING
from nsm_widgets._errors import OptionError
from nsm_widgets._options import check_flag, is_one_of
from nsm_widgets.trace import NamedArray, Trace, attention_names, given_trace
from nsm_widgets.view import (
    Layout,
    attention_layout,
    explorer_layout,
    heatmap_layout,
    image_panel,
    memory_layout,
    operations_layout,
    read_write_layout,
)
from nsm_widgets.widgets._given import labelled, memory_trace, named_trace
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets._view import ColorMapTrait, View
from nsm_widgets.widgets.views._operations import weights_trace


class Heatmap(View):
    """Any named array of two to five axes as one heatmap; the axes not drawn become sliders.

    Args:
        data: A :class:`NamedArray`, a trace of one array, an xarray ``DataArray`` or a pandas ``DataFrame``,
            which name their axes, or a tensor or array with its ``dims`` named.
        dims: Names of the axes, one for each: ``"time"``, ``"head"``, ``"slot"``, ``"query"``, ... or any
            identifier of your own, as ``"expert"``.
        x: Axis drawn across; the last one when not given.
        y: Axis drawn down; the last but one when not given.
        name: What the values are called on screen; a :class:`NamedArray` keeps its own name when not given.
        labels: Labels by axis, as ``labels={"key": ["the", "cat"]}``: strings, numbers or dates.
        vmin: Value at the low end of the colour bar. Values below are marked as clipped.
        vmax: Value at the high end.
        aspect: ``"fill"``, or ``"equal"`` for square cells.
        height_px: Height of the picture.
        annotate: Whether to print each value, in two digits, in its cell where that is large enough.
        **options: See :class:`View`; ``cmap`` may be of either kind, sequential or diverging.

    Example:
        >>> import numpy as np
        >>> view = Heatmap(np.eye(4), dims=("query", "key"), name="identity")
        >>> view.selection.query
        0

    Raises:
        ShapeError: If the array has less than two or more than five axes, or ``dims`` are not as many.
        AxisError: If an axis name is no identifier, or ``x`` and ``y`` are not two of them.
        LabelError: If there are not as many labels as the axis is long.
    """

    def __init__(
        self,
        data: object,
        dims: Sequence[str] | None = None,
        *,
        labels: AxisLabels | None = None,
        x: str | None = None,
        y: str | None = None,
        name: str | None = None,
        vmin: float | None = None,
        vmax: float | None = None,
        aspect: str = "fill",
        height_px: int = 320,
        annotate: bool = False,
        **options: Unpack[ViewOptions],
    ) -> None:
        trace, array = _as_trace(data, dims, name, labels)
        cmap = ColorMapTrait().validate(self, options.get("cmap", "auto"))
        if not is_one_of(aspect, ("fill", "equal")):
            raise OptionError(f"aspect must be 'fill' or 'equal', got {aspect!r}.")
        if not isinstance(height_px, int) or height_px < 24:
            raise OptionError(f"height_px must be an integer of at least 24, got {height_px!r}.")
        layout = heatmap_layout(
            array,
            x=x,
            y=y,
            vmin=vmin,
            vmax=vmax,
            cmap=None if cmap == "auto" else cmap,
            aspect=aspect,
            height_px=height_px,
            annotate=check_flag(annotate, "annotate"),
        )
        super().__init__(trace, lambda _: (trace, layout), **options)


class _MemoryViews(traitlets.MetaHasTraits):
    """Of a memory with lines, too, it is true that it is a :class:`MemoryView`."""

    def __instancecheck__(self, view: object) -> bool:
        return super().__instancecheck__(view) or (
            self is MemoryView and getattr(view, "_lines", None) is True
        )


class MemoryView(View, metaclass=_MemoryViews):
    """Memory contents at the current step, and beside them how far each slot moved at every step.

    With ``lines=True`` or ``slots=[...]`` also the difference to the step before, and below the maps norm,
    mean and standard deviation of single slots over time, as bqplot lines. It is then a :class:`ViewGroup`,
    with ``view.slots`` and the three ``view.charts``.

    Args:
        data: Holds ``memory`` with axes ``slot`` and ``word``, and ``time`` where it changes: a trace, or a
            recorder whose block runs or is still to run (see :class:`View`); or the memory itself, a tensor,
            array, ``DataArray`` or ``DataFrame``, ``[slot, word]``, ``[time, slot, word]`` or
            ``[time, batch, slot, word]``.
        slots: Slots that have lines, as ``[3, 17]``. Default: with ``lines`` the six that changed most.
        lines: Whether there are lines of slots. Default: only where ``slots`` are named.
        lines_px: Height of the line charts, at least 120. Default: 200.
        labels: Labels by axis, as ``labels={"slot": ["a", "b"]}``: strings, numbers or dates.
        dims: Names of a tensor's axes, where they are others.
        **options: See :class:`View`.

    Example:
        >>> import numpy as np
        >>> view = MemoryView(np.zeros((5, 8, 4)))  # (time, slot, word)
        >>> view.selection.sizes["slot"]
        8

    Raises:
        ShapeError: If there is no such ``memory``.
    """

    if not TYPE_CHECKING:

        def __new__(cls, data=None, *, slots=None, lines=False, **options):
            """One view, or a group of the maps and the charts of lines."""
            if slots is None and not check_flag(lines, "lines"):
                return super().__new__(cls, data, **options)
            from nsm_widgets.widgets.views._evolution import MemoryWithLines  # bqplot loads pandas

            return MemoryWithLines(data, slots, **options)

    def __init__(
        self,
        data: object,
        *,
        slots: Sequence[int] | None = None,
        lines: bool = False,
        lines_px: int = 200,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        del slots, lines, lines_px  # of the group

        def build(given: object) -> tuple[Trace, Layout]:
            layout, shown = memory_layout(memory_trace(given, "MemoryView", labels, dims))
            return shown, layout

        super().__init__(data, build, **options)


class ReadWriteView(View):
    """Write and read weights of every head over time and slots, told apart by colour, with the cursor.

    With ``by="slot"`` over the slots alone, before a step and after it, side by side: "after" is the step on
    show and "before" the step before it; before the first step of a sequence stands ``initial_read_weights``
    or ``initial_write_weights`` where the trace holds them, else that nothing is known. All pictures then
    have one colour domain.

    Args:
        data: Holds ``read_weights`` or ``write_weights`` ``(time, batch, head, slot)``, or both: a trace, a
            recorder whose block runs or is still to run (see :class:`View`), or arrays by name.
        by: ``"time"``: slots down, time across; ``"slot"``: heads down, slots across. Default: ``"time"``.
        labels: Labels by axis, as ``labels={"slot": ["a", "b"]}``: strings, numbers or dates.
        **options: See :class:`View`.

    Example:
        >>> import numpy as np
        >>> view = ReadWriteView({"read_weights": np.full((5, 1, 2, 8), 1 / 8)})
        >>> view.selection.sizes["head"]
        2
        >>> step = ReadWriteView.from_weights([[0.1, 0.9]], [[1.0, 0.0]], before=([[0.5, 0.5]], None))
        >>> step.trace["read_weights"].labels("head")
        ('read head 0',)

    Raises:
        ShapeError: If there are no such weights, or, by slot, the memories differ in slots.
        OptionError: If ``by`` is something else.
        LabelError: If there are not as many labels as slots.
    """

    def __init__(
        self,
        data: object,
        *,
        by: Literal["time", "slot"] = "time",
        labels: AxisLabels | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        if not is_one_of(by, ("time", "slot")):
            raise OptionError(f"by must be 'time' or 'slot', got {by!r}.")
        self._by = by

        def build(given: object) -> tuple[Trace, Layout]:
            shown = labelled(named_trace(given, "ReadWriteView", needs=WEIGHTS), labels)
            if by == "time":
                return shown, read_write_layout(shown)
            layout, shown = operations_layout(shown)
            return shown, layout

        super().__init__(data, build, **options)

    @classmethod
    def from_weights(
        cls,
        read_weights: object = None,
        write_weights: object = None,
        *,
        before: tuple[Any, Any] | None = None,
        labels: AxisLabels | None = None,
        **options: Unpack[ViewOptions],
    ) -> ReadWriteView:
        """The weights of one step, and of the moment before it where they are known, by slot.

        Args:
            read_weights: ``[head, slot]`` or ``[batch, head, slot]``; none when ``None``.
            write_weights: The same of the write heads.
            before: Read and write weights before the step, of the same shapes; ``None`` for what is not
                known.
            labels: Labels by axis, as ``labels={"slot": names}``: strings, numbers or dates.
            **options: See :class:`View`.

        Raises:
            ShapeError: If there are no weights, or shapes do not fit.
            WeightsError: If a head's weights do not sum to 1.
            LabelError: If there are not as many labels as slots.
        """
        trace = weights_trace(read_weights, write_weights, before)
        return cls(trace, by="slot", labels=labels, **options)


WEIGHTS = "read_weights or write_weights"
MANY_KEYS = 64
"""Above this many keys a linear scale leaves nearly every weight of a real attention invisible."""


class AttentionView(View):
    """Attention with its tokens: one head large, all heads and layers as thumbnails to pick from.

    With more than :data:`MANY_KEYS` keys it opens on the logarithmic scale, unless ``scale`` says otherwise.

    Of a trace with several arrays of attention, as of an encoder and a decoder, one is on show; the reader
    chooses another by its name, and so does Python: ``view.array = "cross.attention"``.

    Its colours have one domain for all heads, so that heads compare; with ``domain="per-head"`` each head
    spans the colour bar by its own range.

    Args:
        data: Holds ``attention``, or any arrays of weights, with axes ``query`` and ``key``, and ``head``
            and ``layer`` where there are several: a trace, a recorder whose block runs or is still to run
            (see :class:`View`), a model's output. Or the weights themselves, as
            :meth:`Trace.from_attentions` takes them: ``[query, key]``, ``[head, query, key]``,
            ``[batch, head, query, key]``, or such a tensor for each layer.
        labels: Labels by axis, as ``labels={"key": tokens, "query": tokens, "head": names}``: strings,
            numbers or dates; of several arrays, of the one that is on show at first.
        dims: Names of a tensor's axes, where they are others, as ``("time", "head", "query", "key")``.
        image: Of a vision model: the image whose patches attend, height by width, or by 3 channels (integers
            to 255, or shares to 1), or a PIL image. The weights of the selected query stand over it.
        grid: Rows and columns of its patches. Default: square. Keys before them are no patches, as a class
            token.
        **options: See :class:`View`; and ``array``, the name of the one that is on show at first.

    Example:
        >>> import numpy as np
        >>> weights = np.full((2, 3, 3), 1 / 3)  # (head, query, key)
        >>> view = AttentionView(Trace.from_attentions(weights, tokens=["a", "b", "c"]))
        >>> view.selection.head = 1
        >>> single = AttentionView([[1.0, 0.0], [0.5, 0.5]], labels={"key": ["a", "b"]}, title="one matrix")

    Raises:
        ShapeError: If there is no such ``attention``.
        WeightsError: If rows of a tensor do not sum to 1.
        LabelError: If there are not as many labels as the axis is long.
    """

    def __init__(
        self,
        data: object,
        *,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        image: object = None,
        grid: tuple[int, int] | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        def build(given: object) -> tuple[Trace, Layout]:
            shown = _attention(given, dims)
            first = options.get("array") or next(iter(attention_names(shown)), "attention")
            shown = labelled(shown, labels, (first,))
            layout = attention_layout(shown)
            if image is None:
                return shown, layout
            several = len(attention_names(shown)) > 1
            panel = replace(image_panel(shown[first], image, grid), shown_in=first if several else "")
            return shown, ((panel,), *layout)

        self._first, self._scale_given = options.get("array"), "scale" in options
        super().__init__(data, build, **options)

    def _at_first(self, trace: Trace) -> None:
        first = self._first or next(iter(attention_names(trace)), "")
        if not self._scale_given and first in trace and trace[first].sizes["key"] > MANY_KEYS:
            self.scale = "log"


class NTMExplorer(View):
    """A memory-augmented network from the inside: memory, writes, reads, addressing, signals; all linked.

    Args:
        data: A trace as :class:`~nsm_widgets.TraceRecorder` records it, or arrays by name. What it does not
            hold is left out; at least ``memory``, ``read_weights`` or ``write_weights`` is needed. Or the
            recorder itself, whose block runs or is still to run: the view fills while it does (see
            :class:`View`).
        labels: Labels by axis, as ``labels={"slot": ["a", "b"]}``: strings, numbers or dates.
        **options: See :class:`View`.

    Example:
        >>> import torch
        >>> from nsm_widgets import TraceRecorder, load_pretrained
        >>> model = load_pretrained("copy")
        >>> with torch.no_grad(), TraceRecorder(model) as recorder:
        ...     _ = model(torch.zeros(10, 1, 9))  # (time, batch, channel)
        >>> explorer = NTMExplorer(recorder.trace)
        >>> explorer.selection.time = 7
    """

    _beside = ("memory_change",)

    def __init__(
        self, data: object, *, labels: AxisLabels | None = None, **options: Unpack[ViewOptions]
    ) -> None:
        def build(given: object) -> tuple[Trace, Layout]:
            needs = "memory, read_weights and write_weights"
            layout, shown = explorer_layout(labelled(named_trace(given, "NTMExplorer", needs=needs), labels))
            return shown, layout

        super().__init__(data, build, **options)


def _attention(given: object, dims: Sequence[str] | None) -> Trace:
    """Attention of any number of axes, or that of a model's output, as a trace."""
    output = isinstance(given, Mapping) and any(str(name).endswith("attentions") for name in given)
    tensor = hasattr(given, "shape") or isinstance(given, (list, tuple))
    named = isinstance(given, NamedArray) or given_trace(given) is not None
    if output or (tensor and dims is None and not named):
        return Trace.from_attentions(given)
    axes = {2: ("query", "key")}
    return named_trace(given, "AttentionView", alone="attention", axes=axes, dims=dims)


def _as_trace(
    data: object, dims: Sequence[str] | None, name: str | None, labels: AxisLabels | None
) -> tuple[Trace, NamedArray]:
    unnamed = name is None or (isinstance(name, str) and not name)
    named = data if isinstance(data, NamedArray) else given_trace(data)
    if isinstance(named, Trace):
        if len(named) != 1:
            raise TypeError(
                f"a Heatmap shows one array, got {len(named)} ({', '.join(named)}). Pick one: "
                f"Heatmap(data[{next(iter(named), 'name')!r}])."
            )
        (named,) = named.values()
    if named is None:
        if dims is None:
            raise TypeError(
                "dims must name the axes of a plain tensor or array, for example "
                'dims=("time", "slot", "word"); got none.'
            )
        name = "values" if name is None or unnamed else name
        trace = Trace.from_arrays({name: data}, dims={name: dims}, kinds={name: "content"})
    elif dims is not None:
        raise TypeError(f"dims come with a {type(data).__name__}; give them only with a tensor or array.")
    else:
        trace = Trace(_time_leading(named if unnamed else named.renamed(name)))
    trace = labelled(trace, labels)
    return trace, next(iter(trace.values()))


def _time_leading(array: NamedArray) -> NamedArray:
    """The same array with the axes that lead in a trace first: the page draws by names."""
    leading = [dim for dim in LEADING if dim in array.dims]
    dims = [*leading, *(dim for dim in array.dims if dim not in leading)]
    if tuple(dims) == array.dims:
        return array
    values = array.values.transpose([array.dims.index(dim) for dim in dims])
    return NamedArray(array.name, values, dims, array.coords, array.attrs)
