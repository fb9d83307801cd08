"""HTML of a notebook, made fit to stand in a page that asks nobody and runs nobody's code.

The text is parsed as browsers parse it (nh3, which is Mozilla's html5ever under Rust's ammonia), and what is
not known to be harmless is left out of the tree: scripts, frames, forms, refreshes, ``<base>``, ``<link>``,
handlers, names that a script could mistake for its own. Hyperlinks stay. Pictures stay where they are in the
text, or lie in the notebook's folder. CSS goes through :mod:`nsm_widgets.export.page._css`.
"""

from __future__ import annotations

import mimetypes
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nh3

from nsm_widgets.export.page._allowed import ATTRIBUTES, GONE_WITH_CONTENT, PAINT, REFERENCES, TAGS
from nsm_widgets.export.page._css import clean_declarations, clean_sheet, clean_value, prefixed
from nsm_widgets.export.page._depth import MOST_DEPTH, is_too_deep

_LINKS = frozenset({"http", "https", "mailto"})
_PICTURE = re.compile(r"data:image/[\w.+-]+(;[\w.=-]+)*,", re.IGNORECASE)
_RECORDING = re.compile(r"data:(audio|video)/[\w.+-]+[;,]", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")


@dataclass
class Cleaner:
    """Cleans the HTML of one page."""

    folder: Path | None = None
    """Where pictures may lie; links out of it and in it are not followed."""
    left_out: list[str] = field(default_factory=list)
    """Addresses of the pictures that are not in the page."""
    sheets: list[str] = field(default_factory=list)
    """Style sheets of the fragments so far, each for its own elements alone."""
    too_deep: int = 0
    """How many fragments are left out, for their elements are nested too deep."""

    def fragment(self, html: str | bytes) -> str:
        """What may stay of one output, or of one cell's prose; every element of it is closed.

        >>> Cleaner().fragment('<p onclick="x()">a<a href="//x">b<base><meta http-equiv="refresh">')
        '<p>a<a href="//x" rel="noopener noreferrer">b</a></p>'
        """
        text = html.decode(errors="replace") if isinstance(html, bytes) else str(html)
        if is_too_deep(text):
            self.too_deep += 1
            return f"<p><em>Left out: more than {MOST_DEPTH} elements are nested in each other.</em></p>"
        sheets = "\n".join(_STYLE.findall(text))
        cleaned = self.tree(text)
        if not sheets:
            return cleaned
        scope = f"nb-s{len(self.sheets)}"
        self.sheets.append(clean_sheet(sheets, f".{scope}"))
        return f'<div class="{scope}">{cleaned}</div>'

    def tree(self, text: str) -> str:
        """The text without its style sheets; cleaned until cleaning changes nothing."""
        for _ in range(4):
            before, text = text, _clean(text, self._attribute)
            if before == text:
                break
        return text

    def _attribute(self, tag: str, name: str, value: str) -> str | None:
        """An attribute's value as it may stand in the page; None where it may not."""
        if name == "id":
            return prefixed(value)
        if name in REFERENCES:
            return " ".join(map(prefixed, value.split()))
        if name == "class":
            return " ".join(word for word in value.split() if not word.startswith("nsmw"))
        if name == "style":
            return clean_declarations(value) or None
        if name in ("href", "xlink:href"):
            return self._picture(value) if tag == "image" else _link(tag, value)
        if name == "src":
            return self._source(tag, value)
        if name == "target":
            return value if value == "_blank" else None
        return clean_value(value) if name in PAINT and "(" in value else value

    def _source(self, tag: str, value: str) -> str | None:
        if tag == "img":
            return self._picture(value)
        return value if tag in ("audio", "video", "source") and _RECORDING.match(value) else None

    def _picture(self, value: str) -> str | None:
        source = value.strip()
        if data := _PICTURE.match(source):
            return source if not data[0].endswith(";base64,") or is_base64(source[data.end() :]) else None
        found = read_picture(self.folder, source) if self.folder is not None else None
        if found is None:
            self.left_out.append(source)
        return found


def _clean(text: str, attribute: Callable[[str, str, str], str | None]) -> str:
    return nh3.clean(
        text,
        tags=set(TAGS),
        clean_content_tags=set(GONE_WITH_CONTENT),
        attributes={"*": set(ATTRIBUTES)},
        generic_attribute_prefixes={"aria-", "data-mime-", "data-type"},
        attribute_filter=attribute,
        url_schemes={*_LINKS, "data", "file"},  # of the last two, the filter leaves pictures and recordings
        link_rel="noopener noreferrer",
    )


def _link(tag: str, value: str) -> str | None:
    """Where a hyperlink leads, or what a drawing uses: a part of the page."""
    if value.startswith("#"):
        return f"#{prefixed(value[1:])}" if len(value) > 1 else value
    scheme = _SCHEME.match(_UNSEEN.sub("", value))
    return value if tag == "a" and (scheme is None or scheme[1].lower() in _LINKS) else None


def is_base64(text: str) -> bool:
    """Whether a browser can read it; of what it cannot, it complains.

    >>> is_base64("AA=="), is_base64('"><img')
    (True, False)
    """
    letters = re.sub(r"[\t\n\f\r ]", "", text)
    try:
        b64decode(letters.rstrip("=") + "=" * (-len(letters.rstrip("=")) % 4), validate=True)
    except ValueError:
        return False
    return True


def read_picture(folder: Path, source: str) -> str | None:
    """A picture in a folder as a data URL; None where it is none, or a link leads to it.

    Args:
        folder: Nothing outside of it is read.
        source: Its path in the folder, as in a page.
    """
    try:
        address = urlsplit(source)
        root = Path(os.path.realpath(folder))
        path = root / os.path.normpath(unquote(address.path))
        mime = mimetypes.guess_type(path.name)[0] or ""
        if address.scheme or address.netloc or not mime.startswith("image/"):
            return None
        if Path(os.path.realpath(path)) != path or root not in path.parents or not path.is_file():
            return None
        return f"data:{mime};base64,{b64encode(path.read_bytes()).decode('ascii')}"
    except (OSError, ValueError):
        return None
