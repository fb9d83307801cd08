"""JavaScript that a page carries: our own, and other packages' widget modules from their wheels."""

from __future__ import annotations

import re
import sys
import zlib
from base64 import b64encode
from functools import cache, lru_cache
from pathlib import Path

from nsm_widgets._errors import MissingDependencyError
from nsm_widgets._text import replace_surrogates

STATIC = Path(__file__).parents[2] / "widgets" / "static"


@cache
def static_text(name: str) -> str:
    """A built file.

    Raises:
        MissingDependencyError: If the bundle was not built.
    """
    path = STATIC / name
    if not path.is_file():
        raise MissingDependencyError(
            f"the page's JavaScript ({name}) must lie in nsm_widgets/widgets/static, and it does not. In a "
            f"checkout, "
            "build it with 'make build' (needs Node.js 20 or newer); an installed wheel carries it."
        )
    return path.read_text(encoding="utf-8")


@cache
def compressed_static(name: str) -> str:
    """A built file, compressed."""
    return compressed(static_text(name))


@lru_cache(maxsize=8)
def compressed(text: str) -> str:
    """A text as base64 of a zlib stream of its UTF-8; lone surrogates become U+FFFD."""
    return b64encode(zlib.compress(replace_surrogates(text).encode(), 9)).decode("ascii")


@cache
def compressed_module(name: str) -> str | None:
    """A widget module's AMD file, compressed; None where no installed package brings it."""
    parts = name.split("/")
    if not all(re.fullmatch(r"@?[\w.-]*\w[\w.-]*", part) for part in parts):
        return None  # a module's name is never a path
    for folder in _folders():
        path = folder.joinpath(*parts, "index.js")
        if path.is_file():
            return compressed(path.read_text(encoding="utf-8"))
    return None


def _folders() -> list[Path]:
    """Where wheels install the AMD files of their widgets: ``share/jupyter/nbextensions``."""
    places = [Path(sys.prefix, "share", "jupyter")]
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:
        pass
    else:
        places += map(Path, jupyter_path())
    return [place.resolve() / "nbextensions" for place in dict.fromkeys(places)]
