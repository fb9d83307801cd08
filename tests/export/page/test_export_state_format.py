"""Notebooks whose views were saved in another format: their pictures and one line are exported."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from nsm_widgets._errors import ExportWarning
from nsm_widgets._state_format import STATE_FORMAT
from nsm_widgets.export import notebook_to_html
from tests.numbered import numbered, outputs

NEWER = STATE_FORMAT + 1
LINE = re.compile(r'<p class="nsmw-page-problem">([^<]*)</p>')


@pytest.mark.parametrize(
    ("number", "named"),
    [(NEWER, f"format {NEWER}"), (0, "format 0"), ("<b>", "an unknown format"), (None, "an unknown format")],
)
def test_what_is_saved_in_another_format_is_a_picture_and_a_line(
    number: object, named: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """None of its models is in the page; log, warning and page say how many views it is about."""
    path = numbered(tmp_path, number)
    said = f"Pictures only, 9 of 9 views: the state of this view has {named}"
    with caplog.at_level(logging.WARNING), pytest.warns(ExportWarning, match=said):
        page = notebook_to_html(path).read_text("utf-8")
    assert "data-nsmw-view=" not in page
    lines = LINE.findall(page)
    assert len(lines) == len(outputs(path)) == 9
    assert set(lines) == {
        f"Not live: the state of this view has {named}, and this nsm_widgets reads formats up to "
        f"{STATE_FORMAT}. Update nsm_widgets, and export the notebook again."
    }
    for data in outputs(path):
        if "image/png" in data:
            assert "".join(data["image/png"].split()) in page
    assert said in caplog.text and said in page
    assert "holds no state" not in caplog.text


def test_the_others_of_the_notebook_stay_live(tmp_path: Path) -> None:
    """A notebook that was run by two versions, one after the other."""
    with pytest.warns(ExportWarning, match="Pictures only, 1 of 9 views"):
        page = notebook_to_html(numbered(tmp_path, NEWER, only="CommunicationView")).read_text("utf-8")
    assert len(LINE.findall(page)) == 1
    assert page.count("data-nsmw-view=") == 8


@pytest.mark.parametrize("only", ["TraceStore", "Selection"])
def test_a_view_is_as_old_as_what_it_reads(only: str, tmp_path: Path) -> None:
    """A store or a selection in another format is no more readable than a view."""
    with pytest.warns(ExportWarning, match="Pictures only, 9 of 9 views"):
        page = notebook_to_html(numbered(tmp_path, NEWER, only=only)).read_text("utf-8")
    assert len(LINE.findall(page)) == 9


def test_this_format_is_live(tmp_path: Path) -> None:
    """With its number, as without one."""
    page = notebook_to_html(numbered(tmp_path, STATE_FORMAT)).read_text("utf-8")
    assert LINE.findall(page) == []
    assert page.count("data-nsmw-view=") == 9
