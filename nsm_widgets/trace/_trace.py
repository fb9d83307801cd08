"""The public doors of a trace: ways in, ways out, and its iterations. What it is lies below, in ``arrays``.

A door calls a function of ``arrays``, ``make`` or ``store``, which know no ``Trace``, and wraps its answer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nsm_widgets._errors import FolderError
from nsm_widgets._options import check_flag, check_path
from nsm_widgets.trace.arrays._base import TraceBase, check_places
from nsm_widgets.trace.arrays._coord import Labels
from nsm_widgets.trace.arrays._iterations import iteration_numbers, one_iteration, side_by_side
from nsm_widgets.trace.arrays._origin import Origin
from nsm_widgets.trace.arrays._refresh import make_again
from nsm_widgets.trace.make._from_arrays import trace_from_arrays
from nsm_widgets.trace.make._from_attentions import AttentionOptions, trace_from_attentions

if TYPE_CHECKING:
    import xarray


class Trace(TraceBase):
    """Named arrays by name, in order, never changed once made.

    All arrays agree on the sizes of ``iteration``, ``time`` and ``batch``, and what changes with time has it
    first. Those of one memory, by well-known names with the same prefix (none, or ``encoder.``), agree on
    ``slot``, and those of one state machine on ``state``. Other axes may differ: there may be four read heads
    and one write head.

    Example:
        >>> trace = Trace.from_arrays({"read_weights": [[[[0.75, 0.25]]], [[[0.5, 0.5]]]]})
        >>> trace["read_weights"].isel(time=1, batch=0, head=0).values.tolist()
        [0.5, 0.5]
        >>> trace.isel(time=[1]).sizes
        {'time': 1, 'batch': 1, 'head': 1, 'slot': 2}

    Args:
        arrays: ``NamedArray`` objects; each goes by its own name.
        attrs: JSON values about the whole run.
        origin: Where it came from; whoever opens or records a trace sets it.

    Raises:
        ShapeError: If arrays disagree on a shared size.
        AxisError: If two have the same name, or time does not lead.
    """

    __slots__ = ()

    def __init__(self, *arrays: object, attrs: object = None, origin: Origin | None = None) -> None:
        super().__init__(*arrays, attrs=attrs, origin=origin)
        check_places(self)

    @classmethod
    def _public(cls, found: TraceBase) -> Trace:
        """What a function below the doors found or made, as a trace to be handed out."""
        return cls._unchecked(found.values(), found.attrs, found.origin)

    @property
    def iterations(self) -> tuple[int, ...]:
        """The numbers of the iterations that were kept, oldest first: training steps, counted from 0.

        What passed by or was dropped is counted in ``attrs["iterations"]``. Empty where the trace was not
        recorded, or its time axis was cut since.
        """
        return iteration_numbers(self)

    def iteration(self, number: object) -> Trace:
        """The trace of one iteration alone, as if nothing else had been recorded.

        Labels of tokens that differ between iterations are here, where a recorder or its store made this
        trace, or ``isel``, ``assign``, ``drop`` and ``rename`` of that: what was put together anew, or saved,
        has them no more.

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
        return one_iteration(self, number)

    def by_iteration(self) -> Trace:
        """All iterations side by side: what changes with time has ``iteration`` as a new first axis.

        Raises:
            ShapeError: If they differ in length; nothing is padded.
            RecordingError: If the trace was not recorded, or its time axis was cut since.
        """
        return side_by_side(self)

    @classmethod
    def from_arrays(
        cls,
        arrays: object,
        *,
        dims: object = None,
        coords: object = None,
        attrs: object = None,
        kinds: object = None,
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
        found = trace_from_arrays(arrays, dims, coords, attrs, kinds, check_weights)
        return cls(*found.values(), attrs=found.attrs)

    @classmethod
    def from_attentions(
        cls,
        attentions: object,
        *,
        tokens: Labels = None,
        query_tokens: Labels = None,
        key_tokens: Labels = None,
        head_names: Labels = None,
        tokenizer: object = None,
        input_ids: object = None,
        decoder_input_ids: object = None,
        mask: object = None,
        decoder_mask: object = None,
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
        options = AttentionOptions(
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
        return cls._public(trace_from_attentions(attentions, options))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one file, all or nothing; ``trace.store._file`` has the format.

        An older file of that name is replaced only when the new one is on disk.

        Returns:
            Where it was written.
        """
        from nsm_widgets.trace.store._file import save_trace

        return save_trace(self, path)

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, mmap: bool = False, rank: int | None = None, verify: bool = True
    ) -> Trace:
        """Read what :meth:`save`, :meth:`to_zarr` or a ``StoreWriter`` wrote. Runs no code from it.

        Of a store, a folder, nothing is read before it is looked at, and only steps are shown that its writer
        has committed; see :meth:`refresh`.

        Args:
            path: The file, or the store's folder.
            mmap: Whether values stay in the file, as those of a store do, and come into memory as they are
                looked at: a trace larger than memory opens at once. :meth:`save` replaces a file and never
                writes into one, so a mapped trace stays what it was; a file that somebody cuts short while
                it is mapped ends the process.
            rank: Whose steps of a store to show, where several processes recorded.
            verify: Whether checksums are checked: of a file's names, labels and values when it is read, of
                what is mapped or in a store when it is first looked at. Without, mapped values are
                ``np.memmap``.

        Raises:
            TraceFileError: If the file or store is damaged, cut short or no trace; if a store has no
                committed step yet, or several ranks and ``rank`` is None.
            MissingDependencyError: If a store is opened without the codecs that come with zarr.
        """
        check_path(path)
        check_flag(mmap, "mmap")
        check_flag(verify, "verify")
        folder = Path(path)
        if folder.is_dir():
            if not (folder / "zarr.json").exists():
                raise FolderError(
                    f"{folder} must be a trace file or a store, got a folder without zarr.json. Has its "
                    "writer begun? Check the path."
                )
            from nsm_widgets.trace.store._store import open_store

            return cls._public(open_store(folder, rank, verify=verify))
        from nsm_widgets.trace.store._file import open_trace

        return cls._public(open_trace(path, mmap=mmap, verify=verify))

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

        A trace is never changed: this is a new one. Where this one was made of the opened one, by ``isel``,
        ``assign``, ``drop``, ``rename``, :meth:`iteration` or :meth:`by_iteration`, the new one is made
        likewise: ``isel(time=-1)`` is the newest step then, and what was assigned stays what it was. A trace
        that came from nowhere but memory or a file is returned as it is.

        Raises:
            RecordingError: If it cannot be made likewise, as where an assigned array has older steps alone.
            TraceFileError: If the store is gone or damaged.
        """
        if self.origin is None or self.origin.store is None:
            return self
        from nsm_widgets.trace.store._store import open_store

        newest = open_store(self.origin.store, self.origin.rank, verify=self.origin.verify)
        return make_again(self.origin, self._public(newest))

    def to_xarray(self) -> xarray.DataTree:
        """The same as an :class:`xarray.DataTree`; ``trace.make._xarray`` says where each array goes.

        Raises:
            MissingDependencyError: If xarray is not installed.
        """
        from nsm_widgets.trace.make._xarray import trace_to_xarray

        tree: xarray.DataTree = trace_to_xarray(self)
        return tree

    @classmethod
    def from_xarray(cls, data: object) -> Trace:
        """Make a trace of what :meth:`to_xarray` gave, or of any DataTree, Dataset or DataArray that fits.

        Axes go by their names, which must be identifiers (``rename`` others in xarray; ``slot``, ``head`` and
        such are what views look for), coordinates of an axis become its labels, and
        attrs must be JSON values. Values are copied.

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

        found = trace_from_xarray(data)
        return cls(*found.values(), attrs=found.attrs)

    @classmethod
    def _from_named(cls, value: object, alone: str) -> Trace | None:
        """A trace of what names its axes already: of xarray or pandas."""
        from nsm_widgets.trace.make._from_named import trace_from_named

        found = trace_from_named(value, alone)
        return None if found is None else cls._public(found)


def given_trace(value: object, alone: str = "") -> Trace | None:
    """The trace that was given, the one inside a recorder, or one of an xarray object or a data frame.

    Args:
        value: What was given; of anything else there is ``None``.
        alone: What a single array of xarray or pandas is called; its own name when not given.
    """
    recorded = value if isinstance(value, Trace) else getattr(value, "trace", None)
    return recorded if isinstance(recorded, Trace) else Trace._from_named(value, alone)
