"""Twelve linked heatmaps of ours, playing."""

from __future__ import annotations

import itertools
import sys

from benchmarks.frames import LEVELS, STRIDE, level_of
from benchmarks.page.apart import GivenUpError
from benchmarks.page.one_tool import SLACK_S, prepare
from benchmarks.page.session import Lab, Probe
from benchmarks.plan import Plan, Size
from benchmarks.results import PlayingResult
from tests.browser.harness import NotebookPage

VIEWS = 12
SIZE = Size(512, 512, 25)
ASKED_FPS = 60

SHOW = f"""
selection = Selection()
views = [
    Heatmap(
        np.roll(frames, 7 * number, axis=2), dims=("time", "slot", "word"), name=f"memory {{number}}",
        vmin=0, vmax=1, cmap="viridis", selection=selection, height_px=150,
    )
    for number in range({VIEWS})
]
ipywidgets.GridBox(views, layout=ipywidgets.Layout(grid_template_columns="repeat(4, 1fr)"))
"""

PICTURES = "[...document.querySelectorAll('.nsmw-root [data-frames] canvas')]"

START = f"""() => {{
  const speed = document.querySelector('.nsmw-player select');
  speed.value = '{ASKED_FPS}';
  speed.dispatchEvent(new Event('change', {{ bubbles: true }}));
  document.querySelector('.nsmw-player [data-action=play]').click();
}}"""


def playing(lab: Lab, plan: Plan) -> list[PlayingResult]:
    """Play all steps at 60 a second, again and again for ``plan.playing_s``; none where no picture comes."""
    limit_s = plan.first_limit_s + plan.playing_s + plan.step_limit_s + 2 * SLACK_S
    try:
        return [lab.measure(lambda notebook: _play(notebook, plan), limit_s=limit_s)]
    except GivenUpError as reason:
        print(f"playing: {reason}", file=sys.stderr)
        return []


def _play(notebook: NotebookPage, plan: Plan) -> PlayingResult:
    notebook.page.set_viewport_size({"width": 1600, "height": 1800})  # what is out of sight is not drawn
    probe = Probe.of(notebook)
    prepare(
        notebook,
        "import ipywidgets\nfrom nsm_widgets.widgets import Heatmap, Selection",
        SIZE,
    )
    probe.begin(PICTURES, pictures=VIEWS)
    first = probe.call("first", SHOW.strip(), plan.first_limit_s * 1000)
    if first["failed"]:
        raise GivenUpError(f"no first picture: {first['failed']}")
    notebook.page.wait_for_function(f"() => {PICTURES}.length === {VIEWS}", timeout=plan.first_limit_s * 1000)
    # the first pictures are the kernel's; what is measured is the page, which has all values after a while
    whole = f"document.querySelectorAll('.nsmw-root [data-whole=true]').length === {VIEWS}"
    notebook.page.wait_for_function(f"() => {whole}", timeout=plan.first_limit_s * 1000)
    probe.settle()
    changes, frames, apart, seconds, skipped, played = 0, 0, 0, 0.0, 0, 0.0
    while played < plan.playing_s:
        probe.call("arm")
        before = probe.get("apart")
        notebook.page.evaluate(START)
        ended = probe.call("scrubbed", level_of(SIZE.steps - 1), plan.step_limit_s * 1000)
        if not ended["met"]:
            raise GivenUpError(f"over {plan.step_limit_s:.0f} s to play {SIZE.steps} steps")
        seen = ended["changes"]
        skipped += steps_skipped([change["level"] for change in seen])
        seconds += (seen[-1]["at"] - seen[0]["at"]) / 1000
        frames += seen[-1]["frame"] - seen[0]["frame"]
        changes += len(seen) - 1
        apart += probe.get("apart") - before
        played += SIZE.steps / ASKED_FPS
    return PlayingResult(
        views=VIEWS,
        size=SIZE.name,
        asked_fps=ASKED_FPS,
        steps_fps=changes / seconds,
        frames_fps=frames / seconds,
        skipped=skipped,
        shown=changes,
        apart=apart,
    )


def steps_skipped(levels: list[int]) -> int:
    """Steps between neighbours that never came on screen.

    Example:
        >>> steps_skipped([level_of(3), level_of(4), level_of(7)])
        2
    """
    inverse = pow(STRIDE, -1, LEVELS)
    return sum((b - a) * inverse % LEVELS - 1 for a, b in itertools.pairwise(levels))
