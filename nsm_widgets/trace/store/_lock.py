"""One writer for each rank: a lock that its process holds, and that ends with it however it ends."""

from __future__ import annotations

import os
from pathlib import Path

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.store._commits import JOURNAL


class RankLock:
    """Holds the file ``lock`` in a rank's journal, or nothing."""

    def __init__(self) -> None:
        self._descriptor = -1

    def take(self, folder: Path) -> None:
        """Become the one writer of the rank in that folder.

        Raises:
            RecordingError: If there is another one.
            OSError: If the lock cannot be opened.
        """
        self.release()
        self._descriptor = os.open(folder.joinpath(*JOURNAL, "lock"), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            import fcntl
        except ImportError:  # no such locks on Windows: one writer for each rank is the caller's care there
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise RecordingError(
                f"{folder} must have one writer, but another one is writing. Give each process its own rank=."
            ) from error

    def release(self) -> None:
        """Let another writer come."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
