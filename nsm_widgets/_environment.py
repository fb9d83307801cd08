"""The environment variables that a kernel reads."""

from __future__ import annotations

from typing import Final

HOST_VARIABLE: Final = "NSM_WIDGETS_HOST"
"""Names the front end where it is guessed wrong: ``jupyter`` or ``vscode``."""

STATE_MB_VARIABLE: Final = "NSM_WIDGETS_STATE_MB"
"""Another limit to what a saved notebook carries of our arrays; read when the first store is made."""

EVERYTHING_MB: Final = 1e6
"""A limit that is none: arrays over a store's budget travel with the state, too, for a page of them all."""
