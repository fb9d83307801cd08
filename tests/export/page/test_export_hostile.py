"""Pictures and summaries of hostile strings: drawn without a word, in bounded size."""

from __future__ import annotations

import logging

import pytest

from nsm_widgets._text import LONGEST, one_line
from nsm_widgets.export import draw_picture, fallbacks, summary_text
from nsm_widgets.export.picture._picture import MOST_BYTES
from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, attention_layout, heatmap_layout, memory_layout
from tests.export.samples import one_heatmap, pixels
from tests.hostile import NAMES, STRINGS, hostile_trace, named_trace


def shown() -> dict[str, tuple[Trace, Layout]]:
    trace = hostile_trace()
    memory = memory_layout(trace)
    return {
        "attention": (trace, attention_layout(trace)),
        "memory": (memory[1], memory[0]),
        "words": (trace, heatmap_layout(trace["memory"])),
    }


VIEWS = shown()
SMALL = one_heatmap([[0.0, 1.0]], ("slot", "word"))


@pytest.mark.parametrize("view", VIEWS)
def test_a_picture_keeps_its_size(view: str) -> None:
    """Labels are cut to the room there is; the file stays small."""
    trace, layout = VIEWS[view]
    for width in (320, 960):
        png = draw_picture(trace, layout, {"slot": 7}, title=STRINGS["long-words"], width_px=width)
        height, drawn, _ = pixels(png).shape
        assert drawn <= width
        assert height < 1_500
        assert len(png) <= MOST_BYTES


@pytest.mark.parametrize("title", STRINGS.values(), ids=STRINGS)
def test_every_string_may_be_a_title(title: str) -> None:
    """A picture and a summary are made, not left out; the summary's lines stay lines, and can be saved."""
    trace, layout = SMALL
    summary = summary_text("Heatmap", trace, layout, {}, title=title)
    head, *rest = summary.splitlines()
    assert head == (one_line(f"Heatmap: {title}") if title else "Heatmap")
    assert len(rest) == 1 and len(rest[0]) < 300
    summary.encode()
    assert all(line.replace("\u200d", "").isprintable() for line in summary.splitlines())
    assert draw_picture(trace, layout, {}, title=title, width_px=320)[1:4] == b"PNG"


@pytest.mark.slow
def test_every_string_may_be_selected(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever label is the selected one, text and picture are made, and no warning is logged."""
    trace, layout = VIEWS["attention"]
    with caplog.at_level(logging.WARNING):
        for index in range(0, len(STRINGS), 5):
            made = fallbacks("AttentionView", trace, layout, {"query": index, "key": index, "slot": index})
            assert made.keys() == {"text/plain", "image/png"}
    assert caplog.records == []


def test_arrays_with_any_name_are_drawn() -> None:
    """A name is a title, whatever it says."""
    trace = named_trace()
    for name in NAMES:
        layout = heatmap_layout(trace[name])
        assert one_line(name) in summary_text("Heatmap", trace, layout, {})
        assert draw_picture(trace, layout, {}, width_px=320)[1:4] == b"PNG"


def test_text_on_one_line_is_bounded_and_prints() -> None:
    """No string is shown with a character that does not print; each is cut before it is escaped."""
    for text in STRINGS.values():
        line = one_line(text)
        assert line.replace("\u200d", "").isprintable()
        assert len(line) <= 10 * LONGEST


def test_joiners_and_marks_stay_where_they_belong() -> None:
    """Emoji of several parts and accents are whole; a joiner alone and a tower of marks are told."""
    assert one_line(STRINGS["emoji-family"]) == STRINGS["emoji-family"]
    assert one_line(STRINGS["hidden-joiners"]) == r"a\u200d\u200cb"
    assert one_line("e\u0301\u0323") == "e\u0301\u0323"
    assert one_line("e" + 6 * "\u0301") == "e" + 4 * "\u0301" + 2 * r"\u0301"
