"""Comms that remember what was sent, in place of a kernel's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm


class RecordedComm(BaseComm):
    """A comm to nowhere. ``sent`` holds (type, data, buffers) of each message; ``receive`` plays the page."""

    def __init__(self, **options: Any) -> None:
        self.sent: list[tuple[str, dict[str, Any], list[bytes]]] = []
        self.lock = threading.Lock()
        super().__init__(**options)

    def publish_msg(
        self,
        msg_type: str,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        with self.lock:
            self.sent.append((msg_type, data or {}, [bytes(b) for b in buffers or []]))

    def receive(self, content: object) -> None:
        """A custom message from the page."""
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def updates(self) -> list[dict[str, Any]]:
        """The trait updates sent, oldest first."""
        return [data["state"] for _, data, _ in self.sent if data.get("method") == "update"]

    def custom(self) -> list[tuple[dict[str, Any], list[bytes]]]:
        """The custom messages sent, oldest first."""
        return [
            (data["content"], buffers) for _, data, buffers in self.sent if data.get("method") == "custom"
        ]


@pytest.fixture(autouse=True)
def recorded_comms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every widget of a test gets a comm that remembers."""
    monkeypatch.setattr(comm, "create_comm", RecordedComm)


@pytest.fixture
def page() -> Callable[[Any], RecordedComm]:
    """The page's end of a widget."""

    def of(widget: Any) -> RecordedComm:
        assert isinstance(widget.comm, RecordedComm)
        return widget.comm

    return of
