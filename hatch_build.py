"""Refuses to build a distribution that lacks the JavaScript bundle: its widgets would stay blank.

Of the bundle, JupyterLab's extension goes where JupyterLab looks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = (
    "loader.js",
    "index.js",
    "data.js",
    "style.css",
    "embed.js",
    "embed-controls.css",
    "embed-icons.css",
    "embed-page.css",
    "LICENSES.txt",
    "labextension/package.json",
)


class BundleCheck(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before each build; an editable install may go without, the bundle can be built later."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Check that every built file is there.

        Raises:
            FileNotFoundError: If one is missing, saying how to build it.
        """
        if version == "editable":
            return
        static = Path(self.root, "nsm_widgets", "widgets", "static")
        missing = [name for name in BUNDLE if not (static / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"nsm_widgets/widgets/static must hold the built bundle, and it lacks {', '.join(missing)}. "
                "Build it first: 'make build', or in js/ 'npm ci && npm run build' (Node.js 20 or newer)."
            )
        if self.target_name == "wheel":
            build_data["shared_data"][str(static / "labextension")] = (
                "share/jupyter/labextensions/nsm_widgets"
            )
