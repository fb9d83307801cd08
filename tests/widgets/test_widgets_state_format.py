"""The number that every state carries, and what a page that cannot read it may ask for."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nsm_widgets import Heatmap, Trace
from nsm_widgets._state_format import STATE_FORMAT
from nsm_widgets.widgets import MemoryView, ViewGroup
from tests.widgets.conftest import RecordedComm

Page = Callable[[Any], RecordedComm]
JS = Path(__file__).parents[2] / "js" / "src"


def view() -> Heatmap:
    return Heatmap(np.arange(24.0).reshape(3, 4, 2), dims=("time", "slot", "word"))


def test_python_and_javascript_write_the_same_number() -> None:
    """Two constants, one in each language."""
    source = (JS / "wire" / "state-format.ts").read_text("utf-8")
    assert re.findall(r"STATE_FORMAT = (\d+);", source) == [str(STATE_FORMAT)]


def test_the_state_of_every_widget_of_ours_has_the_number() -> None:
    """What is sent is what is saved: views, stores and selections."""
    shown = view()
    for widget in (shown, shown.page_arrays, shown.selection):
        assert widget.get_state()["_format"] == STATE_FORMAT


def test_a_page_that_asks_is_sent_a_picture(page: Page) -> None:
    """The one that stands beside the widget in the output, as it would be now."""
    shown = view()
    shown.selection.time = 2
    page(shown).receive({"type": "picture"})
    ((content, buffers),) = page(shown).custom()
    assert content["type"] == "picture" and buffers == []
    assert content["png"] == shown._repr_mimebundle_()[0]["image/png"]
    with Image.open(BytesIO(b64decode(content["png"]))) as image:
        assert image.format == "PNG"


def test_a_part_of_a_group_answers_with_its_own_picture(page: Page) -> None:
    """The group itself has no channel of ours."""
    trace = Trace.from_arrays({"memory": np.ones((3, 1, 4, 2))})
    group = ViewGroup(trace, [[lambda **given: MemoryView(trace, **given)]])
    (part,) = group.parts
    page(part).receive({"type": "picture"})
    assert page(part).custom()[0][0]["png"]
