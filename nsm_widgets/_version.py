"""The version, as it was installed; it stands in ``pyproject.toml`` alone."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("nsm_widgets")
