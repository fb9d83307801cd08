"""Runs something in a process of its own, which may hang or die without taking the others along."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")

# a fork, so that what is run may be any function, and the server that the parent has started is known to it
CONTEXT = get_context("fork")


class GivenUpError(Exception):
    """A tool did not come through; the reason is the message."""


def apart(run: Callable[[], T], *, limit_s: float) -> T:
    """What ``run`` returns, run in a child; all that the child has started ends with it.

    Raises:
        GivenUpError: If it raises, if it has not ended in time, or if it dies.
    """
    here, there = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=_answer, args=(run, there))
    with warnings.catch_warnings():
        # Python 3.12 and later warn of forks beside threads; ours only read the server's log
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    there.close()
    try:
        if not here.poll(limit_s):
            raise GivenUpError("the page hung")
        raised, value = here.recv()
    except EOFError:
        raise GivenUpError("the page or its driver crashed") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid or 0, signal.SIGKILL)  # its own group: browser and driver go with it
        child.join()
    if raised:
        raise GivenUpError(value)
    result: T = value
    return result


def _answer(run: Callable[[], object], there: Connection) -> None:
    os.setsid()
    try:
        there.send((False, run()))
    except Exception as error:
        there.send((True, f"refused: {(str(error).splitlines() or [type(error).__name__])[-1][:80]}"))
