"""Reads and writes of a memory before and after a step, as a view."""

from __future__ import annotations

from typing import Any, Unpack

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Trace, to_readonly
from nsm_widgets.view import Layout, operations_layout
from nsm_widgets.widgets._given import labelled, named_trace
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets._view import View

_DIMS = {2: ("head", "slot"), 3: ("batch", "head", "slot")}


class OperationsView(View):
    """Read and write weights of every head over the slots, before a step and after it, side by side.

    With time, "after" is the step on show and "before" the step before it; before the first step of a
    sequence stands ``initial_read_weights`` or ``initial_write_weights`` where the trace holds them, else
    that nothing is known. All pictures have one colour domain.

    Args:
        data: Holds ``read_weights`` or ``write_weights`` ``(time, batch, head, slot)``, or both.
        labels: Labels by axis, as ``labels={"slot": names}``: strings, numbers or dates.
        **options: See :class:`View`.

    Example:
        >>> view = OperationsView.from_weights([[0.1, 0.9]], [[1.0, 0.0]], before=([[0.5, 0.5]], None))
        >>> view.trace["read_weights"].labels("head")
        ('read head 0',)

    Raises:
        ShapeError: If there are no such weights, or the memories differ in slots.
        LabelError: If there are not as many labels as slots.
    """

    def __init__(
        self, data: object, *, labels: AxisLabels | None = None, **options: Unpack[ViewOptions]
    ) -> None:
        def build(given: object) -> tuple[Trace, Layout]:
            named = named_trace(given, "OperationsView", needs="read_weights or write_weights")
            layout, shown = operations_layout(labelled(named, labels))
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
    ) -> OperationsView:
        """The weights of one step, and of the moment before it where they are known.

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
        if before is not None and (not isinstance(before, (tuple, list)) or len(before) != 2):
            raise ShapeError(
                "before must be a pair (read weights, write weights), or None, "
                f"got {type(before).__name__}. What is not known is None in its place."
            )
        first = before or (None, None)
        given = {
            "read_weights": read_weights,
            "write_weights": write_weights,
            "initial_read_weights": first[0],
            "initial_write_weights": first[1],
        }
        arrays = {name: values for name, values in given.items() if values is not None}
        if not {"read_weights", "write_weights"} & set(arrays):
            raise ShapeError("read_weights or write_weights must be given, got neither.")
        dims = {name: _dims_of(name, values) for name, values in arrays.items()}
        return cls(Trace.from_arrays(arrays, dims=dims), labels=labels, **options)


def _dims_of(name: str, values: object) -> tuple[str, ...]:
    shape = to_readonly(values, name)[0].shape
    if len(shape) not in _DIMS:
        raise ShapeError(
            f"{name} must have axes (head, slot) or (batch, head, slot), got shape {shape}. "
            "A single head? Add its axis: weights[None]. Several steps? OperationsView(trace) has a slider."
        )
    return _DIMS[len(shape)]
