"""A view of a recorder that runs: what the page is told, in which bounds, and what there is at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import AttentionView, NTMExplorer, TraceRecorder
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import LazyValues, NamedArray, Trace
from nsm_widgets.trace.record import _watch as watch_module
from nsm_widgets.view import ArraySummary, ColorDomain, Layout, read_write_layout, summary_of
from nsm_widgets.widgets import LineChart, MemoryView, ReadWriteView
from nsm_widgets.widgets.live._growth import Growth, grown, joined, parts, wired
from nsm_widgets.widgets.live._live import merged_layout

SLOTS, WORDS, STEPS = 8, 4, 5


@pytest.fixture(autouse=True)
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every iteration is told of, however long it took."""
    monkeypatch.setattr(watch_module, "LEAST_S", 0.0)
    monkeypatch.setattr(watch_module, "SHARE", 1e9)
    monkeypatch.setattr(watch_module, "BYTES_PER_S", 1e18)


def model() -> NTM:
    torch.manual_seed(0)
    return NTM(input_size=3, output_size=2, memory_size=SLOTS, word_size=WORDS)


def run(rec: TraceRecorder, iterations: int, steps: Callable[[int], int] = lambda number: STEPS) -> None:
    """A block of forwards with growing inputs, and a loss for each."""
    with rec, torch.no_grad():
        for number in range(iterations):
            rec.model(torch.full((steps(number), 1, 3), float(number)))
            rec.log(loss=1 / (number + 1))


class Page:
    """What a page makes of a store's messages: blocks by iteration, as in ``js/src/arrays/recording.ts``."""

    def __init__(self, view: Any, comm: Any) -> None:
        self.blocks: dict[int, dict[str, np.ndarray]] = {}
        self.logged: dict[str, dict[int, float]] = {}
        self.most = 0
        metas: dict[str, dict[str, Any]] = {}
        head: dict[str, Any] = {}
        received: list[bytes] = []
        for _, data, buffers in comm.sent:
            for meta in data.get("state", {}).get("_meta", []):
                metas[meta["name"]] = meta
            content = data.get("content", {})
            if content.get("type") != "grow":
                continue
            if content["part"] == 0:
                head, received = content, []
            received += buffers
            if content["part"] == content["parts"] - 1:
                self._apply(head, b"".join(received), metas)

    def _apply(self, head: dict[str, Any], data: bytes, metas: dict[str, Any]) -> None:
        for number in head["remove"]:
            self.blocks.pop(number)
        if head["number"] is not None:
            self.blocks[head["number"]] = {
                name: np.frombuffer(data, dtype, size // np.dtype(dtype).itemsize, start).reshape(
                    metas[name]["shape"][1:]
                )
                for name, dtype, start, size in head["arrays"]
            }
        for name, numbers, start in head["scalars"]:
            values = np.frombuffer(data, "<f8", len(numbers), start)
            self.logged.setdefault(name, {}).update(zip(numbers, values.tolist(), strict=True))
        self.most = max(self.most, len(self.blocks))


def test_before_anything_is_recorded_the_view_waits() -> None:
    """No error and no panel; what a reader without widgets sees says so."""
    view = NTMExplorer(TraceRecorder(model()))
    assert view.page_arrays._live["state"] == "waiting"
    assert view._layout == ()
    assert view._fallbacks("NTMExplorer") == {"text/plain": "NTMExplorer: waiting for the first iteration"}


def test_each_iteration_arrives_value_for_value(page: Callable[[Any], Any]) -> None:
    """What the page was sent, and what is made of it, are the values of the recorded trace."""
    rec = TraceRecorder(model())
    view = NTMExplorer(rec)
    run(rec, 6)
    got = Page(view, page(view.page_arrays))
    assert list(got.blocks) == [0, 1, 2, 3, 4]  # the last one came with the whole
    whole = NTMExplorer(rec.trace.by_iteration()).trace
    for name in ("memory", "write_weights", "write_addressing", "input"):
        for number, block in got.blocks.items():
            np.testing.assert_array_equal(block[name], whole[name].values[number], err_msg=name)
    assert got.logged["scalar.loss"] == {number: 1 / (number + 1) for number in range(5)}


def test_at_the_end_the_page_is_told_of_the_panels_once_more(page: Callable[[Any], Any]) -> None:
    """Colours that widened meanwhile went there by messages: what is drawn anew has them, too."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    with rec, torch.no_grad():
        for value in (0.0, 9.0, 0.0, 0.0):  # at the end there is nothing new
            rec.model(torch.full((STEPS, 1, 3), value))
    told = [update for update in page(view).updates() if "_layout" in update]
    assert told[-1]["_layout"] == [[panel.to_json() for panel in row] for row in view._layout]
    assert "_generation" in told[-1]


def test_at_the_end_the_view_is_one_of_the_trace_side_by_side(tmp_path: Path) -> None:
    """Store, layout and sizes are those of a view made afterwards, and what Python does with it works."""
    rec = TraceRecorder(model()).every(2)
    view = NTMExplorer(rec)
    run(rec, 9)
    other = NTMExplorer(rec.trace.by_iteration())
    assert view.page_arrays._meta == other.page_arrays._meta
    assert view._layout == other._layout
    assert view._sizes == other._sizes
    assert view.page_arrays.saved == other.page_arrays.saved != ()
    assert [panel.id for panel in view._layout[0]] == ["scalar.loss"]
    assert view.trace["memory"].identical(rec.trace.by_iteration()["memory"])
    assert view.selection.iteration == 4, "the newest, where no page says otherwise"
    assert view.page_arrays._live["state"] == "ended"
    view.savefig(tmp_path / "end.png")
    assert "iteration 8 of 0-8" in view._fallbacks("NTMExplorer")["text/plain"]
    assert "scalar.loss" in str(view.to_csv())


@pytest.mark.parametrize("kind", [NTMExplorer, MemoryView, ReadWriteView], ids=lambda kind: kind.__name__)
def test_every_view_of_a_memory_can_watch(kind: Any, page: Callable[[Any], Any]) -> None:
    """Each fills with its own arrays."""
    rec = TraceRecorder(model())
    view = kind(rec)
    run(rec, 4)
    assert list(Page(view, page(view.page_arrays)).blocks) == [0, 1, 2]
    assert view.selection.sizes["iteration"] == 4


def test_a_recorder_that_writes_a_store_is_watched_from_there(
    page: Callable[[Any], Any], tmp_path: Path
) -> None:
    """Memory holds one iteration of it; the page and the view at the end are as without a store."""
    kept = TraceRecorder(model())
    run(kept, 4)
    rec = TraceRecorder(model(), store=tmp_path / "run.zarr")
    view = NTMExplorer(rec)
    run(rec, 4)
    blocks = Page(view, page(view.page_arrays)).blocks
    assert list(blocks) == [0, 1, 2]  # the last one comes with the end
    for number, block in blocks.items():
        np.testing.assert_array_equal(block["memory"], kept.iteration(number)["memory"].values)
    memory = view.trace["memory"]
    np.testing.assert_array_equal(np.asarray(memory.values), kept.trace.by_iteration()["memory"].values)
    assert view.trace["scalar.loss"].values.tolist() == [1, 1 / 2, 1 / 3, 1 / 4]


def test_a_store_over_the_budget_is_not_read_at_the_end(tmp_path: Path) -> None:
    """Side by side, iterations would all have to come into memory; one after the other, they need not."""
    rec = TraceRecorder(model(), store=tmp_path / "run.zarr")
    view = MemoryView(rec, budget_mb=0.001)
    run(rec, 4)
    assert isinstance(view.trace["memory"].values, LazyValues)
    assert view.trace["memory"].sizes["time"] == 4 * STEPS
    assert view.page_arrays._live["note"] == "iterations stay on the disk, and follow each other along time"


def test_attention_has_an_axis_of_iterations_too(page: Callable[[Any], Any]) -> None:
    """Attention has no time; side by side its iterations are those of the trace."""
    rec = TraceRecorder(torch.nn.MultiheadAttention(4, 2, batch_first=True))
    view = AttentionView(rec)
    with rec, torch.no_grad():
        for _ in range(4):
            rec.model(*[torch.rand(1, 6, 4)] * 3)
    got = Page(view, page(view.page_arrays))
    for number, block in got.blocks.items():
        np.testing.assert_array_equal(block["attention"], rec.trace["attention"].values[number])
    assert len(got.blocks) == 3
    assert view.trace["attention"].dims[0] == "iteration"


def test_the_page_holds_no_more_than_the_budget(page: Callable[[Any], Any]) -> None:
    """Of 40 iterations as many as fit are kept, evenly spread, the first and the newest among them."""
    rec = TraceRecorder(model())
    view = MemoryView(rec, budget_mb=0.005)
    run(rec, 41)
    got = Page(view, page(view.page_arrays))
    each = sum(values.nbytes for values in got.blocks[0].values())
    assert 4 <= got.most <= 5_000 // each
    kept = list(got.blocks)
    assert kept[0] == 0 and kept[-1] == 39
    gaps = np.diff(kept)
    assert gaps.max() <= 4 * gaps.min()


def test_an_iteration_over_the_budget_is_not_sent_and_said(page: Callable[[Any], Any]) -> None:
    """The view goes on waiting for the end, and says why."""
    rec = TraceRecorder(model())
    view = MemoryView(rec, budget_mb=0.0001)
    run(rec, 3)
    assert Page(view, page(view.page_arrays)).blocks == {}
    assert "more than budget_mb=0.0001: shown at the end" in view.page_arrays._live["note"]
    assert view.trace["memory"].sizes["iteration"] == 3


def test_last_k_is_kept_to_on_the_page(page: Callable[[Any], Any]) -> None:
    """What the recorder drops leaves the page as well."""
    rec = TraceRecorder(model()).last(3)
    view = MemoryView(rec)
    run(rec, 10)
    got = Page(view, page(view.page_arrays))
    assert got.most <= 3
    assert view.trace["memory"].labels("iteration") == ("7", "8", "9")


def test_iterations_of_other_lengths_are_shown_alone(page: Callable[[Any], Any]) -> None:
    """Lengths 5, 6, 5, 6: the page has one at a time, at the end all of them along time, and both is said."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    run(rec, 4, lambda number: 5 + number % 2)
    comm = page(view.page_arrays)
    metas = [meta for state in comm.updates() for meta in state.get("_meta", [])]
    shapes = [m["shape"][m["dims"].index("time")] for m in metas if m["name"] == "memory"]
    assert shapes[-1] == 22
    assert {5, 6} <= set(shapes)
    notes = [content["status"]["note"] for content, _ in comm.custom() if content.get("part") == 0]
    assert notes[-1] == "iterations differ in shape: the newest is shown alone"
    assert view.page_arrays._live["note"] == "iterations differ in length: they follow each other along time"
    assert view.page_arrays._live["failures"] == 0
    assert view.trace["memory"].sizes["time"] == 22


def test_a_smaller_last_batch_leaves_the_page_as_it_is(page: Callable[[Any], Any]) -> None:
    """Batches of 2, 2, 1, twice, and of 2: the page keeps those of two, and the line counts the others."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    with rec, torch.no_grad():
        for batch in (2, 2, 1, 2, 2, 1, 2):
            rec.model(torch.zeros(STEPS, batch, 3))
        middle = Page(view, page(view.page_arrays))
    assert sorted(middle.blocks) == [0, 1, 3, 4]
    sent = [content["status"] for content, _ in page(view.page_arrays).custom() if content.get("part") == 0]
    assert sent[-1]["left_out"] == {"of another shape": 2}
    assert sent[-1]["note"] == "those of another shape are not shown: recorder.iteration(number) has each"
    assert view.page_arrays._live["failures"] == 0
    assert view.trace["memory"].labels("iteration") == ("0", "1", "3", "4", "6")
    assert view.trace.attrs["iterations"]["left_out"] == {"of another shape": 2}


def test_an_error_in_training_leaves_what_was_recorded() -> None:
    """The view has it all, and says what ended it."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    with pytest.raises(ValueError, match="diverged"), rec, torch.no_grad():
        for number in range(5):
            if number == 3:
                raise ValueError("diverged")
            rec.model(torch.zeros(STEPS, 1, 3))
    assert view.page_arrays._live["state"] == "failed"
    assert view.page_arrays._live["why"] == "ValueError: diverged"
    assert view.trace["memory"].sizes["iteration"] == 3


def test_a_block_that_records_nothing_is_said() -> None:
    """No iteration: the view says why it stayed empty."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    with rec:
        pass
    assert view.page_arrays._live["state"] == "ended"
    assert "the model took no step" in view.page_arrays._live["why"]


def test_a_second_block_fills_the_view_anew(page: Callable[[Any], Any]) -> None:
    """The same view, another run: what the first one left stays until the new one has something."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    run(rec, 6)
    run(rec, 3)
    assert view.trace["memory"].sizes["iteration"] == 3
    runs = {content["run"] for content, _ in page(view.page_arrays).custom() if content.get("type") == "grow"}
    assert len(runs) == 2


def test_a_closed_view_watches_no_more() -> None:
    """Nobody is told of later iterations, and the figures of its curves are closed."""
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    run(rec, 3)
    [(figure, parts_)] = view._panel_figures._made.values()
    view.close()
    assert not rec.watch
    assert figure.comm is None and all(part.comm is None for part in parts_)


def test_a_view_of_a_block_that_is_over_is_no_live_one() -> None:
    """``MemoryView(rec)`` afterwards is a view of ``rec.trace``, as ever."""
    rec = TraceRecorder(model())
    run(rec, 2)
    view = MemoryView(rec)
    assert view.page_arrays._live == {}
    assert view.trace["memory"].sizes["time"] == 2 * STEPS


def test_a_store_of_another_view_is_refused() -> None:
    """A running recorder's view fills a store of its own."""
    rec = TraceRecorder(model())
    with pytest.raises(TypeError, match="has page arrays of its own"):
        MemoryView(rec, page_arrays=MemoryView(rec).page_arrays)


def test_colours_widen_and_never_narrow(page: Callable[[Any], Any]) -> None:
    """The input grows from iteration to iteration; the page is told of each wider domain."""
    rec = TraceRecorder(model())
    view = NTMExplorer(rec)
    run(rec, 5)
    heads = [content for content, _ in page(view.page_arrays).custom() if content.get("part") == 0]
    highs = [head["domains"]["input"][1] for head in heads if "input" in head["domains"]]
    assert highs == [2.0, 3.0]  # of iterations 0 and 1 the domain is [0, 1], which their first panel had
    assert heads[-1]["status"]["widened"][-1:] != []
    assert all("write_weights_0" not in head["domains"] for head in heads)


def test_a_fold_only_opens_while_a_run_goes_on() -> None:
    """The page is told which slots are left unused when there are fewer, once, and of no colours for it."""

    def layout(*used: int) -> Layout:
        hot = np.eye(20)[list(used)][:, None, None]
        return read_write_layout(Trace.from_arrays({"write_weights": hot}))

    feed = ReadWriteView(TraceRecorder(model()))._feed
    assert feed is not None
    feed._layout = layout(0, 1)
    for used, told in (((1, 9), ((2, 8), (10, 19))), ((0, 1), None)):
        merged = merged_layout(feed._layout, layout(*used))
        assert merged is not None
        changed, unused = feed._widen(merged)
        assert changed == {}
        assert unused == ({} if told is None else {"write_weights_0": {"slot": told}})


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        (ColorDomain(0, 1), ColorDomain(0, 2), ColorDomain(0, 2)),
        (ColorDomain(-1, 1, True), ColorDomain(-3, 3, True), ColorDomain(-3, 3, True)),
        (ColorDomain(-1, 1, True), ColorDomain(0, 4), ColorDomain(-4, 4, True)),
    ],
    ids=["from zero", "centred", "mixed"],
)
def test_a_domain_that_holds_two(a: ColorDomain, b: ColorDomain, both: ColorDomain) -> None:
    """From zero to the larger; centred on zero where one of them is."""
    assert a.merged(b) == both


def test_summaries_of_parts_are_the_summary_of_the_whole() -> None:
    """Range and counts, with NaN and infinities, and a part without any finite value."""
    pieces = [np.array([1.0, -2.0, np.nan]), np.array([np.nan, np.inf]), np.array([5.0, -np.inf])]
    joint: ArraySummary | None = None
    for piece in pieces:
        summary = summary_of(NamedArray("x", piece, ("slot",)))
        joint = summary if joint is None else joined(joint, summary)
    assert joint == summary_of(NamedArray("x", np.concatenate(pieces), ("slot",)))


@pytest.mark.parametrize("room", [8, 20, 1_000_000])
def test_a_message_is_cut_to_the_hosts_limit_and_put_together_again(room: int) -> None:
    """No part is larger than the limit; together they are the bytes of every array, each aligned."""
    arrays = {"a": np.arange(5, dtype="float32"), "b": np.array([True, False, True]).astype("uint8")}
    growth = Growth("run", 1e6)
    scalars = growth.new_scalars({"scalar.loss": ([0, 2], [0.5, 0.25])})
    content, payload = grown({"run": "run", "number": 0, "remove": []}, arrays, scalars)
    cut = list(parts(content, payload, room))
    assert max(len(data) for _, data in cut) <= room
    assert [head["part"] for head, _ in cut] == list(range(cut[0][0]["parts"]))
    together = b"".join(bytes(data) for _, data in cut)
    for name, dtype, start, size in content["arrays"]:
        assert start % 8 == 0
        np.testing.assert_array_equal(np.frombuffer(together[start : start + size], dtype), arrays[name])
    [[_, numbers, start]] = content["scalars"]
    assert numbers == [0, 2]
    assert np.frombuffer(together, "<f8", 2, start).tolist() == [0.5, 0.25]


def test_vscode_is_sent_text(monkeypatch: pytest.MonkeyPatch, page: Callable[[Any], Any]) -> None:
    """There binary takes seconds a megabyte: base64, in messages below half a megabyte."""
    monkeypatch.setenv("NSM_WIDGETS_HOST", "vscode")
    rec = TraceRecorder(model())
    view = MemoryView(rec)
    run(rec, 3)
    messages = [item for item in page(view.page_arrays).custom() if item[0].get("type") == "grow"]
    assert messages
    assert all(isinstance(content["base64"], str) and not buffers for content, buffers in messages)


def test_integers_keep_the_type_they_had(recwarn: pytest.WarningsRecorder) -> None:
    """An iteration with small numbers after one with large ones is sent as the same type."""
    large = {"count": NamedArray("count", np.array([2**40]), ("slot",))}
    small = {"count": NamedArray("count", np.array([3]), ("slot",))}
    first = wired(large, {})
    again = wired(small, {"count": first["count"].dtype.name})
    assert first["count"].dtype == again["count"].dtype == np.float64
    assert again["count"].tolist() == [3.0]


def test_scalars_go_once_and_a_changed_last_one_again() -> None:
    """The value of the iteration that was the last may have been replaced since."""
    growth = Growth("run", 1e6)
    series: tuple[list[int], list[float]] = ([], [])

    def sent() -> Iterator[tuple[int, float]]:
        for new in growth.new_scalars({"scalar.loss": series}):
            yield from zip(new.numbers, new.values.tolist(), strict=True)

    series[0].extend([0, 1])
    series[1].extend([0.5, 0.4])
    assert list(sent()) == [(0, 0.5), (1, 0.4)]
    series[1][1] = 0.3
    series[0].append(2)
    series[1].append(0.2)
    assert list(sent()) == [(1, 0.3), (2, 0.2)]


def test_a_saved_trace_draws_its_scalars(tmp_path: Path) -> None:
    """Opened again, the curves stand above the arrays, and in its picture."""
    rec = TraceRecorder(model())
    run(rec, 4)
    rec.trace.by_iteration().save(tmp_path / "run.nsm")
    view = NTMExplorer(Trace.open(tmp_path / "run.nsm"))
    assert [panel.kind for panel in view._layout[0]] == ["scalars"]
    assert list(view._figures) == ["scalar.loss"]
    view.savefig(tmp_path / "run.svg")
    assert "iteration 0 = 1" in (tmp_path / "run.svg").read_text(encoding="utf8")


def test_one_of_several_arrays_is_on_show_while_it_is_recorded() -> None:
    """The one that was named is, or the first; it stays when the block is over, and all are there."""
    torch.manual_seed(0)
    rec = TraceRecorder(torch.nn.Transformer(8, 2, 2, 1, 16, batch_first=True))
    asked, first, chart = (
        AttentionView(rec, array="decoder.layers.multihead_attn.attention"),
        AttentionView(rec),
        LineChart(rec, statistic="entropy"),
    )
    assert (asked.array, first.array, chart.array) == ("decoder.layers.multihead_attn.attention", "", "")
    meanwhile: list[tuple[str, ...]] = []
    with rec, torch.no_grad():
        for _ in range(3):
            rec.model(torch.rand(1, 5, 8), torch.rand(1, 3, 8))
            meanwhile.append((asked.array, first.array, chart.array))
    names = tuple(rec.trace)
    assert names == (
        "encoder.layers.self_attn.attention",
        "decoder.layers.self_attn.attention",
        "decoder.layers.multihead_attn.attention",
    )
    assert meanwhile[-1] == (names[2], names[0], names[0])
    assert (asked.array, first.array, chart.array) == meanwhile[-1]
    other = AttentionView(rec.trace.by_iteration(), array=names[2])
    assert asked._layout == other._layout
    assert asked._shown == other._shown
    assert chart.controls._layout == LineChart(rec.trace.by_iteration(), statistic="entropy").controls._layout
    first.array = names[1]
    assert {panel.array for row in first._shown for panel in row} == {names[1]}


def test_an_array_that_was_not_recorded_gives_way_to_the_first() -> None:
    """Nobody knows the names before."""
    torch.manual_seed(0)
    rec = TraceRecorder(torch.nn.Transformer(8, 2, 1, 1, 16, batch_first=True))
    view = AttentionView(rec, array="cross")
    with rec, torch.no_grad():
        for _ in range(2):
            rec.model(torch.rand(1, 5, 8), torch.rand(1, 3, 8))
    assert view.array == "encoder.layers.self_attn.attention"
