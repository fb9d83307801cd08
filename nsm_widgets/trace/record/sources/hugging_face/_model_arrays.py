"""What was recorded of a model of transformers, call by call, as arrays: joined, masked and labelled."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._coord import same_labels
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.make._generate_calls import JoinedCalls, join_calls
from nsm_widgets.trace.make._output_fields import tower_of
from nsm_widgets.trace.make._tokens import Side, attention_coords, there_of
from nsm_widgets.trace.record._hooks import Found
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record.sources.hugging_face._beams import Beams, mask_of_beams
from nsm_widgets.trace.record.sources.hugging_face._model_calls import ModelCall, crosses, is_of_encoder
from nsm_widgets.trace.record.sources.hugging_face._sides import Sides, of_tokens, repeated
from nsm_widgets.trace.record.sources.hugging_face._stacks import Stacks

ENTRY = KNOWN["attention"]
_MAKERS = ("_get_feature_vector_attention_mask", "_get_output_attention_mask")
"""How models make a mask of frames of one of samples."""
_LOWEST = -1e-6
_TRACE = 1e-6
"""No weight at all."""
_FAR = 1e-2
"""From a sum of one, also in half precision."""
_SHARES = "share of each key in what a query takes; the rest goes elsewhere"
_NO_WEIGHTS = (
    "what the model hands out as attentions, and is no weights: some are negative, as before a softmax"
)
_SINK = "weights over tokens, the rest of which a learned sink takes"


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
        coords = first[0].coords.items()
        same = {dim: c for dim, c in coords if all(same_labels(c, o.coords.get(dim)) for o in first)}
        values = np.stack([each.values for each in first])
        return Found((values,), ("time", *first[0].dims), first[0].attrs, same)

    def _of_chain(self, part: Part, numbers: Sequence[int]) -> dict[str, Found]:
        """The arrays of calls that go on from each other."""
        calls = [(key, copy) for key, copy in part.calls if key.number in numbers]
        told = {key[1:]: copy.values() for key, copy in part.coords if key[0] == "cache"}
        beams = None
        if ("beams", numbers[-1]) in told:
            first = min((key.past + copy.kind[0][2] for key, copy in calls if of_tokens(key.name)), default=0)
            beams = Beams.of(told["beams", numbers[-1]], told["tokens", numbers[-1]], first)
        elif any(what == "sorted" for what, number in told if number in numbers):
            raise RecordingError(
                f"{self.path or type(self.module).__name__}: a beam search sorts its beams anew at each "
                "step, and did not say which it followed. Generate with return_dict_in_generate=True and "
                "output_scores=True, which returns beam_indices, or with num_beams=1."
            )
        until = told.get(("until", numbers[-1]))
        sides = self._sides(part, numbers, None if until is None else int(until), beams)
        found: dict[str, Found] = {}
        for name in dict.fromkeys(key.name for key, _ in calls):
            of_name = [(key, copy) for key, copy in calls if key.name == name]
            found |= self._arrays(name, of_name, sides, beams)
        return found

    def _arrays(
        self, name: str, calls: Sequence[tuple[ModelCall, HostCopy]], sides: Sides, beams: Beams | None
    ) -> dict[str, Found]:
        """One array of a name; one for each layer where their shapes differ."""
        layers: dict[tuple[int, int], list[tuple[ModelCall, HostCopy]]] = {}
        for key, copy in calls:
            layers.setdefault((key.layer, key.repeat), []).append((key, copy))
        query, key_side = sides.of(name)
        counts = np.ones((0, 0), bool) if query.mask is None else query.mask
        joined = {layer: self._joined(name, pieces, sides, counts, beams) for layer, pieces in layers.items()}
        together = len({each.values.shape for each in joined.values()}) == 1
        groups = (
            {name: joined}
            if together
            else {f"layer{at[0]}.{name}": {at: each} for at, each in joined.items()}
        )
        found = {}
        for full, group in groups.items():
            values = np.stack([each.values for each in group.values()])
            attrs = _attrs(values, with_sinks=name in self.stacks.with_sinks)
            if calls[0][1].source_dtype is not None:
                attrs["source_dtype"] = calls[0][1].source_dtype
            values, dims = _by_item(values, calls[0][0], sides.batch)
            coords: dict[str, Any] = {}
            if dims == ENTRY.dims:
                sizes = dict(zip(dims, values.shape, strict=True))
                there = there_of([each.there for each in group.values()])
                coords = attention_coords(query, key_side, self.tokenizer, sizes, there)
                if attrs["kind"] != "content" and _hides(values, coords):
                    coords = {at: each for at, each in coords.items() if at not in ("query_mask", "key_mask")}
                    attrs["description"] += (
                        "; its padding is not known: the model's mask hides what has weight"
                    )
            coords |= _layer_labels(list(group)) if together else {}
            found[full] = Found((values,), dims, attrs, coords)
        return found

    def _joined(
        self,
        name: str,
        calls: Sequence[tuple[ModelCall, HostCopy]],
        sides: Sides,
        counts: NDArray[np.bool_],
        beams: Beams | None,
    ) -> JoinedCalls:
        across = crosses(name)
        of_encoder = is_of_encoder(name)
        if of_encoder:
            calls, beams = calls[:1], None  # an encoder ran once; each call tells of it again
        pieces = [copy.values() for _, copy in calls]
        pasts = [0 if of_encoder else key.past for key, _ in calls]
        if beams is not None and of_tokens(name):
            kept = [
                at
                for at, (key, _) in enumerate(calls)
                if beams.step_of(key, pieces[at].shape[2]) < beams.rows.shape[1]
            ]
            pieces, pasts = (
                [beams.follow(calls[at][0], pieces[at]) for at in kept],
                [pasts[at] for at in kept],
            )
        if (
            len(pieces) == 1
            and (across or not pasts[0])
            and pieces[0].shape[2] != pieces[0].shape[3] - pasts[0]
        ):
            return JoinedCalls(pieces[0], None)  # windows, latents, another axis: as they are
        until = None if of_encoder else sides.until
        return join_calls(pieces, pasts, crosses=across, until=until, counts=counts)

    def _sides(self, part: Part, numbers: Sequence[int], until: int | None, beams: Beams | None) -> Sides:
        """What stood at queries and keys, as far as the calls told."""
        pasts = {key.number: key.past for key, _ in part.calls}
        told: dict[tuple[str, str], dict[int, NDArray[Any]]] = {}
        for (side, kind, number), copy in part.coords:
            if side != "cache" and (number in numbers or side == "encoder"):
                told.setdefault((side, kind), {})[number] = copy.values()

        def side_of(name: str) -> Side:
            given = told.get((name, "ids"), {})
            ids = self._ids(given, pasts, name == "encoder", until)
            masks = list(told.get((name, "mask"), {}).values())
            mask = masks[-1].astype(bool) if masks else None
            if mask is not None and until is not None and name != "encoder":
                mask = mask[:, :until]
            if name != "encoder" and beams is not None:
                ids = None if beams.tokens is None else beams.tokens[:, :-1]
                mask = mask_of_beams(mask, beams)
            elif name != "encoder":
                mask = self._until_the_end(ids, mask, given)
            if name != "decoder":
                mask = self._down_sampled(part, name, mask)
            return Side(ids if self.tokenizer is not None else None, mask)

        decoder = side_of("decoder" if self.two_sided else "one")
        encoder = side_of("encoder") if self.two_sided else Side()
        of_chain = [key.batch for key, _ in part.calls if key.number in numbers]
        batch = max(of_chain, default=0) if beams is None else len(beams.rows)
        return Sides(decoder, encoder, self.two_sided, batch, until)

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

    def _down_sampled(
        self, part: Part, side: str, mask: NDArray[np.bool_] | None
    ) -> NDArray[np.bool_] | None:
        """A mask of samples as one of frames, where the model says how it makes them."""
        get_encoder = getattr(self.module, "get_encoder", lambda: None)
        owners = [self.module, *([get_encoder()] if side == "encoder" else [])]
        makers = [
            (name, make) for owner in owners for name in _MAKERS if (make := getattr(owner, name, None))
        ]
        sizes = [
            copy.kind[0][3] for key, copy in part.calls if (side == "encoder") == is_of_encoder(key.name)
        ]
        if mask is None or not makers or not sizes or sizes[0] == mask.shape[1]:
            return mask
        (name, make), torch = makers[0], sys.modules["torch"]
        given, frames = torch.from_numpy(mask.astype(np.int64)), sizes[0]
        try:
            with torch.no_grad():
                made = make(frames, given) if name == _MAKERS[0] else make(given, target_length=frames)
            flags: NDArray[np.bool_] = np.asarray(made.cpu()).astype(bool)
        except Exception:  # another model's way: then nothing is said
            return None
        return flags


def _by_item(values: NDArray[Any], call: ModelCall, batch: int) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Windows of an item, and what is of no item, along an axis of their own."""
    size, own = values.shape[1], call.batch
    is_image = tower_of(call.name) == "vision" and call.images in (0, size)
    other = own and size not in (own, batch) and (size % own or is_image)
    if call.is_packed or other:
        return values, (ENTRY.dims[0], "image" if is_image else "window", *ENTRY.dims[2:])
    if own and size not in (own, batch) and size % own == 0:
        values = values.reshape(values.shape[0], own, -1, *values.shape[2:])
        return values, (*ENTRY.dims[:2], "window", *ENTRY.dims[2:])
    return (repeated(values, batch, axis=1) if is_of_encoder(call.name) else values), ENTRY.dims


def _attrs(values: NDArray[Any], *, with_sinks: bool) -> dict[str, Any]:
    """What the values are."""
    if values.size and values.min() < _LOWEST:
        return {"kind": "content", "description": _NO_WEIGHTS}
    sums = values.sum(axis=-1)
    if with_sinks or (sums.max(initial=0) < 1 + _FAR and ((sums > 0) & (sums < 1 - _FAR)).any()):
        return {"kind": "shares", "description": _SINK if with_sinks else _SHARES}
    return {"kind": ENTRY.kind, "description": ENTRY.description}


def _hides(values: NDArray[Any], coords: Mapping[str, Any]) -> bool:
    """Whether masks of padding hide keys to which a query that counts gives weight."""
    mask = coords.get("key_mask")
    if mask is None:
        return False
    hidden = np.nan_to_num(values).max(axis=(0, 2)) * ~mask.values[:, None, :]
    counts = coords.get("query_mask")
    return bool((hidden if counts is None else hidden * counts.values[:, :, None]).max(initial=0) > _TRACE)


def chains(part: Part) -> list[list[int]]:
    """The numbers of calls, those together that go on from each other."""
    goes_on = {key.number: key.goes_on for key, _ in part.calls}
    starts = 0
    found = []
    for number, on in sorted(goes_on.items()):
        starts += not on
        found.append((max(starts, 1), number))
    return [[number for _, number in group] for _, group in groupby(found, key=lambda each: each[0])]


def _layer_labels(layers: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The numbers of the layers, where they are not 0, 1, 2, ..."""
    if len({layer for layer, _ in layers}) == 1:
        numbers = [repeat for _, repeat in layers] if len(layers) > 1 else [layers[0][0]]
    else:
        numbers = [layer for layer, _ in layers]
    return (
        {} if numbers == list(range(len(numbers))) or len(set(numbers)) < len(numbers) else {"layer": numbers}
    )
