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
    from nsm_widgets.export.page._content import PageContent

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
STATE_TYPE = "application/vnd.jupyter.widget-state+json"


class NsmHTMLExporter(HTMLExporter):
    """Converts a notebook with saved widget state.

    Its views, the ipywidgets controls around them and bqplot charts are shown and still linked, without a
    kernel, a CDN or any request. Where a notebook holds no widget state (it was not saved, or not executed),
    the picture beside each view is shown.
    """

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
        return True

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Prose as HTML, formulas as MathML."""
        from nbconvert.filters.markdown_mistune import MarkdownWithMath

        from nsm_widgets.export.page._math import MathRenderer

        renderer = MathRenderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=self.embed_images,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))

    def from_notebook_node(  # type: ignore[override]
        self, nb: Any, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Convert a notebook.

        Raises:
            ExportError: If its arrays take more than ``max_bytes``, or its widget state is damaged.
        """
        from nsm_widgets.export.page import _page

        html, resources = super().from_notebook_node(nb, resources, **options)
        content, token = self._content, resources["nsm_token"]
        parts = {
            "policy": _page.head_scripts(),
            "styles": _page.head_styles(content),
            "themes": f"<style>{self._dark_theme()}</style>",
            "scripts": _page.body_scripts(content),
        }

        def put(match: re.Match[str]) -> str:
            return self._places.get(match[2], "") if match[1] == "place" else parts[match[1]]

        # these would ask other hosts for something, and no policy can forbid it
        html = re.sub(r"<(meta\b[^>]*http-equiv|link\b)[^>]*>", "", html, flags=re.IGNORECASE)
        places_to_fill = rf"<!--nsmw-{token}-(place|policy|styles|themes|scripts) ?([^ ]*?)-->"
        return re.sub(places_to_fill, put, html), resources

    def _preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Look for widgets only in what the preprocessors leave: they may run cells, and take some away."""
        from nsm_widgets._text import one_line
        from nsm_widgets.export.page import _page
        from nsm_widgets.export.page._content import page_content
        from nsm_widgets.export.page._saved import saved_arrays
        from nsm_widgets.export.page._widget_state import check_models, unread_formats

        nb, resources = super()._preprocess(nb, resources)  # type: ignore[no-untyped-call]
        models = _models(nb)
        outputs = {output["data"][VIEW_TYPE]["model_id"]: output for output in _widget_outputs(nb)}
        check_models(models)
        unread = {model_id: unread_formats(models, model_id) for model_id in outputs if model_id in models}
        shown = [model_id for model_id, formats in unread.items() if not formats]
        self._content = content = page_content(
            models,
            shown,
            saved_arrays(models),
            precision=cast(Any, self.precision),
            max_bytes=self.max_bytes,
        )
        self._places = {
            model_id: _page.place_of_unread(formats[0], _fallback(outputs[model_id]))
            if formats
            else _page.place(content.names[model_id], _fallback(outputs[model_id]))
            for model_id, formats in unread.items()
        }
        self._warn(outputs, unread, content)
        name = self.page_title or nb.metadata.get("title") or resources["metadata"].get("name", "Notebook")
        resources |= {
            "nsm_token": secrets.token_hex(8),  # no text of the notebook can pass for a place that we fill
            "nsm_theme": self.page_theme,
            "nsm_title": one_line(name),
            "nsm_said": _page.page_note(content),
        }
        return nb, resources

    def _dark_theme(self) -> str:
        """JupyterLab's dark colours, for a page that is dark."""
        source: str = self.environment.loader.get_source(self.environment, "static/theme-dark.css")[0]
        return source.replace(":root", ':root[data-nsmw-theme="dark"]')

    def _warn(
        self, outputs: Mapping[str, Any], unread: Mapping[str, list[object]], content: PageContent
    ) -> None:
        from nsm_widgets._text import printable

        if found := [formats[0] for formats in unread.values() if formats]:
            self.log.warning(
                "%d of %d widgets are shown as pictures: their state has format %s, which this nsm_widgets "
                "does not know. Update nsm_widgets, and export the notebook again.",
                len(found),
                len(outputs),
                printable(str(found[0]))[:64],
            )
        if len(unread) < len(outputs):
            self.log.warning(
                "%d of %d widgets are shown as pictures: the notebook holds no state of them. Execute it "
                "with "
                "'nsm-widgets export --execute', or save it with the widgets' state.",
                len(outputs) - len(unread),
                len(outputs),
            )
        if content.missing:
            self.log.warning(
                "These arrays were not saved with the notebook and stay empty in the page: %s. "
                "'nsm-widgets export --execute' exports all of them.",
                ", ".join(content.missing),
            )


def _models(nb: Any) -> dict[str, Any]:
    """The models of the notebook's widget state; an incomplete one is taken out: nbconvert wants it whole."""
    widgets = nb.metadata.get("widgets", {})
    state = widgets.get(STATE_TYPE, {}).get("state") if isinstance(widgets, Mapping) else None
    if isinstance(state, Mapping):
        return dict(state)
    nb.metadata.pop("widgets", None)
    return {}


def _widget_outputs(nb: Any) -> Iterator[Any]:
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(VIEW_TYPE)
            if isinstance(view, Mapping) and isinstance(view.get("model_id"), str):
                yield output
            elif view is not None:
                del output["data"][VIEW_TYPE]  # names no model: what stands beside it is shown


def _fallback(output: Any) -> Any:
    from nsm_widgets.export.page._page import Fallback

    picture, text = output["data"].get("image/png"), output["data"].get("text/plain", "a widget")
    joined = "".join(text) if isinstance(text, list) else str(text)
    return Fallback("".join(picture.split()) if isinstance(picture, str) else None, joined)
