"""A trace: named arrays of one run, which share their axes."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nsm_widgets._axes import check_time_leads, did_you_mean, format_dims, format_sizes
from nsm_widgets._errors import AxisError, DtypeError, ShapeError
from nsm_widgets._text import one_line, replace_surrogates
from nsm_widgets.trace.arrays._array import Indexer, NamedArray
from nsm_widgets.trace.arrays._coord import Coord, Labels, same_coord
from nsm_widgets.trace.arrays._json import freeze_attrs

if TYPE_CHECKING:
    import xarray

_SHARED = ("iteration", "time", "batch")


class Trace(Mapping[str, NamedArray]):
    """Named arrays by name, in order, never changed once made.

    All arrays agree on the sizes of ``iteration``, ``time`` and ``batch``, and what changes with time has it
    first. Other axes may differ: there may be four read heads and one write head.

    Example:
        >>> trace = Trace.from_arrays({"read_weights": [[[[0.75, 0.25]]], [[[0.5, 0.5]]]]})
        >>> trace["read_weights"].isel(time=1, batch=0, head=0).values.tolist()
        [0.5, 0.5]
        >>> trace.isel(time=[1]).sizes
        {'time': 1, 'batch': 1, 'head': 1, 'slot': 2}

    Args:
        arrays: ``NamedArray`` objects; each goes by its own name.
        attrs: JSON values about the whole run.

    Raises:
        ShapeError: If arrays disagree on a shared size.
        AxisError: If two have the same name, or time does not lead.
    """

    __slots__ = ("__weakref__", "_arrays", "_own_labels", "_reopen", "attrs")

    attrs: dict[str, Any]
    """JSON values about the whole run, read-only."""

    def __init__(self, *arrays: Any, attrs: Any = None) -> None:
        by_name: dict[str, NamedArray] = {}
        for array in arrays:
            if not isinstance(array, NamedArray):
                raise DtypeError(
                    f"a Trace is made of NamedArrays, got {type(array).__name__}. "
                    "Trace.from_arrays({'name': values}) takes tensors and arrays."
                )
            if array.name in by_name:
                raise AxisError(f"arrays of a trace must have names of their own, got {array.name!r} twice.")
            by_name[array.name] = array
        _check_agree(by_name)
        object.__setattr__(self, "_arrays", by_name)
        object.__setattr__(self, "_reopen", None)
        object.__setattr__(self, "_own_labels", None)
        object.__setattr__(self, "attrs", freeze_attrs(attrs, "trace"))

    _arrays: dict[str, NamedArray]
    _reopen: Callable[[], Trace] | None
    _own_labels: Callable[[int], dict[str, dict[str, Any]]] | None

    def __setattr__(self, field: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to {field!r}: a Trace is never changed. See Trace.assign.")

    def __delattr__(self, field: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete {field!r}: a Trace is never changed. See Trace.drop.")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (tuple(self._arrays.values()), dict(self.attrs))

    # Equal means the same object, so that a trace can be a key of a dict; see identical().
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, name: str) -> NamedArray:
        try:
            return self._arrays[name]
        except KeyError:
            names = ", ".join(self._arrays) or "none"
            raise KeyError(
                f"the trace has no array {name!r}.{did_you_mean(name, self._arrays)} It has: {names}."
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def sizes(self) -> dict[str, int]:
        """Size by axis, for every axis on which all arrays agree; for others (``head``) ask the array."""
        found: dict[str, set[int]] = {}
        for array in self.values():
            for dim, size in array.sizes.items():
                found.setdefault(dim, set()).add(size)
        return {dim: sizes.pop() for dim, sizes in found.items() if len(sizes) == 1}

    @property
    def coords(self) -> dict[str, Coord]:
        """Labels by axis, for every axis on which all arrays that have the axis agree."""
        found: dict[str, list[Coord | None]] = {}
        for array in self.values():
            for dim in array.dims:
                found.setdefault(dim, []).append(array.coords.get(dim))
        agreed: dict[str, Coord] = {}
        for dim, (first, *rest) in found.items():
            if first is not None and all(same_coord(first, other) for other in rest):
                agreed[dim] = first
        return agreed

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return sum(array.values.nbytes for array in self.values())

    def isel(self, **indexers: Indexer) -> Trace:
        """Select by index, in every array that has the axis; see :meth:`NamedArray.isel`.

        Raises:
            AxisError: If no array has such an axis.
            SelectionError: If an index lies outside the axis of one of the arrays.
        """
        dims = dict.fromkeys(dim for array in self.values() for dim in array.dims)
        for dim in indexers:
            if dim not in dims:
                raise AxisError(
                    f"the trace has no axis {dim!r}, it has {format_dims(dims)}.{did_you_mean(dim, dims)}"
                )
        return Trace(
            *(
                array.isel(**{dim: indexer for dim, indexer in indexers.items() if dim in array.dims})
                for array in self.values()
            ),
            attrs=self.attrs,
        )

    @property
    def iterations(self) -> tuple[int, ...]:
        """The numbers of the iterations that were kept, oldest first: training steps, counted from 0.

        What passed by or was dropped is counted in ``attrs["iterations"]``. Empty where the trace was not
        recorded, or its time axis was cut since.
        """
        from nsm_widgets.trace.arrays._iterations import iteration_numbers

        return iteration_numbers(self)

    def iteration(self, number: Any) -> Trace:
        """The trace of one iteration alone, as if nothing else had been recorded.

        Labels of tokens that differ between iterations are here, where a recorder or its store made this
        trace: what was put together anew, or saved, has them no more.

        Args:
            number: One of :attr:`iterations`.

        Raises:
            SelectionError: If it was not kept.
            RecordingError: If the trace was not recorded, or its time axis was cut since.

        Example:
            >>> told = {"numbers": [0, 10], "steps": [2, 1], "seen": 11, "left_out": {}}
            >>> values = {"importance": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]}
            >>> trace = Trace.from_arrays(values, attrs={"iterations": told})
            >>> [trace.iteration(number).sizes["time"] for number in trace.iterations]
            [2, 1]
        """
        from nsm_widgets.trace.arrays._iterations import one_iteration

        return one_iteration(self, number)

    def by_iteration(self) -> Trace:
        """All iterations side by side: what changes with time has ``iteration`` as a new first axis.

        Raises:
            ShapeError: If they differ in length; nothing is padded.
            RecordingError: If the trace was not recorded, or its time axis was cut since.
        """
        from nsm_widgets.trace.arrays._iterations import side_by_side

        return side_by_side(self)

    def assign(self, *arrays: Any, attrs: Any = None) -> Trace:
        """A new trace with NamedArrays and attrs added; those of the same name are replaced."""
        for array in arrays:
            if not isinstance(array, NamedArray):
                raise DtypeError(
                    f"assign takes NamedArrays, got {type(array).__name__}. "
                    "Give it a name and axes first: NamedArray(name, values, dims)."
                )
        merged = {**self._arrays, **{array.name: array for array in arrays}}
        return Trace(*merged.values(), attrs={**self.attrs, **freeze_attrs(attrs, "trace")})

    def drop(self, *names: str) -> Trace:
        """A new trace without these arrays."""
        gone = {self[name].name for name in names}
        return Trace(*(array for array in self.values() if array.name not in gone), attrs=self.attrs)

    def identical(self, other: Trace) -> bool:
        """Whether names in order, attrs and every array are the same to the last bit."""
        return (
            list(self) == list(other)
            and self.attrs == other.attrs
            and all(array.identical(other[name]) for name, array in self.items())
        )

    @classmethod
    def from_arrays(
        cls,
        arrays: Any,
        *,
        dims: Any = None,
        coords: Any = None,
        attrs: Any = None,
        kinds: Any = None,
        check_weights: bool = True,
    ) -> Trace:
        """Make a trace of tensors or arrays that exist already; they are copied.

        A ``np.memmap`` is taken as it is, not copied, because it may be larger than memory: the trace shows
        it read-only, and shows what is written to its file afterwards. Pass ``np.array(mapped)`` for a copy.

        Args:
            arrays: Values by name: torch or NumPy, any real dtype, any device; a list of equal-shaped
                per-step tensors is stacked along a new first axis.
            dims: Axis names by array name. Well-known names (``memory``, ``read_weights``, ``attention``,
                ...) need none.
            coords: Labels by axis name, for every array that has the axis; or, by array name, a mapping for
                it alone.
            attrs: JSON values about the whole run.
            kinds: ``"content"``, ``"weights"``, ``"shares"``, ``"attention"``, ``"vector"``, ``"scalar"`` or
                ``"signal"``, by array name. Arrays named ``..._weights`` are weights unless you say otherwise
                here; shares are weights that sum to 1 at most, as those of a DNC do.
            check_weights: Whether weights and attention must lie in [0, 1] and sum to 1 along their last
                axis (shares: to 1 at most).

        Raises:
            ShapeError, AxisError, DtypeError, LabelError: If something does not fit.
            WeightsError: If weights are none.
            UnknownOptionError: If a kind is unknown.

        Example:
            >>> import numpy as np
            >>> scores = np.array([[3.0, -1.0], [0.5, 2.0]])
            >>> trace = Trace.from_arrays(
            ...     {"scores": scores}, dims={"scores": ("query", "key")}, coords={"key": ["the", "cat"]}
            ... )
            >>> trace["scores"].labels("key")
            ('the', 'cat')
        """
        from nsm_widgets.trace.make._from_arrays import trace_from_arrays

        return trace_from_arrays(arrays, dims, coords, attrs, kinds, check_weights)

    @classmethod
    def from_attentions(
        cls,
        attentions: Any,
        *,
        tokens: Labels = None,
        query_tokens: Labels = None,
        key_tokens: Labels = None,
        head_names: Labels = None,
        tokenizer: Any = None,
        input_ids: Any = None,
        decoder_input_ids: Any = None,
        mask: Any = None,
        decoder_mask: Any = None,
    ) -> Trace:
        """Make a trace of attention, such as Hugging Face's ``outputs`` or ``outputs.attentions``.

        The axes of its array ``attention`` are always (layer, batch, head, query, key). Axes of size 1 are
        added in front where they are missing, and nothing else is reshaped:

        - a tuple or list with one ``[batch, head, query, key]`` per layer: stacked,
        - ``[layer, batch, head, query, key]``: as it is,
        - ``[batch, head, query, key]``: one layer,
        - ``[head, query, key]``: one layer, one batch item,
        - ``[query, key]``: one layer, one batch item, one head.

        Of a model's whole output, each kind that it holds becomes an array: ``attention``, or of an encoder
        and a decoder ``encoder.attention``, ``decoder.attention`` and ``cross.attention``. What ``generate``
        returns (``return_dict_in_generate=True, output_attentions=True``) has a tuple of layers for each
        call: calls are joined along ``query``. A key that did not exist yet has the weight 0, and is masked.

        Args:
            attentions: The attention weights, each row of which sums to 1 along ``key``; or an output that
                holds them.
            tokens: Labels of both ``query`` and ``key``: one list for all batch items, or one per item.
            query_tokens: Labels of ``query`` alone, where they differ from those of ``key``
                (cross-attention).
            key_tokens: Labels of ``key`` alone.
            head_names: Labels of ``head``.
            tokenizer: Labels tokens by their ids: any object with ``convert_ids_to_tokens``.
            input_ids: The ids ``[batch, token]`` of what the model, or its encoder, was given. After
                ``generate`` those of a decoder are known from the output.
            decoder_input_ids: Those of the decoder.
            mask: True or 1 for a token, False or 0 for padding, ``[batch, token]``, as a tokenizer's
                ``attention_mask`` has it: of the model, or of its encoder. Padded queries and keys are drawn
                as such, and left out of statistics.
            decoder_mask: The same of the decoder's tokens.

        Raises:
            RecordingError: If there are no attentions (an empty tuple, None), with how to get them.
            ShapeError: If layers differ in shape, or the rank is none of the above, or beams were searched.
            LabelError: If the number of tokens, of ids or of names is wrong.
            DtypeError: If the tokenizer is none.
            WeightsError: If a row does not sum to 1.

        Example:
            >>> trace = Trace.from_attentions([[1.0, 0.0], [0.5, 0.5]], tokens=["the", "cat"])
            >>> trace["attention"]
            <NamedArray attention (layer: 1, batch: 1, head: 1, query: 2, key: 2) float64, 0 to 1>
              query: 'the', 'cat'
              key: 'the', 'cat'
        """
        from nsm_widgets.trace.make._from_attentions import Said, trace_from_attentions

        said = Said(
            tokens,
            query_tokens,
            key_tokens,
            head_names,
            tokenizer,
            input_ids,
            decoder_input_ids,
            mask,
            decoder_mask,
        )
        return trace_from_attentions(attentions, said)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one file, all or nothing; ``trace.store._file`` has the format.

        An older file of that name is replaced only when the new one is on disk.

        Returns:
            Where it was written.
        """
        from nsm_widgets.trace.store._file import save_trace

        return save_trace(self, path)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, mmap: bool = False, rank: int | None = None) -> Trace:
        """Read what :meth:`save`, :meth:`to_zarr` or a ``StoreWriter`` wrote. Runs no code from it.

        Of a store, a folder, nothing is read before it is looked at, and only steps are shown that its writer
        has committed; see :meth:`refresh`.

        Args:
            path: The file, or the store's folder.
            mmap: Whether values stay in the file, as read-only ``np.memmap``, and come into memory as they
                are looked at: a trace larger than memory opens at once. :meth:`save` replaces a file and
                never writes into one, so a mapped trace stays what it was; a file that somebody cuts
                short while it is mapped ends the process.
            rank: Whose steps of a store to show, where several processes recorded.

        Raises:
            TraceFileError: If the file or store is damaged, cut short or no trace; if a store has no
                committed step yet, or several ranks and ``rank`` is None.
            MissingDependencyError: If a store is opened without the codecs that come with zarr.
        """
        folder = Path(path)
        if folder.is_dir() and (folder / "zarr.json").exists():
            from nsm_widgets.trace.store._store import open_store

            return open_store(folder, rank)
        from nsm_widgets.trace.store._file import open_trace

        return open_trace(path, mmap=mmap)

    def to_zarr(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a new store, a folder that every Zarr v3 tool reads, all or nothing.

        A trace in a store or a mapped file is written block by block, so it may be larger than memory.

        Returns:
            Where it was written.

        Raises:
            FileExistsError: If there is something at ``path``.
            TraceFileError: If labels and attrs are larger than a store's metadata may be.
            MissingDependencyError: If the codecs that come with zarr are not installed.
        """
        from nsm_widgets.trace.store._store import write_store

        return write_store(self, path)

    def refresh(self) -> Trace:
        """The same run with the steps that have been committed since this trace was opened from a store.

        A trace is never changed: this is a new one. One that came from nowhere but memory or a file is
        returned as it is.
        """
        return self if self._reopen is None else self._reopen()

    def to_xarray(self) -> xarray.DataTree:
        """The same as an :class:`xarray.DataTree`; ``trace.make._xarray`` says where each array goes.

        Raises:
            MissingDependencyError: If xarray is not installed.
        """
        from nsm_widgets.trace.make._xarray import trace_to_xarray

        tree: xarray.DataTree = trace_to_xarray(self)
        return tree

    @classmethod
    def from_xarray(cls, data: Any) -> Trace:
        """Make a trace of what :meth:`to_xarray` gave, or of any DataTree, Dataset or DataArray that fits.

        Axes must have the names of ``nsm_widgets._axes.AXES`` (``rename`` them in xarray), coordinates of an
        axis become its labels, strings or integers, and attrs must be JSON values. Values are copied.

        Raises:
            MissingDependencyError: If xarray is not installed.
            AxisError, ShapeError, DtypeError, LabelError: If something does not fit, or two variables have
                the same name.

        Example:
            >>> trace = Trace.from_arrays({"usage": [[0.5, 1.0]]}, dims={"usage": ("time", "slot")})
            >>> Trace.from_xarray(trace.to_xarray()).identical(trace)
            True
        """
        from nsm_widgets.trace.make._xarray import trace_from_xarray

        return trace_from_xarray(data)

    def __repr__(self) -> str:
        head = f"<Trace of {len(self)} arrays, {_format_bytes(self.nbytes)}>"
        width = max((len(name) for name in self), default=0)
        rows = [
            f"  {name:<{width}}  {format_sizes(array.dims, array.shape)} {array.dtype}"
            for name, array in self.items()
        ]
        return "\n".join([head, *rows])

    def _repr_html_(self) -> str:
        cells = [
            (
                name,
                format_sizes(array.dims, array.shape),
                str(array.dtype),
                str(array.attrs.get("description", "")),
            )
            for name, array in self.items()
        ]
        rows = "".join(
            "<tr>" + "".join(f"<td>{_escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
        )
        return (
            f'<table class="mathjax_ignore tex2jax_ignore">'  # a dollar sign in a name begins no formula
            f"<caption>Trace of {len(self)} arrays, {_format_bytes(self.nbytes)}</caption>"
            f"<thead><tr><th>array</th><th>axes</th><th>dtype</th><th>what it is</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def _rebuild(arrays: tuple[NamedArray, ...], attrs: dict[str, Any]) -> Trace:
    return Trace(*arrays, attrs=attrs)


def _check_agree(arrays: Mapping[str, NamedArray]) -> None:
    seen: dict[str, tuple[str, int]] = {}
    for name, array in arrays.items():
        check_time_leads(array.dims, name)
        for dim in _SHARED:
            if dim in array.dims:
                length = array.shape[array.dims.index(dim)]
                first, size = seen.setdefault(dim, (name, length))
                if length != size:
                    raise ShapeError(
                        f"arrays of a trace must agree on {dim!r}: {first} has {size}, {name} has {length}. "
                        "Cut them to the same run, or make two traces."
                    )


def _escape(text: str) -> str:
    return html.escape(one_line(replace_surrogates(text)))


def _format_bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
