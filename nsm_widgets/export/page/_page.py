"""The scripts and the frame of an exported page: one file that requests nothing."""

from __future__ import annotations

import html
import json
import numbers
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from nsm_widgets._checksums import text_sum
from nsm_widgets._state_format import STATE_FORMAT
from nsm_widgets._text import one_line, printable
from nsm_widgets._version import __version__
from nsm_widgets.export.page._chunks import MOST_TEXELS
from nsm_widgets.export.page._content import PageContent, PageTheme
from nsm_widgets.export.page._modules import compressed, compressed_module, compressed_static, static_text

PRECISION_TEXT = {
    "exact": "exact values",
    "float16": "float16 values: rounded to 11 significant bits, or to a billionth of the largest",
    "display": (
        f"display only: colours in 256 steps, at most {MOST_TEXELS}×{MOST_TEXELS} a picture; "
        "values are approximate"
    ),
}

# unpacks the bundle and starts it; sets the theme before anything is painted. What a document may name after
# itself is asked of the prototypes
_LOADER = """
(() => {
  const { getElementById, querySelectorAll } = Document.prototype;
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const root = document.documentElement;
  const wanted = root.dataset.nsmwWanted;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const explain = (place, text) => {
    if (place.querySelector(".nsmw-page-problem")) return;
    const note = document.createElement("p");
    note.className = "nsmw-page-problem";
    note.textContent = text;
    place.append(note);
  };
  const own = () => [...querySelectorAll.call(document, "[data-nsmw-view]")].filter(
    (place) => script.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  const isSecond = root.hasAttribute("data-nsmw-page");
  root.setAttribute("data-nsmw-page", "");
  const giveUp = () => {
    for (const place of own()) {
      place.removeAttribute("data-nsmw-view");
      explain(place, "This is a picture: another exported page stands before it in this document, and only "
        + "the first is live. Open this one by itself, or give it an iframe.");
    }
  };
  const apply = () => {
    const theme = wanted === "auto" ? (dark.matches ? "dark" : "light") : wanted;
    root.dataset.nsmwTheme = theme;
    if (document.body === null) return;
    document.body.dataset.jpThemeLight = String(theme === "light");
    document.body.dataset.jpThemeName = theme === "light" ? "JupyterLab Light" : "JupyterLab Dark";
  };
  const start = async () => {
    apply();
    const text = getElementById.call(document, "nsmw-runtime").textContent.trim();
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const source = await new Response(stream).text();
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { boot } = await import(url);
    URL.revokeObjectURL(url);
    await boot();
  };
  const begin = () => isSecond ? giveUp() : start().catch((error) => {
    console.error(error);
    root.dataset.nsmwReady = "failed";
    for (const place of own()) explain(place, `This picture cannot be made live here: ${error}`);
  });
  if (!isSecond) {
    apply();
    dark.addEventListener("change", apply);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
"""


@dataclass(frozen=True, slots=True)
class Fallback:
    """What stands in a view's place until it is live."""

    picture: str | None
    """PNG, in base64."""
    text: str


def content_security_policy() -> str:
    """What the page may do: run its own scripts, show its own pictures. No eval, no other address."""
    digest = b64encode(sha256(_LOADER.encode()).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}' blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def head_scripts() -> str:
    """The policy, for the beginning of the head; no name of a link is looked up before it is pressed."""
    policy = html.escape(content_security_policy())
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta http-equiv="x-dns-prefetch-control" content="off">\n'
        '<meta name="referrer" content="no-referrer">'
    )


def head_styles(content: PageContent) -> str:
    """Style sheets of the controls, and their icons where some control shows one."""
    names = ["embed-controls.css", *(["embed-icons.css"] if _shows_icons(content.models) else [])]
    return "\n".join(f"<style>{static_text(name)}</style>" for name in names)


def notebook_styles(content: PageContent) -> str:
    """Style sheets of what was cleaned, for the end of the head."""
    return "\n".join(f"<style>{sheet}</style>" for sheet in content.sheets)


def body_scripts(content: PageContent) -> str:
    """Everything that the views of a page need, for the beginning of the body.

    Before all that a notebook's author wrote: the page looks its parts up by name, and the first one counts.
    """
    state = {"version_major": 2, "version_minor": 0, "state": content.models}
    text = json_in_html(state)
    parts = [
        f'<script type="application/json" id="nsmw-state">{text}</script>',
        f'<script type="text/plain" id="nsmw-sum">{text_sum(text)}</script>',
    ]
    parts += [
        f'<script type="text/plain" id="nsmw-data-{number}">{array.text}</script>'
        for number, array in enumerate(content.arrays)
    ]
    parts += [
        f'<script type="text/plain" data-nsmw-module="{html.escape(name)}">{compressed_module(name)}</script>'
        for name in content.modules
    ]
    parts += [
        f'<script type="text/plain" data-nsmw-text="{name}">{compressed(text)}</script>'
        for name, text in content.texts.items()
    ]
    runtime = compressed_static("embed.js")
    parts.append(f'<script type="text/plain" id="nsmw-runtime">{runtime}</script>')
    parts.append(f"<script>{_LOADER}</script>")
    return "\n".join(parts)


def place(model: str | None, fallback: Fallback) -> str:
    """Where a view stands: a picture of it, until the view is live; without a model it stays."""
    text = html.escape("\n".join(map(printable, fallback.text.splitlines())))
    if fallback.picture is None:
        shown = f'<pre class="nsmw-page-picture">{text}</pre>'
    else:
        source = f"data:image/png;base64,{html.escape(fallback.picture)}"
        shown = f'<img class="nsmw-page-picture" src="{source}" alt="{text}">'
    live = f' data-nsmw-view="{model}"' if model is not None else ""
    return f'<div class="nsmw-page-view"{live}>{shown}</div>'


def lacks(lines: Iterable[str]) -> str:
    """What the page has not, for its head."""
    return "\n".join(f'<p class="nsmw-page-lacks" role="note">{html.escape(line)}</p>' for line in lines)


def place_of_picture(why: str, fallback: Fallback) -> str:
    """Where a view stands that is not live: one line that says why, and its picture."""
    return f'<p class="nsmw-page-problem">{html.escape(why)}</p>{place(None, fallback)}'


def why_unread(state_format: object) -> str:
    """Why a view is a picture that is written in another format."""
    named = f"format {state_format}" if type(state_format) is int else "an unknown format"
    return (
        f"Not live: the state of this view has {named}, and this nsm_widgets reads formats up to "
        f"{STATE_FORMAT}. Update nsm_widgets, and export the notebook again."
    )


def precision_text(content: PageContent) -> str:
    """What the page says of its values."""
    kept = content.precisions
    if not kept:
        return ""
    if len(kept) == 1:
        return PRECISION_TEXT[next(iter(kept))]
    return "; ".join(f"{', '.join(names)}: {PRECISION_TEXT[precision]}" for precision, names in kept.items())


def page_note(content: PageContent) -> str:
    """What stands at the head of a page: how exact its values are, what it lacks, who wrote it."""
    missing = f"not saved with the notebook: {', '.join(content.missing)}" if content.missing else ""
    written = f"nsm_widgets {__version__}, works without a network"
    return " · ".join(filter(None, (precision_text(content), missing, written)))


def standalone_page(
    views: Sequence[str], content: PageContent, *, title: str, theme: PageTheme, titles_view: bool = False
) -> str:
    """A whole page that holds views, one below the other.

    Args:
        views: Their places, and HTML between them.
        content: What the page carries.
        title: Its heading.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
        titles_view: Whether the heading is that of the only view, too, which then needs none of its own.
    """
    header = '<header class="nsmw-page-titles-view">' if titles_view else "<header>"
    shown_title = html.escape(one_line(title))
    body = "\n".join(views)
    return f"""<!DOCTYPE html>
<html lang="en" data-nsmw-wanted="{theme}">
<head>
<meta charset="utf-8">
{head_scripts()}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{shown_title}</title>
<style>{static_text("embed-page.css")}</style>
{head_styles(content)}
{notebook_styles(content)}
</head>
<body>
{body_scripts(content)}
<main class="nsmw-page">
{header}<h1>{shown_title}</h1><p class="nsmw-page-said">{html.escape(page_note(content))}</p></header>
{body}
<noscript><p>These are pictures of the views as they were exported; with JavaScript they move.</p></noscript>
</main>
</body>
</html>
"""


def json_in_html(value: object) -> str:
    """JSON that may stand in a script element: no character of it means anything to HTML."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _plain(value: object) -> int | float | str:
    """Numbers of NumPy and dates, as Jupyter sends them."""
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"a widget's state must be JSON to stand in a page, got {type(value).__name__}.")


def _shows_icons(models: Mapping[str, Any]) -> bool:
    return any(
        model["model_name"] in ("PlayModel", "TagsInputModel", "AccordionModel") or model["state"].get("icon")
        for model in models.values()
    )
