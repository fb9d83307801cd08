"""What stays of a notebook's HTML, prose and styles in a page, and what does not."""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag

from nsm_widgets._errors import ExportError, ExportWarning
from nsm_widgets.export import notebook_to_html
from nsm_widgets.export.page._clean import Cleaner
from nsm_widgets.export.page._css import clean_declarations, clean_sheet
from tests.hostile_outputs import HTML, PIXEL

FORBIDDEN = """
script meta link base iframe frame frameset object embed applet form input button select textarea template
noscript style portal animate set foreignobject feimage annotation-xml
"""
PLACES_OF_ADDRESSES = (
    "src",
    "srcset",
    "poster",
    "background",
    "data",
    "action",
    "formaction",
    "ping",
    "manifest",
)


@pytest.mark.parametrize("name", HTML)
def test_nothing_that_acts_by_itself_is_left(name: str) -> None:
    """As another parser reads it: no such element or attribute, and every id is one of a notebook."""
    cleaner = Cleaner()
    cleaned = cleaner.fragment(HTML[name].replace("@HOST@", "https://example.invalid"))
    tags = [tag for tag in BeautifulSoup(cleaned, "html.parser").find_all(True) if isinstance(tag, Tag)]
    assert [tag.name for tag in tags if tag.name.lower() in FORBIDDEN.split()] == []
    for tag in tags:
        for attribute, value in tag.attrs.items():
            assert not attribute.startswith(("on", "data-nsmw"))
            assert attribute != "name"
            if attribute in PLACES_OF_ADDRESSES:
                assert str(value).startswith("data:")
            if attribute.endswith("href"):
                assert tag.name == "a" or str(value).startswith("#")
                assert "script" not in str(value).lower()
            if attribute == "style":
                assert "example.invalid" not in str(value)
            if attribute == "id":
                assert str(value).startswith("nb-")
            if attribute == "class":
                assert not any(word.startswith("nsmw") for word in value)
    assert re.search(r"(url|src|set)\(.{0,9}example.invalid|@import", "".join(cleaner.sheets)) is None
    assert "</" not in "".join(cleaner.sheets)


@pytest.mark.parametrize("name", HTML)
def test_cleaning_what_is_clean_changes_nothing(name: str) -> None:
    """So a browser that parses it anew finds what was found here."""
    cleaner = Cleaner()
    once = cleaner.fragment(HTML[name])
    assert cleaner.tree(once) == once


@pytest.mark.parametrize(
    "text",
    [
        '<p align="center">a <b>b</b> <code>c</code> </p>',
        '<a href="https://example.org/x?y=1" rel="noopener noreferrer">d</a>',
        '<a href="other.ipynb" rel="noopener noreferrer">relative</a>',
        f'<img src="data:image/png;base64,{PIXEL}" alt="a" width="3">',
        '<details open=""><summary>s</summary><ul><li>x</li></ul></details>',
        '<svg viewBox="0 0 9 9"><path d="M0 0L1 1" stroke="red" transform="translate(1 2)"></path></svg>',
        '<math display="block"><msup><mi>x</mi><mn>2</mn></msup><mo stretchy="false">(</mo></math>',
        '<audio controls=""><source src="data:audio/wav;base64,UklGRg==" type="audio/wav"></audio>',
        '<table border="1" class="dataframe"><tbody><tr><td style="color: red">1</td></tr></tbody></table>',
    ],
    ids=["text", "link", "relative", "picture", "details", "svg", "mathml", "audio", "table"],
)
def test_what_harms_nobody_stays_as_it_is(text: str) -> None:
    """Hyperlinks, pictures, drawings, formulas, recordings and tables."""
    assert Cleaner().fragment(text) == text


def test_a_style_sheet_colours_its_own_output_alone() -> None:
    """As pandas writes it: ids are renamed in both places."""
    cleaner = Cleaner()
    text = '<style>#T_a_row0 { color: red }</style><table id="T_a"><tr><td id="T_a_row0">1</td></tr></table>'
    first, second = cleaner.fragment(text), cleaner.fragment(text)
    assert first.startswith('<div class="nb-s0"><table id="nb-T_a">') and '<td id="nb-T_a_row0">' in first
    assert second.startswith('<div class="nb-s1">')
    assert cleaner.sheets == [f".nb-s{n} #nb-T_a_row0 {{ color: red }}" for n in range(2)]


def test_links_within_the_notebook_find_what_they_name() -> None:
    """Also from one cell to another, in attributes of access, and in drawings."""
    cleaned = Cleaner().fragment(
        '<a href="#a">x</a><p id="a" aria-labelledby="b c">y</p>'
        '<svg><linearGradient id="g"></linearGradient><rect fill="url(#g)"></rect><use href="#g"></use></svg>'
    )
    assert 'href="#nb-a"' in cleaned and 'id="nb-a"' in cleaned
    assert 'aria-labelledby="nb-b nb-c"' in cleaned
    assert 'fill="url(#nb-g)"' in cleaned and '<use href="#nb-g">' in cleaned


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("color: red; width: calc(1px + 2em)", "color: red; width: calc(1px + 2em)"),
        ("background: url(https://example.invalid)", ""),
        (r"background: \75 rl(https://example.invalid)", ""),
        ("background: URL( 'https://example.invalid' ), red", ""),
        ("background: image-set('x' 1x); color: red", "color: red"),
        ("--a: url(x); --b: 1px", "--b: 1px"),
        ("filter: url('#a') blur(1px)", "filter: url(#nb-a) blur(1px)"),
        ("background: url(data:image/png;base64,AA==)", 'background: url("data:image/png;base64,AA==")'),
        ("background: url(data:text/html,x)", ""),
        ("content: attr(href)", ""),
    ],
)
def test_declarations_that_ask_for_something_are_gone(given: str, kept: str) -> None:
    """Whatever they are written like; the others stay."""
    assert clean_declarations(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("p { color: red }", ".s p { color: red }"),
        ("a, b > c:not(#d) { color: red }", ".s a, .s b > c:not(#nb-d) { color: red }"),
        ("~ main { color: red }", ""),
        ("& { color: red }", ""),
        (":is(& ~ main) { color: red }", ""),
        ("@import 'x'; @font-face { src: url(x) } p { color: red }", ".s p { color: red }"),
        ("@media print { p { color: red } @import 'x'; }", "@media print { .s p { color: red } }"),
        ("p::before { content: '</style>' }", '.s p::before { content: "\\3c /style>" }'),
        ("p { color: red; a { color: blue } }", ".s p { color: red }"),
        (
            "p { background: url/**/(https://example.invalid) }",
            ".s p { background: url/**/(https://example.invalid) }",
        ),
        ("p { color: red", ".s p { color: red }"),
    ],
)
def test_rules_stay_below_their_output(given: str, kept: str) -> None:
    """None can reach what stands beside it, or end the element that it stands in."""
    assert clean_sheet(given, ".s") == kept


def test_what_is_nested_without_end_is_gone() -> None:
    """It neither ends the export nor stays."""
    deep = 20_000
    assert clean_declarations(f"color: red; width: {'calc(' * deep}") == "color: red"
    for inner in ("@media all {", "@supports (", ":not(", "["):
        assert clean_sheet(inner * deep + "p { color: red }", ".s") == ""
    assert Cleaner().fragment("<svg><g>" * 2_000).count("<g>") == 2_000


# --- files ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A notebook's folder with pictures, and links out of it; beside it lies a secret."""
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.png").write_bytes(b"secret")
    folder = tmp_path / "notebook"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "a b.png").write_bytes(b64decode(PIXEL))
    (folder / "notes.txt").write_text("secret")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "inner.png").symlink_to(folder / "figures" / "a b.png")
    (folder / "way").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe.png")
    return folder


@pytest.mark.parametrize(
    "source",
    [
        "link.png",
        "inner.png",
        "way/secret.png",
        "../secret.png",
        "figures/../../secret.png",
        "%2e%2e/secret.png",
        "pipe.png",
        "notes.txt",
        "figures",
        "absent.png",
        "a%00.png",
        "//host/figures/a%20b.png",
        "file:figures/a%20b.png",
    ],
)
def test_no_file_is_read_out_of_the_folder(folder: Path, source: str) -> None:
    """Nor over a link, nor what is no picture: it is left out, and named."""
    cleaner = Cleaner(folder)
    assert cleaner.fragment(f'<img src="{source}" alt="x">') == '<img alt="x">'
    assert cleaner.left_out == [source]
    assert Cleaner().fragment('<img src="figures/a%20b.png">') == "<img>"


def test_a_picture_of_the_folder_is_in_the_page(folder: Path) -> None:
    """From Markdown and from HTML; the command names those that are not."""
    source = '![x](figures/a%20b.png) <img src="figures/a b.png"> ![y](../secret.png) ![z](https://a.invalid/z.png)'
    path = folder / "made.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)]), path)
    with pytest.warns(ExportWarning, match="not in the page: ../secret.png, https://a.invalid/z.png"):
        page = notebook_to_html(path).read_text()
    assert page.count(f"data:image/png;base64,{PIXEL}") == 2
    assert "c2VjcmV0" not in page


def test_what_is_no_notebook_is_refused(tmp_path: Path) -> None:
    """In our words, where nbconvert would raise an error of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    notebook.cells[0]["execution_count"] = "<img src=https://example.invalid/i onerror=x()>"
    (tmp_path / "made.ipynb").write_text(json.dumps(notebook))
    with pytest.raises(ExportError, match="must be a Jupyter notebook"):
        notebook_to_html(tmp_path / "made.ipynb")


def test_what_a_template_lets_through_is_cleaned(tmp_path: Path) -> None:
    """Sizes of pictures, raw cells: the whole body is cleaned once more."""
    hostile = "<img src=https://example.invalid/i onerror=x()>"
    output = nbformat.v4.new_output(
        "display_data", {"image/png": PIXEL}, metadata={"image/png": {"width": "1 onerror=x() "}}
    )
    code: Any = nbformat.v4.new_code_cell("1", outputs=[output])
    raw = nbformat.v4.new_raw_cell(hostile, metadata={"raw_mimetype": "text/html"})
    path = tmp_path / "made.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[code, raw]), path)
    with pytest.warns(ExportWarning, match="example.invalid"):
        page = notebook_to_html(path).read_text()
    body = page[page.index("<main>") :]
    assert "onerror" not in body and "example.invalid/i onerror" not in body
    assert PIXEL in body


DEEP = {
    "closed": "<div>" * 20_000 + "x" + "</div>" * 20_000,
    "open": "<section><p>" * 20_000,
    "ends-in-comments": "<div><!-- </div> -->" * 20_000,
    "ends-in-attributes": '<div title="</div>">' * 20_000,
    "beside-a-table": "<table>" + "<div>" * 20_000,
    "in-lists": "<li><dd>" * 20_000,
    "begun-anew-in-each-paragraph": "".join(f"<p><b id={number}></p>" for number in range(20_000)),
}
SHALLOW = {
    "table": "<table>" + "<tr><td>1</td><td>2</td></tr>" * 9_000 + "</table>",
    "unclosed": "<ul>" + "<li>1<p>a<li>2" * 9_000 + "</ul>",
    "script": "<script>" + "for (i = 0; i<n; i++) { s = '<div>' }" * 9_000 + "</script>kept",
    "drawing": "<svg>" + '<path d="M0 0"/>' * 9_000 + "</svg>",
    "deep": "<div>" * 400 + "x" + "</div>" * 400 + "<i>y</i>" * 9_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deep_is_left_out_with_a_word(text: str) -> None:
    """Parsing it takes the square of its size, up to minutes."""
    cleaner = Cleaner()
    assert cleaner.fragment(text) == (
        "<p><em>Left out: more than 512 elements are nested in each other.</em></p>"
    )
    assert cleaner.too_deep == 1


@pytest.mark.parametrize("text", SHALLOW.values(), ids=SHALLOW)
def test_what_is_only_long_stays(text: str) -> None:
    """Of as many elements, each where it was."""
    cleaner = Cleaner()
    kept = cleaner.fragment(text)
    assert cleaner.too_deep == 0
    assert kept == cleaner.tree(text) and kept


def test_an_output_that_is_left_out_is_said_at_the_head_of_the_page(tmp_path: Path) -> None:
    """And to whoever exports."""
    output = nbformat.v4.new_output("display_data", {"text/html": DEEP["closed"]})
    cells = [nbformat.v4.new_code_cell("1", outputs=[output], execution_count=1)]
    path = tmp_path / "deep.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.warns(ExportWarning, match="nested too deep are not in the page: 1 of them"):
        page = Path(notebook_to_html(path, tmp_path / "deep.html")).read_text(encoding="utf-8")
    assert "nested too deep are not in the page" in page and "<em>Left out: more than 512" in page
