"""What Python hears of a cell that the reader has pressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ipywidgets import CallbackDispatcher

from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import Layout


@dataclass(frozen=True, slots=True)
class Click:
    """A cell of a heatmap that was pressed, or chosen with Enter; also one that was selected before.

    Attributes:
        panel: Which heatmap, by its id.
        array: The array that it shows.
        indices: The zero-based index along each axis of the array: ``{"time": 3, "head": 0, "slot": 5}``.
        labels: What the cell is called along the axes that have labels.
        value: The recorded value.
    """

    panel: str
    array: str
    indices: dict[str, int]
    labels: dict[str, str]
    value: float


OnClick: TypeAlias = Callable[[Click], object]


class Clicks:
    """Who wants to hear of clicks on one view."""

    def __init__(self) -> None:
        self._handlers = CallbackDispatcher()

    def __bool__(self) -> bool:
        return bool(self._handlers.callbacks)

    def register(self, handler: OnClick, *, remove: bool) -> None:
        """Take a handler in, or out."""
        self._handlers.register_callback(handler, remove=remove)

    def tell(self, content: Mapping[str, Any], trace: Trace, layout: Layout) -> None:
        """Tell them of a page's message, unless it names no cell that there is."""
        click = _click_of(content, trace, layout)
        if click is not None:
            self._handlers(click)


def _click_of(content: Mapping[str, Any], trace: Trace, layout: Layout) -> Click | None:
    name, at = content.get("panel"), content.get("indices")
    panel = next((panel for row in layout for panel in row if panel.id == name), None)
    if panel is None or panel.array not in trace or not isinstance(at, Mapping):
        return None
    array = trace[panel.array]
    if not all(_is_index(at.get(dim), size) for dim, size in array.sizes.items()):
        return None
    indices = {dim: int(at[dim]) for dim in array.dims}
    value = array.values[tuple(indices.values())]
    return Click(panel.id, array.name, indices, _labels(array, indices), value.item())


def _is_index(value: object, size: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size


def _labels(array: NamedArray, indices: Mapping[str, int]) -> dict[str, str]:
    batch = indices.get("batch", 0)
    return {dim: array.labels(dim, batch=batch)[i] for dim, i in indices.items() if dim in array.coords}
