"""Picture files: PNG, SVG and PDF with every cell in its colour, and text that stays text."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from nsm_widgets import Heatmap, Trace
from nsm_widgets._errors import MissingDependencyError, UnknownOptionError
from nsm_widgets.export import save_picture
from nsm_widgets.export.picture._picture import heading_of
from nsm_widgets.export.picture._save import PX_PER_INCH
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas_pdf import pdf_lettering
from nsm_widgets.export.picture.canvas._glyphs import (
    PILLOW_LETTERS,
    SVG_LETTERS,
    cut,
    drawable,
    lettering,
    text_width,
)
from nsm_widgets.export.picture.panels._graph import GraphPicture
from nsm_widgets.export.picture.panels._heatmap import HeatmapPicture
from nsm_widgets.export.picture.panels._links import LinksPicture
from nsm_widgets.export.picture.panels._notes import NotesPicture
from nsm_widgets.export.picture.panels._sheet import TablePicture
from nsm_widgets.export.picture.panels._thumbnails import ThumbnailsPicture
from nsm_widgets.view import Layout, Theme, attention_layout, read_write_layout
from nsm_widgets.view.settings import Settings
from nsm_widgets.widgets import MemoryView, Selection
from tests.export.samples import (
    expected_colors,
    heatmaps_of,
    ntm_trace,
    one_heatmap,
    page_of,
    pixels,
    views,
    weights,
)

AT = {"time": 4, "head": 1, "slot": 2, "layer": 1}
VIEWS = views()
ENDINGS = ("png", "svg", "pdf")
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script> & \" ' $x^2$ \\alpha{ ]]> \ud800 \x00 \u202e β 中文 🙂"


def svg_of(file: Path) -> ElementTree.Element:
    return ElementTree.parse(file).getroot()


def svg_images(file: Path) -> list[np.ndarray]:
    """Every image of cells, as a reader decodes it."""
    links = [image.attrib["href"] for image in svg_of(file).iter(f"{SVG}image")]
    return [pixels(b64decode(link.removeprefix("data:image/png;base64,"))) for link in links]


def pdf_images(file: Path) -> list[np.ndarray]:
    """Every image of cells. Its stream is that of a PNG, so Pillow can undo its row filters."""
    content = file.read_bytes()
    found = []
    for start in re.finditer(rb"<< /Type /XObject /Subtype /Image", content):
        head = content[start.start() : content.index(b">>\nstream\n", start.end())]
        begin = start.start() + len(head) + len(b">>\nstream\n")
        length = int(search(rb"\n%s 0 obj\n(\d+)" % search(rb"/Length (\d+) 0 R", head), content))
        size = (int(search(rb"/%s (\d+)" % key, head)) for key in (b"Width", b"Height", b"BitsPerComponent"))
        table = re.search(rb"/Indexed /DeviceRGB \d+\s\((.*)\)\s*\]", head, re.DOTALL)
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, 3 if table else 2, 0, 0, 0))]
        if table:
            chunks.append((b"PLTE", pdf_string(table[1])))
        chunks += [(b"IDAT", content[begin : begin + length]), (b"IEND", b"")]
        parts = [
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        ]
        found.append(pixels(b"\x89PNG\r\n\x1a\n" + b"".join(parts)))
    return found


def search(pattern: bytes, content: bytes) -> bytes:
    """What the pattern's group finds."""
    match = re.search(pattern, content)
    assert match is not None, pattern
    return match[1]


def pdf_string(escaped: bytes) -> bytes:
    """A PDF string without its escapes. PDF 32000-1, 7.3.4.2."""
    named = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}

    def plain(match: re.Match[bytes]) -> bytes:
        said = match[1]
        return bytes([int(said, 8)]) if said.isdigit() else named.get(said, said)

    return re.sub(rb"\\([0-7]{1,3}|.)", plain, escaped, flags=re.DOTALL)


def pdf_text(file: Path) -> bytes:
    """What is drawn on the pages, unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file.read_bytes(), re.DOTALL)
    unpacked = []
    for stream in streams:
        try:
            unpacked.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"".join(unpacked)


def colors_of_panels(trace: Trace, layout: Layout, theme: Theme) -> list[np.ndarray]:
    """The colours of every drawn plane, in the order in which panels are drawn."""
    planes = []
    for picture, *_ in page_of(trace, layout, AT, theme=theme).placed:
        if isinstance(picture, (NotesPicture, TablePicture, LinksPicture)):
            continue  # words alone
        assert isinstance(picture, (HeatmapPicture, ThumbnailsPicture, GraphPicture))
        panel, at = picture.panel, picture.at
        if isinstance(picture, ThumbnailsPicture):
            for row, column in picture.rasters:
                here = {**at, str(picture.panel.rows): row, str(picture.panel.columns): column}
                planes.append(expected_colors(trace, panel, here, "linear", panel.cmap, theme))
        else:
            planes.append(expected_colors(trace, panel, at, "linear", panel.cmap, theme))
    return planes


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("images_of", [svg_images, pdf_images], ids=["svg", "pdf"])
def test_vector_files_hold_every_cell_in_its_color(
    tmp_path: Path, images_of: Callable[[Path], list[np.ndarray]], name: str, theme: Theme
) -> None:
    """Decoded from the file, each cell is a block of exactly the colour that color_codes and paint give."""
    trace, layout = VIEWS[name]
    ending = "svg" if images_of is svg_images else "pdf"
    images = images_of(save_picture(tmp_path / f"view.{ending}", trace, layout, AT, theme=theme))
    planes = colors_of_panels(trace, layout, theme)
    assert len(planes) > 0
    for plane in planes:
        rows, columns, _ = plane.shape
        assert any(
            image.shape[0] % rows == image.shape[1] % columns == 0
            and (
                image
                == plane.repeat(image.shape[0] // rows, axis=0).repeat(image.shape[1] // columns, axis=1)
            ).all()
            for image in images
        )


@pytest.mark.parametrize("name", VIEWS)
def test_a_png_holds_every_cell_in_its_color(tmp_path: Path, name: str) -> None:
    """At twice the size of the page, no cell is coarser; the middle of each has its colour."""
    trace, layout = VIEWS[name]
    file = save_picture(tmp_path / "view.png", trace, layout, AT)
    image = pixels(file.read_bytes())
    compared = 0
    page = page_of(trace, layout, AT)
    assert image.shape[:2] == (2 * page.height, 2 * page.width)
    for picture, left, top, width, height in heatmaps_of(page):
        expected = expected_colors(trace, picture.panel, picture.at, "linear", picture.panel.cmap)
        rows, columns, _ = expected.shape
        for row in range(rows):
            for column in range(columns):
                here = {picture.panel.y: row, picture.panel.x: column}
                if all(here.get(dim, -1) != picture.at.get(dim) for dim in ("time", "slot")):
                    y, x = (
                        2 * top + int((row + 0.5) * 2 * height / rows),
                        2 * left + int((column + 0.5) * 2 * width / columns),
                    )
                    assert image[y, x].tolist() == expected[row, column].tolist()
                    compared += 1
    assert compared > 10
    with Image.open(file) as opened:
        assert opened.info["dpi"] == pytest.approx((192, 192), abs=0.1)


def test_a_png_is_not_coarsened(tmp_path: Path) -> None:
    """The picture in a notebook is bounded; a file that was asked for is not."""
    values = np.random.default_rng(0).random((1000, 1000))
    trace, layout = one_heatmap(values, ("query", "key"), height_px=600)
    file = save_picture(tmp_path / "noise.png", trace, layout, {})
    assert file.stat().st_size > 1_000_000
    image = pixels(file.read_bytes())
    (_, left, top, width, height) = heatmaps_of(page_of(trace, layout, {}))[0]
    cells = image[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
    expected = expected_colors(trace, layout[0][0], {}, "linear", layout[0][0].cmap)
    rows, columns = ((2 * np.arange(2 * n) + 1) * 1000 // (4 * n) for n in (height, width))
    assert (cells == expected[rows][:, columns]).all()


def test_svg_text_stays_text(tmp_path: Path) -> None:
    """Title, captions, labels and numbers can be searched, letters of every script among them."""
    tokens = ["the", "猫", "sat", "<b>&amp;"]
    trace = Trace.from_attentions(list(weights(1, 1, 2, 4, 4)), tokens=tokens)
    file = save_picture(tmp_path / "view.svg", trace, attention_layout(trace), {"head": 1}, title="β ≥ 0")
    texts = {text.text for text in svg_of(file).iter(f"{SVG}text")}
    assert {"β ≥ 0", "head 1 of 0-1", "attention", "query", "key", *tokens, "0", "1"} <= texts


def test_a_pdf_embeds_its_font_and_draws_text(tmp_path: Path) -> None:
    """Type 42 glyphs inside, no outlines; the picture names nothing outside itself."""
    trace, layout = VIEWS["memory"]
    file = save_picture(tmp_path / "view.pdf", trace, layout, AT, title="A title")
    content = file.read_bytes()
    assert b"/FontFile2" in content
    assert b"DejaVuSans" in content
    assert b"/Type3" not in content
    assert pdf_text(file).count(b" Tf") > 20


@pytest.mark.parametrize("ending", ENDINGS)
def test_titles_that_somebody_else_wrote_are_text(tmp_path: Path, ending: str) -> None:
    """Markup, formulas, control characters, letters that a font lacks: no error, no warning."""
    tokens = [HOSTILE, "=1+1", "$\\frac{", ""]
    trace = Trace.from_attentions(list(weights(1, 1, 2, 4, 4)), tokens=tokens)
    file = save_picture(tmp_path / f"view.{ending}", trace, attention_layout(trace), {}, title=HOSTILE)
    assert file.stat().st_size > 1_000
    if ending == "svg":
        assert {element.tag.removeprefix(SVG) for element in svg_of(file).iter()} <= {
            "svg",
            "title",
            "text",
            "rect",
            "image",
            "polyline",
            "polygon",
        }
    elif ending == "pdf":
        assert b"/JavaScript" not in file.read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_marks_and_cursors_are_drawn(tmp_path: Path, ending: str) -> None:
    """NaN, infinities and clipped cells have their marks in every kind of file."""
    values = np.zeros((2, 6, 5))
    values[:, 1, 2], values[:, 2, 3], values[:, 3, 1], values[:, 4, 4] = np.nan, np.inf, -np.inf, 9.0
    trace, layout = one_heatmap(values, ("time", "slot", "word"), vmin=-1.0, vmax=1.0)
    plain = one_heatmap(np.zeros((2, 6, 5)), ("time", "slot", "word"), vmin=-1.0, vmax=1.0)
    marked = save_picture(tmp_path / f"marked.{ending}", trace, layout, {"slot": 0})
    unmarked = save_picture(tmp_path / f"unmarked.{ending}", *plain, {"slot": 0})
    if ending == "svg":
        lines, areas = (list(svg_of(marked).iter(f"{SVG}{tag}")) for tag in ("polyline", "polygon"))
        assert len(lines) == 5  # two for NaN, two for +inf, one for -inf
        assert len(areas) == 1
        texts = {text.text for text in svg_of(marked).iter(f"{SVG}text")}
        assert "1 NaN · 2 ±inf · 1 clipped" in texts
    assert marked.read_bytes() != unmarked.read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_view_is_the_same_file(tmp_path: Path, ending: str) -> None:
    """Byte by byte: no date, no random name."""
    one, other = (save_picture(tmp_path / f"{i}.{ending}", *VIEWS["memory"], AT) for i in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_a_pdf_minds_no_setting_of_matplotlib_and_leaves_them(tmp_path: Path) -> None:
    """A style that a notebook chose, even TeX, changes nothing, and is still chosen afterwards."""
    import matplotlib

    plain = save_picture(tmp_path / "plain.pdf", *VIEWS["memory"], AT)
    chosen = {"pdf.fonttype": 3, "text.usetex": True, "path.sketch": (1, 2, 3), "font.size": 40}
    with matplotlib.rc_context(chosen):  # type: ignore[arg-type]
        styled = save_picture(tmp_path / "styled.pdf", *VIEWS["memory"], AT)
        assert {name: matplotlib.rcParams[name] for name in chosen} == chosen  # type: ignore[index]
    assert styled.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_fails_leaves_the_older_one(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing, and no scraps beside it."""
    target = tmp_path / f"view.{ending}"
    target.write_text("older")

    def full(self: Path, content: bytes) -> int:
        self.open("wb").close()
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        save_picture(target, *VIEWS["memory"], AT)
    assert target.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("name", "options", "error", "text"),
    [
        ("view.jpg", {}, ValueError, "path must end in .png, .svg or .pdf, got 'view.jpg'."),
        ("view", {}, ValueError, "path must end in .png, .svg or .pdf, got 'view'."),
        ("view.png", {"dpi": 5}, ValueError, "dpi must lie in [48, 600], got 5."),
        ("view.png", {"width_px": 5}, ValueError, "width_px must lie in [320, 4096], got 5."),
        ("view.svg", {"theme": "blue"}, UnknownOptionError, "theme must be 'light' or 'dark', got 'blue'."),
    ],
    ids=["ending", "no ending", "dpi", "width", "theme"],
)
def test_wrong_options_are_refused(name: str, options: dict, error: type[Exception], text: str) -> None:
    """Name, rule and value, before anything is written."""
    with pytest.raises(error, match=re.escape(text)):
        save_picture(name, *VIEWS["memory"], AT, **options)
    assert not Path(name).exists()


def test_a_png_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    """What would take gigabytes is said, with a remedy."""
    trace = Trace.from_arrays({"read_weights": weights(3, 1, 300, 4)})

    with pytest.raises(ValueError, match="must have at most 150,000,000 pixels"):
        save_picture(tmp_path / "large.png", trace, read_write_layout(trace), {}, width_px=4096, dpi=600)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_matplotlib_only_a_pdf_is_refused(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    target = tmp_path / f"view.{ending}"
    if ending == "pdf":
        with pytest.raises(MissingDependencyError, match=re.escape('pip install "nsm_widgets[plot]"')):
            save_picture(target, *VIEWS["memory"], AT)
    else:
        assert save_picture(target, *VIEWS["memory"], AT).is_file()


def test_letters_belong_to_the_picture_that_is_drawn() -> None:
    """The same text is spelled, measured and cut for the file it goes to; afterwards as before."""
    text = "β ≥ 0 猫"
    assert drawable(text) == "beta >= 0 □"
    with lettering(SVG_LETTERS):
        assert drawable(text) == text
        svg_width = text_width(text)
        assert text_width(cut("a rather long heading", 60)) <= 60
    with lettering(pdf_lettering()):
        assert drawable(text) == "β ≥ 0 □"
        assert 0 < text_width(text) < svg_width * 1.3
    assert drawable(text) == "beta >= 0 □"
    assert PILLOW_LETTERS.width("a", 12) == text_width("a")


def test_a_view_saves_what_it_shows_now(tmp_path: Path) -> None:
    """Selection, scale, colours and title of this moment; the path comes back."""
    view = MemoryView(ntm_trace(), title="Now", selection=Selection(slot=0))
    first = view.savefig(tmp_path / "first.svg")
    assert first == tmp_path / "first.svg"
    view.selection.time = 5
    view.scale = "log"
    second = view.savefig(str(tmp_path / "second.svg"), theme="dark", width_px=600)
    texts = {text.text for text in svg_of(second).iter(f"{SVG}text")}
    assert {"Now", "time 5 of 0-8 · slot 0 of 0-11 · scale log"} <= texts
    scene = Scene(view.trace, {"time": 5}, Settings(scale="log"), "light")
    assert heading_of(scene, view._layout, "Now")[0] == "Now"
    assert int(svg_of(first).attrib["width"]) > 600 >= int(svg_of(second).attrib["width"])


def test_resolution_is_told_in_dots_per_inch(tmp_path: Path) -> None:
    """96 is the size on screen."""
    view = Heatmap(np.eye(4), dims=("query", "key"))
    sizes = [pixels(view.savefig(tmp_path / "v.png", dpi=dpi).read_bytes()).shape for dpi in (96, 288)]
    assert sizes[1][:2] == (3 * sizes[0][0], 3 * sizes[0][1])
    assert PX_PER_INCH == 96


def test_a_png_reads_back() -> None:
    """The resolution is said in a chunk that readers know."""
    from nsm_widgets.export.picture.canvas._png import png

    given = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    with Image.open(BytesIO(png(given, dots_per_inch=300))) as image:
        assert np.asarray(image).tolist() == given.tolist()
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
