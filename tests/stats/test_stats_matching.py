"""Two traces of one layout: heads and slots matched by the best permutation, how far each head changed."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import stats
from nsm_widgets._errors import AxisError, ShapeError, UnknownOptionError, WeightsError
from nsm_widgets.stats._assignment import best_assignment
from nsm_widgets.stats._costs import head_costs
from nsm_widgets.trace import NamedArray, Trace
from tests.stats.samples import Array, random_weights

RANDOM = np.random.default_rng(3)


def ntm_like(*, seed: int = 0, sharpness: float = 3.0, reads: int = 3, writes: int = 2) -> Trace:
    """Two batch items, seven slots; every array that a permutation of heads or slots moves."""
    weights = {
        f"{side}_weights": random_weights(6, 2, heads, 7, seed=seed + number, sharpness=sharpness)
        for number, (side, heads) in enumerate((("read", reads), ("write", writes)))
    }
    random = np.random.default_rng(seed)
    return Trace.from_arrays(
        {
            **weights,
            "memory": random.normal(size=(6, 2, 7, 4)),
            "read_gate": random.random((6, 2, reads)),
            "write_key": random.normal(size=(6, 2, writes, 4)),
            "initial_read_weights": random_weights(2, reads, 7, seed=seed + 9),
            "link": random.random((6, 2, 7, 7)) / 7,
            "usage": random.random((6, 2, 7)),
            "input": random.normal(size=(6, 2, 3)),
        }
    )


def shuffled(trace: Trace, *, reads: Any, writes: Any, slots: Any) -> Trace:
    """By hand, so that nothing of the product is asked for it."""
    orders = {"slot": slots, "predecessor": slots}
    arrays = []
    for array in trace.values():
        values = array.values
        for axis, dim in enumerate(array.dims):
            order = orders.get(dim)
            if dim == "head":
                order = reads if "read" in array.name else writes
            if order is not None:
                values = np.take(values, order, axis=axis)
        arrays.append(NamedArray(array.name, values, array.dims, array.coords, array.attrs))
    return Trace(*arrays)


# --- assignment ---


@pytest.mark.parametrize("tables", [1, 2], ids=["one table", "a second one decides ties"])
def test_the_best_assignment_is_that_of_brute_force(tables: int) -> None:
    """The least sum, then the least second sum, then the smallest columns: over all permutations."""
    random = np.random.default_rng(0)
    for _ in range(300):
        size = int(random.integers(1, 7))
        costs = [random.integers(0, 4, (size, size)).astype(float) for _ in range(tables)]
        if random.random() < 0.3:
            costs[0] = random.normal(size=(size, size))

        def sums(order: tuple[int, ...], costs: list[Array] = costs) -> tuple[Any, ...]:
            return (*(round(sum(cost[i, j] for i, j in enumerate(order)), 9) for cost in costs), order)

        assert tuple(best_assignment(*costs).tolist()) == min(itertools.permutations(range(size)), key=sums)


def test_a_large_assignment_finds_the_shuffle_back() -> None:
    """Of 300 things, by their distance."""
    things = np.random.default_rng(0).normal(size=(300, 5))
    order = np.random.default_rng(1).permutation(300)
    distance = np.abs(things[:, None] - things[order]).sum(-1)
    assert (order[best_assignment(distance)] == np.arange(300)).all()


def test_a_cost_that_is_no_number_is_refused() -> None:
    """A search would never end."""
    with pytest.raises(WeightsError, match="must be finite"):
        best_assignment(np.array([[np.nan]]))
    with pytest.raises(WeightsError, match="must be finite"):
        best_assignment(np.zeros((2, 2)), np.array([[0.0, 1.0], [np.inf, 0.0]]))


# --- matching ---


@pytest.mark.parametrize("by", ["heads", "slots", ("heads", "slots")], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_a_shuffled_trace_is_matched_exactly(by: Any, seed: int) -> None:
    """Every array, gates and links among them, is again that of the first, to the last bit."""
    random = np.random.default_rng(seed)
    a = ntm_like(seed=seed)
    heads, slots = "heads" in by, "slots" in by
    reads = random.permutation(3) if heads else np.arange(3)
    writes = random.permutation(2) if heads else np.arange(2)
    moved = random.permutation(7) if slots else np.arange(7)
    b = shuffled(a, reads=reads, writes=writes, slots=moved)
    matching = stats.match_traces(a, b, by)
    matched = matching.apply(b)
    for name, array in a.items():
        assert (matched[name].values == array.values).all(), name
    if heads:
        assert (reads[matching.heads["read"]] == np.arange(3)).all()
    assert set(matching.heads) == ({"read", "write"} if heads else set())
    assert set(matching.slots) == ({"slot"} if slots else set())


def test_sharp_heads_and_slots_are_matched_together() -> None:
    """One slot at a time: each head alone looks like any other, and so does each slot."""
    hot = np.eye(8)[np.random.default_rng(0).integers(0, 8, size=(12, 1, 3))]
    memory = np.random.default_rng(1).normal(size=(12, 1, 8, 2))
    a = Trace.from_arrays({"read_weights": hot[:, :, :2], "write_weights": hot[:, :, 2:], "memory": memory})
    b = shuffled(a, reads=[1, 0], writes=[0], slots=np.random.default_rng(2).permutation(8))
    matched = stats.match_traces(a, b).apply(b)
    assert all((matched[name].values == array.values).all() for name, array in a.items())


def test_slots_that_no_head_uses_are_told_apart_by_their_contents() -> None:
    """And what is tied altogether stays where it is."""
    weights = np.zeros((2, 1, 1, 4))
    weights[..., 0] = 1.0
    memory = np.tile(np.array([0.0, 5.0, 5.0, 9.0])[:, None], (2, 1, 1, 2))
    a = Trace.from_arrays({"write_weights": weights, "memory": memory})
    order = [0, 3, 1, 2]
    b = shuffled(a, reads=[0], writes=[0], slots=order)
    assert stats.match_traces(a, b, "slots").slots["slot"].tolist() == [0, 2, 3, 1]
    assert stats.match_traces(a, a, "slots").slots["slot"].tolist() == [0, 1, 2, 3]


def test_equal_traces_are_matched_as_they_are() -> None:
    """Every head and slot belongs to itself, also where nothing tells them apart."""
    for a in (ntm_like(), Trace.from_arrays({"read_weights": np.full((3, 1, 2, 4), 0.25)})):
        matching = stats.match_traces(a, a)
        orders = [*matching.heads.values(), *matching.slots.values()]
        assert orders and all((order == np.arange(len(order))).all() for order in orders)


def test_contents_decide_where_weightings_fit_in_two_ways() -> None:
    """Two heads, each on a slot of its own, may be swapped together with their slots: memory tells which."""
    weights = np.tile(np.eye(2), (3, 1, 1, 1))
    memory = np.tile(np.array([0.0, 5.0])[:, None], (3, 1, 1, 2))
    a = Trace.from_arrays({"read_weights": weights, "memory": memory})
    for order in ([0, 1], [1, 0]):
        b = Trace.from_arrays({"read_weights": weights, "memory": memory[:, :, order]})
        matching = stats.match_traces(a, b)
        assert matching.heads["read"].tolist() == matching.slots["slot"].tolist() == order


@pytest.mark.parametrize(
    ("weights", "heads", "slots"),
    [
        (
            [
                [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.5, 0.0, 0.5, 0.0]],
                [[0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.5, 0.0, 0.5]],
                [[0.0, 0.5, 0.0, 0.5], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]],
            ],
            [2, 1, 0],
            [0, 3, 1, 2],
        ),
        (np.eye(5)[[[2, 3, 0], [2, 3, 1], [3, 2, 0], [4, 2, 3]]], [2, 1, 0], [1, 4, 3, 2, 0]),
    ],
    ids=["heads-first", "more-than-one-round"],
)
def test_what_one_start_or_one_round_would_miss(weights: Any, heads: list[int], slots: list[int]) -> None:
    """Both are found back, though slots alone, or heads alone, look alike at first."""
    a = Trace.from_arrays({"read_weights": np.array(weights, float)[:, None]})
    b = shuffled(a, reads=heads, writes=[], slots=slots)
    matched = stats.match_traces(a, b).apply(b)
    assert (matched["read_weights"].values == a["read_weights"].values).all()


def test_slots_follow_reads_and_writes_before_anything_else() -> None:
    """Allocation and precedence, which say another order, are not asked; nor is what is no weighting."""
    reads = random_weights(6, 1, 2, 5)
    others = {
        name: random_weights(6, 1, 5, seed=n) for n, name in enumerate(("allocation_weights", "precedence"))
    }
    usage = np.linspace(0, 1, 5) * np.ones((6, 1, 1))
    order, another = [3, 0, 4, 1, 2], [1, 2, 3, 4, 0]
    a = Trace.from_arrays({"read_weights": reads, **others, "usage": usage})
    b = Trace.from_arrays(
        {
            "read_weights": reads[..., order],
            **{name: values[..., another] for name, values in others.items()},
            "usage": usage[..., another],
        }
    )
    found = stats.match_traces(a, b, "slots").slots["slot"]
    assert [order[i] for i in found] == list(range(5))


def test_without_weightings_contents_come_before_usage() -> None:
    """What a slot holds tells it; how much it is used does not, however far apart that is."""
    memory = np.random.default_rng(0).normal(size=(4, 1, 5, 3))
    usage = 1000 * np.linspace(0, 1, 5) * np.ones((4, 1, 1))
    order, another = [3, 0, 4, 1, 2], [1, 2, 3, 4, 0]
    a = Trace.from_arrays({"memory": memory, "usage": usage})
    b = Trace.from_arrays({"memory": memory[:, :, order], "usage": usage[..., another]})
    assert [order[i] for i in stats.match_traces(a, b, "slots").slots["slot"]] == list(range(5))
    alone = stats.match_traces(a.drop("memory"), b.drop("memory"), "slots")
    assert [another[i] for i in alone.slots["slot"]] == list(range(5))


def test_layers_may_stand_behind_heads() -> None:
    """Each layer's heads are put in its own order; labels of heads, which would differ, stay away."""
    attention = random_weights(3, 1, 2, 4, 4)  # heads, batch, layers
    dims = ("head", "batch", "layer", "query", "key")
    orders = np.array([[2, 0, 1], [0, 2, 1]])
    moved = np.stack([attention[order, :, layer] for layer, order in enumerate(orders)], axis=2)
    labels, attrs = {"head": ["x", "y", "z"], "layer": ["first", "second"]}, {"kind": "attention"}
    a, b = (Trace(NamedArray("attention", v, dims, labels, attrs)) for v in (attention, moved))
    matched = stats.match_traces(a, b, "heads").apply(b)["attention"]
    assert (matched.values == attention).all()
    assert matched.labels("layer") == ("first", "second") and "head" not in matched.coords


def test_heads_are_matched_within_their_layer() -> None:
    """And what was computed from attention goes with it."""
    attention = random_weights(2, 1, 3, 4, 4)
    a = Trace.from_attentions(attention, head_names=["x", "y", "z"])
    a = a.assign(stats.entropy(a["attention"]))
    orders = np.array([[2, 0, 1], [0, 2, 1]])
    values = np.stack([layer[:, order] for layer, order in zip(attention, orders, strict=True)])
    b = Trace.from_attentions(values)
    b = b.assign(stats.entropy(b["attention"]))
    matching = stats.match_traces(a, b, "heads")
    assert [orders[i][matching.heads["attention"][i]].tolist() for i in range(2)] == [[0, 1, 2]] * 2
    matched = matching.apply(b)
    assert (matched["attention"].values == attention).all()
    assert (matched["attention_entropy"].values == a["attention_entropy"].values).all()


def test_states_are_matched_as_slots_are() -> None:
    """On both sides of who listens to whom."""
    routing = random_weights(4, 1, 5, 6)
    talk = random_weights(4, 1, 2, 6, 6, seed=1)
    vectors = np.random.default_rng(0).normal(size=(4, 1, 6, 3))
    dims = {
        "routing_weights": ("time", "batch", "token", "state"),
        "communication_weights": ("time", "batch", "head", "state", "sender"),
        "state_vectors": ("time", "batch", "state", "channel"),
    }
    order, heads = [3, 5, 0, 1, 4, 2], [1, 0]
    names = list(dims)
    a = Trace.from_arrays(dict(zip(names, (routing, talk, vectors), strict=True)), dims=dims)
    moved = (routing[..., order], talk[:, :, heads][..., order, :][..., order], vectors[:, :, order])
    b = Trace.from_arrays(dict(zip(names, moved, strict=True)), dims=dims)
    matching = stats.match_traces(a, b)
    assert [order[i] for i in matching.slots["state"]] == list(range(6))
    matched = matching.apply(b)
    assert all((matched[name].values == array.values).all() for name, array in a.items())


def test_the_cost_of_heads_is_the_mean_total_variation() -> None:
    """Against loops; rows with a NaN in one of the two do not count."""
    p, q = random_weights(5, 2, 3, 4), random_weights(5, 2, 3, 4, seed=1)
    q[1, 0, 2] = np.nan
    one, other = (NamedArray("read_weights", v, ("time", "batch", "head", "slot")) for v in (p, q))
    costs = head_costs(one, other)
    for i, j in np.ndindex(3, 3):
        apart = [
            sum(abs(p[t, n, i, s] - q[t, n, j, s]) for s in range(4)) / 2
            for t in range(5)
            for n in range(2)
            if not math.isnan(q[t, n, j, 0])
        ]
        assert costs[0, i, j] == pytest.approx(sum(apart) / len(apart), abs=1e-12)


def test_unequal_traces_are_matched_as_brute_force_matches_them() -> None:
    """Heads alone, and slots alone: the least total variation over all permutations."""
    a, b = ntm_like(seed=1), ntm_like(seed=2)

    def apart(heads: Any, slots: Any, name: str) -> float:
        moved = b[name].values[:, :, list(heads)][..., list(slots)]
        return float(np.abs(a[name].values - moved).sum(-1).mean((0, 1)).sum() / 2)

    same = range(7)
    best = min(itertools.permutations(range(3)), key=lambda h: apart(h, same, "read_weights"))
    assert tuple(stats.match_traces(a, b, "heads").heads["read"].tolist()) == best
    slots = min(
        itertools.permutations(range(7)),
        key=lambda s: apart(range(3), s, "read_weights") + apart(range(2), s, "write_weights"),
    )
    assert tuple(stats.match_traces(a, b, "slots").slots["slot"].tolist()) == slots
    both = stats.match_traces(a, b)
    left = sum(apart(both.heads[g], both.slots["slot"], f"{g}_weights") for g in ("read", "write"))
    assert left <= min(
        apart(best, same, "read_weights") + apart(range(2), same, "write_weights"),
        apart(range(3), slots, "read_weights") + apart(range(2), slots, "write_weights"),
    )


def test_heads_without_weightings_stay_and_are_named() -> None:
    """There is nothing to match them by."""
    gates = Trace.from_arrays({"read_gate": np.zeros((2, 1, 2))})
    matching = stats.match_traces(gates, gates, "heads")
    assert (matching.heads, matching.unmatched) == ({}, ("read",))


def test_two_memories_are_matched_each_by_itself() -> None:
    """By the prefix of their arrays' names."""
    weights = random_weights(4, 1, 2, 5)
    arrays = {"left.read_weights": weights, "right.read_weights": weights}
    dims = dict.fromkeys(arrays, ("time", "batch", "head", "slot"))
    a = Trace.from_arrays(arrays, dims=dims)
    b = a.assign(NamedArray("right.read_weights", weights[:, :, ::-1], dims["right.read_weights"]))
    heads = stats.match_traces(a, b, "heads").heads
    assert {name: order.tolist() for name, order in heads.items()} == {
        "left.read": [0, 1],
        "right.read": [1, 0],
    }


@pytest.mark.parametrize(
    ("b", "error", "said"),
    [
        (Trace.from_arrays({"usage": [[[0.5]]]}), ShapeError, "must share an array"),
        (
            Trace.from_arrays({"read_weights": random_weights(9, 1, 2, 4)}),
            ShapeError,
            r"read_weights must be as long in both traces, got time: 6 in a and time: 9 in b.*"
            r"of b, take trace.isel\(time=slice\(0, 6\)\)",
        ),
        (
            Trace.from_arrays({"read_weights": random_weights(6, 1, 2, 3)}),
            ShapeError,
            "got slot: 4 in a and slot: 3 in b.*models of one size.*of a, take",
        ),
        (
            Trace(NamedArray("read_weights", random_weights(6, 2, 4), ("time", "head", "slot"))),
            AxisError,
            "same axes in both traces",
        ),
    ],
    ids=["nothing shared", "time", "slot", "axes"],
)  # fmt: skip
def test_traces_of_another_layout_are_refused(b: Trace, error: type[Exception], said: str) -> None:
    """With the first thing that differs, both values, and what to do."""
    a = Trace.from_arrays({"read_weights": random_weights(6, 1, 2, 4)})
    for compare in (stats.match_traces, stats.changed_heads):
        with pytest.raises(error, match=said):
            compare(a, b)


def test_arrays_of_one_memory_must_count_the_same_slots() -> None:
    """They cannot be matched together."""
    trace = Trace.from_arrays({"memory": np.zeros((2, 1, 4, 3))})
    trace = trace.assign(Trace.from_arrays({"usage": np.zeros((2, 1, 5))})["usage"])
    with pytest.raises(ShapeError, match="slots must count as many.*memory has 4, usage has 5"):
        stats.match_traces(trace, trace, "slots")


@pytest.mark.parametrize("by", ["layers", ("heads", "slot"), 3], ids=str)
def test_what_else_is_to_be_matched_is_refused(by: Any) -> None:
    """With the words there are."""
    trace = ntm_like()
    with pytest.raises(UnknownOptionError, match="match must be None, 'heads', 'slots' or both"):
        stats.match_traces(trace, trace, by)


# --- the table ---


def rows_of(table: Any) -> list[dict[str, Any]]:
    columns = list(table.columns)
    return [{c: table[c][i] for c in columns} for i in range(len(table))]


def js(p: Array, q: Array) -> float:
    """A slow loop over places."""
    total = 0.0
    for x, y in zip(p, q, strict=True):
        middle = (x + y) / 2
        total += (x * math.log(x / middle) if x > 0 else 0.0) / 2
        total += (y * math.log(y / middle) if y > 0 else 0.0) / 2
    return total


def entropy(p: Array) -> float:
    return -math.fsum(x * math.log(x) for x in p if x > 0)


def test_the_table_holds_what_slow_loops_find() -> None:
    """Every number of every head, most changed first, the step of the largest change among them."""
    a, b = ntm_like(seed=4), ntm_like(seed=5)
    rows = rows_of(stats.changed_heads(a, b))
    told = [(row["array"], row["head"]) for row in rows]
    names = ("read_weights", "write_weights")
    assert set(told) >= {(name, head) for name in names for head in range(a[name].sizes["head"])}
    assert not any("initial" in name for name, _ in told)
    assert [row["js_divergence"] for row in rows] == sorted((r["js_divergence"] for r in rows), reverse=True)
    for row in rows:
        if row["array"] not in names:
            continue
        p, q = (trace[row["array"]].values[:, :, row["head"]] for trace in (a, b))
        each = np.array([[js(p[t, n], q[t, n]) for n in range(2)] for t in range(6)])
        moved = [np.abs(p[t, n] - q[t, n]).sum() / 2 for t in range(6) for n in range(2)]
        spread = [entropy(q[t, n]) - entropy(p[t, n]) for t in range(6) for n in range(2)]
        assert row["js_divergence"] == pytest.approx(each.mean(), abs=1e-12)
        assert row["total_variation"] == pytest.approx(np.mean(moved), abs=1e-12)
        assert row["entropy_change"] == pytest.approx(np.mean(spread), abs=1e-12)
        assert row["focus_change"] == pytest.approx(-np.mean(spread) / math.log(7), abs=1e-12)
        assert row["time"] == each.mean(axis=1).argmax()
        assert row["largest_js_divergence"] == pytest.approx(each.mean(axis=1).max(), abs=1e-12)
        assert row["rows"] == 12


def test_the_table_compares_with_the_matched_head() -> None:
    """Nothing is left of a difference that a permutation undoes, and the head is named."""
    a = ntm_like()
    b = shuffled(a, reads=[2, 0, 1], writes=[1, 0], slots=range(7))
    rows = rows_of(stats.changed_heads(a, b, match="heads"))
    assert all(row["js_divergence"] == 0 for row in rows)
    matched = {row["head"]: row["matched_head"] for row in rows if row["array"] == "read_weights"}
    assert matched == {0: 1, 1: 2, 2: 0}
    assert "matched_head" not in stats.changed_heads(a, b).columns
    assert max(row["js_divergence"] for row in rows_of(stats.changed_heads(a, b))) > 0.01


def test_rows_that_are_no_weightings_are_left_out_and_counted() -> None:
    """NaN and zero rows of either trace; a head of which none is left comes last, with NaN."""
    p, q = random_weights(4, 1, 3, 5), random_weights(4, 1, 3, 5, seed=1)
    p[1, 0, 0], q[2, 0, 0], q[:, 0, 1] = np.nan, 0.0, np.nan
    a, b = (Trace.from_arrays({"read_weights": values}) for values in (p, q))
    rows = rows_of(stats.changed_heads(a, b))
    assert rows[-1]["head"] == 1 and math.isnan(rows[-1]["js_divergence"]) and rows[-1]["nan_rows"] == 4
    first = next(row for row in rows if row["head"] == 0)
    assert (first["rows"], first["nan_rows"], first["zero_rows"]) == (2, 1, 1)
    assert first["js_divergence"] == pytest.approx(
        (js(p[0, 0, 0], q[0, 0, 0]) + js(p[3, 0, 0], q[3, 0, 0])) / 2
    )
    assert first["time"] in (0, 3)


def test_shares_that_go_nowhere_count_as_a_place() -> None:
    """A head that stopped writing changed as far as can be."""
    dims = {"write_weights": ("time", "batch", "head", "slot")}
    traces = [
        Trace.from_arrays({"write_weights": values}, dims=dims, kinds={"write_weights": "shares"})
        for values in (np.eye(3)[:1].reshape(1, 1, 1, 3), np.zeros((1, 1, 1, 3)))
    ]
    (row,) = rows_of(stats.changed_heads(*traces))
    assert row["js_divergence"] == pytest.approx(math.log(2)) and row["total_variation"] == 1.0


def test_large_weightings_are_compared_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """And come out the same, to the last bit."""
    a, b = ntm_like(seed=4), ntm_like(seed=5)
    whole = rows_of(stats.changed_heads(a, b))
    monkeypatch.setattr("nsm_widgets.stats._changes.BLOCK_VALUES", 2 * 2 * 3 * 7)
    assert rows_of(stats.changed_heads(a, b)) == whole


def test_half_precision_and_tensors_are_taken() -> None:
    """As recorded; numbers are float64."""
    weights = torch.softmax(torch.randn(3, 1, 2, 8, generator=torch.Generator().manual_seed(0)), -1)
    a, b = (Trace.from_arrays({"read_weights": w}) for w in (weights, weights.bfloat16()))
    rows = rows_of(stats.changed_heads(a, b))
    assert all(0 < row["js_divergence"] < 1e-4 for row in rows)


def test_traces_that_share_no_weighting_give_an_empty_table() -> None:
    """There is no head to speak of."""
    trace = Trace.from_arrays({"memory": np.zeros((2, 1, 3, 2))})
    assert len(stats.changed_heads(trace, trace)) == 0
