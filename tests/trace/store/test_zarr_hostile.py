"""Stores from strangers: whatever is in them, one clear error, little memory, no way out of the folder."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numcodecs import zstd

from nsm_widgets._errors import TraceFileError
from nsm_widgets.trace import StoreWriter, Trace, TraceRecorder
from nsm_widgets.trace.store._codec import content_size, crc32c, unpack, with_sum, without_sum
from nsm_widgets.trace.store._commits import commit_numbers
from nsm_widgets.trace.store._layout import Group

LONGEST_ERROR = 1_500
MEMORY = np.random.default_rng(0).standard_normal((100, 1, 8, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as a kill leaves it: a shard, a segment, a marker."""
    path = tmp_path_factory.mktemp("whole") / "s"
    store = StoreWriter(path, commit_every_s=1000.0, fixed={"initial_memory": MEMORY[0]})
    store.append({"memory": MEMORY})
    store.commit()
    shutil.copytree(path, path.with_name("copy"))
    store.close()
    return path.with_name("copy")


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "s"))


def read(path: Path, *, verify: bool = True) -> Trace:
    """Open a store and look at everything in it."""
    trace = Trace.open(path, rank=0, verify=verify)
    for array in trace.values():
        np.asarray(array.values)
    return trace


def change(file: Path, edit: Callable[[Any], Any]) -> None:
    """Rewrite a JSON file."""
    found = json.loads(file.read_text())
    result = edit(found)
    file.write_text(json.dumps(found if result is None else result))


def array_json(store: Path) -> Path:
    return store / "rank-0/memory/zarr.json"


def shard(store: Path) -> Path:
    return store / "rank-0/memory/c.0.0.0.0"


def journal(store: Path) -> Path:
    return store / "rank-0/steps/journal"


def marker(store: Path) -> Path:
    return journal(store) / f"commit-{commit_numbers(store / 'rank-0')[-1]:012d}.bin"


def mark(store: Path, **fields: Any) -> None:
    """Rewrite the marker, its checksum right."""
    found = json.loads(without_sum(marker(store).read_bytes()))
    marker(store).write_bytes(with_sum(json.dumps({**found, **fields}).encode()))


def set_in(*keys: Any, to: Any) -> Callable[[Any], None]:
    """An edit of one place in a JSON value."""

    def edit(found: Any) -> None:
        for key in keys[:-1]:
            found = found[key]
        found[keys[-1]] = to

    return edit


def in_array(*keys: Any, to: Any) -> Callable[[Path], None]:
    return lambda store: change(array_json(store), set_in(*keys, to=to))


def in_rank(*keys: Any, to: Any) -> Callable[[Path], None]:
    where = ("attributes", "nsm_widgets", *keys)
    return lambda store: change(store / "rank-0/zarr.json", set_in(*where, to=to))


def sharding(*keys: Any, to: Any) -> Callable[[Path], None]:
    return in_array("codecs", 0, "configuration", *keys, to=to)


def put_chunk(store: Path, packed: bytes, claimed: int | None = None, offset: int = 0) -> None:
    """A shard of one chunk with any bytes, every checksum right."""
    label = shard(store).read_bytes()[:16]
    after = offset if offset == 2**64 - 1 else offset + len(label)
    index = struct.pack("<QQ", after, len(packed) if claimed is None else claimed)
    shard(store).write_bytes(label + packed + with_sum(index))


def frame(size: int) -> bytes:
    """A zstd frame that says it holds ``size`` bytes, and does."""
    return bytes(zstd.compress(bytes(size), 1))


def unsized_frame() -> bytes:
    """The same bytes as a frame that does not say how many."""
    block = b"\x00" * (64 * 8 * 4 * 4)
    return b"\x28\xb5\x2f\xfd\x00\x58" + struct.pack("<I", len(block) << 3 | 1)[:3] + block


def lying_frame() -> bytes:
    """A frame that says it holds as much as the array needs, and holds 200 MB."""
    packed = bytearray(frame(200_000_000))
    assert packed[4] >> 6 == 2 and packed[4] & 0x20 == 0
    packed[6:10] = struct.pack("<I", 64 * 8 * 4 * 4)
    return bytes(packed)


def removed(file: Path) -> Path:
    file.unlink()
    return file


def link(store: Path, name: str, to: str) -> None:
    """Put a link in the place of a file or folder."""
    place = store / name
    if to == "itself":
        moved = store.parent / "outside"
        place.rename(moved)
        place.symlink_to(moved)
        return
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
    place.symlink_to(to)


BOMB = "[" * 100_000
HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    # metadata
    "root-json-huge": (
        lambda s: (s / "zarr.json").write_bytes(b" " * 2_000_000),
        "has 2000000 bytes, more than",
    ),
    "root-json-deep": (lambda s: (s / "zarr.json").write_text(BOMB), "is not JSON|nested too deep"),
    "root-json-list": (lambda s: (s / "zarr.json").write_text("[]"), "must hold a JSON object"),
    "root-of-others": (
        lambda s: (s / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}'),
        "is not that",
    ),
    "root-json-twice": (lambda s: (s / "zarr.json").write_text('{"a": 1, "a": 2}'), "stands twice"),
    "version": (in_rank("version", to=3), "has format and version .*update nsm_widgets"),
    "rank-json-missing": (lambda s: (s / "rank-0/zarr.json").unlink(), "rank-0/zarr.json is missing"),
    "rank-json-sparse": (lambda s: os.truncate(s / "rank-0/zarr.json", 2**40), "has 1099511627776 bytes"),
    "arrays-no-list": (in_rank("arrays", to={}), "must be of type list"),
    "key-is-a-path": (in_rank("arrays", 0, "key", to="../../outside"), "is no name of a folder"),
    "key-is-absolute": (in_rank("arrays", 0, "key", to="/etc"), "is no name of a folder"),
    "key-is-dots": (in_rank("arrays", 0, "key", to=".."), "is no name of a folder"),
    "key-is-the-journal": (in_rank("arrays", 0, "key", to="steps"), "is no name of a folder"),
    "key-is-a-number": (in_rank("arrays", 0, "key", to=3), "is no name of a folder"),
    "key-is-missing": (in_rank("arrays", 0, "key", to="other"), "other/zarr.json is missing"),
    "key-is-another": (in_rank("arrays", 0, "key", to="initial_memory"), "."),
    "name-is-a-path": (in_rank("arrays", 0, "name", to="../x"), "an array's name must be"),
    "name-is-long": (in_rank("arrays", 0, "name", to="x" * 900_000), "an array's name must be"),
    "dims-unknown": (
        in_rank("arrays", 0, "dims", to=["time", "batch", "slot", "__proto__"]),
        "is no axis name",
    ),
    "dims-few": (in_rank("arrays", 0, "dims", to=["time"]), "one name per axis"),
    "dims-empty": (in_rank("arrays", 0, "dims", to=[]), "must grow, or not"),
    "dims-number": (in_rank("arrays", 0, "dims", to=4), "."),
    "grows-text": (in_rank("arrays", 0, "grows", to="yes"), "must grow, or not"),
    "labels-many": (
        in_rank("arrays", 0, "coords", to={"slot": {"dims": ["slot"], "labels": ["a"] * 99_999}}),
        "must have 8",
    ),
    "labels-bad": (in_rank("arrays", 0, "coords", to={"slot": []}), "must have dims and labels"),
    "labels-nested": (
        in_rank("arrays", 0, "coords", to={"slot": {"dims": [["slot"]], "labels": [[[1]]]}}),
        ".",
    ),
    "attrs-list": (in_rank("attrs", to=[]), "must be of type dict"),
    "array-attrs-list": (in_array("attributes", to=[]), "must have attributes"),
    # what a decoder would be told
    "dtype-object": (in_array("data_type", to="object"), "has data_type 'object', allowed are"),
    "dtype-python": (in_array("data_type", to={"name": "pickle"}), "allowed are"),
    "dtype-text": (in_array("data_type", to="fixed_length_utf32"), "allowed are"),
    "dtype-complex": (in_array("data_type", to="complex64"), "allowed are"),
    "dtype-wider": (in_array("data_type", to="float64"), "it unpacks to|bytes, not|leads to"),
    "shape-huge": (in_array("shape", to=[2**40, 2**40, 8, 4]), "must have shards that are whole"),
    "shape-huger": (in_array("shape", to=[2**70, 1, 8, 4]), "must have sizes"),
    "shape-negative": (in_array("shape", to=[-1, 1, 8, 4]), "must have sizes"),
    "shape-zero": (in_array("shape", to=[100, 0, 8, 4]), "must have sizes"),
    "shape-real": (in_array("shape", to=[100.5, 1, 8, 4]), "must have sizes"),
    "shape-bool": (in_array("shape", to=[100, True, 8, 4]), "must have sizes"),
    "shape-many-axes": (in_array("shape", to=[1] * 40), "must have sizes"),
    "shard-huge": (
        in_array("chunk_grid", "configuration", "chunk_shape", to=[2**39, 1, 8, 4]),
        "more than|do not fit",
    ),
    "chunk-huge": (
        lambda s: [
            in_array("shape", to=[64, 1, 2**30, 4])(s),
            in_array("chunk_grid", "configuration", "chunk_shape", to=[64, 1, 2**30, 4])(s),
            sharding("chunk_shape", to=[64, 1, 2**30, 4])(s),
        ],
        "has chunks of .* bytes, more than 67108864",
    ),
    "chunks-many": (
        lambda s: [
            in_array("shape", to=[64, 1, 2**30, 4])(s),
            in_array("chunk_grid", "configuration", "chunk_shape", to=[64, 1, 2**30, 4])(s),
            sharding("chunk_shape", to=[1, 1, 1, 1])(s),
        ],
        "more than 1048576 chunks",
    ),
    "chunk-does-not-fit": (sharding("chunk_shape", to=[64, 1, 3, 4]), "has chunks that do not fit"),
    "chunk-zero": (sharding("chunk_shape", to=[0, 1, 8, 4]), "."),
    "codec-unknown": (sharding("codecs", 1, "name", to="numcodecs.pickle"), "which no store of ours has"),
    "codec-gzip": (
        sharding("codecs", 1, to={"name": "gzip", "configuration": {"level": 1}}),
        "which no store",
    ),
    "codec-more": (in_array("codecs", to=[{"name": "sharding_indexed"}, {"name": "x"}]), "must have sizes"),
    "codec-none": (in_array("codecs", to=[]), "must have sizes"),
    "codec-big-endian": (
        sharding("codecs", 0, "configuration", "endian", to="big"),
        "which no store of ours",
    ),
    "codec-unsummed": (sharding("codecs", to=[{"name": "bytes"}]), "which no store of ours has"),
    "index-at-start": (sharding("index_location", to="start"), "which no store of ours has"),
    "key-encoding": (in_array("chunk_key_encoding", to={"name": "v2"}), "which no store of ours has"),
    "transformers": (in_array("storage_transformers", to=[{"name": "x"}]), "which no store of ours has"),
    "something-more": (in_array("must_understand_this", to=1), "which no store of ours has"),
    # shards
    "shard-missing": (lambda s: shard(s).unlink(), "rank-0/memory/c.0.0.0.0 is missing"),
    "shard-empty": (lambda s: shard(s).write_bytes(b""), "is damaged: it is cut short"),
    "shard-cut": (lambda s: os.truncate(shard(s), shard(s).stat().st_size - 5), "its checksum is wrong"),
    "shard-sparse": (lambda s: os.truncate(shard(s), 2**40), "its checksum is wrong"),
    "index-far": (lambda s: put_chunk(s, frame(8192), offset=2**63), "its index leads to"),
    "index-wraps": (lambda s: put_chunk(s, frame(8192), claimed=2**64 - 8, offset=16), "its index leads to"),
    "index-long": (lambda s: put_chunk(s, with_sum(frame(8192)), claimed=2**40), "its index leads to"),
    "index-none": (lambda s: put_chunk(s, b"", claimed=2**64 - 1, offset=2**64 - 1), "was never written"),
    "chunk-empty": (lambda s: put_chunk(s, b""), "its checksum is wrong"),
    "chunk-noise": (lambda s: put_chunk(s, with_sum(b"x" * 500)), "it unpacks to None bytes"),
    "zstd-bomb": (
        lambda s: put_chunk(s, with_sum(frame(2**28))),
        "it unpacks to 268435456 bytes, its array needs 8192|leads to",
    ),
    "zstd-unsized": (lambda s: put_chunk(s, with_sum(unsized_frame())), "it unpacks to None bytes"),
    "zstd-short": (lambda s: put_chunk(s, with_sum(frame(8191))), "it unpacks to 8191 bytes"),
    "zstd-lies": (lambda s: put_chunk(s, with_sum(lying_frame())), "it does not unpack|leads to"),
    "zstd-cut": (lambda s: put_chunk(s, with_sum(frame(8192)[:-3])), "it does not unpack"),
    "zstd-twice": (lambda s: put_chunk(s, with_sum(frame(8192) + frame(8192))), "it does not unpack"),
    # the journal
    "marker-many-steps": (
        lambda s: mark(s, steps=2**40, folded=2**40, tail=[]),
        "c.17179869183.0.0.0 is missing",
    ),
    "marker-more-steps": (lambda s: mark(s, steps=2**50), "is no count"),
    "marker-negative": (lambda s: mark(s, folded=-64), "is no count"),
    "marker-text": (lambda s: mark(s, steps="100"), "is no count"),
    "marker-gap": (lambda s: mark(s, tail=[[70, 100]]), "leave gaps or overlap"),
    "marker-overlap": (lambda s: mark(s, tail=[[64, 80], [70, 100]]), "leave gaps or overlap"),
    "marker-endless": (lambda s: mark(s, tail=[[64, 64]] * 9), "leave gaps or overlap"),
    "marker-many-segments": (
        lambda s: mark(s, folded=0, tail=[[i, i + 1] for i in range(100)]),
        "too many segments",
    ),
    "marker-short": (lambda s: mark(s, steps=90), "contradict each other"),
    "marker-number": (lambda s: mark(s, number=9), "contradict each other"),
    "marker-fields": (lambda s: mark(s, more=1), "its fields are others"),
    "marker-tail-number": (lambda s: mark(s, tail=5), "is damaged"),
    "marker-unsummed": (lambda s: marker(s).write_text("{}"), "its checksum is wrong"),
    "marker-huge": (lambda s: os.truncate(marker(s), 2**40), "bytes, more than"),
    "segment-missing": (lambda s: next(journal(s).glob("tail-*")).unlink(), "names is missing"),
    "segment-cut": (lambda s: os.truncate(next(journal(s).glob("tail-*")), 100), "has 100 bytes, not"),
    "segment-sparse": (lambda s: os.truncate(next(journal(s).glob("tail-*")), 2**40), "bytes, not"),
    # ways out of the folder
    **{
        f"link-{name.replace('/', '-')}-{'outside' if to == 'itself' else 'device'}": (
            lambda s, name=name, to=to: link(s, name, to),  # type: ignore[misc]
            "leads over a link",
        )
        for name in (
            "zarr.json",
            "rank-0",
            "rank-0/zarr.json",
            "rank-0/memory",
            "rank-0/memory/zarr.json",
            "rank-0/memory/c.0.0.0.0",
            "rank-0/steps/journal",
        )
        for to in ("itself", "/dev/zero")
        if not (to == "/dev/zero" and name in ("rank-0/steps/journal", "rank-0"))
    },
    "pipe": (lambda s: os.mkfifo(removed(shard(s))), "is no plain file"),
    "folder": (lambda s: removed(shard(s)).mkdir(), "is no plain file"),
}


@pytest.mark.parametrize(("damage", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_store_is_refused_in_one_error(
    store: Path, damage: Callable[[Path], Any], message: str
) -> None:
    """Every lie raises a TraceFileError of bounded length: the path, the reason, a remedy.

    Where a checksum tells it already, the reason is the one that who asks for no checksums is given.
    """
    damage(store)
    with pytest.raises(TraceFileError) as refused:
        read(store)
    if "of names, axes and labels the checksum" in str(refused.value):
        assert_told(refused.value, store)
        with pytest.raises(TraceFileError) as refused:
            read(store, verify=False)
    assert re.search(message, assert_told(refused.value, store))


def assert_told(error: TraceFileError, store: Path) -> str:
    told = str(error)
    assert told.startswith(f"{store} must be a whole store, but ")
    assert told.endswith("Use another copy, or record the run again.")
    assert told.isprintable() and len(told) < LONGEST_ERROR
    return told


def masked(tmp_path: Path) -> Path:
    """A recorder's store with padding that changes: three iterations, five tokens."""
    attention = torch.nn.MultiheadAttention(4, 1, batch_first=True)
    with TraceRecorder(attention, store=tmp_path / "run.zarr"), torch.no_grad():
        for count in (2, 3, 4):
            tokens = torch.rand(1, 5, 4)
            attention(tokens, tokens, tokens, key_padding_mask=(torch.arange(5) >= count)[None])
    return tmp_path / "run.zarr"


def as_version_1(store: Path) -> None:
    """The same steps as version 1 has them, without masks."""
    attention = Trace.open(store)["attention"]
    values, dims = np.asarray(attention.values), {"attention": attention.dims}
    shutil.rmtree(store)
    Trace.from_arrays({"attention": values}, dims=dims).to_zarr(store)
    for file in (store / "zarr.json", store / "rank-0/zarr.json"):
        group = json.loads(file.read_text())
        ours = group["attributes"]["nsm_widgets"]
        group["attributes"]["nsm_widgets"] = {
            name: value for name, value in ours.items() if name not in GROUP
        }
        group["attributes"]["nsm_widgets"]["version"] = 1
        file.write_text(json.dumps(group))
    found = json.loads(without_sum(marker(store).read_bytes()))
    known = {name: value for name, value in found.items() if name not in MARKER}
    marker(store).write_bytes(with_sum(json.dumps(known).encode()))


GROUP = ("columns", "id", "plain", "recorded", "checksum")
MARKER = ("arrays", "words", "words_sum", "group")
"""What the group and the markers of version 2 say besides."""


def as_another(store: Path, file: Path, index: int) -> None:
    """The first shard once more, as that of other steps."""
    key = file.parent.name
    first = next((store / "rank-0" / key).glob("c.0.*")).read_bytes()
    group = json.loads((store / "rank-0/zarr.json").read_text())["attributes"]["nsm_widgets"]["id"]
    label = Group(store, "rank-0", group).label(key, index)
    file.write_bytes(label + first[len(label) :])


def tell(store: Path, messages: list[Any], rows: Callable[[Any], None] | None = None) -> None:
    """A store of version 1 with these messages, one for each iteration; and with other rows."""
    iterations = store / "iterations"
    table = np.array(Trace.open(iterations)["told"].values)
    texts = [text if isinstance(text, bytes) else json.dumps(text).encode() for text in messages]
    size = max(map(len, texts), default=1)
    table[:, -6:-4] = 0
    table[: len(texts), -6] = np.arange(len(texts))
    table[: len(texts), -5] = [bool(text) for text in texts]
    if rows is not None:
        rows(table)
    attrs = dict(Trace.open(iterations).attrs)
    as_version_1(store)
    pages = np.frombuffer(b"".join(text.ljust(size) for text in texts), np.uint8).reshape(-1, size)
    Trace.from_arrays({"pages": pages}, dims={"pages": ("iteration", "channel")}).to_zarr(store / "asides")
    Trace.from_arrays({"told": table}, dims={"told": ("iteration", "channel")}, attrs=attrs).to_zarr(
        iterations
    )


def entry(**fields: Any) -> dict[str, Any]:
    """A true one, of the keys, with some fields changed; ``None`` takes one away."""
    true = {"arrays": ["attention"], "coord": "key_mask", "dims": ["batch", "key"], "bits": "uA=="}
    return {name: value for name, value in {**true, **fields}.items() if value is not None}


def row(place: int, column: int, value: int) -> Callable[[Any], None]:
    """A change of one number of a row."""

    def change_one(table: Any) -> None:
        table[place, column] = value

    return change_one


LABELS = {"coord": "key", "bits": None}
LIES: dict[str, tuple[list[Any], str]] = {
    "no-json": ([b"{"], "no JSON"),
    "no-text": ([b"\xff\xfe"], "no JSON"),
    "deep": ([b"[" * 5000], "no JSON|nested"),
    "no-list": ([{"a": 1}], "not what a recorder writes"),
    "other-fields": ([[entry(more=1)]], "not what a recorder writes"),
    "bits-no-text": ([[entry(bits=[1, 0])]], "not what a recorder writes"),
    "labels-of-a-mask": ([[entry(bits=None, labels=[["a"] * 5])]], "not what a recorder writes"),
    "bits-of-labels": ([[entry(coord="key")]], "not what a recorder writes"),
    "unknown-array": ([[entry(arrays=["memory"])]], "tells of an array 'memory'"),
    "array-in-array": ([[entry(arrays=[["attention"]])]], "not what a recorder writes"),
    "twice": ([[entry(), entry()]], "tells key_mask of attention twice"),
    "too-few-bits": ([[entry(bits="")]], "must be 5 bits in base64"),
    "too-many-bits": ([[entry(bits="uAAA")]], "must be 5 bits in base64"),
    "bits-behind": ([[entry(bits="uQ==")]], "more than 5 bits"),
    "no-base64": ([[entry(bits="#A==")]], "must be 5 bits in base64"),
    "unknown-axis": ([[entry(dims=["batch", "slot"])]], "must be 0 bits|does not fit"),
    "axes-turned": ([[entry(dims=["key", "batch"])]], "does not fit.*in that order"),
    "axis-twice": ([[entry(dims=["key", "key"], bits="uAAAAA==")]], "does not fit"),
    "iteration": ([[entry(dims=["iteration", "key"])]], "does not fit"),
    "time": ([[entry(dims=["time", "key"])]], "does not fit"),
    "no-axes": ([[entry(dims=[], bits="gA==")]], "does not fit"),
    "too-few-labels": ([[entry(**LABELS, labels=[["a"] * 4])]], "does not fit"),
    "labels-of-lists": ([[entry(**LABELS, labels=[[["a"]] * 5])]], "does not fit"),
    "labels-of-no-axis": ([[entry(**{**LABELS, "coord": "slot"}, labels=[["a"] * 5])]], "does not fit"),
}


@pytest.mark.parametrize(("messages", "told"), LIES.values(), ids=LIES)
def test_masks_that_lie_are_refused(messages: list[Any], told: str, tmp_path: Path) -> None:
    """One clear error each, whatever the log says and however right its checksums are."""
    store = masked(tmp_path)
    tell(store, [[entry()], *messages])
    with pytest.raises(TraceFileError, match=f"(?s){told}") as error:
        read(store)
    assert len(str(error.value)) < LONGEST_ERROR


def test_true_masks_written_the_same_way_are_read(tmp_path: Path) -> None:
    """What the cases above start from."""
    store = masked(tmp_path)
    tell(store, [[entry()], [entry(bits="AA==")], b""])
    mask = read(store)["attention"].coords["key_mask"].values
    assert mask[:, 0].astype(int).tolist() == [[1, 0, 1, 1, 1], [0] * 5, [0] * 5]


def test_steps_with_masks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes room while masks are joined, and a marker claims as many as it likes."""
    store = masked(tmp_path)
    tell(store, [[entry()], [entry(bits="AA==")], b""])
    monkeypatch.setattr("nsm_widgets.trace.store._iteration_rows.MOST_MASKED_STEPS", 2)
    with pytest.raises(TraceFileError, match="it claims 3 steps with masks or labels"):
        read(store)


@pytest.mark.parametrize(
    ("change_rows", "told"),
    [
        (row(1, -5, -1), "contradicts itself"),
        (row(1, -6, -1), "contradicts itself"),
        (row(1, -6, 2**41), "contradicts itself"),
        (row(0, -5, 2**39), "no iteration of it is whole"),
        (row(0, -6, 7), "no iteration of it is whole"),
    ],
    ids=["no-count", "no-page", "too-far", "too-many-pages", "a-page-that-is-not-there"],
)
def test_rows_that_lie_of_masks_are_refused(
    change_rows: Callable[[Any], None], told: str, tmp_path: Path
) -> None:
    """A message that is not there makes its iteration, and what follows, no whole ones."""
    store = masked(tmp_path)
    tell(store, [[entry()], [entry(bits="AA==")], b""], change_rows)
    with pytest.raises(TraceFileError, match=told):
        read(store)


def test_a_log_that_is_none_is_refused(tmp_path: Path) -> None:
    """A link in its place, and another array."""
    store = masked(tmp_path)
    tell(store, [[entry()], [entry(bits="AA==")], b""])
    shutil.move(store / "asides", tmp_path / "elsewhere")
    (store / "asides").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TraceFileError, match="asides is no folder"):
        read(store)
    (store / "asides").unlink()
    with pytest.raises(TraceFileError, match="no iteration of it is whole"):
        read(store)
    Trace.from_arrays({"memory": MEMORY}).to_zarr(store / "asides")
    with pytest.raises(TraceFileError, match="what asides says of masks and labels is not"):
        read(store)


def test_masks_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes in a store may stand for very many cells."""
    store, old = masked(tmp_path), masked(tmp_path / "old")
    tell(old, [[entry()], [entry(bits="AA==")], b""])
    monkeypatch.setattr("nsm_widgets.trace.store._states.MOST_JOINED", 14)
    with pytest.raises(TraceFileError, match="its masks and labels would take more than 14 bytes"):
        read(store)
    with pytest.raises(TraceFileError, match="its masks would take more than 14 bytes"):
        read(old)


LIMITED = """
import json, resource, sys
from pathlib import Path
import numpy as np
from nsm_widgets._errors import TraceFileError
from nsm_widgets.trace import Trace
for array in Trace.open(sys.argv[1], rank=0).values():
    np.asarray(array.values)
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 40 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
told = {}
for path in map(Path, sys.argv[2:]):
    try:
        for array in Trace.open(path, rank=0).values():
            np.asarray(array.values)
        told[path.name] = "opened"
    except Exception as error:
        told[path.name] = type(error).__name__
print(json.dumps(told))
"""


def test_no_store_takes_much_memory(whole: Path, tmp_path: Path) -> None:
    """All in one process that may take 40 MiB more than a good store did: a TraceFileError for each."""
    for name, (damage, _) in HOSTILE.items():
        (tmp_path / name).mkdir()
        damage(Path(shutil.copytree(whole, tmp_path / name / name)))
    paths = [str(tmp_path / name / name) for name in HOSTILE]
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(whole), *paths], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == dict.fromkeys(HOSTILE, "TraceFileError")


def test_every_flipped_bit_is_found(whole: Path, tmp_path: Path) -> None:
    """In shards, segments and markers any one bit flipped is an error, in metadata an error or a trace."""
    store = Path(shutil.copytree(whole, tmp_path / "s"))
    dice = random.Random(0)
    summed = [shard(store), next(journal(store).glob("tail-*")), marker(store)]
    described = [array_json(store), store / "zarr.json", store / "rank-0/zarr.json"]
    for file in (*summed, *described):
        data = file.read_bytes()
        for _ in range(25):
            place = dice.randrange(8 * len(data))
            flipped = bytearray(data)
            flipped[place // 8] ^= 1 << place % 8
            file.write_bytes(flipped)
            try:
                trace = read(store)
            except TraceFileError as error:
                assert len(str(error)) < LONGEST_ERROR  # noqa: PT017
            else:
                assert file in described, (file, place)
                for array in trace.values():
                    expected = MEMORY if "time" in array.dims else MEMORY[0]
                    assert np.asarray(array.values).tobytes() == expected.tobytes()
        file.write_bytes(data)


def test_a_marker_never_decides_how_much_memory_is_taken(store: Path) -> None:
    """Steps that are claimed and not there are told before room is made for them."""
    mark(store, steps=10**9, folded=10**9, tail=[])
    last = store / f"rank-0/memory/c.{(10**9 - 1) // 64}.0.0.0"
    as_another(store, last, (10**9 - 1) // 64)
    memory = Trace.open(store)["memory"]
    assert memory.shape[0] == 10**9
    with pytest.raises(TraceFileError, match=r"c\.1\.0\.0\.0 is missing"):
        np.asarray(memory.values)


def test_a_marker_of_a_recorders_store_takes_no_memory_either(tmp_path: Path) -> None:
    """Of steps that are claimed, those of its iterations are shown; nothing is made for the others."""
    attention = torch.nn.MultiheadAttention(4, 1, batch_first=True)
    with TraceRecorder(attention, store=tmp_path / "run.zarr"), torch.no_grad():
        for _ in range(3):
            attention(*[torch.rand(1, 5, 4)] * 3)
    store = tmp_path / "run.zarr"
    values = np.asarray(read(store)["attention"].values)
    shards = json.loads((store / "rank-0/attention/zarr.json").read_text())["chunk_grid"]
    steps = shards["configuration"]["chunk_shape"][0]
    (written,) = (store / "rank-0/attention").glob("c.0.*")
    index = (2**39 - 1) // steps
    as_another(store, written.with_name(written.name.replace("c.0.", f"c.{index}.", 1)), index)
    mark(store, steps=2**39, folded=2**39, tail=[])
    assert np.array_equal(np.asarray(read(store)["attention"].values), values)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_791, 65_792, 70_000, 2**20])
def test_the_size_that_a_frame_tells(size: int) -> None:
    """Read as the format says, for every width that the field may have."""
    assert content_size(frame(size)) == size


def test_what_is_no_frame_tells_no_size() -> None:
    """Dictionaries, reserved bits, skippable and cut frames are nothing that a store holds."""
    good = frame(300)
    bad = [b"", good[:5], b"\x50\x2a\x4d\x18" + good[4:], good[:4] + bytes([good[4] | 1]) + good[5:]]
    bad += [good[:4] + bytes([good[4] | 8]) + good[5:]]
    assert [content_size(data) for data in bad] == [None] * len(bad)


def test_bools_are_0_and_1() -> None:
    """A bool of another byte is no bool."""
    with pytest.raises(ValueError, match="other bytes than 0 and 1"):
        unpack(with_sum(bytes(zstd.compress(b"\x02" * 4, 1))), (4,), np.dtype(bool))


def test_the_checksum_is_the_one_of_zarr() -> None:
    """Castagnoli's polynomial, bit by bit."""
    table = 0xFFFFFFFF
    for byte in b"a slot":
        table ^= byte
        for _ in range(8):
            table = table >> 1 ^ (0x82F63B78 if table & 1 else 0)
    assert crc32c(b"a slot") == table ^ 0xFFFFFFFF
