"""Which write each read comes from: exact, for a memory that is written by erase and add.

Such a memory is linear in what is written: a read is a sum over all writes so far and the first memory.
``M_t(i) = M_{t-1}(i) * prod_h(1 - w_{t,h}(i) e_{t,h}) + sum_h w_{t,h}(i) a_{t,h}``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from nsm_widgets._errors import AxisError, MissingArrayError, SelectionError, ShapeError, UnknownOptionError
from nsm_widgets._options import check_flag
from nsm_widgets.stats._input import check_choice
from nsm_widgets.stats._slots import starts_before
from nsm_widgets.trace import NamedArray, Trace

_BLOCK = 128
"""Reads, and steps of writing, that are worked on at a time."""

_DIMS = {
    "read_weights": ("time", "batch", "head", "slot"),
    "write_weights": ("time", "batch", "head", "slot"),
    "write_erase": ("time", "batch", "head", "word"),
    "write_add": ("time", "batch", "head", "word"),
    "initial_memory": ("batch", "slot", "word"),
}


@dataclass(frozen=True, slots=True)
class _SequenceMemory:
    """One sequence of one sample, from its first memory on."""

    read_weights: Float64[np.ndarray, "time head slot"]
    write_weights: Float64[np.ndarray, "time write_head slot"]
    write_erase: Float64[np.ndarray, "time write_head word"]
    write_add: Float64[np.ndarray, "time write_head word"]
    initial_memory: Float64[np.ndarray, "slot word"]
    after_write: bool

    def keep(self, step: int) -> Float64[np.ndarray, "slot word"]:
        """What the write of a step leaves of each number of the memory."""
        kept = 1 - self.write_weights[step][:, :, None] * self.write_erase[step][:, None]
        return np.asarray(kept.prod(axis=0))

    def written(self, step: int) -> Float64[np.ndarray, "write_head slot word"]:
        """What each write head adds at a step."""
        return np.asarray(self.write_weights[step][:, :, None] * self.write_add[step][:, None])

    def read_vectors(self) -> Float64[np.ndarray, "time head word"]:
        """What each head reads, with the memory run anew in float64."""
        memory, made = self.initial_memory, []
        for step, weights in enumerate(self.read_weights):
            after = memory * self.keep(step) + self.written(step).sum(axis=0)
            made.append(weights @ (after if self.after_write else memory))
            memory = after
        return np.array(made)

    def contributions(
        self, start: int, stop: int, along: Float64[np.ndarray, "time head word"] | None
    ) -> Float64[np.ndarray, "block head source *word"]:
        """What each source gives to the reads of some steps; times ``along`` where that is given."""
        steps, heads, slots = self.read_weights.shape
        count = self.write_weights.shape[1]
        words = self.initial_memory.shape[1]
        looking = np.repeat(self.read_weights[start:stop, :, :, None], words, axis=3)
        if along is not None:
            looking *= along[start:stop, :, None]
        tail = (words,) if along is None else ()
        made = np.zeros((stop - start, heads, 1 + steps * count, *tail))
        for step in reversed(range(start, stop - 1 + self.after_write)):  # seen by some of the reads alone
            seen = max(0, step - start + (not self.after_write))
            at = slice(1 + step * count, 1 + (step + 1) * count)
            made[seen:, :, at] = _products(looking[seen:], self.written(step), along is None)
            looking[seen:] *= self.keep(step)
        for end in range(start, 0, -_BLOCK):
            begin = max(0, end - _BLOCK)
            left = np.empty((end - begin, count, slots, words))
            kept = np.ones((slots, words))
            for step in reversed(range(begin, end)):
                left[step - begin] = self.written(step) * kept
                kept = kept * self.keep(step)
            at = slice(1 + begin * count, 1 + end * count)
            made[:, :, at] = _products(looking, left.reshape(-1, slots, words), along is None)
            looking *= kept
        made[:, :, :1] = _products(looking, self.initial_memory[None], along is None)
        return made


def lineage(
    trace: object,
    *,
    head: int | None = None,
    contributions: bool = False,
    top: object = None,
    memory: str | None = None,
) -> Trace:
    """Which write each read comes from, and how much of it is still the first memory.

    The share of a source is ``<contribution, read> / |read|^2``: shares sum to 1, are signed, may exceed 1.
    They say whose content is in the read, not what caused it, and nothing of the model's output.

    Args:
        trace: It holds ``read_weights``, ``write_weights``, ``write_erase``, ``write_add`` and
            ``initial_memory`` of a memory that is written by erase and add: of an NTM, an ``NTMMemory``, a
            DNC, or another one; whole in time, slots and words. Without ``memory_seen``, reads come first.
        head: The read head; all when not given.
        contributions: Whether to keep the vectors that each source gives, too.
        top: How many sources of each read to keep, those of the largest magnitude; all when not given.
        memory: The prefix of the arrays' names, where the trace holds several memories.

    Returns:
        ``share`` (time, batch, head, source), and perhaps ``contribution`` (the same, and word), where source
        0 is the first memory of the sequence, and ``1 + step * write_heads + write_head`` a write. With
        ``top``: axis ``rank`` in place of ``source``, ``source`` says which, and ``rest`` is the sum of the
        shares left out. ``read`` is what is explained: the read vectors, run anew in float64. Attributes:
        ``unknown_reads``, how many reads are zero or not finite, with NaN shares; ``largest_gap``, how far
        ``read`` is from the recorded ``read_vectors``, relative to the largest, None without them. Numbers
        are kept as float32 where all arrays are at most that; they are computed in float64.

    Raises:
        MissingArrayError: If an array is missing.
        AxisError, ShapeError: If the arrays do not fit each other, or were cut.
        SelectionError, UnknownOptionError: If an option does not fit.
    """
    check_flag(contributions, "contributions")
    trace = _check_trace(trace)
    prefix, arrays = _arrays_of(trace, memory)
    if head is not None:
        arrays["read_weights"] = arrays["read_weights"].isel(head=[head])
    reads = arrays["read_weights"]
    seen = check_choice(
        reads.attrs.get("memory_seen", "before_write"), "memory_seen", ("before_write", "after_write")
    )
    values = {name: _in_float64(array, _DIMS[name]) for name, array in arrays.items()}
    dtype = np.result_type(np.float32, *(array.dtype for array in arrays.values()))
    made = _room_for(values, dtype, _check_top(top), contributions)
    steps, batch = values["read_weights"].shape[:2]
    unknown = 0
    for (begin, end, first), item in itertools.product(
        _sequences(trace, prefix, values, steps), range(batch)
    ):
        here = {name: values[name][begin:end, item] for name in tuple(_DIMS)[:4]}
        run = _SequenceMemory(**here, initial_memory=first[item], after_write=seen == "after_write")
        with np.errstate(
            invalid="ignore", over="ignore"
        ):  # a memory that has burst is counted, not warned of
            unknown += _fill({name: array[begin:end, item] for name, array in made.items()}, run, begin)
    attrs = {"unknown_reads": unknown, "largest_gap": _gap(trace, prefix, made["read"], head)}
    return Trace(*_named(prefix, made, reads, arrays["write_add"]), attrs=attrs)


def _room_for(
    values: Mapping[str, Any], dtype: np.dtype[Any], top: int | None, contributions: bool
) -> dict[str, Any]:
    """Zeros for the results; what comes after a read, in the same sequence or another, gives it nothing."""
    outer = values["read_weights"].shape[:3]
    steps, _, writers, words = values["write_add"].shape
    total = 1 + steps * writers
    kept = total if top is None else min(top, total)
    made = {"share": np.zeros((*outer, kept), dtype), "read": np.zeros((*outer, words), dtype)}
    if contributions:
        made["contribution"] = np.zeros((*outer, kept, words), dtype)
    if top is not None:
        made["source"] = np.full((*outer, kept), -1)
        made["rest"] = np.zeros(outer, dtype)
    return made


def _products(
    looking: Float64[np.ndarray, "time head slot word"],
    left: Float64[np.ndarray, "source slot word"],
    by_word: bool,
) -> Float64[np.ndarray, "time head source *word"]:
    """The sum over slots, and over words where these are not kept apart."""
    if not by_word:
        return np.asarray(looking.reshape(*looking.shape[:2], -1) @ left.reshape(len(left), -1).T)
    return np.moveaxis(np.moveaxis(looking, 3, 0) @ left.transpose(2, 1, 0)[:, None], 0, 3)


def _fill(made: Mapping[str, Any], run: _SequenceMemory, begin: int) -> int:
    """Work out one sequence, by blocks of reads; how many of them are of no known source."""
    vectors = run.read_vectors()
    made["read"][:] = vectors
    squares = (vectors**2).sum(axis=-1, keepdims=True)
    known = (squares > 0) & np.isfinite(squares)
    along = np.where(known, vectors / np.where(known, squares, 1), np.nan)
    writers = run.write_weights.shape[1]
    for start in range(0, len(vectors), _BLOCK):
        here = slice(start, min(start + _BLOCK, len(vectors)))
        whole = run.contributions(here.start, here.stop, None if "contribution" in made else along)
        shares = (whole * along[here, :, None]).sum(axis=-1) if "contribution" in made else whole
        shares = np.where(known[here], shares, np.nan)
        if "source" not in made:
            places = np.r_[0, 1 + begin * writers : 1 + (begin + len(vectors)) * writers]
            made["share"][here][..., places] = shares
            made["share"][here][~known[here][..., 0]] = np.nan
            if "contribution" in made:
                made["contribution"][here][..., places, :] = whole
            continue
        count = min(made["share"].shape[-1], shares.shape[-1])
        order = np.argsort(-np.abs(shares), axis=-1, kind="stable")[..., :count]
        best = np.take_along_axis(shares, order, axis=-1)
        made["share"][here][..., :count] = best
        made["share"][here][~known[here][..., 0]] = np.nan
        made["source"][here][..., :count] = np.where(order > 0, order + begin * writers, 0)
        made["rest"][here] = shares.sum(axis=-1) - best.sum(axis=-1)
        if "contribution" in made:
            chosen = np.take_along_axis(whole, order[..., None], axis=-2)
            made["contribution"][here][..., :count, :] = chosen
    return int((~known).sum())


def _arrays_of(trace: Trace, memory: str | None) -> tuple[str, dict[str, NamedArray]]:
    """The prefix of a memory's arrays, and those that are needed, checked against each other."""
    last = "read_weights"
    found = [name[: -len(last)] for name in trace if name.rpartition(".")[2] == last]
    prefix = found[0] if memory is None and len(found) == 1 else f"{memory}." if memory else ""
    if memory is None and len(found) > 1:
        raise SelectionError(f"memory must say which, of {[name[:-1] for name in found]}, got none.")
    missing = [f"{prefix}{name}" for name in _DIMS if f"{prefix}{name}" not in trace]
    if missing:
        raise MissingArrayError(
            f"lineage needs {', '.join(missing)}, which the trace does not hold. A TraceRecorder records all "
            "of an NTM, an NTMMemory and a DNC when select= leaves none out; of another module an adapter "
            "with arrays of these names, and initial= for the first memory, does; or "
            "Trace.from_arrays({'write_erase': ..., 'initial_memory': ...})."
        )
    arrays = {name: trace[f"{prefix}{name}"] for name in _DIMS}
    sizes: dict[tuple[str, str], int] = {}
    for name, array in arrays.items():
        wanted = tuple(dim for dim in _DIMS[name] if dim != "batch" or "batch" in arrays[last].dims)
        if array.dims != wanted:
            raise AxisError(
                f"{array.name} must have axes {wanted}, got {array.dims}. "
                "Iterations side by side? Take one: trace.iteration(number)."
            )
        for dim, size in array.sizes.items():
            key = (dim, name if dim == "head" and name == last else "")
            if sizes.setdefault(key, size) != size:
                raise ShapeError(
                    f"{array.name} must have {dim} {sizes[key]}, as the others, got {size}. "
                    "Take all from one run of one memory."
                )
            counted = (dim, name) not in (("head", last),) and dim != "batch"
            if counted and not np.array_equal(array.numbers(dim), np.arange(size)):
                raise ShapeError(
                    f"{array.name} must be whole along {dim}, got a cut one: what a read comes from may "
                    "have been left out. Call lineage on the trace, and cut its result."
                )
    return prefix, arrays


def _in_float64(array: NamedArray, dims: tuple[str, ...]) -> Float64[np.ndarray, "..."]:
    values = np.asarray(array.values, np.float64)
    return values if "batch" in array.dims else np.expand_dims(values, dims.index("batch"))


def _sequences(
    trace: Trace, prefix: str, values: Mapping[str, Any], steps: int
) -> Iterator[tuple[int, int, Float64[np.ndarray, "batch slot word"]]]:
    """Begin, end and first memory of each stretch of steps through which one memory runs."""
    told = trace.attrs.get("iterations") if trace.iterations else None
    lengths = (told or {}).get("steps", [steps])
    begins = [0, *itertools.accumulate(lengths[:-1])]
    name = f"{prefix}initial_memories"
    firsts = [values["initial_memory"]] * len(begins)
    if name in trace:
        several = trace[name]
        batched = "batch" in several.dims
        whole = np.asarray(several.values, np.float64)
        firsts = list(whole if batched else whole[:, None])
    elif len(begins) > 1:
        raise MissingArrayError(
            f"lineage over {len(begins)} iterations needs {name}, the memory before each. "
            "Record it, or take one iteration that has initial_memory: trace.iteration(number)."
        )
    inner = set(starts_before(trace.attrs.get("sequence_starts", ()), steps))
    starts = sorted({0, *inner, *begins})
    for begin, end in itertools.pairwise([*starts, steps]):
        iteration = max(i for i, first in enumerate(begins) if first <= begin)
        yield begin, end, firsts[iteration]


def _check_trace(trace: object) -> Trace:
    if not isinstance(trace, Trace):
        raise ShapeError(f"trace must be a Trace, got {type(trace).__name__}. Record one with TraceRecorder.")
    return trace


def _check_top(top: object) -> int | None:
    if top is None:
        return None
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise UnknownOptionError(
            f"top must be a number of sources of at least 1, got {top!r}. All: top=None."
        )
    return top


def _gap(
    trace: Trace, prefix: str, read: Float[np.ndarray, "time batch head word"], head: int | None
) -> float | None:
    """How far the reads are from the recorded ones, relative to the largest of these."""
    if f"{prefix}read_vectors" not in trace:
        return None
    recorded = trace[f"{prefix}read_vectors"]
    recorded = recorded if head is None else recorded.isel(head=[head])
    values = np.asarray(recorded.values, np.float64).reshape(read.shape)
    gap = float(np.nanmax(np.abs(values - read), initial=0) / (np.nanmax(np.abs(values), initial=0) or 1))
    return gap if np.isfinite(gap) else None


def _named(prefix: str, made: Mapping[str, Any], reads: NamedArray, add: NamedArray) -> Iterator[NamedArray]:
    """The results with the axes and labels of the read weights."""
    outer = reads.dims[:-1]
    coords = {name: c for name, c in reads.coords.items() if "slot" not in c.dims}
    each = ("rank",) if "source" in made else ("source",)
    tails: dict[str, tuple[str, ...]] = {"share": each, "source": each, "contribution": (*each, "word")}
    tails |= {"read": ("word",), "rest": ()}
    writers = add.sizes["head"]
    names = ["initial"]
    for step in range(add.sizes["time"]):
        names += [f"step {step}" + (f", head {k}" if writers > 1 else "") for k in range(writers)]
    text = {
        "share": "share of each source in the read: of content, not cause; of the read, not of the output",
        "contribution": "what each source gives to the read",
        "source": "0 for the first memory, 1 + step * write heads + write head for a write, -1 for none",
        "rest": "sum of the shares of all other sources",
        "read": "what each read head took, run anew in float64",
    }
    for name, values in made.items():
        if "batch" not in outer:
            values = values[:, 0]
        values.flags.writeable = False
        labels = {**coords, "source": names} if "source" in tails[name] else coords
        yield NamedArray(
            f"{prefix}{name}",
            values,
            (*outer, *tails[name]),
            labels,
            {"kind": "content", "description": text[name]},
        )
