"""A tidy table of what became of each slot of a memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nsm_widgets._errors import ShapeError
from nsm_widgets.stats._input import Mask
from nsm_widgets.stats._slots import (
    ACCESS,
    Masses,
    accesses,
    in_order,
    lost_writes,
    relative_use,
    starts_before,
    take_pair,
)
from nsm_widgets.stats._table import TableLike, as_table
from nsm_widgets.trace import Trace

_COLUMNS = (
    "memory",
    "iteration",
    "layer",
    "batch",
    "slot",
    "label",
    "read_mass",
    "write_mass",
    "importance",
    "first_write",
    "last_read",
    "dead",
    "never_read",
    "overwritten_before_read",
    "steps",
)


def analyze_slots(
    weights: object,
    *,
    threshold: float = ACCESS,
    mask: Mask = None,
    sequence_starts: Sequence[int] | None = None,
) -> TableLike:
    """What became of each slot: one row for each memory, batch item and slot.

    Columns: ``memory`` (the prefix of its arrays, where there is one), ``layer`` where each has a memory of
    its own, ``batch``, ``slot``, ``label``;
    ``read_mass`` and ``write_mass``, the weight it got over all steps and heads; ``importance`` at the last
    step; ``first_write`` and ``last_read``, steps, empty for never; ``dead``, ``never_read``;
    ``overwritten_before_read``, how many of its writes were; ``steps``, how many were judged: where a weight
    becomes NaN, those before.

    Args:
        weights: A ``Trace`` or mapping with ``read_weights`` and ``write_weights``, perhaps with a prefix.
        threshold: Mass at one step that counts as an access, greater than 0. Default 0.1.
        mask: True where a weight counts, of both; see :func:`usage`.
        sequence_starts: Steps at which the memory begins anew; a trace's own when not given.

    Returns:
        A ``DataFrame`` or :class:`Table`.

    Raises:
        ShapeError: If there is no such pair of weights.
        WeightsError, DtypeError, AxisError, UnknownOptionError, SelectionError: As the functions on slots.

    >>> table = analyze_slots({"read_weights": [[1.0, 0.0]], "write_weights": [[0.0, 1.0]]})
    >>> [bool(flag) for flag in table["never_read"]]
    [False, True]
    """
    pairs = memories_of(weights)
    if not pairs:
        raise ShapeError(
            "weights must hold read_weights and write_weights of a memory, got "
            f"{', '.join(map(str, weights)) if isinstance(weights, Mapping) else type(weights).__name__}. "
            "Pass a recorded trace, or {'read_weights': ..., 'write_weights': ...}."
        )
    if sequence_starts is None:
        sequence_starts = weights.attrs.get("sequence_starts", ()) if isinstance(weights, Trace) else ()
    records = []
    for name, (read, write) in pairs.items():
        reads, writes = known_part(*map(in_order, take_pair(read, write, mask)))
        records += [
            {"memory": name or None, **record}
            for record in _records(reads, writes, threshold, sequence_starts)
        ]
    return as_table(records, _COLUMNS)


def memories_of(arrays: object) -> dict[str, tuple[Any, Any]]:
    """The read and write weights of each memory, by the prefix of their names."""
    if not isinstance(arrays, Mapping):
        return {}
    return {
        name.removesuffix("read_weights").rstrip("."): (arrays[name], arrays[other])
        for name in arrays
        if str(name).rpartition(".")[2] == "read_weights"
        and (other := f"{name.removesuffix('read_weights')}write_weights") in arrays
    }


def known_part(reads: Masses, writes: Masses) -> tuple[Masses, Masses]:
    """Both sides up to the first step that holds a NaN; no step may be left."""
    known = np.ones(len(reads.values), bool)
    for side in (reads, writes):
        known &= ~np.isnan(side.values).reshape(len(known), -1).any(axis=-1)
    steps = len(known) if known.all() else int(known.argmin())
    return Masses(reads.values[:steps], reads.given, reads.dims, reads.layers), Masses(
        writes.values[:steps], writes.given, writes.dims, writes.layers
    )


def _records(
    reads: Masses, writes: Masses, threshold: float, sequence_starts: Sequence[object]
) -> list[dict[str, Any]]:
    steps = len(reads.values) // reads.layers
    starts = starts_before(sequence_starts, steps)
    read, written = accesses(reads, threshold), accesses(writes, threshold)
    lost = lost_writes(reads, writes, threshold, None, starts)
    use = relative_use(reads, writes, starts)
    records = []
    for at in np.ndindex(*reads.values.shape[1:]):
        every = (slice(None), *at)
        dims = reads.dims[1:] or ("batch", "slot")[-len(at) :]
        record: dict[str, Any] = reads.given.numbered(dict(zip(dims, at, strict=True)))
        record |= {"label": _label(reads, at), "steps": steps}
        if steps:
            write_steps, read_steps = np.flatnonzero(written[every]), np.flatnonzero(read[every])
            record |= {
                "read_mass": float(reads.values[every].sum()),
                "write_mass": float(writes.values[every].sum()),
                "importance": float(use[(-1, *at)]),
                "first_write": _step(writes, write_steps[0]) if write_steps.size else None,
                "last_read": _step(reads, read_steps[-1]) if read_steps.size else None,
                "dead": not write_steps.size and not read_steps.size,
                "never_read": bool(write_steps.size) and not read_steps.size,
                "overwritten_before_read": int(lost[every].sum()),
            }
        records.append(record)
    return records


def _step(masses: Masses, place: np.int64) -> int:
    return masses.given.numbered({"time": int(place) // masses.layers})["time"]


def _label(masses: Masses, at: tuple[int, ...]) -> str | None:
    """The slot's label, where it has one."""
    source = masses.given.source
    if source is None or "slot" not in source.coords:
        return None
    batch = at[masses.dims.index("batch") - 1] if "batch" in masses.dims else 0
    return source.labels("slot", batch=batch)[at[-1]]
