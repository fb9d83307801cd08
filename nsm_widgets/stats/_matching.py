"""Heads and slots of two traces, matched by the permutation that makes their weightings most alike."""

from __future__ import annotations

from collections.abc import Sequence

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.stats._match_task import MatchTask
from nsm_widgets.stats._matched import Matching
from nsm_widgets.stats._same_layout import common_arrays
from nsm_widgets.trace import Trace

MATCHED = ("heads", "slots")


def match_traces(a: Trace, b: Trace, by: object = MATCHED) -> Matching:
    """The permutation of heads and slots of ``b`` that makes it most like ``a``.

    What is made least is the total variation between the weightings of both, the mean over time, batch and
    queries, summed over heads and over arrays: ``read_weights`` and ``write_weights`` of a memory, each kind
    of attention, routing. Read heads and write heads are matched each by themselves, attention heads within
    their layer, states as slots are.

    For heads alone, and for slots alone, the permutation is the best there is. Both together are matched in
    turn until neither gets better, from three starts (as they are; slots first, by what any head gives them;
    heads first, by their weights in order of size), of which the best one counts: a permutation that makes
    both equal is found where one of these tells all heads or all slots apart, a best one among unequal
    weightings mostly, not always.

    Slots that no weighting tells apart are matched by what they hold (mean distance of memory contents), and
    so are those of a trace without weightings. What is tied then goes to the smallest index. Rows with a NaN
    in either trace do not count.

    Args:
        a: The trace that stays as it is.
        b: A trace of the same layout.
        by: ``"heads"``, ``"slots"``, or both.

    Raises:
        ShapeError, AxisError: If the traces differ in layout, or arrays of one memory in their slots.
        UnknownOptionError: If ``by`` is something else.

    >>> a = Trace.from_arrays({"read_weights": [[[[0.9, 0.1], [0.2, 0.8]]]]})
    >>> b = Trace.from_arrays({"read_weights": [[[[0.1, 0.9], [0.7, 0.3]]]]})
    >>> {group: order.tolist() for group, order in match_traces(a, b, by="heads").heads.items()}
    {'read': [1, 0]}
    """
    wanted = check_match(by)
    common = common_arrays(a, b)
    one, other = (Trace().assign(*(trace[name] for name in common.both)) for trace in (a, b))
    task = MatchTask(one, other, "heads" in wanted, "slots" in wanted)
    if not (task.heads and task.slots):
        return task.improved(Matching())
    starts = (Matching(), task.slots_first(), task.heads_first())
    found = [task.settled(start) for start in starts]
    return min(found, key=lambda each: each[0])[1]


def check_match(by: object) -> tuple[str, ...]:
    """What is to be matched, as a tuple of words.

    Raises:
        UnknownOptionError: If it is something else.
    """
    words = () if by is None else (by,) if isinstance(by, str) else by
    if not isinstance(words, (Sequence, set, frozenset)) or any(word not in MATCHED for word in words):
        raise UnknownOptionError(f"match must be None, 'heads', 'slots' or both of them, got {by!r}.")
    return tuple(word for word in MATCHED if word in words)
