"""Markers: what has been committed. Numbered files, each written whole; the newest one is believed."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from pathlib import Path

from nsm_widgets._errors import TraceFileError
from nsm_widgets.trace.arrays._json import dump_json, load_json
from nsm_widgets.trace.store._codec import with_sum, without_sum
from nsm_widgets.trace.store._files import read_inside, refuse, remove, write_whole

JOURNAL = ("steps", "journal")
"""Its folder in that of a rank. It lies in a Zarr array's folder, because Zarr looks for groups and arrays
everywhere else and wonders at what is neither."""

MOST_STEPS = 2**40
_NAME = re.compile(r"commit-(\d{12})\.bin\Z")
_MOST_GAPS = 1000
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Commit:
    """What a reader may believe."""

    number: int = 0
    steps: int = 0
    """Steps that are committed."""
    folded: int = 0
    """Steps of these that lie in shards; the others lie in segments."""
    tail: tuple[tuple[int, int], ...] = ()
    """First step and end of each segment, in order."""
    lost: tuple[tuple[int, int], ...] = ()
    """Before which committed step how many steps are missing, because they could not be written."""
    errors: int = 0
    """How often writing failed."""
    message: str = ""
    """Of the last failure."""
    arrays: int = 0
    """How many arrays grow, masks and labels among them."""
    words: int = 0
    """Texts in the vocabulary."""
    words_sum: int = 0
    """Their checksum."""
    group: str = ""
    """The id of the group; none in version 1."""


def write_commit(rank: Path, commit: Commit) -> None:
    """Put a marker into a rank's journal, all or nothing; the folder is still to be synced."""
    fields = {field: getattr(commit, field) for field in Commit.__slots__}
    fields["lost"] = _few(commit.lost)
    write_whole(
        rank.joinpath(*JOURNAL), f"commit-{commit.number:012d}.bin", [with_sum(dump_json(fields).encode())]
    )


def _few(lost: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """The gaps; of very many the later ones as one, so that a marker stays small."""
    if len(lost) <= _MOST_GAPS:
        return lost
    rest = lost[_MOST_GAPS - 1 :]
    return (*lost[: _MOST_GAPS - 1], (rest[0][0], sum(count for _, count in rest)))


def forget_before(rank: Path, number: int) -> None:
    """Remove markers that no reader looks for any more."""
    for found in commit_numbers(rank):
        if found <= number - _KEPT:
            remove(rank.joinpath(*JOURNAL, f"commit-{found:012d}.bin"))


def commit_numbers(rank: Path) -> list[int]:
    """The numbers of the markers that are there, in order."""
    try:
        names = [path.name for path in rank.joinpath(*JOURNAL).iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise refuse(rank.parent, f"{rank.name}/{'/'.join(JOURNAL)} is no folder") from error
    return sorted(int(match[1]) for name in names if (match := _NAME.match(name)))


def read_commit(root: Path, rank: str) -> Commit | None:
    """The newest marker, or None if there is none.

    Raises:
        TraceFileError: If it is damaged.
        FileNotFoundError: If a writer has removed it meanwhile; there is a newer one then.
    """
    numbers = commit_numbers(root / rank)
    if not numbers:
        return None
    if numbers[-1] > 1 and numbers[-2:-1] != [numbers[-1] - 1]:  # two are kept: read anew, or one is gone
        raise FileNotFoundError(errno.ENOENT, "gone", f"the marker beside commit-{numbers[-1]:012d}.bin")
    name = f"commit-{numbers[-1]:012d}.bin"
    try:
        fields = load_json(without_sum(read_inside(root, rank, *JOURNAL, name, most=2**18)).decode())
        return _checked(numbers[-1], fields)
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, TraceFileError):
            raise
        raise refuse(root, f"the marker {rank}/{'/'.join(JOURNAL)}/{name} is damaged ({error})") from error


def _checked(number: int, fields: object) -> Commit:
    """A marker of these fields, if they can be true together."""
    if isinstance(fields, dict) and sorted(fields) == sorted(Commit.__slots__[:-4]):
        fields = {**fields, "arrays": 0, "words": 0, "words_sum": 0, "group": ""}  # of version 1
    if not isinstance(fields, dict) or sorted(fields) != sorted(Commit.__slots__):
        raise ValueError("its fields are others")
    steps, folded, errors = (_count(fields[name]) for name in ("steps", "folded", "errors"))
    tail, lost = (tuple((_count(a), _count(b)) for a, b in fields[name]) for name in ("tail", "lost"))
    at = folded
    for start, stop in tail:
        if start != at or stop <= start:
            raise ValueError("its segments leave gaps or overlap")
        at = stop
    if (
        at != steps
        or fields["number"] != number
        or not all(isinstance(fields[name], str) for name in ("message", "group"))
    ):
        raise ValueError("its fields contradict each other")
    arrays, words, words_sum = (_count(fields[name]) for name in ("arrays", "words", "words_sum"))
    more = arrays, words, words_sum, fields["group"]
    return Commit(number, steps, folded, tail, lost, errors, fields["message"], *more)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MOST_STEPS:
        raise ValueError(f"{str(value)[:40]!r} is no count")
    return value
