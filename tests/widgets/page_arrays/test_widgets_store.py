"""The arrays on the page's side: exact bytes, planes on demand, one copy for many views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Heatmap, NTMExplorer, Trace
from nsm_widgets._errors import DtypeError, ShapeError, UnknownOptionError
from nsm_widgets.trace import NamedArray
from nsm_widgets.widgets import MemoryView, PageArrays, ReadWriteView, Selection
from tests.widgets.conftest import RecordedComm

Page = Callable[[Any], RecordedComm]
RANDOM = np.random.default_rng(2)


def memory_trace(*, seed: int = 0, time: int = 4) -> Trace:
    """A memory that changes."""
    return Trace.from_arrays({"memory": np.random.default_rng(seed).normal(size=(time, 1, 6, 5))})


def store_of(values: Any, **options: Any) -> PageArrays:
    """A store with one matrix, or a stack of them."""
    dims = (
        ("time", "batch", "slot", "word")[-np.ndim(values) :]
        if not torch.is_tensor(values)
        else ("slot", "word")
    )
    return PageArrays(Trace(NamedArray("x", values, dims)), **options)


def sent_array(store: PageArrays, name: str = "x") -> np.ndarray:
    """What the page reads from the bytes that are sent."""
    (meta,) = [meta for meta in store.get_state("_meta")["_meta"] if meta["name"] == name]
    data = store.get_state("_buffers")["_buffers"][name]
    return np.frombuffer(data, dtype=np.dtype(meta["dtype"]).newbyteorder("<")).reshape(meta["shape"])


@pytest.mark.parametrize(
    ("values", "wire"),
    [
        (np.array([[0.1, np.nan], [np.inf, -0.0]]), "float64"),
        (np.array([[0.1, np.nan], [-np.inf, -0.0]], np.float32), "float32"),
        (np.array([[0.1, 65504], [6e-8, np.nan]], np.float16), "float32"),
        (np.array([[True, False]]), "uint8"),
        (np.array([[-128, 127]], np.int8), "int8"),
        (np.array([[0, 255]], np.uint8), "uint8"),
        (np.array([[-(2**15), 2**15 - 1]], np.int16), "int16"),
        (np.array([[0, 2**16 - 1]], np.uint16), "uint16"),
        (np.array([[-(2**31), 2**31 - 1]], np.int32), "int32"),
        (np.array([[0, 2**32 - 1]], np.uint32), "uint32"),
        (np.array([[-(2**31), 2**31 - 1]], np.int64), "int32"),
        (np.array([[-(2**53), 2**53]], np.int64), "float64"),
        (np.array([[0, 7]], np.uint64), "int32"),
        (np.array([[0, 2**53]], np.uint64), "float64"),
        (np.array([[1.5, 2.5]], ">f4"), "float32"),
        (np.arange(6.0).reshape(2, 3).T, "float64"),
        (np.arange(12.0).reshape(3, 4)[::2, ::-1], "float64"),
        (torch.tensor([[0.1, 3.0]], dtype=torch.bfloat16), "float32"),
        (torch.tensor([[0.1, 3.0]], dtype=torch.float16), "float32"),
        (torch.tensor([[0.1, 3.0]], dtype=torch.float64, requires_grad=True), "float64"),
        (torch.tensor([[True, False]]), "uint8"),
        (torch.tensor([[1, -2], [3, 2**40]]).T, "float64"),
    ],
    ids=lambda value: f"{type(value).__name__} {value.dtype}" if hasattr(value, "dtype") else value,
)
def test_the_page_gets_every_value_exactly(values: Any, wire: str) -> None:
    """The bytes are those of the tensor's values, little-endian, in a type that JavaScript holds exactly."""
    store = store_of(values)
    expected = values.detach().double().numpy() if torch.is_tensor(values) else values
    sent = sent_array(store)
    assert store.get_state("_meta")["_meta"][0]["dtype"] == wire
    np.testing.assert_array_equal(sent, expected.astype(sent.dtype))
    back = sent.astype(expected.dtype)
    np.testing.assert_array_equal(np.signbit(back), np.signbit(expected))


@pytest.mark.parametrize("values", [[[0, 2**53 + 1]], [[-(2**53) - 1, 0]], [[2**62, 2**62]]], ids=repr)
def test_integers_that_the_page_cannot_hold_are_refused(values: list[list[int]]) -> None:
    """Past 2**53 a float64 skips integers, and the screen would show another number."""
    with pytest.raises(DtypeError, match=r"x must hold integers of magnitude up to 2\*\*53"):
        store_of(np.array(values))


def test_what_the_page_is_told_of_an_array() -> None:
    """Axes, labels, source type, meaning, range and quantiles."""
    tokens = [["a", "b"], ["c", "d"]]
    array = NamedArray(
        "attention",
        torch.tensor([[[0.0, 1.0], [0.5, 0.5]]] * 2, dtype=torch.bfloat16),
        dims=("batch", "query", "key"),
        coords={"key": tokens, "query": ["x", "y"]},
        attrs={"kind": "attention", "description": "shares"},
    )
    (meta,) = PageArrays(Trace(array)).get_state("_meta")["_meta"]
    assert meta["dims"] == ["batch", "query", "key"] and meta["shape"] == [2, 2, 2]
    assert (meta["dtype"], meta["source_dtype"]) == ("float32", "torch.bfloat16")
    assert meta["labels"] == {"key": tokens, "query": ["x", "y"]}
    assert (meta["kind"], meta["description"], meta["over_budget"]) == ("attention", "shares", False)
    assert (meta["summary"]["low"], meta["summary"]["high"]) == (0.0, 1.0)
    assert len(meta["thresholds"]) == 255 and meta["magnitude_thresholds"] == []


def test_signed_arrays_bring_thresholds_of_magnitudes() -> None:
    """A diverging panel ranks by magnitude."""
    (meta,) = store_of(np.array([[-3.0, 1.0]])).get_state("_meta")["_meta"]
    assert meta["magnitude_thresholds"][0] == 1.0 and meta["magnitude_thresholds"][-1] == 3.0


def test_arrays_cross_once_in_the_opening_message(page: Page) -> None:
    """One binary buffer for each array, nothing as text, and nothing is sent again when views are added."""
    trace = memory_trace()
    store = PageArrays(trace)
    arrays = {name: trace[name].values.nbytes for name in trace}
    (_, opening, buffers), *rest = page(store).sent
    paths = opening["buffer_paths"]
    assert {path[1]: len(data) for path, data in zip(paths, buffers, strict=True)}["memory"] == arrays[
        "memory"
    ]
    MemoryView(trace, page_arrays=store)
    assert rest == [] and len(page(store).sent) == 1


def test_a_tensor_changed_afterwards_changes_nothing() -> None:
    """What is shown is what was given, whatever happens to the tensor then."""
    tensor, array = torch.ones(2, 3), np.ones((2, 3))
    for values in (tensor, array):
        view = Heatmap(values, dims=("slot", "word"))
        values[:] = 7
        assert (sent_array(view.page_arrays, "values") == 1).all()
        assert (view.trace["values"].values == 1).all()


# --- planes -------------------------------------------------------------------------------------------------


@pytest.fixture
def stack() -> np.ndarray:
    """Planes of another number each: (time 3, batch 2, slot 4, word 5)."""
    return np.arange(120, dtype=np.float32).reshape(3, 2, 4, 5)


def test_an_array_over_the_budget_stays_here(stack: np.ndarray) -> None:
    """Up to the budget an array crosses whole; one byte more, and pictures of it cross."""
    megabytes = stack.nbytes / 1e6
    assert store_of(stack, budget_mb=megabytes).get_state("_buffers")["_buffers"].keys() == {"x"}
    over = store_of(stack, budget_mb=megabytes * 0.999)
    assert over.get_state("_buffers")["_buffers"] == {}
    assert over.get_state("_meta")["_meta"][0]["over_budget"] is True


def test_in_vscode_no_array_travels_with_the_state(
    stack: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VS Code serialises binary state number by number: there, arrays are asked for, in base64."""
    monkeypatch.setenv("VSCODE_PID", "1")
    assert store_of(stack).get_state("_buffers")["_buffers"] == {}


def test_views_pass_their_budget_on() -> None:
    """A view made without a store makes its own, with the reader's budget."""
    view = MemoryView(memory_trace(), budget_mb=0, precision="float16")
    for meta in view.page_arrays.get_state("_meta")["_meta"]:
        assert meta["over_budget"] and meta["sent"]["type"] == "float16"


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision must be one of exact, float32, float16, got 'half'"):
        store_of(np.eye(3), precision="half")


# --- one store, many views ----------------------------------------------------------------------------------


def full_trace() -> Trace:
    weights = np.full((4, 1, 2, 6), 1 / 6)
    names = ("read_weights", "read_content_weights", "read_gated_weights", "read_shifted_weights")
    return memory_trace().assign(
        *(
            NamedArray(name, weights, ("time", "batch", "head", "slot"), attrs={"kind": "weights"})
            for name in names
        )
    )


def test_views_given_one_store_share_it() -> None:
    """Every view of a trace can read from PageArrays(trace), derived arrays included."""
    trace = full_trace()
    store = PageArrays(trace)
    views = [cls(trace, page_arrays=store) for cls in (NTMExplorer, MemoryView, ReadWriteView)]
    views.append(Heatmap(trace["memory"], page_arrays=store))
    for view in views:
        assert view.page_arrays is store
        assert view.get_state("_store") == {"_store": f"anywidget:{store.model_id}"}
    assert set(store.arrays) == {*trace, "memory_change", "read_addressing"}


def test_a_view_without_a_store_holds_only_what_it_draws() -> None:
    """Nothing crosses that no panel shows."""
    view = MemoryView(full_trace())
    assert view.page_arrays.arrays == ("memory", "memory_change")


@pytest.mark.parametrize(
    ("held", "text"),
    [
        (memory_trace(time=5), "memory, memory_change not the same"),
        (memory_trace(seed=1), "memory, memory_change not the same"),
        (Trace.from_arrays({"input": np.ones((4, 1, 2))}), "memory, memory_change missing"),
    ],
    ids=["another shape", "other values", "missing"],
)
def test_a_store_of_another_trace_is_refused(held: Trace, text: str) -> None:
    """A view never draws one trace's numbers with another one's colours."""
    with pytest.raises(ValueError, match=text):
        MemoryView(memory_trace(), page_arrays=PageArrays(held))


@pytest.mark.parametrize("store", [0, "", {}, "store", memory_trace()], ids=lambda s: type(s).__name__)
def test_what_is_no_store_is_refused(store: Any) -> None:
    """Also what counts as false."""
    with pytest.raises(TypeError, match="page_arrays must be a PageArrays, got"):
        MemoryView(memory_trace(), page_arrays=store)


def test_only_names_arrays_of_the_trace() -> None:
    """A store may hold a part; a name that is not there is refused."""
    trace = full_trace()
    assert PageArrays(trace, only=["memory"]).arrays == ("memory",)
    with pytest.raises(ShapeError, match=r"only must name arrays of the trace \(memory, .*\), got 'memry'."):
        PageArrays(trace, only=["memry"])
    with pytest.raises(
        UnknownOptionError, match=r"PageArrays has no option 'budget'. Did you mean budget_mb\?"
    ):
        PageArrays(trace, budget=3)


def test_repr_names_arrays_and_bytes() -> None:
    """What is held, and how much of it."""
    assert repr(store_of(np.zeros((500, 250)))) == "PageArrays(x (500, 250); 1.0 MB)"
    view = Heatmap(np.eye(3), dims=("query", "key"), name="eye", selection=Selection(query=1))
    assert repr(view) == "Heatmap(eye; Selection(query=1, key=0))"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("of another shape", "2 of 5 iterations: 0, 3 · 3 of another shape"),
        ("over the budget of 2 MB", "2 of 5 iterations: 0, 3 · 3 over the budget of 2 MB"),
        ("not chosen by every(3)", ""),
        ("older than last(2)", ""),
    ],
)
def test_a_page_says_what_iterations_are_missing(reason: str, said: str) -> None:
    """Unless somebody asked to leave them out."""
    told = {"numbers": [0, 3], "steps": [2, 2], "seen": 5, "left_out": {reason: 3}}
    trace = Trace.from_arrays({"memory": np.zeros((4, 1, 3, 2))}, attrs={"iterations": told})
    assert PageArrays(trace)._live.get("why", "") == said
    assert PageArrays(Trace(trace["memory"]))._live == {}
