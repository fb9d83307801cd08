"""A text that is coloured by any array over its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, tokens_layout
from nsm_widgets.widgets._given import labelled, named_trace
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets._view import View

AXES = {1: ("token",), 2: ("head", "token"), 3: ("layer", "head", "token")}


class TokenView(View):
    """A text, each token of it in the colour of its value: entropy, loss, relevance, whatever there is.

    Tokens stand as the words they are: marks of WordPiece, of byte-level BPE and of SentencePiece become
    blanks and line ends. Press a token, or walk with the arrow keys: views that share the selection and the
    axis follow, as an :class:`AttentionView` does with ``x="query"`` or ``x="key"``.

    Args:
        data: One value for each token: an array ``[token]``, ``[head, token]`` or ``[layer, head, token]``, a
            named array, or a trace of one; other axes are sliders.
        dims: Names of a tensor's axes, where they are others.
        x: The axis of the tokens. Default: ``token``, else ``key``, ``query``, or the last one.
        labels: The tokens by axis, ``labels={"token": tokenizer.convert_ids_to_tokens(ids)}``.
        vmin: Value at the low end of the colour bar. Values below are marked as clipped.
        vmax: Value at the high end.
        **options: See :class:`View`.

    Example:
        >>> view = TokenView([0.1, 2.3, 0.4], labels={"token": ["un", "##seen", "words"]})
        >>> view.selection.token = 1

    Raises:
        ShapeError: If there is not one array, or it has no axis.
        AxisError: If ``x`` is none of its axes.
        LabelError: If there are not as many tokens as values.
    """

    def __init__(
        self,
        data: object,
        dims: Sequence[str] | None = None,
        *,
        x: str | None = None,
        labels: AxisLabels | None = None,
        vmin: float | None = None,
        vmax: float | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        def build(given: object) -> tuple[Trace, Layout]:
            trace = labelled(named_trace(given, "TokenView", axes=AXES, dims=dims), labels)
            if len(trace) != 1:
                held = ", ".join(trace) or "none"
                raise ShapeError(
                    f"a TokenView shows one array, got {len(trace)} ({held}). "
                    "Pick one: TokenView(data[name])."
                )
            (array,) = trace.values()
            return trace, tokens_layout(array, x=x, vmin=vmin, vmax=vmax)

        super().__init__(data, build, **options)
