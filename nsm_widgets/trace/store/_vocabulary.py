"""The texts of labels, each once: the array ``vocabulary`` of a rank, which other Zarr tools read, too.

Chunks of 1,024 texts, as Zarr's codecs ``vlen-utf8``, ``zstd`` and ``crc32c`` leave them, each in its file.
Texts are only added, and the last chunk is written anew with each commit that has some, before its
marker; the marker says how many there are, and what checksum all of them have together. A text that UTF-8
has no bytes for, a lone surrogate, stands there as a NUL and JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._json import dump_json, load_json
from nsm_widgets.trace.store._codec import crc32c_on, pack_bytes, unpack_bytes
from nsm_widgets.trace.store._files import read_inside, refuse, sync_folder, write_whole
from nsm_widgets.trace.store._layout import TEXTS, plain_metadata

FOLDER = "vocabulary"
_CHUNK = 1024
_MOST_TEXT = 2**14
_MOST_CHUNK = 2**27
MOST_TEXTS = 2**31 - 1


class Vocabulary:
    """Texts by their places, and the other way round."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = list(texts)
        self._places = {text: place for place, text in enumerate(self._texts)}
        self._sums = [0]
        """Of the chunks before each whole one."""

    def __len__(self) -> int:
        return len(self._texts)

    def places(self, labels: NDArray[Any]) -> NDArray[np.int32]:
        """Where labels stand; new ones are added."""
        found = []
        for label in labels.ravel().tolist():
            place = self._places.get(label, len(self._texts))
            if place == len(self._texts):
                if len(label) > _MOST_TEXT:
                    raise LabelError(f"labels in a store must have at most {_MOST_TEXT} characters.")
                self._places[label] = place
                self._texts.append(label)
            found.append(place)
        return np.array(found, np.int32).reshape(labels.shape)

    def texts(self, places: NDArray[Any]) -> NDArray[Any]:
        """The labels at these places, as ``make_coord`` makes them."""
        flat = [self._texts[place] for place in places.ravel().tolist()]
        return np.array([*flat, None], dtype=object)[:-1].reshape(places.shape)

    def check(self, places: NDArray[Any]) -> None:
        """Refuse places without a text.

        Raises:
            LabelError: If one is.
        """
        if places.min() < 0 or places.max() >= len(self._texts):
            raise LabelError("its labels lead to texts that are not in its vocabulary")

    def write(self, folder: Path, first: int, count: int) -> int:
        """Write the chunks that have changed since there were ``first``; returns the checksum of all."""
        for chunk in range(first // _CHUNK, -(-count // _CHUNK)):
            packed = pack_texts(self._texts[chunk * _CHUNK : min(count, (chunk + 1) * _CHUNK)])
            write_whole(folder / FOLDER, f"c.{chunk}", [pack_bytes(packed)])
        if first < count:
            sync_folder(folder / FOLDER)
        return self.checksum(count)

    def checksum(self, count: int) -> int:
        """The checksum of the first texts."""
        whole = count // _CHUNK
        while len(self._sums) <= whole:
            at = len(self._sums) * _CHUNK
            self._sums.append(crc32c_on(self._sums[-1], pack_texts(self._texts[at - _CHUNK : at])))
        rest = self._texts[whole * _CHUNK : count]
        return crc32c_on(self._sums[whole], pack_texts(rest)) if rest else self._sums[whole]


def read_vocabulary(root: Path, rank: str, count: int, checksum: int) -> Vocabulary:
    """The first texts of a rank.

    Raises:
        TraceFileError: If they are missing or damaged.
    """
    texts: list[str] = []
    for chunk in range(-(-count // _CHUNK)):
        name = f"{rank}/{FOLDER}/c.{chunk}"
        try:
            data = read_inside(root, rank, FOLDER, f"c.{chunk}", most=_MOST_CHUNK)
            texts += _unpacked(unpack_bytes(data, _MOST_CHUNK))
        except FileNotFoundError as error:
            raise refuse(root, f"{name} is missing") from error
        except ValueError as error:
            raise refuse(root, f"{name} is damaged: {error}") from error
    vocabulary = Vocabulary(texts[:count])
    if len(vocabulary) != count or vocabulary.checksum(count) != checksum:
        raise refuse(root, f"the texts in {rank}/{FOLDER} are not those that its marker names")
    return vocabulary


def vocabulary_metadata(count: int) -> dict[str, Any]:
    """The ``zarr.json`` of a vocabulary with so many texts."""
    return plain_metadata([count], [_CHUNK], ["text"], TEXTS)


def pack_texts(texts: Sequence[str], room: int = _CHUNK) -> bytes:
    """A chunk of texts as the codec ``vlen-utf8`` leaves it, filled up with empty ones."""
    parts = [struct.pack("<I", room)]
    for text in texts:
        data = _exact(text)
        parts += [struct.pack("<I", len(data)), data]
    return b"".join(parts) + bytes(4 * (room - len(texts)))


def _exact(text: str) -> bytes:
    try:
        return text.encode() if not text.startswith("\0") else b"\0" + dump_json(text).encode()
    except UnicodeEncodeError:
        return b"\0" + dump_json(text).encode()


def _unpacked(data: bytes) -> list[str]:
    """What :func:`pack_texts` was given.

    Raises:
        ValueError: If it is something else.
    """
    texts, at = [], 4
    if data[:4] != struct.pack("<I", _CHUNK):
        raise ValueError(f"it does not hold {_CHUNK} texts")
    for _ in range(_CHUNK):
        size = int.from_bytes(data[at : at + 4], "little")
        part = data[at + 4 : at + 4 + size]
        text = load_json(part[1:].decode()) if part[:1] == b"\0" else part.decode()
        if not isinstance(text, str) or at + 4 + size > len(data):
            raise ValueError("its texts are cut short")
        texts.append(text)
        at += 4 + size
    return texts
