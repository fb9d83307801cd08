"""What bounds our costs on the machine of the run: the screen, memory, the websocket."""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.page.session import Lab, Probe
from benchmarks.results import Limits
from benchmarks.tools import TOOLS
from tests.browser.harness import NotebookPage

COPY_MB = 256
MESSAGE_MB = 16
MESSAGES = 5

# the smallest widget that can be sent bytes; it notes when they have arrived
RECEIVER = """
import anywidget, time

class Receiver(anywidget.AnyWidget):
    _esm = '''
    export default {
      initialize({ model }) {
        window.nsmArrived = [];
        model.on("msg:custom", (_content, buffers) => {
          const bytes = buffers[0].byteLength;
          window.nsmArrived.push([bytes, (performance.timeOrigin + performance.now()) / 1000]);
        });
      },
      render({ el }) { el.className = "nsm-receiver"; },
    };
    '''

receiver = Receiver()
receiver
"""


def copy_mb_s() -> float:
    """The best of a few large copies, in 10**6 bytes a second."""
    source = np.zeros(COPY_MB * 10**6, np.uint8)
    target = np.ones_like(source)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - start)
    return COPY_MB / min(times)


def measure_limits(lab: Lab) -> Limits:
    """All of them; the browser's in a notebook of their own."""
    texels, websocket, heap = lab.measure(_in_notebook, limit_s=120)
    return Limits(screen_texels=texels, copy_mb_s=copy_mb_s(), websocket_mb_s=websocket, notebook_heap=heap)


def _in_notebook(notebook: NotebookPage) -> tuple[int, float, int]:
    """Device pixels of a heatmap, MB/s of the websocket, bytes of a page without a cell that was run."""
    heap = sum(Probe.of(notebook).memory())
    notebook.run_cell(RECEIVER)
    notebook.page.locator(".nsm-receiver").wait_for(state="attached")
    rates = []
    for number in range(MESSAGES):
        sent = notebook.run_code(
            f"data = bytes({MESSAGE_MB * 10**6})\nprint(time.time())\nreceiver.send({{}}, [data])"
        )
        notebook.page.wait_for_function(f"() => window.nsmArrived.length > {number}")
        arrived = notebook.page.evaluate("() => window.nsmArrived.at(-1)[1]")
        rates.append(MESSAGE_MB / (arrived - float(sent)))
    notebook.run_cell(TOOLS["ours"].setup)
    notebook.run_cell(
        'import numpy as np\nHeatmap(np.eye(300, dtype="f4"), dims=("slot", "word"), name="memory")'
    )
    canvas = notebook.page.locator(".nsmw-root [data-frames] canvas").last
    texels = canvas.evaluate("canvas => canvas.clientWidth * canvas.clientHeight * devicePixelRatio ** 2")
    return round(texels), statistics.median(rates), heap
