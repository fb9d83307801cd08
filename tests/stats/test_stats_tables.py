"""Tidy tables: the seed's columns, the right numbers beneath them, and how many rows were left out."""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nsm_widgets import stats
from nsm_widgets._errors import AxisError, DtypeError, ShapeError, WeightsError
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from tests.stats import loops
from tests.stats.samples import random_weights


@pytest.fixture
def no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if pandas were not installed."""
    monkeypatch.setitem(sys.modules, "pandas", None)


def row_of(table: Any, **where: Any) -> dict[str, Any]:
    """The one row of a DataFrame with these values."""
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    row: dict[str, Any] = table.iloc[0].to_dict()
    return row


ATTENTION = random_weights(2, 3, 2, 6, 6, seed=11)
"""(layer, batch, head, query, key)"""
LENGTHS = (6, 4, 5)
MASK = stats.padding_mask([[int(i < n) for i in range(6)] for n in LENGTHS])


def attention_rows(layer: int, head: int) -> list[tuple[int, list[float]]]:
    """Place and weights of every row that counts, of all batch items."""
    found = []
    for batch, length in enumerate(LENGTHS):
        for query in range(length):
            row = loops.counted(ATTENTION[layer, batch, head, query].tolist(), [i < length for i in range(6)])
            assert row is not None
            found.append((query, row))
    return found


@pytest.mark.parametrize(("layer", "head"), [(0, 0), (1, 1)])
def test_attention_by_layer_and_head(layer: int, head: int) -> None:
    """Each column against a loop over the rows that count."""
    table = stats.analyze_attention(ATTENTION, "self", mask=MASK)
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 4
    row = row_of(table, layer=layer, head=head)
    rows = attention_rows(layer, head)
    expected = {
        "entropy": [loops.entropy(r) for _, r in rows],
        "avg_row_entropy": [loops.entropy(r) for _, r in rows],
        "normalised_entropy": [loops.normalised_entropy(r) for _, r in rows],
        "focus_score": [loops.focus(r) for _, r in rows],
        "effective_slots": [loops.effective_slots(r) for _, r in rows],
        "hoyer_sparsity": [loops.hoyer_sparsity(r) for _, r in rows],
        "sparsity": [float(w < 0.01) for _, r in rows for w in r],
        "attention_distance": [sum(w * abs(i - j) for j, w in enumerate(r)) for i, r in rows],
        "previous_token": [r[i - 1] for i, r in rows if i > 0],
        "next_token": [r[i + 1] for i, r in rows if i + 1 < len(r)],
        "same_token": [r[i] for i, r in rows],
        "first_token": [r[0] for _, r in rows],
    }
    for column, values in expected.items():
        assert row[column] == pytest.approx(loops.mean(values), abs=1e-9), column
    assert row["max_attention"] == pytest.approx(max(w for _, r in rows for w in r), abs=1e-9)
    given = [
        float(ATTENTION[layer, b, head, q, k])
        for b, n in enumerate(LENGTHS)
        for q in range(n)
        for k in range(n)
    ]
    assert row["total_elements"] == len(given)
    assert row["mean"] == pytest.approx(loops.mean(given), abs=1e-9)
    assert (row["min"], row["max"]) == (min(given), max(given))
    assert row["name"] == "self"
    assert row["shape"] == ATTENTION.shape
    assert (row["rows"], row["masked_rows"], row["zero_rows"], row["nan_rows"]) == (15, 3, 0, 0)


def test_column_entropy_is_that_of_columns_made_distributions() -> None:
    """From which queries a key gets its attention; a key that gets none is left out."""
    weights = random_weights(5, 4, seed=2)
    weights[:, 2] = 0.0
    weights /= weights.sum(-1, keepdims=True)
    found = stats.analyze_attention(weights)["avg_col_entropy"][0]
    columns = [weights[:, key].tolist() for key in (0, 1, 3)]
    expected = loops.mean([loops.entropy([w / sum(c) for w in c]) for c in columns])
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_columns_of_the_seed_are_all_there() -> None:
    """Under their names, for one matrix as for one memory."""
    attention = stats.analyze_attention(torch.softmax(torch.randn(10, 10), -1), "Self-Attention")
    seed = "name shape mean std max min avg_row_entropy avg_col_entropy focus_score"
    assert set(f"{seed} entropy max_attention sparsity".split()) <= set(attention.columns)
    memory = stats.analyze_memory(torch.randn(12, 8))
    seed = "shape total_elements mean std min max sparsity active_slots"
    assert set(seed.split()) <= set(memory.columns)
    assert memory["shape"][0] == (12, 8)


def test_rows_that_are_no_weightings_are_left_out_and_counted() -> None:
    """The means are over the others."""
    weights = random_weights(6, 5, seed=3)
    weights[1] = 0.0
    weights[4, 2] = np.nan
    mask = np.ones((6, 1), bool)
    mask[0] = False
    row = stats.analyze({"routing_weights": weights}, mask={"routing_weights": mask}).iloc[0]
    assert (row["rows"], row["masked_rows"], row["zero_rows"], row["nan_rows"]) == (3, 1, 1, 1)
    assert row["entropy"] == pytest.approx(
        loops.mean([loops.entropy(weights[i].tolist()) for i in (2, 3, 5)]), abs=1e-9
    )
    assert row["non_finite"] == 1
    nothing = stats.analyze({"routing_weights": np.zeros((2, 3))}).iloc[0]
    assert math.isnan(nothing["entropy"]) and nothing["zero_rows"] == 2


def test_memory_by_time() -> None:
    """Each step against the functions, and the mean cosine against a loop."""
    memory = np.random.default_rng(0).normal(size=(3, 1, 5, 4))
    memory[1, 0, 2] = 0.0
    table = stats.analyze_memory(memory)
    assert list(table["time"]) == [0, 1, 2]
    for time in range(3):
        row, one = table.iloc[time], memory[time, 0]
        for column, statistic in (
            ("mean", stats.memory_mean),
            ("std", stats.memory_std),
            ("range", stats.memory_range),
            ("sparsity", stats.memory_sparsity),
            ("active_slots", stats.active_slots),
        ):
            assert row[column] == pytest.approx(float(statistic(one)), abs=1e-9)
        cosines = stats.slot_similarity(one)
        pairs = [float(cosines[i, j]) for i in range(5) for j in range(5) if i != j]
        expected = loops.mean([c for c in pairs if not math.isnan(c)])
        assert row["slot_similarity"] == pytest.approx(expected, abs=1e-9)
    assert len(stats.analyze_memory(memory, by=())) == 1


def test_a_whole_trace(tmp_path: Path) -> None:
    """One row for each array and head, of a recorded model; named, and fit for a file."""
    from nsm_widgets.ntm import NTM

    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4, num_read_heads=2)
    with TraceRecorder(model) as recorder, torch.no_grad():
        model(torch.rand(5, 2, 3))
    trace = recorder.trace
    table = stats.analyze(trace)
    assert list(table["name"].unique()) == list(trace)
    row = row_of(table, name="read_weights", head=1)
    values = trace["read_weights"].values[:, :, 1].astype(np.float64).reshape(-1, 8).tolist()
    assert row["kind"] == "weights"
    assert row["entropy"] == pytest.approx(loops.mean([loops.entropy(v) for v in values]), abs=1e-9)
    assert row["rows"] == 10
    assert row_of(table, name="memory")["active_slots"] == pytest.approx(
        float(stats.active_slots(trace["memory"]).values.mean()), abs=1e-9
    )
    assert str(table["head"].dtype) == "Int64"  # a memory without heads makes no float of the others
    by_time = stats.analyze(trace["write_weights"], by=("time", "head"))
    assert list(by_time["time"]) == [0, 1, 2, 3, 4]
    found = stats.entropy(trace["write_weights"]).values.mean(axis=1)[:, 0]
    np.testing.assert_allclose(by_time["entropy"], found, rtol=0, atol=1e-9)
    table.to_csv(tmp_path / "t.csv", index=False)
    assert len(pd.read_csv(tmp_path / "t.csv")) == len(table)


def test_a_named_mask_holds_for_every_array_that_has_its_axes() -> None:
    """Padding of time and batch, said once."""
    trace = Trace.from_arrays(
        {
            "memory": np.ones((3, 2, 4, 2)),
            "read_weights": random_weights(3, 2, 1, 4),
            "importance": np.ones((3, 4)),
        }
    )
    mask = NamedArray("mask", [[True, True], [True, False], [True, False]], ("time", "batch"))
    table = stats.analyze(trace, mask=mask)
    assert row_of(table, name="read_weights")["masked_rows"] == 2
    assert row_of(table, name="memory")["total_elements"] == 4 * 8
    assert row_of(table, name="importance")["total_elements"] == 12


def test_plain_arrays_are_known_by_name_or_by_what_they_hold() -> None:
    """As the seed's notebook names them."""
    table = stats.analyze(
        {
            "self_attention": random_weights(4, 4),
            "token_state": random_weights(6, 3),
            "memory_content": np.random.default_rng(0).normal(size=(5, 3)),
            "scores": np.random.default_rng(0).normal(size=(5, 3)),
            "steps": [1, 2, 3],
        }
    )
    assert list(table["kind"]) == ["attention", "weights", "content", "content", "content"]
    assert not math.isnan(row_of(table, name="self_attention")["previous_token"])
    assert math.isnan(row_of(table, name="token_state")["previous_token"])
    assert math.isnan(row_of(table, name="scores")["active_slots"])
    assert row_of(table, name="steps")["mean"] == 2.0


def test_half_precision_is_what_it_holds() -> None:
    """Rows of 300 keys in bfloat16 sum to one only roughly, and are weights all the same."""
    weights = torch.full((3, 300), 1 / 300, dtype=torch.float64).to(torch.bfloat16)
    values = weights.double().tolist()
    assert any(abs(sum(row) - 1) > 1e-3 for row in values)
    row = stats.analyze({"self_attention": weights}).iloc[0]
    assert row["entropy"] == pytest.approx(loops.mean([loops.entropy(r) for r in values]), abs=1e-9)
    assert stats.analyze({"x": weights})["kind"][0] == "weights"


def test_summary_statistics() -> None:
    """Of anything, in the order given; what is not finite is counted."""
    arrays: dict[str, Any] = {
        "a": torch.tensor([[1.0, -3.0], [0.001, 6.0]], dtype=torch.bfloat16),
        "b": np.array([1.0, np.nan, np.inf, -np.inf, 3.0]),
        "c": np.full(2, np.nan),
        "d": 5,
    }
    table = stats.summary_statistics(arrays)
    assert list(table.columns) == [
        "name",
        "shape",
        "total_elements",
        "mean",
        "std",
        "min",
        "max",
        "nan",
        "infinite",
        "masked",
        "sparsity",
    ]
    a = [float(v) for v in arrays["a"].double().reshape(-1)]
    mean = loops.mean(a)
    row = row_of(table, name="a")
    assert row["mean"] == pytest.approx(mean, abs=1e-9)
    assert row["std"] == pytest.approx(math.sqrt(loops.mean([(v - mean) ** 2 for v in a])), abs=1e-9)
    assert (row["shape"], row["total_elements"], row["sparsity"]) == ((2, 2), 4, 0.25)
    row = row_of(table, name="b")
    assert (row["mean"], row["min"], row["max"], row["nan"], row["infinite"]) == (2.0, 1.0, 3.0, 1, 2)
    assert math.isnan(row_of(table, name="c")["mean"])
    assert row_of(table, name="d")["shape"] == ()


def test_without_pandas_a_table_of_our_own(no_pandas: None, tmp_path: Path) -> None:
    """The same rows and columns, readable, and fit for a file to the last digit."""
    table = stats.analyze_attention(ATTENTION, "self")
    assert isinstance(table, stats.Table)
    assert len(table) == 4
    assert table["layer"] == [0, 0, 1, 1]
    assert table["entropy"] == pytest.approx(
        stats.entropy(ATTENTION).mean(axis=(1, 3)).reshape(-1).tolist(), abs=1e-9
    )
    text = table.to_csv()
    assert text is not None
    read = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["entropy"]) for row in read] == table["entropy"]
    path = tmp_path / "table.csv"
    assert table.to_csv(path, index=True) is None
    assert path.read_text().splitlines()[1].startswith("0,self,")
    assert repr(table).splitlines()[0].split()[:3] == ["name", "layer", "head"]
    assert "<th>entropy</th>" in table._repr_html_()
    with pytest.raises(AxisError, match="the table has no column 'entropi'. Did you mean 'entropy'"):
        table["entropi"]


def test_names_are_text_in_a_table(no_pandas: None) -> None:
    """Never markup, never a formula, always on one line."""
    table = stats.summary_statistics({"<script>\n": [1.0], "=1+1": [2.0]})
    html = table._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;\\n" in html
    assert "<script>\\n" in repr(table)
    assert "\n'=1+1," in table.to_csv()


def test_a_long_table_says_what_it_hides() -> None:
    """Sixty rows are shown."""
    table = stats.Table(["n"], [{"n": i} for i in range(100)])
    assert repr(table).endswith("... 40 more rows")
    assert "40 more rows are not shown" in table._repr_html_()
    assert table["n"][-1] == 99


def test_a_table_goes_by_any_axis_of_its_arrays() -> None:
    """By one that nothing is known of as well: a row for each index, as the loop over it has."""
    loads = NamedArray("loads", np.random.default_rng(0).normal(size=(3, 2, 5)), ("expert", "time", "neuron"))
    table = stats.analyze(loads, by=("expert", "head"))
    assert list(table["expert"]) == [0, 1, 2]
    for expert, mean in enumerate(table["mean"]):
        assert mean == pytest.approx(float(loads.values[expert].mean()))
    with pytest.raises(AxisError, match=r"by names 'exprt', which is no axis. Did you mean 'expert'\?"):
        stats.analyze(loads, by=("exprt",))
    rows = NamedArray("loads", loads.values, ("rows", "time", "neuron"))
    with pytest.raises(
        AxisError, match=r"axis 'rows', and rows is another column of the table. Give the axis"
    ):
        stats.analyze(rows, by=("rows",))


def test_bad_input_is_refused() -> None:
    """With the name, the rule and a remedy."""
    with pytest.raises(WeightsError, match="attention must sum to 1 along 'key'"):
        stats.analyze_attention(np.ones((2, 3, 4)) / 2)
    with pytest.raises(AxisError, match="by names 'heads', which is no axis. Did you mean 'head'"):
        stats.analyze(ATTENTION, by=("heads",))
    with pytest.raises(AxisError, match="One axis"):
        stats.analyze(ATTENTION, by="head")
    with pytest.raises(DtypeError, match="data must hold at least one array"):
        stats.analyze({})
    with pytest.raises(DtypeError, match="arrays must map names to arrays"):
        stats.summary_statistics([1.0])
    with pytest.raises(AxisError, match="mask must say of which array it is"):
        stats.analyze({"a": [1.0], "b": [2.0]}, mask=[True])
    with pytest.raises(AxisError, match="mask names 'c', which is no array"):
        stats.analyze({"a": [1.0], "b": [2.0]}, mask={"c": [True]})
    with pytest.raises(ShapeError, match=r"memory must have axes \(slot, word\)"):
        stats.analyze_memory(np.ones(3))


def test_a_stack_of_one_step_and_one_slot() -> None:
    """The smallest of everything."""
    table = stats.analyze({"memory": np.ones((1, 1, 1, 1)), "read_weights": np.ones((1, 1, 1, 1))})
    assert row_of(table, name="read_weights")["entropy"] == 0.0
    assert math.isnan(row_of(table, name="read_weights")["focus_score"])
    assert math.isnan(row_of(table, name="memory")["slot_similarity"])


def test_what_became_of_each_slot() -> None:
    """Each column is what the function on slots says; labels, batch items and two memories are told apart."""
    reads, writes = (random_weights(6, 2, n, 5, seed=n, sharpness=6.0) for n in (2, 1))
    trace = Trace.from_arrays(
        {
            "read_weights": reads,
            "write_weights": writes,
            "b.read_weights": reads[..., ::-1],
            "b.write_weights": writes[..., ::-1],
        },
        coords={"slot": list("vwxyz")},
        attrs={"sequence_starts": [0, 3]},
    )
    table = stats.analyze_slots(trace, threshold=0.3)
    assert len(table) == 2 * 2 * 5
    importance = stats.importance(reads, writes, sequence_starts=[3])
    lost = stats.overwritten_before_read(reads, writes, threshold=0.3, sequence_starts=[3])
    first = stats.first_write(writes, threshold=0.3)
    for batch, slot in np.ndindex(2, 5):
        row = table[table["memory"].isna() & (table["batch"] == batch) & (table["slot"] == slot)].iloc[0]
        assert row["label"] == "vwxyz"[slot]
        assert row["read_mass"] == pytest.approx(float(reads[:, batch, :, slot].sum()), abs=1e-9)
        assert row["write_mass"] == pytest.approx(float(writes[:, batch, :, slot].sum()), abs=1e-9)
        assert row["importance"] == pytest.approx(importance[-1, batch, slot], abs=1e-9)
        assert row["overwritten_before_read"] == lost[:, batch, slot].sum()
        assert row["dead"] == stats.dead_slots(reads, writes, threshold=0.3)[batch, slot]
        assert row["never_read"] == stats.never_read(reads, writes, threshold=0.3)[batch, slot]
        if math.isnan(first[batch, slot]):
            assert row["first_write"] is pd.NA
        else:
            assert row["first_write"] == first[batch, slot]
        mirrored = row_of(table, memory="b", batch=batch, slot=4 - slot)
        assert mirrored["read_mass"] == pytest.approx(row["read_mass"], abs=1e-9)


def test_slots_are_judged_up_to_the_first_nan(no_pandas: None) -> None:
    """And the table says how far that is."""
    reads, writes = random_weights(6, 5, seed=1), random_weights(6, 5, seed=2)
    whole = stats.analyze_slots({"read_weights": reads[:4], "write_weights": writes[:4]})
    writes[4, 2] = np.nan
    table = stats.analyze_slots({"read_weights": reads, "write_weights": writes})
    assert table["steps"] == [4] * 5
    assert table["read_mass"] == whole["read_mass"]
    reads[0] = np.nan
    nothing = stats.analyze_slots({"read_weights": reads, "write_weights": writes})
    assert nothing["steps"] == [0] * 5
    assert "dead" not in nothing.columns
    with pytest.raises(ShapeError, match="weights must hold read_weights and write_weights of a memory"):
        stats.analyze_slots({"read_weights": reads})
