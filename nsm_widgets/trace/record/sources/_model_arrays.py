"""What was recorded of a model of transformers, call by call, as arrays: joined, masked and labelled."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.make._generate_calls import JoinedCalls, join_calls
from nsm_widgets.trace.make._output_fields import tower_of
from nsm_widgets.trace.make._tokens import Side, attention_coords, there_of
from nsm_widgets.trace.record._hooks import Found
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record.sources._stacks import Stacks

ENTRY = KNOWN["attention"]
_SINK = "weights over tokens, the rest of which a learned sink takes"


class ModelCall(NamedTuple):
    """Which weights of which call of a model."""

    name: str
    """The array."""
    layer: int
    repeat: int
    """How often the same module was called before, within the call of the model: a layer that is shared."""
    number: int
    """The call, among those of the iteration."""
    past: int
    """How many keys the cache held before it."""
    goes_on: bool
    """Whether the cache is the one that the call before it left."""
    batch: int
    """How many items the model was given."""


@dataclass(frozen=True, slots=True)
class ModelArrays:
    """Makes the arrays of a model."""

    path: str
    """The model's."""
    module: Any
    stacks: Stacks
    two_sided: bool
    """Whether it has an encoder and a decoder."""
    tokenizer: Any

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The layers of each array, stacked; of several calls, one beside the other."""
        found = [self._of_chain(part, numbers) for numbers in chains(part)]
        if not timed:
            return found[0] if found else {}
        names = list(dict.fromkeys(name for chain in found for name in chain))
        return {name: self._in_turn(name, [chain.get(name) for chain in found]) for name in names}

    def _in_turn(self, name: str, found: Sequence[Found | None]) -> Found:
        shapes = [None if each is None else each.values.shape for each in found]
        if len(set(shapes)) > 1 or any(each is None for each in found):
            told = ", ".join("none" if shape is None else str(shape) for shape in shapes)
            raise RecordingError(
                f"{name}: calls of a model within one iteration must be alike to lie along "
                f"time, got {told}. Record each with a TraceRecorder of its own."
            )
        first = [each for each in found if each is not None]
        same = {
            dim: c for dim, c in first[0].coords.items() if all(_equal(c, o.coords.get(dim)) for o in first)
        }
        values = np.stack([each.values for each in first])
        return Found([values], ("time", *first[0].dims), first[0].attrs, same)

    def _of_chain(self, part: Part, numbers: Sequence[int]) -> dict[str, Found]:
        """The arrays of calls that go on from each other."""
        calls = [(key, copy) for key, copy in part.calls if key.number in numbers]
        notes = {key[1:]: int(copy.values()) for key, copy in part.coords if key[0] == "cache"}
        if any(what == "sorted" for what, number in notes if number in numbers):
            raise RecordingError(
                f"{self.path or type(self.module).__name__}: a beam search sorts its beams anew at each "
                "step, so that rows of different beams would follow each other. Generate with num_beams=1."
            )
        until = notes.get(("until", numbers[-1]))
        sides = self._sides(part, numbers, until)
        found: dict[str, Found] = {}
        for name in dict.fromkeys(key.name for key, _ in calls):
            of_name = [(key, copy) for key, copy in calls if key.name == name]
            found |= self._arrays(name, of_name, sides.get(name, (Side(), Side())), until)
        return found

    def _arrays(
        self,
        name: str,
        calls: Sequence[tuple[ModelCall, HostCopy]],
        sides: tuple[Side, Side],
        until: int | None,
    ) -> dict[str, Found]:
        """One array of a name; one for each layer where their shapes differ."""
        layers: dict[tuple[int, int], list[tuple[ModelCall, HostCopy]]] = {}
        for key, copy in calls:
            layers.setdefault((key.layer, key.repeat), []).append((key, copy))
        joined = {layer: self._joined(name, pieces, until) for layer, pieces in layers.items()}
        attrs: dict[str, Any] = {"kind": ENTRY.kind, "description": ENTRY.description}
        if name in self.stacks.with_sinks:
            attrs = {"kind": "shares", "description": _SINK}
        if calls[0][1].source_dtype is not None:
            attrs["source_dtype"] = calls[0][1].source_dtype
        together = len({each.values.shape for each in joined.values()}) == 1
        groups = (
            {name: joined}
            if together
            else {f"layer{at[0]}.{name}": {at: each} for at, each in joined.items()}
        )
        found = {}
        for full, group in groups.items():
            values, dims = np.stack([each.values for each in group.values()]), ENTRY.dims
            coords: dict[str, Any] = {}
            batch = calls[0][0].batch
            if batch and values.shape[1] != batch and values.shape[1] % batch == 0:
                values = values.reshape(values.shape[0], batch, -1, *values.shape[2:])
                dims = (*ENTRY.dims[:2], "window", *ENTRY.dims[2:])
            else:
                sizes = dict(zip(dims, values.shape, strict=True))
                there = there_of([each.there for each in group.values()])
                coords = attention_coords(*sides, self.tokenizer, sizes, there)
            coords |= _layer_labels(list(group)) if together else {}
            found[full] = Found([values], dims, attrs, coords)
        return found

    def _joined(
        self, name: str, calls: Sequence[tuple[ModelCall, HostCopy]], until: int | None
    ) -> JoinedCalls:
        across = crosses(name)
        if name.split(".")[-2:-1] == ["encoder"]:
            calls = calls[:1]  # an encoder ran once; each call tells of it again
        pieces = [copy.values() for _, copy in calls]
        pasts = [0 if name.startswith("encoder") else key.past for key, _ in calls]
        if (
            len(calls) == 1
            and (across or not pasts[0])
            and pieces[0].shape[2] != pieces[0].shape[3] - pasts[0]
        ):
            return JoinedCalls(pieces[0], None)  # windows, latents, another axis: as they are
        return join_calls(pieces, pasts, crosses=across, until=until)

    def _sides(self, part: Part, numbers: Sequence[int], until: int | None) -> dict[str, tuple[Side, Side]]:
        """What stood at queries and keys of each array, as far as the calls told."""
        pasts = {key.number: key.past for key, _ in part.calls}
        told: dict[tuple[str, str], dict[int, NDArray[Any]]] = {}
        for (side, kind, number), copy in part.coords:
            if side != "cache" and (number in numbers or side == "encoder"):
                told.setdefault((side, kind), {})[number] = copy.values()

        def side_of(name: str) -> Side:
            ids = self._ids(told.get((name, "ids"), {}), pasts, name == "encoder", until)
            masks = list(told.get((name, "mask"), {}).values())
            mask = masks[-1].astype(bool) if masks else None
            if mask is not None and until is not None and name != "encoder":
                mask = mask[:, :until]
            if name != "encoder":
                mask = self._until_the_end(ids, mask, told.get((name, "ids"), {}))
            return Side(ids if self.tokenizer is not None else None, self._down_sampled(part, mask))

        one, encoder, decoder = side_of("one"), side_of("encoder"), side_of("decoder")
        sides = {name: (one, one) for name in self.stacks.layers if tower_of(name) in ("", "text")}
        return sides | {
            "attention": (one, one),
            "encoder.attention": (encoder, encoder),
            "decoder.attention": (decoder, decoder) if self.two_sided else (one, one),
            "cross.attention": (decoder, encoder),
        }

    @staticmethod
    def _ids(
        given: Mapping[int, NDArray[Any]], pasts: Mapping[int, int], is_encoder: bool, until: int | None
    ) -> NDArray[Any] | None:
        """The ids at all places, if all are known: each call brings those of its own queries."""
        if not given or len({ids.shape[0] for ids in given.values()}) > 1:
            return None
        joined = next(iter(given.values()))[:, :0]
        for number, ids in given.items():
            past = 0 if is_encoder else pasts.get(number, 0)
            if past > joined.shape[1]:
                return None
            joined = np.concatenate([joined[:, :past], ids], axis=1)
        return joined if until is None or is_encoder else joined[:, :until]

    def _until_the_end(
        self, ids: NDArray[Any] | None, mask: NDArray[np.bool_] | None, given: Mapping[int, NDArray[Any]]
    ) -> NDArray[np.bool_] | None:
        """The mask, without what ``generate`` writes behind the end of a sequence that ended early."""
        config = getattr(self.module, "generation_config", None)
        ends = getattr(config, "eos_token_id", None)
        if ids is None or ends is None or len(given) < 2:
            return mask
        prompt = next(iter(given.values())).shape[1]
        is_end: NDArray[np.bool_] = np.isin(ids, ends)
        is_end[:, :prompt] = False
        after: NDArray[np.bool_] = np.cumsum(is_end, axis=1) > is_end
        if not after.any():
            return mask
        whole = np.ones(ids.shape, bool) if mask is None or mask.shape != ids.shape else mask
        return whole & ~after

    def _down_sampled(self, part: Part, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        """A mask of samples as one of frames, where the model says how it makes them."""
        make = getattr(self.module, "_get_feature_vector_attention_mask", None)
        if mask is None or make is None or not part.calls:
            return mask
        frames = part.calls[0][1].kind[0][3]
        torch = sys.modules["torch"]
        try:
            with torch.no_grad():
                made = make(frames, torch.from_numpy(mask.astype(np.int64)))
            flags: NDArray[np.bool_] = np.asarray(made.cpu()).astype(bool)
        except Exception:  # another model's way: then nothing is said
            return None
        return flags


def chains(part: Part) -> list[list[int]]:
    """The numbers of calls, those together that go on from each other."""
    goes_on = {key.number: key.goes_on for key, _ in part.calls}
    starts = 0
    found = []
    for number, on in sorted(goes_on.items()):
        starts += not on
        found.append((max(starts, 1), number))
    return [[number for _, number in group] for _, group in groupby(found, key=lambda each: each[0])]


def crosses(name: str) -> bool:
    return name.split(".")[-2:-1] == ["cross"]


def _layer_labels(layers: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The numbers of the layers, where they are not 0, 1, 2, ..."""
    if len({layer for layer, _ in layers}) == 1:
        numbers = [repeat for _, repeat in layers] if len(layers) > 1 else [layers[0][0]]
    else:
        numbers = [layer for layer, _ in layers]
    return (
        {} if numbers == list(range(len(numbers))) or len(set(numbers)) < len(numbers) else {"layer": numbers}
    )


def _equal(one: Any, other: Any) -> bool:
    if hasattr(one, "values") and hasattr(other, "values"):
        return one.dims == other.dims and np.array_equal(one.values, other.values)
    return bool(one == other)
