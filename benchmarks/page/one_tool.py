"""One tool at one size, in a notebook of its own."""

from __future__ import annotations

import inspect
import itertools
import time
from io import BytesIO

from PIL import Image
from playwright.sync_api import Page

from benchmarks.frames import level_colors, level_of, make_frames
from benchmarks.page.apart import GivenUpError
from benchmarks.page.messages import MOST_BYTES, refuse_large_messages
from benchmarks.page.mouse import Handle, hold, to_and_fro
from benchmarks.page.session import Lab, Probe
from benchmarks.plan import Plan, Size
from benchmarks.results import ToolResult
from benchmarks.tools import Tool
from tests.browser.harness import NotebookPage

NOTE_END = """
import time
ended = {}
get_ipython().events.register(
    "post_run_cell", lambda result: result.info.raw_cell.strip() and ended.update(at=time.time())
)
"""

SLACK_S = 30
"""For opening the notebook and closing it, before the page counts as hung."""


def measure_tool(lab: Lab, tool: Tool, size: Size, plan: Plan) -> ToolResult:
    """Everything that the tables say of a tool at a size; what fails is told in its ``outcome``."""
    limit_s = plan.first_limit_s + plan.size_limit_s + plan.step_limit_s + plan.scrub_s + SLACK_S

    def run(notebook: NotebookPage) -> ToolResult:
        result = ToolResult(tool=tool.key, size=size.name)
        try:
            prepare(notebook, tool.setup, size)
            _measure(Probe.of(notebook), tool, size, plan, result)
        except GivenUpError as reason:  # what was measured by then counts
            result.outcome = str(reason)
        return result

    try:
        return lab.measure(run, limit_s=limit_s)
    except GivenUpError as reason:
        return ToolResult(tool=tool.key, size=size.name, outcome=str(reason))


def _measure(probe: Probe, tool: Tool, size: Size, plan: Plan, result: ToolResult) -> None:
    before, received = probe.memory(), probe.get("wire.received")
    probe.begin(tool.picture, tool.point)
    _first_paint(probe, tool, plan, result)
    track = probe.track(tool.slider, tool.slider_kind)
    with hold(probe.notebook.page, track, steps=size.steps) as handle:
        at = _steps(probe, handle, plan, result)
        if plan.scrub_s:
            at = _scrub(probe, handle, at, plan, result)
    result.total_bytes = probe.get("wire.received") - received
    result.on_screen = _agrees_with_screen(probe, tool, at)
    heap, buffers = probe.memory()
    result.heap, result.buffers = heap - before[0], buffers - before[1]


def prepare(notebook: NotebookPage, setup: str, size: Size) -> None:
    """Imports, ``frames`` in the kernel, a note of when a cell ended there, and a bound on its messages."""
    make = f"import numpy as np\n{inspect.getsource(make_frames)}"
    frames = f"frames = make_frames({size.steps}, {size.rows}, {size.columns})"
    bound = f"largest = refuse_large_messages(type(get_ipython().kernel.iopub_socket), {MOST_BYTES})"
    notebook.run_code(f"{make}\n{frames}\n{NOTE_END}\n{inspect.getsource(refuse_large_messages)}\n{bound}")
    notebook.run_cell(setup)


def _first_paint(probe: Probe, tool: Tool, plan: Plan, result: ToolResult) -> None:
    first = probe.call("first", tool.show.strip(), plan.first_limit_s * 1000)
    if first["failed"]:
        late = f"over {plan.first_limit_s:.0f} s to the first picture"
        raise GivenUpError(late if first["failed"] == "late" else f"refused: {first['failed'][:80]}")
    result.first_paint, result.cell_to_picture = max(0.0, first["fromReply"]), first["fromStart"]
    result.first_bytes = first["received"]
    probe.settle()
    result.largest_message = probe.notebook.python("largest[-1]")
    result.after_kernel = max(0.0, (first["paintedAt"] - probe.notebook.python("ended['at']")) * 1000)


def _steps(probe: Probe, handle: Handle, plan: Plan, result: ToolResult) -> int:
    """One movement, one picture, and so on; returns the step it ended at."""
    end = time.monotonic() + plan.size_limit_s
    at = 0
    for at in itertools.islice(to_and_fro(handle.steps, 1), plan.moves):
        probe.call("arm")
        handle.move(at)
        taken = probe.call("shown", level_of(at), plan.step_limit_s * 1000)
        if taken < 0:
            raise GivenUpError(f"over {plan.step_limit_s:.0f} s a step")
        result.steps.append(taken)
        if time.monotonic() > end:
            break
    return at


def _scrub(probe: Probe, handle: Handle, at: int, plan: Plan, result: ToolResult) -> int:
    """Pull the slider to and fro, count what comes on screen until the mouse rests, wait for the last."""
    probe.call("arm")
    began = probe.notebook.page.evaluate("() => performance.now()")
    at = handle.scrub(at, plan.scrub_s)
    seen = probe.call("scrubbed", level_of(at), plan.step_limit_s * 1000)
    seconds = (seen["movedAt"] - began) / 1000
    in_time = [change["at"] for change in seen["changes"] if change["at"] <= seen["movedAt"] + 17]
    result.scrub_fps = len(in_time) / seconds
    if seen["met"] and seen["changes"]:
        result.catch_up = seen["changes"][-1]["at"] - seen["movedAt"]
    return at


def _agrees_with_screen(probe: Probe, tool: Tool, at: int) -> bool | None:
    """Whether a screenshot of the page has the step's colour where the picture was read."""
    page = probe.notebook.page
    place = page.evaluate(
        """([x, y]) => {
          const element = [].concat(window.nsmBench.find())[0];
          element.scrollIntoView({ block: "center", inline: "center" });
          const { left, top, width, height } = element.getBoundingClientRect();
          const at = [left + x * width, top + y * height];
          return at[0] > 0 && at[1] > 0 && at[0] < innerWidth && at[1] < innerHeight ? at : null;
        }""",
        list(tool.point),
    )
    return None if place is None else _screen_level(page, *place) == level_of(at)


def _screen_level(page: Page, x: float, y: float) -> int:
    picture = page.screenshot(clip={"x": int(x), "y": int(y), "width": 1, "height": 1})
    with Image.open(BytesIO(picture)) as image:
        seen = image.convert("RGB").getpixel((0, 0))
    assert isinstance(seen, tuple)
    off = [max(abs(a - b) for a, b in zip(seen, color, strict=True)) for color in level_colors()]
    return off.index(min(off))
