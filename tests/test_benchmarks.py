"""The benchmarks' own parts: what they compare with is right, and the report says what the numbers say."""

from __future__ import annotations

import doctest
import importlib
import itertools
import os
import pkgutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from ipykernel.iostream import BackgroundSocket

import benchmarks
from benchmarks.__main__ import hopeless
from benchmarks.frames import LEVELS, level_colors, level_of, make_frames
from benchmarks.page.apart import GivenUpError, apart
from benchmarks.page.messages import refuse_large_messages
from benchmarks.page.mouse import to_and_fro
from benchmarks.page.playing import steps_skipped
from benchmarks.plan import FULL, QUICK, Size
from benchmarks.report import write_report
from benchmarks.report.words import slower_than_peer, who_is_ahead
from benchmarks.results import CostPoint, Limits, PlayingResult, Ratio, Results, ToolResult, percentile
from benchmarks.textbook_ntm import TextbookNTM
from benchmarks.tools import TOOLS
from nsm_widgets import NTM

MODULES = [one.name for one in pkgutil.walk_packages(benchmarks.__path__, prefix="benchmarks.")]


# --- the textbook model ---


@pytest.mark.parametrize(
    ("reads", "writes", "shift_range"),
    [(1, 1, 1), (5, 5, 1), (3, 2, 2), (1, 2, 0)],
    ids=["1+1", "5+5", "shifts of two", "no shifts"],
)
def test_the_textbook_ntm_computes_what_ours_does(reads: int, writes: int, shift_range: int) -> None:
    """The same parameters give the same outputs, so that their times may be compared."""
    torch.manual_seed(0)
    ours = NTM(
        input_size=4,
        output_size=3,
        memory_size=16,
        word_size=6,
        num_read_heads=reads,
        num_write_heads=writes,
        shift_range=shift_range,
    )
    inputs = torch.rand(12, 3, 4)
    torch.testing.assert_close(TextbookNTM(ours)(inputs), ours(inputs).outputs, rtol=0, atol=1e-5)


def test_the_textbook_ntm_learns_by_the_same_gradients() -> None:
    """A training step of both does the same work: the gradient of the output layer is equal."""
    torch.manual_seed(0)
    ours = NTM(input_size=4, output_size=3, memory_size=16, word_size=6)
    book = TextbookNTM(ours)
    inputs = torch.rand(8, 2, 4)
    ours(inputs).outputs.square().sum().backward()
    book(inputs).square().sum().backward()
    torch.testing.assert_close(book.output_layer.weight.grad, ours.output_layer.weight.grad)
    heads = ours.cell.heads.linear.weight.grad
    assert heads is not None
    key = dict(book.named_parameters())["read_heads.0.key.weight"]
    torch.testing.assert_close(key.grad, heads[:6])


# --- data that tells its step ---


def test_the_middle_of_every_frame_tells_its_step() -> None:
    """The block has the step's own colour, clearly another one than its neighbours' have."""
    frames = make_frames(60, 30, 20)
    assert frames.shape == (60, 30, 20)
    assert frames.dtype == np.float32
    assert frames.min() >= 0
    assert frames.max() <= 1
    for step in range(60):
        block = frames[step, 10:20, 6:14]
        np.testing.assert_allclose(block, level_of(step) / (LEVELS - 1), rtol=1e-6)
        assert np.unique(frames[step, 0]).size > 15
    steps = [level_of(step) for step in range(LEVELS)]
    assert sorted(steps) == list(range(LEVELS))
    assert min(abs(a - b) for a, b in itertools.pairwise(steps)) >= 7


def test_the_colours_of_the_levels_are_told_apart() -> None:
    """Any two differ by more than tools differ in how they round one."""
    colors = np.array(level_colors())
    apart = np.abs(colors[:, None] - colors[None]).max(axis=-1)
    np.fill_diagonal(apart, 255)
    assert apart.min() >= 9


def test_the_mouse_goes_to_and_fro_by_single_steps() -> None:
    """Every movement asks for a neighbouring step, also at the ends."""
    path = list(itertools.islice(to_and_fro(4, 2), 9))
    assert path == [2, 3, 2, 1, 0, 1, 2, 3, 2]


def test_skipped_steps_are_counted_from_the_colours() -> None:
    """What lies between two colours in the order of the steps never came on screen."""
    assert steps_skipped([level_of(step) for step in (0, 1, 2, 5, 6, 30)]) == 2 + 23
    assert steps_skipped([level_of(7)]) == 0


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """The least one that so many do not exceed."""
    values = [float(value) for value in range(1, 41)]
    assert percentile(values, 0.95) == 38
    assert percentile([5.0], 0.95) == 5


# --- processes of their own ---


def test_what_runs_apart_returns_its_value() -> None:
    """Any function, also one that knows local things."""
    number = 20
    assert apart(lambda: number + 1, limit_s=60) == 21
    assert apart(os.getpid, limit_s=60) != os.getpid()


def test_what_fails_apart_says_why() -> None:
    """An exception, a death and a hang are told apart; none of them reaches the caller's process."""
    with pytest.raises(GivenUpError, match="refused: too large"):
        apart(_refuse, limit_s=60)
    with pytest.raises(GivenUpError, match="crashed"):
        apart(lambda: os._exit(1), limit_s=60)
    with pytest.raises(GivenUpError, match="hung"):
        apart(signal.pause, limit_s=0.1)


@pytest.mark.slow
def test_a_hang_takes_its_children_along(tmp_path: Path) -> None:
    """What the function has started ends with it."""
    noted = tmp_path / "pid"

    def start_and_hang() -> None:
        with subprocess.Popen(["sleep", "1000"]) as child:
            (tmp_path / "new").write_text(str(child.pid))
            (tmp_path / "new").rename(noted)
            signal.pause()

    with pytest.raises(GivenUpError, match="hung"):
        apart(start_and_hang, limit_s=5)
    state = Path("/proc", noted.read_text(), "stat")

    def ended() -> bool:
        try:
            return state.read_text().rsplit(")", 1)[1].split()[0] == "Z"  # nobody has collected it yet
        except OSError:
            return True

    deadline = time.monotonic() + 30
    while not ended():  # a signal takes a moment
        assert time.monotonic() < deadline, "the child outlived what had started it"
        time.sleep(0.01)


def _refuse() -> None:
    raise ValueError("not good\ntoo large")


def test_a_message_too_large_for_the_driver_is_refused_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the kernel's own socket, with its size; what fits goes through as it was."""
    monkeypatch.setattr(BackgroundSocket, "send_multipart", BackgroundSocket.send_multipart)
    sent = []
    thread = SimpleNamespace(send_multipart=lambda *given, **named: sent.append((given, named)))
    largest = refuse_large_messages(BackgroundSocket, 10_000_000)
    socket = BackgroundSocket(thread)
    fits = [b"header", memoryview(bytearray(9_000_000))]
    socket.send_multipart(fits, copy=False)
    assert sent == [((fits,), {"copy": False})]
    with pytest.raises(ValueError, match="its message has 11 MB, and the page's driver takes 10 MB"):
        socket.send_multipart([*fits, np.zeros(250_000)])
    socket.send_multipart([b"small"])
    assert len(sent) == 2
    assert largest[-1] == 11_000_006


SMALL, MIDDLE, LARGE = Size(128, 20, 100), Size(256, 256, 100), Size(1024, 1024, 100)


@pytest.mark.parametrize(
    ("size", "before", "message", "outcome"),
    [
        (LARGE, MIDDLE, 28_200_000, "its message would have 451 MB, the page's driver takes 400 MB"),
        (LARGE, MIDDLE, 26_000_000, ""),  # less than the data: not all steps are in it
        (Size(512, 512, 100), MIDDLE, 28_200_000, ""),  # it fits
        (LARGE, SMALL, 1_100_000, ""),  # too small to tell
        (LARGE, MIDDLE, None, "no picture at 256×256"),
        (MIDDLE, LARGE, None, ""),
    ],
    ids=["all at once", "step by step", "fits", "far", "blank before", "blank at a larger size"],
)
def test_what_cannot_come_through_is_not_tried(
    size: Size, before: Size, message: int | None, outcome: str
) -> None:
    """By what was measured at the size before."""
    first_paint = None if message is None else 10.0
    result = ToolResult(tool="bokeh", size=before.name, first_paint=first_paint, largest_message=message)
    assert hopeless(size, before, result) == outcome


# --- the tools ---


@pytest.mark.parametrize("key", TOOLS)
def test_every_tool_has_cells_that_parse(key: str) -> None:
    """Setup and cell are Python, but for the lines that are IPython's."""
    tool = TOOLS[key]
    for source in (tool.setup, tool.show):
        lines = [line for line in source.splitlines() if not line.startswith("%")]
        compile("\n".join(lines), key, "exec")
    assert tool.key == key
    assert tool.packages


def test_the_peers_that_are_installed_are_pinned() -> None:
    """Each line names a version, and every tool's package is in one of the two lists."""
    folder = Path(__file__).parents[1] / "requirements"
    bench = [line.split("#")[0].strip() for line in (folder / "bench.txt").read_text().splitlines()]
    pins = [line for line in bench if line]
    assert all("==" in line for line in pins)
    both = {line.split("==")[0] for line in pins} | {
        line.split("==")[0] for line in (folder / "test.txt").read_text().splitlines() if "==" in line
    }
    wanted = {package for tool in TOOLS.values() for package in tool.packages} - {"nsm_widgets"}
    assert wanted <= both


def test_a_quick_run_is_a_part_of_the_full_one() -> None:
    """So that its numbers can be found in the full table."""
    assert set(QUICK.tools) <= set(FULL.tools)
    assert set(QUICK.sizes) <= set(FULL.sizes)
    assert FULL.tools[0] == QUICK.tools[0] == "ours"


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_the_examples_of_the_benchmarks_run(name: str) -> None:
    """As those of the package do; and every module can be imported without what is measured."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# --- the report ---


def small_results() -> Results:
    """Made up: one peer is ahead in one thing, one fails."""
    return Results(
        machine={
            "cpu": "A Processor",
            "cores": 2,
            "memory_gb": 8,
            "load": 0.1,
            "date": "2026-01-02",
            "python": "3.11.7",
            "browser": "Chromium 1",
            "versions": {"numpy": "2.0"},
        },
        tools=[
            ToolResult(
                tool="ours",
                size="128×20",
                first_paint=20.0,
                cell_to_picture=100.0,
                first_bytes=2_000_000,
                total_bytes=2_100_000,
                steps=[9.0, 11.0, 10.0],
                scrub_fps=58.0,
                heap=1_000_000,
                buffers=2_000_000,
                on_screen=True,
            ),
            ToolResult(
                tool="ipympl",
                size="128×20",
                first_paint=300.0,
                cell_to_picture=500.0,
                first_bytes=200_000,
                total_bytes=9_000_000,
                steps=[120.0, 100.0, 110.0],
                scrub_fps=8.0,
                heap=1_000_000,
                buffers=2_000_000,
                on_screen=True,
            ),
            ToolResult(tool="bqplot", size="128×20", outcome="over 20 s a step", first_paint=900.0),
        ],
        playing=[
            PlayingResult(
                views=12,
                size="512×512",
                asked_fps=60,
                steps_fps=40.0,
                frames_fps=41.0,
                skipped=3,
                shown=147,
                apart=0,
            )
        ],
        ratios=[
            Ratio(group="model", what="a step", ours=10.0, peer_name="the textbook", peer=40.0),
            Ratio(group="import", what="import", ours=200.0, peer_name="numpy", peer=100.0),
        ],
        costs=[
            CostPoint(
                axis="side",
                value=side,
                megabytes=round(side**2 * 32 / 1e6, 2),
                make=1.0 * side,
                first_paint=2.0 * side,
                step=10.0,
                received=10**6,
                memory=3 * 10**6,
            )
            for side in (64, 256)
        ],
        limits=Limits(screen_texels=300_000, copy_mb_s=8000.0, websocket_mb_s=90.0),
    )


def test_results_come_back_as_they_were_saved(tmp_path: Path) -> None:
    """The raw numbers are the report's only source."""
    results = small_results()
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results


def test_the_report_has_a_table_for_each_part(tmp_path: Path) -> None:
    """Numbers stand where they belong, a failure in its tool's row, charts beside the page."""
    write_report(small_results(), tmp_path)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| **nsm_widgets `Heatmap`** | 10 | 11 | 58 | 20 | 100 | 2.0 | 2.1 | 3.0 |" in page
    assert "| bqplot `HeatMap` | over 20 s a step |  | – | 900 | – | – | – | – |" in page
    assert "| 12 of 512×512 | 60 | 40 | 41 | 3 of 150 | 0 frames |" in page
    assert "| a step | 10 ms | the textbook | 40 ms | 0.25 |" in page
    assert "A Processor, 2 cores, 8 GB" in page
    shown = [part.split(")")[0] for part in page.split("](")[1:]]
    charts = [f"benchmarks/{name}.svg" for name in ("costs-side", "first", "scrub", "slider")]
    assert set(shown) == {"benchmarks/results.json", *charts}
    assert (tmp_path / "benchmarks" / "results.json").is_file()
    assert "### 128×20, 100 steps: 1 MB" in page
    for name in charts:
        svg = (tmp_path / name).read_text(encoding="utf-8")
        ElementTree.fromstring(svg)  # well-formed
        assert "prefers-color-scheme: dark" in svg or "prefers-color-scheme:dark" in svg
        assert "#010203" not in svg
        assert len(svg) < 60_000


def test_the_words_follow_from_the_numbers() -> None:
    """Who is ahead is said for each measure, and only by more than five in a hundred."""
    results = small_results()
    lines = who_is_ahead(results.tools, "128×20")
    assert lines[0] == "bytes until the first picture: ahead of ours (2.0 MB) is ipympl `set_data` (0.2 MB)."
    assert len(lines) == 2
    assert lines[1].startswith("No other tool is ahead in: slider to paint (median), ")
    assert "page memory" in lines[1]  # equal is not ahead
    results.tools[1].scrub_fps = 60.5  # by less than five in a hundred
    assert who_is_ahead(results.tools, "128×20") == lines
    results.tools[1].scrub_fps = 70.0
    assert any("ahead of ours (58 a second)" in line for line in who_is_ahead(results.tools, "128×20"))
    assert slower_than_peer(results.ratios) == ["import: numpy is ahead (100 against 200 ms)."]


def test_tools_are_told_apart_in_a_chart(tmp_path: Path) -> None:
    """Each has a name in the legend, once; those without a number have none."""
    write_report(small_results(), tmp_path)
    texts = Counter(
        node.text
        for node in ElementTree.parse(tmp_path / "benchmarks" / "slider.svg").iter()
        if node.tag.endswith("}text")
    )
    assert texts["nsm_widgets Heatmap"] == 1
    assert texts["ipympl set_data"] == 1
    assert texts["bqplot HeatMap"] == 0
    assert texts["one frame"] == 1
