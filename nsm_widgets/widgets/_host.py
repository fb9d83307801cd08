"""Which front end this kernel works for, as far as Python can know before a page has said anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from nsm_widgets._environment import HOST_VARIABLE
from nsm_widgets._errors import OptionError

HOSTS = ("jupyter", "vscode")


def in_vscode() -> bool:
    """Whether binary in a widget's state would be shown by VS Code, which takes seconds for each megabyte.

    In this order: the environment variable; the request that runs now, in which VS Code names the cell by an
    address of its own, also on a server that it did not start; else, whether VS Code started this kernel.

    Raises:
        ValueError: If the environment variable names no front end that is known.
    """
    named = os.environ.get(HOST_VARIABLE, "")
    if named:
        if named not in HOSTS:
            raise OptionError(
                f"{HOST_VARIABLE} must be {' or '.join(HOSTS)}, got {named!r}. Unset it to have it guessed."
            )
        return named == "vscode"
    cell = _running_cell()
    return cell.startswith("vscode-") if cell else "VSCODE_PID" in os.environ


def _running_cell() -> str:
    """What the front end calls the cell that runs now; empty where it gave no name, or nothing runs."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    request = getattr(shell, "parent_header", None)
    metadata = request.get("metadata") if isinstance(request, Mapping) else None
    cell = metadata.get("cellId") if isinstance(metadata, Mapping) else None
    return cell if isinstance(cell, str) else ""
