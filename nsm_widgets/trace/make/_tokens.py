"""Labels of tokens: what a tokenizer calls each id, readable, and never two tokens in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import DtypeError, LabelError
from nsm_widgets.trace.arrays._convert import to_numpy
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._mask import CELLS

SPACE = "▁"
"""Stands for a space within a token, as SentencePiece writes it."""


def check_tokenizer(tokenizer: object) -> Any:
    """Refuse what cannot name tokens.

    Raises:
        DtypeError: If it has no function ``convert_ids_to_tokens``.
    """
    if tokenizer is not None and not callable(getattr(tokenizer, "convert_ids_to_tokens", None)):
        raise DtypeError(
            "tokenizer must have a function convert_ids_to_tokens, which names a list of ids, got "
            f"{type(tokenizer).__name__}. Transformers' tokenizers do; of your own, pass tokens=[...]."
        )
    return tokenizer


def token_labels(tokenizer: object, ids: NDArray[Any]) -> list[list[str]]:
    r"""A label for each id, one list for each row of ``ids``.

    Pieces of a byte-level vocabulary (GPT-2's) become the text that they are: a space is ``▁``, and bytes
    that are a part of a character only are written as ``\xe2``. Special tokens keep their names. An id that
    the tokenizer does not know is ``#`` and its number.

    Raises:
        DtypeError: If the tokenizer answers with something else than one text for each id.
    """
    rows = [_names(tokenizer, [int(number) for number in row]) for row in ids]
    if not _is_byte_level(tokenizer, {name for row in rows for name in row}):
        return rows
    special = set(map(str, getattr(tokenizer, "all_special_tokens", ())))
    return [[name if name in special else _spelled(name) for name in row] for row in rows]


def _names(tokenizer: Any, ids: list[int]) -> list[str]:  # of whatever library
    try:
        named = tokenizer.convert_ids_to_tokens(ids)
    except Exception as error:  # whatever a tokenizer of somebody's raises
        raise DtypeError(
            f"the tokenizer's convert_ids_to_tokens must name a list of ids, and failed: {error!r}. "
            "Are the ids those of this tokenizer?"
        ) from error
    if not isinstance(named, (list, tuple)) or len(named) != len(ids):
        raise DtypeError(
            f"the tokenizer's convert_ids_to_tokens must give one text for each of {len(ids)} ids, got "
            f"{type(named).__name__}{f' of {len(named)}' if isinstance(named, (list, tuple)) else ''}."
        )
    return [
        f"#{number}"
        if name is None
        else name.decode("utf-8", "backslashreplace")
        if isinstance(name, bytes)
        else str(name)
        for number, name in zip(ids, named, strict=True)
    ]


@cache
def _byte_symbols() -> Mapping[str, int]:
    """The character that byte-level vocabularies write for each byte. Radford et al. 2019, in their encoder.

    Bytes that print are themselves; the others, in order, are the characters from U+0100 on.
    """
    printing = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    others = [byte for byte in range(256) if byte not in printing]
    symbols = {chr(byte): byte for byte in printing}
    return symbols | {chr(256 + place): byte for place, byte in enumerate(others)}


def _is_byte_level(tokenizer: object, names: Iterable[str]) -> bool:
    """Whether the vocabulary has all bytes as tokens; of one that hides it, whether the names look so."""
    symbols = _byte_symbols()
    vocabulary = getattr(tokenizer, "get_vocab", None)
    if callable(vocabulary):
        return set(symbols) <= set(vocabulary())
    characters = {character for name in names for character in name}
    return not characters.isdisjoint("ĠĊ") and characters <= symbols.keys()


def _spelled(name: str) -> str:
    symbols = _byte_symbols()
    if not all(character in symbols for character in name):
        return name  # added to the vocabulary as it is
    text = bytes(symbols[character] for character in name).decode("utf-8", "backslashreplace")
    return text.replace(" ", SPACE)


@dataclass(frozen=True, slots=True)
class Side:
    """What stood at the places of queries, or of keys: token ids and which of them are tokens."""

    ids: NDArray[Any] | None = None
    """``[batch, place]``, longer than there are places or not."""
    mask: NDArray[np.bool_] | None = None
    """``[batch, place]``, True for a token."""

    def coords(
        self,
        dim: str,
        tokenizer: object,
        batch: int,
        places: int,
        first: int = 0,
        *,
        strict: bool = False,
        more: int = 0,
    ) -> dict[str, Any]:
        """Labels and mask of an axis; none of them where its places are no tokens: an offset, a frame.

        Args:
            dim: The axis.
            tokenizer: Names the ids; ``None`` for no labels.
            batch: Items of the attention's batch.
            places: Places on the axis.
            first: The first of them, among those that ids and mask tell of.
            strict: Whether too few of them are an error.
            more: So many of them may be left over: what was generated last is no place yet.

        Raises:
            LabelError: If they are of another batch or too short, and ``strict``.
        """
        found: dict[str, Any] = {}
        for what, values in (("input_ids", self.ids), ("mask", self.mask)):
            if values is None or (what == "input_ids" and tokenizer is None):
                continue
            if values.shape[0] != batch or values.shape[1] < first + places:
                if strict:
                    raise LabelError(
                        f"{what} must tell of all places of {dim!r}, (batch: {batch}, {first + places} or "
                        f"more), got shape {values.shape}. After generate, pass the whole output, or its "
                        "sequences as input_ids."
                    )
                continue
            if values.shape[1] > first + places + more:
                continue
            here = values[:, first : first + places]
            if what == "input_ids":
                found[dim] = token_labels(tokenizer, here)
            elif not here.all():
                found[f"{dim}_mask"] = Coord(("batch", dim), here)
        return found


def attention_coords(
    query: Side,
    key: Side,
    tokenizer: object,
    sizes: Mapping[str, int],
    there: NDArray[np.bool_] | None,
    *,
    strict: bool = False,
    more: int = 0,
) -> dict[str, Any]:
    """Labels and masks of attention.

    Args:
        query: What stood at the queries; where it is the same as ``key``, queries are the last of the keys.
        key: What stood at the keys.
        tokenizer: Names the tokens.
        sizes: Of the attention, by axis.
        there: Which keys there were, ``[query, key]``, or ``[layer, query, key]``; ``None`` for all.
        strict: Whether what does not fit is an error.
        more: See :meth:`Side.coords`.
    """
    batch, queries, keys = sizes["batch"], sizes["query"], sizes["key"]
    first = max(0, keys - queries) if query is key else 0
    coords = query.coords("query", tokenizer, batch, queries, first, strict=strict, more=more)
    coords |= key.coords("key", tokenizer, batch, keys, strict=strict, more=more)
    if there is not None:
        coords[CELLS] = Coord(("layer", "query", "key")[-there.ndim :], there)
    return coords


def there_of(layers: Sequence[NDArray[np.bool_] | None]) -> NDArray[np.bool_] | None:
    """Which keys there were: once for all layers where they are alike, else ``[layer, query, key]``."""
    given = next((there for there in layers if there is not None), None)
    if given is None:
        return None
    filled = [np.ones_like(given) if there is None else there for there in layers]
    stacked = np.stack(filled)
    return given if (stacked == stacked[0]).all() else stacked


def as_ids(value: object, name: str) -> NDArray[Any] | None:
    """Token ids ``[batch, token]``, or of one item ``[token]``.

    Raises:
        DtypeError: If they are something else.
    """
    if value is None:
        return None
    values = to_numpy(value, name)[0]
    values = values[None] if values.ndim == 1 else values
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise DtypeError(
            f"{name} must be integers of axes (batch, token), got {values.dtype} of shape {values.shape}. "
            "Pass what the tokenizer gave: tokenizer(text, return_tensors='pt').input_ids."
        )
    return values
