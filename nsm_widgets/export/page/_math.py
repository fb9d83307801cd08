"""Formulas of a notebook's prose as MathML, which browsers draw without a script."""

from __future__ import annotations

from typing import Literal

from nbconvert.filters.markdown_mistune import IPythonRenderer


class MathRenderer(IPythonRenderer):
    """Markdown as nbconvert renders it, formulas as MathML; one that cannot be converted stays as written."""

    def inline_math(self, body: str) -> str:
        """A formula within a line."""
        return mathml(body, "inline") or super().inline_math(body)

    def block_math(self, body: str) -> str:
        """A formula of its own."""
        return mathml(body, "block") or super().block_math(body)

    def latex_environment(self, name: str, body: str) -> str:
        """An ``align``, ``cases``, ... on its own."""
        latex = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return mathml(latex, "block") or super().latex_environment(name, body)

    def _embed_image_or_attachment(self, src: str) -> str:
        """The address of a picture; nbconvert ends at an attachment that the notebook lacks."""
        name = src.removeprefix("attachment:")
        return super()._embed_image_or_attachment(src) if name == src or self.attachments.get(name) else src


def mathml(latex: str, display: Literal["inline", "block"]) -> str | None:
    r"""A formula as MathML; None where it cannot be converted, or latex2mathml is not installed.

    >>> (mathml("x^2", "inline") or "")[:5]
    '<math'
    """
    try:
        from latex2mathml.converter import convert

        converted: str = convert(latex, display=display)
    except Exception:  # whatever it does not know: the source is shown instead
        return None
    # HTML needs no namespace, and nbconvert's anchors of headings would turn it into prefixes
    return converted.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
