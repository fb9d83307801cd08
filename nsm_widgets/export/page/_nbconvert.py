"""``jupyter nbconvert --to nsm_html``: a notebook as one page whose widgets stay alive offline.

JupyterLab imports every exporter as it starts, so this module loads nothing of ours until a notebook is
converted.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import traitlets
from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter

if TYPE_CHECKING:
    from jinja2.runtime import Context
    from nbformat import NotebookNode

    from nsm_widgets.export.page._content import PageContent

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
STATE_TYPE = "application/vnd.jupyter.widget-state+json"

REMEDY = "Run with --execute, or save the widgets' state."
NO_STATE = f"Not live: the notebook holds no state of this view. {REMEDY}"


class NsmHTMLExporter(HTMLExporter):
    """Converts a notebook with saved widget state.

    Its views, the ipywidgets controls around them and bqplot charts are shown and still linked, without a
    kernel, a CDN or any request. Where a notebook holds no widget state (it was not saved, or not executed),
    the picture beside each view is shown.
    """

    said: list[str]
    """What is missing from the page that was written last, a line each."""

    export_from_notebook = "HTML with live widgets (nsm_widgets)"

    precision = traitlets.Enum(
        ("exact", "float16", "display"),
        "exact",
        help="How values are kept: exact, float16, or display (colours only).",
    ).tag(config=True)
    max_bytes = traitlets.Int(100_000_000, help="What the arrays may take in the page.").tag(config=True)
    page_theme = traitlets.Enum(
        ("auto", "light", "dark"), "auto", help="Theme of the page; auto follows the reader's system."
    ).tag(config=True)
    trust = traitlets.List(
        traitlets.Unicode(),
        help="Packages besides ipywidgets and bqplot whose widgets run in the page, as they are installed.",
    ).tag(config=True)
    page_title = traitlets.Unicode("", help="Title of the page; the notebook's own when empty.").tag(
        config=True
    )

    @traitlets.default("template_name")
    def _default_template_name(self) -> str:
        return "nsm_html"

    @traitlets.default("extra_template_basedirs")
    def _default_template_folders(self) -> list[str]:
        return [str(Path(__file__).parents[1] / "templates")]

    @traitlets.default("embed_images")
    def _default_embed_images(self) -> bool:
        return False  # the cleaner does it, from the notebook's folder alone

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Those of nbconvert, but that HTML is cleaned by us."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "clean_html", lambda html: self._cleaner.fragment(html)

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Prose as HTML, formulas as MathML."""
        from nbconvert.filters.markdown_mistune import MarkdownWithMath

        from nsm_widgets.export.page._math import MathRenderer

        renderer = MathRenderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: object
    ) -> tuple[str, dict[str, Any]]:
        """Convert a notebook. What it says is missing from the page is in :attr:`said`.

        Raises:
            ExportError: If its arrays take more than ``max_bytes``, or its widget state is damaged.
        """
        from nsm_widgets.export.page import _page

        html, resources = super().from_notebook_node(nb, resources, **options)
        content, mark = self._content, f"nsmw-{resources['nsm_token']}"
        head, body, foot = html.split(f"<!--{mark}-body-->")
        body = self._cleaner.tree(body)  # once more the whole, whatever nbconvert's templates let through
        self.said += _left_out(self._cleaner.left_out)
        if self._cleaner.too_deep:
            self.said.append(
                f"Outputs or texts whose elements are nested too deep are not in the page: "
                f"{self._cleaner.too_deep} of them."
            )
        parts = {
            "policy": _page.head_scripts(),
            "styles": _page.head_styles(content),
            "themes": f"<style>{self._dark_theme()}</style>{_page.notebook_styles(content)}",
            "scripts": _page.body_scripts(content),
            "said": _page.lacks(self.said),
        }
        head = re.sub(f"<!--{mark}-([a-z]+)-->", lambda match: parts[match[1]], head)
        body = re.sub(f"{mark}-place-([0-9]+)-", lambda match: self._places[int(match[1])], body)
        for line in self.said:
            self.log.warning("%s", line)
        return head + body + foot, resources

    def _preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[Any, Any]:
        """Look for widgets only in what the preprocessors leave: they may run cells, and take some away."""
        from nsm_widgets._text import one_line
        from nsm_widgets.export.page import _page
        from nsm_widgets.export.page._clean import Cleaner
        from nsm_widgets.export.page._content import page_content
        from nsm_widgets.export.page._saved import saved_arrays
        from nsm_widgets.export.page._widget_state import check_models, unread_formats

        nb, resources = super()._preprocess(nb, resources)  # type: ignore[no-untyped-call]
        path = resources["metadata"].get("path", "")
        self._cleaner = Cleaner(Path(path) if path else None)
        models = _models(nb)
        outputs = list(_widget_outputs(nb))
        shown = [output["data"][VIEW_TYPE]["model_id"] for output in outputs]
        check_models(models)
        formats = {each: unread_formats(models, each) for each in shown if each in models}
        self._content = content = page_content(
            models,
            [each for each, unread in formats.items() if not unread],
            saved_arrays(models),
            precision=cast(Any, self.precision),
            max_bytes=self.max_bytes,
            trust=self.trust,
            cleaner=self._cleaner,
        )
        pictures: list[str] = []
        self._places = []
        for place, (model_id, output) in enumerate(zip(shown, outputs, strict=True)):
            output["data"][VIEW_TYPE]["nsm_place"] = place
            why = _why_picture(model_id, formats.get(model_id), content)
            pictures += [why] if why else []
            self._places.append(
                _page.place_of_picture(why, _fallback(output))
                if why
                else _page.place(content.names[model_id], _fallback(output))
            )
        self.said = _what_is_missing(nb, pictures, len(outputs), content)
        name = self.page_title or nb.metadata.get("title") or resources["metadata"].get("name", "Notebook")
        resources |= {
            "nsm_token": secrets.token_hex(8),  # no text of the notebook can pass for a place that we fill
            "nsm_view_type": VIEW_TYPE,
            "nsm_theme": self.page_theme,
            "nsm_title": one_line(name),
            "nsm_said": _page.page_note(content),
            "should_sanitize_html": True,  # by our clean_html
            "should_not_encode_svg": False,  # a picture can neither run nor ask for anything
        }
        return nb, resources

    def _dark_theme(self) -> str:
        """JupyterLab's dark colours, for a page that is dark."""
        source: str = self.environment.loader.get_source(self.environment, "static/theme-dark.css")[0]
        return source.replace(":root", ':root[data-nsmw-theme="dark"]')


def _why_picture(model_id: str, unread: list[object] | None, content: PageContent) -> str | None:
    """Why a view is only a picture in the page; None where it is live."""
    from nsm_widgets.export.page import _page

    if unread is None:
        return NO_STATE
    if unread:
        return _page.why_unread(unread[0])
    why = content.strangers.get(model_id)
    return f"Not live: {why}." if why else None


def _what_is_missing(nb: NotebookNode, pictures: list[str], count: int, content: PageContent) -> list[str]:
    """A line for each kind of thing that the notebook has, or was to have, and the page has not."""
    said = []
    for why in dict.fromkeys(pictures):
        number = pictures.count(why)
        if why == NO_STATE:
            have, are = ("has", "it is a picture") if number == 1 else ("have", "they are pictures")
            said.append(f"{number} of {count} views {have} no saved state: {are}. {REMEDY}")
        else:
            said.append(f"Pictures only, {number} of {count} views: {why.removeprefix('Not live: ')}")
    inner = [why for model_id, why in content.strangers.items() if model_id in content.names]
    said += [f"Not live within views, {inner.count(why)} widgets: {why}." for why in dict.fromkeys(inner)]
    if content.missing:
        said.append(
            f"These arrays were not saved with the notebook, and stay empty: {', '.join(content.missing)}. "
            f"{REMEDY}"
        )
    cells = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]
    if cells and not any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
        said.append(f"No cell of the notebook has run: the page shows its text alone. {REMEDY}")
    return said


def _left_out(addresses: list[str]) -> list[str]:
    from nsm_widgets._text import one_line

    named = list(dict.fromkeys(one_line(address)[:80] for address in addresses))
    if not named:
        return []
    more = f", and {len(named) - 3} more" if len(named) > 3 else ""
    return [
        "Pictures that lie at other addresses, or outside of the notebook's folder, are not in the page: "
        f"{', '.join(named[:3])}{more}."
    ]


def _models(nb: NotebookNode) -> dict[str, Any]:
    """The models of the notebook's widget state; an incomplete one is taken out: nbconvert wants it whole."""
    widgets = nb.metadata.get("widgets", {})
    state = widgets.get(STATE_TYPE, {}).get("state") if isinstance(widgets, Mapping) else None
    if isinstance(state, Mapping):
        return dict(state)
    nb.metadata.pop("widgets", None)
    return {}


def _widget_outputs(nb: NotebookNode) -> Iterator[Any]:
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(VIEW_TYPE)
            if isinstance(view, Mapping) and isinstance(view.get("model_id"), str):
                yield output
            elif view is not None:
                del output["data"][VIEW_TYPE]  # names no model: what stands beside it is shown


def _fallback(output: Mapping[str, Any]) -> Any:
    from nsm_widgets.export.page._clean import is_base64
    from nsm_widgets.export.page._page import Fallback

    picture, text = output["data"].get("image/png"), output["data"].get("text/plain", "a widget")
    joined = "".join(text) if isinstance(text, list) else str(text)
    shown = isinstance(picture, str) and is_base64(picture)
    return Fallback("".join(picture.split()) if shown else None, joined)
