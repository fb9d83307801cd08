"""The masks of attention modules' calls, turned; calls of different sizes, fitted together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.arrays._mask import CELLS, mask_axis, reduced
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part

if TYPE_CHECKING:
    from torch import Tensor

ENTRY = KNOWN["attention"]

Call: TypeAlias = "tuple[Any, HostCopy, dict[str, Coord]]"


def fitted(
    step: Sequence[Call], shapes: Sequence[tuple[int, ...]]
) -> list[tuple[NDArray[Any], dict[str, Coord]]]:
    """Weights and masks of calls, with as many queries and keys as the largest of all calls has."""
    if len({shape[:2] for shape in shapes}) > 1:
        told = ", ".join(map(str, dict.fromkeys(shapes)))
        raise RecordingError(
            "calls of an attention module within one iteration must have the same batch and heads, got "
            f"{told}. Record each with a TraceRecorder of its own, or a part of the model with select=..."
        )
    most = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    made = []
    for _, copy, masks in step:
        values = copy.values()
        more = [(0, size - own) for size, own in zip(most, values.shape, strict=True)]
        if any(after for _, after in more):
            there = np.pad(np.ones(values.shape[2:], bool), more[2:])
            lying = dict(zip(ENTRY.dims[1:], more, strict=True))
            masks = {
                name: Coord(dims, np.pad(counts, [lying[dim] for dim in dims], constant_values=name != CELLS))
                for name, (dims, counts) in masks.items()
            }
            cells = masks.get(CELLS)
            counts = there if cells is None else cells.values & there
            masks[CELLS] = Coord(("query", "key") if cells is None else cells.dims, counts)
            values = np.pad(values, more)
        made.append((values, masks))
    return made


def masks_of(part: Part, index: int) -> dict[str, Coord]:
    """The masks of one call, by name, without the axes along which they were given once for all."""
    found = {}
    for (of_call, name), copy in part.coords:
        if of_call == index:
            dims = ("batch", axis) if (axis := mask_axis(name)) else ENTRY.dims[1:]
            values = copy.values()
            found[name] = reduced(Coord(dims, values), [d for d in dims[:2] if name == CELLS])
    return found


def given_masks(arguments: dict[str, Any], weights: Tensor) -> dict[str, Any]:
    """What a call was told to leave out, turned: True where a value counts, in the shape of the weights."""
    torch = sys.modules["torch"]
    padding, cells = arguments.get("key_padding_mask"), arguments.get("attn_mask")
    batch, heads, queries, keys = weights.shape
    found = {}

    def counts(mask: Tensor) -> Any:
        flags = ~mask if mask.dtype == torch.bool else mask != -torch.inf
        more = keys - flags.shape[-1]  # keys that the module adds itself, such as add_zero_attn's
        return torch.nn.functional.pad(flags, (0, more), value=True) if more else flags

    if padding is not None:
        found["key_mask"] = counts(padding).reshape(batch, keys)
        if arguments["query"] is arguments["key"]:  # what is padded attends as well
            found["query_mask"] = found["key_mask"][:, :queries]
    if cells is not None:
        cells = counts(cells)
        found[CELLS] = cells.reshape(batch, heads, queries, keys) if cells.ndim == 3 else cells[None, None]
    return found
