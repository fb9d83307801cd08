"""Damage, seeded: bits flipped, parts cut off, swapped, doubled or missing, JSON edited."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

_TOKEN = re.compile(rb'"[^"\\]{1,30}"|\d{1,6}')


def mutant(data: bytes, dice: random.Random) -> bytes:
    """Other bytes, damaged in one of many ways."""
    kinds = [_flip, _cut, _swap, _double, _leave_out, _overwrite, _edit, _edit, _exchange]
    for _ in range(100):
        changed = dice.choice(kinds)(data, dice)
        if changed != data:
            return changed
    return data + b"\0"


def damage_folder(folder: Path, dice: random.Random) -> str:
    """Damage one of the files in a folder, or two of them, or a folder in it; returns what was done."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    one, other = dice.sample(files, 2)
    kind = dice.randrange(10)
    if kind == 0:
        one.unlink()
    elif kind == 1:
        shutil.copy(one, other)
    elif kind == 2:
        data = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(data)
    elif kind == 3:
        one.unlink()
        one.mkdir()
    elif kind == 4:
        folders = sorted(path for path in folder.rglob("*") if path.is_dir())
        one = dice.choice(folders)
        shutil.rmtree(one)
        if dice.random() < 0.5:
            one.write_bytes(b"")
    else:
        one.write_bytes(mutant(one.read_bytes(), dice))
    return f"{kind}: {one.relative_to(folder)}, {other.relative_to(folder)}"


def _span(data: bytes, dice: random.Random) -> tuple[int, int]:
    start = dice.randrange(len(data) + 1)
    return start, min(len(data), start + dice.choice([1, 4, 8, 64, 4096]))


def _flip(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(max(1, 8 * len(data)))
    changed = bytearray(data or b"\0")
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def _cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _swap(data: bytes, dice: random.Random) -> bytes:
    size = dice.choice([1, 4, 8, 64, 1024])
    first, second = sorted(dice.randrange(max(1, len(data) - size)) // size * size for _ in range(2))
    if second - first < size:
        return data
    middle = data[first + size : second]
    return (
        data[:first]
        + data[second : second + size]
        + middle
        + data[first : first + size]
        + data[second + size :]
    )


def _double(data: bytes, dice: random.Random) -> bytes:
    start, stop = _span(data, dice)
    to = dice.randrange(len(data) + 1)
    return data[:to] + data[start:stop] + data[to:]


def _leave_out(data: bytes, dice: random.Random) -> bytes:
    start, stop = _span(data, dice)
    return data[:start] + data[stop:]


def _overwrite(data: bytes, dice: random.Random) -> bytes:
    start, stop = _span(data, dice)
    return data[:start] + dice.randbytes(stop - start) + data[stop:]


def _edit(data: bytes, dice: random.Random) -> bytes:
    """Another number, name or word of JSON, in its place."""
    tokens = list(_TOKEN.finditer(data))
    if not tokens:
        return data
    token = dice.choice(tokens)
    word = token[0]
    others = [b"0", b"1", b"-1", str(dice.randrange(10**6)).encode(), b"1e9", b"null", b'"x"', b"[]", b"{}"]
    if word.startswith(b'"'):
        others += [b'"' + word[1:-1][::-1] + b'"', b'"' + word[1:-1] + b'x"', dice.choice(tokens)[0]]
    return data[: token.start()] + dice.choice(others) + data[token.end() :]


def _exchange(data: bytes, dice: random.Random) -> bytes:
    """Two numbers, names or words of JSON, each in the other's place."""
    tokens = list(_TOKEN.finditer(data))
    if len(tokens) < 2:
        return data
    one, other = sorted(dice.sample(tokens, 2), key=lambda token: token.start())
    between = data[one.end() : other.start()]
    return data[: one.start()] + other[0] + between + one[0] + data[other.end() :]
