"""Widgets that no page is told of: made to be drawn or exported, and closed again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unseen_widgets() -> Iterator[None]:
    """Within, widgets made by this thread have their ids and state, and nothing of them is sent.

    A page would otherwise be sent every array, and start models that are closed before it is done.
    """
    import comm
    from ipywidgets import comm as comms

    thread, create = threading.get_ident(), comms.create_comm

    def create_unseen(*args: Any, **options: Any) -> Any:  # as comm.create_comm takes them
        made = comm.DummyComm if threading.get_ident() == thread else create
        return made(*args, **options)

    comms.create_comm = create_unseen
    try:
        yield
    finally:
        comms.create_comm = create
