"""What stands out in a run, in words: what a reader would want to be shown first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from nsm_widgets._errors import WeightsError
from nsm_widgets.stats._attention import causal_mask
from nsm_widgets.stats._divergence import head_divergence
from nsm_widgets.stats._entries import named_arrays
from nsm_widgets.stats._input import Mask, counted, take
from nsm_widgets.stats._rows import Rows, mean_where, take_rows
from nsm_widgets.stats._slot_table import known_part, memories_of
from nsm_widgets.stats._slots import (
    ACCESS,
    Masses,
    accesses,
    check_pair,
    lost_writes,
    starts_before,
    take_masses,
)
from nsm_widgets.stats._unused import UNUSED_RULE, unused_slots
from nsm_widgets.stats._weightings import row_normalised_entropy
from nsm_widgets.trace import FrozenDict, NamedArray, Trace

SEVERITIES = ("error", "warning", "note")
"""Numbers are broken; something does not do its work; worth knowing."""

COLLAPSED_WEIGHT = 0.9
COLLAPSED_SHARE = 0.95
BLURRY = 0.9
TWINS = 0.01
SATURATED = 0.5

_Flags: TypeAlias = Bool[np.ndarray, "..."] | None

_FEWEST_ROWS = 4
_STAGES = ("content_weights", "gated_weights", "shifted_weights")
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands out."""

    kind: str
    """``not_finite``, ``not_weights``, ``collapsed_head``, ``blurry_head``, ``twin_heads``,
    ``saturated_slots``, ``dead_slots``, ``never_read_slots`` or ``overwritten_writes``."""
    array: str
    """The array in which it is seen."""
    where: dict[str, int]
    """The first place where it is seen, an index by axis: what a link would select."""
    text: str
    """What it is, in one sentence."""
    severity: str
    """``"error"``, ``"warning"`` or ``"note"``."""


def findings(data: object, *, threshold: float = ACCESS, mask: object = None) -> list[Finding]:
    """Name what stands out in a trace, errors first, each with the first place where it is seen.

    - ``not_finite`` (error): an array holds NaN or infinite values.
    - ``not_weights`` (error): what is called weights or attention is none; nothing else is said of it.
    - ``collapsed_head`` (warning): one and the same place has a weight of 0.9 or more in 95 % of a head's
      rows (steps or queries, of all batch items), in at least 4 rows.
    - ``twin_heads`` (warning): two heads, not both blurry, differ by less than 0.01 nats (mean Jensen-Shannon
      divergence).
    - ``saturated_slots`` (warning): one slot of at least four gets half of all that is read and written, or
      more.
    - ``overwritten_writes`` (warning): writes that nobody read before the slot was written again.
    - ``blurry_head`` (note): a head's mean normalised entropy is 0.9 or more; causal attention is judged
      against the keys that may be seen.
    - ``dead_slots`` (note): no read or write weight above 1 % in any step, sample or head
      (:func:`unused_slots`).
    - ``never_read_slots`` (note): in a batch item written, and in none read.

    Heads are judged by their final weights, not by the stages of addressing; slots, up to the first NaN.

    Args:
        data: A ``Trace``, arrays by name, or a ``NamedArray``; see :func:`analyze` for arrays without names.
        threshold: Mass at one step that counts as an access to a slot. Default 0.1.
        mask: True where a value counts, as for :func:`analyze`; padding is judged by nothing.

    Raises:
        ShapeError, DtypeError, AxisError: If an array cannot be read.
        UnknownOptionError: If the threshold is no number greater than 0.

    >>> [finding.text for finding in findings({"read_gate": [[[0.5]], [[float("nan")]]]})]
    ['read_gate holds 1 NaN of 2 values, first at time 1, batch 0, head 0.']
    """
    arrays = named_arrays(data, mask)
    masks = {array.name: each for array, each in arrays}
    found: list[Finding] = []
    for array, each in arrays:
        places = counted(each, take(array, array.name, ()))
        found += _not_finite(array, places)
        if array.attrs.get("kind") in ("weights", "attention") and not array.name.endswith(_STAGES):
            found += _of_heads(array, places)
    starts = data.attrs.get("sequence_starts", ()) if isinstance(data, Trace) else ()
    bad = {finding.array for finding in found if finding.kind == "not_weights"}
    named = {array.name: array for array, _ in arrays}
    for prefix, (read, write) in memories_of(named).items():
        if not {read.name, write.name} & bad:
            sides = take_masses(read, masks[read.name]), take_masses(write, masks[write.name])
            found += _of_slots(*sides, threshold, starts)
            memory = named.get(f"{prefix}.memory" if prefix else "memory")
            found += _dead({"read_weights": read, "write_weights": write, "memory": memory}, masks)
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _not_finite(array: NamedArray, places: _Flags) -> Iterator[Finding]:
    values = array.values
    bad = ~np.isfinite(values) if places is None else ~np.isfinite(values) & places
    if bad.any():
        nan = int((np.isnan(values) & bad).sum())
        infinite = int(bad.sum()) - nan
        counts = [f"{nan} NaN"] * (nan > 0) + [f"{infinite} infinite"] * (infinite > 0)
        where = _first(bad, array.dims)
        holds = f"{' and '.join(counts)} of {values.size} values"
        text = f"{array.name} holds {holds}, first at {_at(where, array)}."
        yield Finding("not_finite", array.name, where, text, "error")


def _of_heads(array: NamedArray, places: _Flags) -> Iterator[Finding]:
    try:
        rows = take_rows(array, _seen(array, places))
    except WeightsError as error:
        yield Finding("not_weights", array.name, FrozenDict(), str(error), "error")
        return
    if array.ndim < 2:
        return
    blurry: set[tuple[int, ...]] = set()
    heads = [i for i, dim in enumerate(array.dims[:-1]) if dim in ("layer", "head")]
    spread = row_normalised_entropy(rows)
    for place in np.ndindex(*(array.shape[i] for i in heads)):
        at: list[Any] = [slice(None)] * (array.ndim - 1)
        for axis, index in zip(heads, place, strict=True):
            at[axis] = index
        head = {array.dims[axis]: index for axis, index in zip(heads, place, strict=True)}
        rest = tuple(dim for dim in array.dims[:-1] if dim not in head)
        yield from _collapsed(array, rows, tuple(at), head, rest)
        choosing = rows.choosing[tuple(at)]
        mean = float(mean_where(spread[tuple(at)].reshape(-1), choosing.reshape(-1)))
        if mean >= BLURRY:
            blurry.add(place)
            where = FrozenDict({**head, **_first(choosing & (spread[tuple(at)] >= BLURRY), rest)})
            text = (
                f"{_head_text(array, head)} is blurry: its normalised entropy is {mean:.3f} in the "
                f"mean of {int(choosing.sum())} rows."
            )
            yield Finding("blurry_head", array.name, where, text, "note")
    if "head" in array.dims[:-1] and array.sizes["head"] > 1:
        yield from _twins(array, places, blurry)


def _seen(array: NamedArray, places: _Flags) -> _Flags:
    """What counts, and may be seen where attention looks causal."""
    square = array.dims[-2:] == ("query", "key") and array.shape[-1] == array.shape[-2] > 1
    values = array.values if places is None else np.where(places, array.values, 0)
    if not square or np.triu(np.nan_to_num(values), 1).any():
        return places
    mask = causal_mask(array.shape[-1])
    return mask if places is None else np.asarray(places & mask)


def _collapsed(
    array: NamedArray, rows: Rows, at: tuple[Any, ...], head: dict[str, int], rest: tuple[str, ...]
) -> Iterator[Finding]:
    weights, choosing = rows.weights[at], rows.choosing[at]
    count = int(choosing.sum())
    if count < _FEWEST_ROWS or weights.shape[-1] < 2:
        return
    on_one = choosing[..., None] & (weights >= COLLAPSED_WEIGHT)
    share = on_one.reshape(-1, weights.shape[-1]).sum(axis=0) / count
    place = int(share.argmax())
    if share[place] >= COLLAPSED_SHARE:
        dim = array.dims[-1]
        where = FrozenDict({**head, **_first(on_one[..., place], rest), dim: place})
        key = f"{dim} {array.number(dim, place)}"
        text = (
            f"{_head_text(array, head)} has collapsed: {key} has {COLLAPSED_WEIGHT:g} or more "
            f"of its weight in {share[place]:.0%} of {count} rows."
        )
        yield Finding("collapsed_head", array.name, where, text, "warning")


def _twins(array: NamedArray, places: _Flags, blurry: set[tuple[int, ...]]) -> Iterator[Finding]:
    unknown = np.isnan(array.values) if places is None else np.isnan(array.values) & places
    known = ~unknown.any(axis=-1, keepdims=True)
    pairs = head_divergence(array, mask=known if places is None else known & places)
    order = [i for i, dim in enumerate(pairs.dims) if dim == "layer"]
    order += [i for i, dim in enumerate(pairs.dims) if dim not in ("layer", "head", "reference")]
    moved = pairs.values.transpose(*order, pairs.dims.index("head"), pairs.dims.index("reference"))
    has_layer = "layer" in pairs.dims
    moved = moved.reshape(pairs.sizes.get("layer", 1), -1, *moved.shape[-2:])
    means = _mean_of_known(moved)
    for layer, one, other in np.ndindex(*means.shape):
        first, second = ((layer, one), (layer, other)) if has_layer else ((one,), (other,))
        if one < other and means[layer, one, other] < TWINS and not {first, second} <= blurry:
            where = FrozenDict({**({"layer": layer} if has_layer else {}), "head": one, "reference": other})
            of = f" of layer {array.number('layer', layer)}" if has_layer else ""
            heads = f"{array.number('head', one)} and {array.number('head', other)}"
            text = (
                f"{array.name}: heads {heads}{of} do almost the same, they differ by "
                f"{means[layer, one, other]:.4f} nats (Jensen-Shannon)."
            )
            yield Finding("twin_heads", array.name, where, text, "warning")


def _mean_of_known(
    values: Float64[np.ndarray, "layer rest one other"],
) -> Float64[np.ndarray, "layer one other"]:
    """The mean over the second axis, NaN left out."""
    return mean_where(np.moveaxis(values, 1, -1), np.moveaxis(~np.isnan(values), 1, -1))


def _of_slots(
    reads: Masses, writes: Masses, threshold: float, sequence_starts: Sequence[object]
) -> Iterator[Finding]:
    check_pair(reads, writes)
    reads, writes = known_part(reads, writes)
    name = writes.given.name
    steps, slots = len(reads.values), reads.values.shape[-1]
    if not steps:
        return
    dims = reads.dims
    was_read, written = accesses(reads, threshold), accesses(writes, threshold)
    others = tuple(range(was_read.ndim - 1))
    ever_read, ever_written = np.asarray(was_read.any(axis=others)), np.asarray(written.any(axis=others))
    use = np.asarray((reads.values + writes.values).sum(axis=others))
    source = writes.given.source
    numbers = np.arange(slots) if source is None else source.numbers("slot")
    if slots >= 4 and use.sum() > 0 and use.max() >= SATURATED * use.sum():
        slot = int(use.argmax())
        where = FrozenDict({**_first((was_read | written)[..., slot], dims[:-1]), "slot": slot})
        text = f"slot {int(numbers[slot])} gets {use[slot] / use.sum():.0%} of all that is read and written."
        yield Finding("saturated_slots", name, where, text, "warning")
    lost = lost_writes(reads, writes, threshold, None, starts_before(sequence_starts, steps))
    if lost.any():
        where = _first(lost, dims)
        text = (
            f"{int(lost.sum())} of {int(written.sum())} writes are overwritten before anybody reads them, "
            f"the first at {_at(where, source)}."
        )
        yield Finding("overwritten_writes", name, where, text, "warning")
    unread = ever_written & ~ever_read
    if unread.any():
        slot = int(unread.argmax())
        where = FrozenDict({**_first(written[..., slot], dims[:-1]), "slot": slot})
        ranges = _ranges(np.sort(numbers[unread]))
        what = f"written, and never read (mass of {threshold:g} or more)"
        text = f"{int(unread.sum())} of {slots} slots are {what}: {ranges}."
        yield Finding("never_read_slots", name, where, text, "note")


def _dead(memory: Mapping[str, NamedArray | None], masks: Mapping[str, Mask]) -> Iterator[Finding]:
    """Slots that views fold away."""
    parts = {part: array for part, array in memory.items() if array is not None}
    unused = unused_slots(parts, mask={part: masks[array.name] for part, array in parts.items()})
    if unused is not None and unused.any():
        writes = parts["write_weights"]
        ranges = _ranges(np.sort(writes.numbers("slot")[unused]))
        text = f"{int(unused.sum())} of {len(unused)} slots are unused, {UNUSED_RULE}: {ranges}."
        yield Finding("dead_slots", writes.name, FrozenDict(slot=int(unused.argmax())), text, "note")


def _first(flags: NDArray[np.bool_], dims: Sequence[str]) -> FrozenDict:
    """The first true place, by axis."""
    place = np.unravel_index(int(flags.argmax()), flags.shape)
    return FrozenDict({dim: int(index) for dim, index in zip(dims, place, strict=True)})


def _at(where: dict[str, int], array: NamedArray | None) -> str:
    numbers = where if array is None else {dim: array.number(dim, index) for dim, index in where.items()}
    return ", ".join(f"{dim} {number}" for dim, number in numbers.items()) or "its one value"


def _head_text(array: NamedArray, head: dict[str, int]) -> str:
    return f"{array.name}, {_at(head, array)}," if head else array.name


def _ranges(places: NDArray[np.int64]) -> str:
    """Indices as text, runs of them as ``3-5``, at most a dozen runs."""
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:_MOST_NAMED]]
    return ", ".join(shown) + (", ..." if len(runs) > _MOST_NAMED else "")
