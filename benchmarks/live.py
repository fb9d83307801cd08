"""How much slower training is while a view of it is open, beside the same recording without a view.

A real kernel trains an NTM while a view is open, and by turns tells the view and leaves it alone, within one
recording: a machine that others use changes its pace from minute to minute. Somebody reads what is sent, as a
page does. Prints each pair and the median ratio: ``python -m benchmarks.live``, and ``--view chart`` and so
on. What counts is the kernel's processor time, that of the thread that sends included. What opening the view,
its first update and the end of the recording cost once is not in it.
"""

from __future__ import annotations

import argparse
import json
import threading
from queue import Empty
from statistics import median
from typing import Any

from jupyter_client.manager import start_new_kernel

PREPARE = """
import json, time, torch
torch.set_num_threads(1)
from functools import partial
import nsm_widgets as nsmw
from nsm_widgets import TraceRecorder
from nsm_widgets.ntm import NTM

def run(show, pairs, seconds, batch):
    torch.manual_seed(0)
    model = NTM(input_size=9, output_size=8, memory_size=128, word_size=20)
    optimizer = torch.optim.RMSprop(model.parameters(), 1e-4)
    inputs = torch.rand(20, batch, 9)
    rec = TraceRecorder(model).every(10).last(50)
    view = show(rec)
    [feed] = rec.watch._watchers

    def train(seconds):
        steps, start, before = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            loss = model(inputs)[0].square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rec.log(loss=loss)
            steps += 1
        return (time.process_time() - before) / steps

    with rec:
        train(1.0)
        for pair in range(pairs):
            step = {}
            for watched in (pair % 2 == 0, pair % 2 == 1):
                rec.watch.remove(feed)
                if watched:
                    rec.watch.add(feed)
                step["watched" if watched else "alone"] = train(seconds)
            print(json.dumps({**step, "ratio": step["watched"] / step["alone"]}))
    view.close()
"""

VIEWS = {
    "explorer": "nsmw.NTMExplorer",
    "chart": "partial(nsmw.LineChart, array='write_weights', lines='slot')",
    "iterations": "partial(nsmw.LineChart, array='write_gate', x='iteration')",
    "statistic": "partial(nsmw.LineChart, statistic='entropy')",
    "importance": "nsmw.ImportanceView",
    "evolution": "partial(nsmw.MemoryView, lines=True)",
    "group": "lambda rec: nsmw.ViewGroup(rec, [[partial(nsmw.MemoryView, rec)], "
    "[partial(nsmw.LineChart, rec, 'write_gate')]])",
}
"""What is opened, by name: from a recorder to the view."""


class Kernel:
    """A kernel whose messages are read and thrown away, but for what a cell prints."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.messages, self.bytes, self.text = 0, 0, ""
        self._idle = threading.Event()
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            try:
                message: Any = self.client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            if message["msg_type"] == "comm_msg":
                self.messages += 1
                self.bytes += sum(len(memoryview(buffer).cast("B")) for buffer in message["buffers"])
            elif message["msg_type"] == "stream":
                self.text += message["content"]["text"]
            elif message["msg_type"] == "error":
                self.text += "\n".join(message["content"]["traceback"])
            elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                self._idle.set()

    def run(self, code: str) -> str:
        """What a cell prints."""
        self.text = ""
        self._idle.clear()
        self.client.execute(code)
        self._idle.wait()
        return self.text

    def close(self) -> None:
        """Shut it down."""
        self._open = False
        self._reader.join()
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def measure(view: str, pairs: int, seconds: float, batch: int) -> list[dict[str, float]]:
    """Processor seconds per training step with and without the view, in pairs; which is first alternates.

    Raises:
        RuntimeError: If a cell fails in the kernel.
    """
    kernel = Kernel()
    try:
        told = kernel.run(f"{PREPARE}\nrun({VIEWS[view]}, {pairs}, {seconds}, {batch})")
    finally:
        kernel.close()
    print(told, end="")
    if told.count('"ratio"') != pairs:
        raise RuntimeError("the kernel failed, see above")
    print(f"{kernel.messages} messages, {kernel.bytes / 1e6:.1f} MB")
    return [json.loads(line) for line in told.splitlines()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", choices=VIEWS, default="explorer", help="what is open (default: explorer)")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each half of a pair")
    parser.add_argument("--batch", type=int, default=1)
    chosen = parser.parse_args()
    ratios = [pair["ratio"] for pair in measure(chosen.view, chosen.pairs, chosen.seconds, chosen.batch)]
    told = f"{median(ratios):.3f} times the processor time (median of {len(ratios)} pairs)"
    print(f"with {chosen.view} open, a training step takes {told}")
