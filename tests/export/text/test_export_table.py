"""The table of what is shown: every value, exactly, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import math
import re
import tracemalloc
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets import AttentionView, Heatmap, NTMExplorer, Trace
from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.export import csv_lines, save_csv
from nsm_widgets.export.text._where import indices_for, panels_of
from tests.export.samples import ntm_trace, one_heatmap, views, weights
from tests.hostile import STRINGS

AT = {"time": 4, "head": 1, "slot": 2, "layer": 1, "expert": 2}
VIEWS = views()
TYPES = ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"]


def read(text: str | Iterable[str]) -> list[dict[str, str]]:
    """The table as the csv module reads it."""
    whole = text if isinstance(text, str) else "".join(text)
    return list(csv.DictReader(StringIO(whole, newline="")))


@pytest.mark.parametrize("name", VIEWS)
def test_every_value_of_every_panel_is_there(name: str) -> None:
    """One line for each cell that a panel draws, and its value is the array's, bit by bit."""
    trace, layout = VIEWS[name]
    lines = read(csv_lines(trace, layout, AT))
    for panel in panels_of(layout):
        array = trace[panel.array]
        mine = [line for line in lines if line["panel"] == panel.id]
        drawn = [dim for dim in array.dims if dim in panel.axes]
        if not panel.valued:
            assert mine == []
            continue
        assert len(mine) == math.prod(array.sizes[dim] for dim in drawn)
        places = set()
        for line in mine:
            at = {dim: int(line[dim]) for dim in array.dims}
            places.add(tuple(at.items()))
            fixed = indices_for(panel, array, AT)
            assert all(at[dim] == fixed[dim] for dim in array.dims if dim not in drawn)
            assert line["array"] == panel.array
            assert float(line["value"]) == array.values[tuple(at[dim] for dim in array.dims)]
            assert all(line[dim] == "" for dim in ("time", "head", "word") if dim in line and dim not in at)
        assert len(places) == len(mine)


@pytest.mark.parametrize("dtype", TYPES)
def test_values_read_back_as_the_same_number_of_their_type(dtype: str) -> None:
    """To the last digit, and no digit more than that takes."""
    random = np.random.default_rng(0)
    values = (random.normal(size=(7, 5)) * 50).astype(dtype)
    trace, layout = one_heatmap(values, ("query", "key"))
    texts = [line["value"] for line in read(csv_lines(trace, layout, {}))]
    if dtype == "bool":
        assert texts == [str(value) for value in values.ravel().tolist()]
    else:
        assert (np.array(texts).astype(dtype) == values.ravel()).all()
    assert max(map(len, texts)) <= {"float16": 9, "float32": 14}.get(dtype, 24)


def test_what_is_no_plain_number_has_a_name() -> None:
    """nan, inf, -inf, and zero's sign."""
    trace, layout = one_heatmap([[np.nan, np.inf, -np.inf, -0.0]], ("query", "key"))
    assert [line["value"] for line in read(csv_lines(trace, layout, {}))] == ["nan", "inf", "-inf", "-0.0"]


def test_own_axes_have_columns_of_their_own() -> None:
    """Under their names, labels beside them; one that is called as another column is has a ``_`` behind."""
    dims = ("value", "panel", "panel_label")
    coords: dict[str, list[Any]] = {"panel": ["a", "b"], "panel_label": [7, 8, 9]}
    view = Heatmap(np.arange(12.0).reshape(2, 2, 3), dims=dims, labels=coords)
    view.selection["value"] = 1
    table = str(view.to_csv()).splitlines()
    assert table[:2] == [
        "panel,array,value_,panel_,panel_label,panel_label_,panel_label_label,value",
        "values,values,1,0,0,a,7,6.0",
    ]
    assert table[-1] == "values,values,1,1,2,b,9,11.0"


def test_labels_stand_beside_indices() -> None:
    """Also those that differ between the items of a batch; whatever they hold, they come back."""
    tokens = [["the", 'a "b"', "x,y", "two\nlines"], ["une", "猫", "\ud800", "\x00"]]
    trace = Trace.from_attentions(list(weights(1, 2, 2, 4, 4)), tokens=tokens)
    view = AttentionView(trace)
    for batch, shown in ((0, tokens[0]), (1, ["une", "猫", "\ufffd", "\x00"])):
        view.selection.batch = batch
        text = view.to_csv(panel="attention")
        assert isinstance(text, str)
        lines = read(text)
        assert [line["key_label"] for line in lines[:4]] == shown
        assert {line["query_label"] for line in lines if line["query"] == "1"} == {shown[1]}
        assert text.encode("utf-8")


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd", "'+cmd"),
        ("-a", "'-a"),
        ("@SUM", "'@SUM"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n=1", "'\n'=1"),
        ("a;=1", "a;'=1"),
        ("a,+b", "a,'+b"),
        ("a\t@x", "a\t'@x"),
        ('a; "-b"', 'a; "\'-b"'),
        ("a;-1;=b", "a;-1;'=b"),
        ("＝1", "'＝1"),
        ("-1", "-1"),
        ("+2.5e3", "+2.5e3"),
        ("a=1", "a=1"),
    ],
    ids=ascii,
)
def test_a_label_never_becomes_a_formula(label: str, written: str) -> None:
    """A quote before it, as OWASP advises; a number needs none."""
    view = Heatmap(np.eye(2), dims=("query", "key"), labels={"key": [label, "b"]})
    text = view.to_csv()
    assert isinstance(text, str)
    assert read(text)[0]["key_label"] == written


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_country_reads_a_formula(separator: str) -> None:
    """Whatever its spreadsheets take for the separator, no field of a hostile table begins like one."""
    labels = [f"x{between}{text}" for text in STRINGS.values() for between in (",", ";", "\t", '; "', ";\n")]
    view = Heatmap(np.zeros((1, len(labels))), dims=("query", "key"), labels={"key": labels})
    lines = str(view.to_csv()).splitlines()
    fields = [field.strip().strip('"') for row in csv.reader(lines, delimiter=separator) for field in row]
    begun = [field for field in fields if field.startswith(tuple("=+-@＝＋－＠"))]
    assert len(fields) > len(labels)
    assert all(re.fullmatch(r'[-+]?\d+(\.\d+)?"?(,.*)?', field) for field in begun), begun


def test_negative_numbers_stay_numbers() -> None:
    """Only texts are quoted."""
    trace, layout = one_heatmap([[-1.5, -2.0]], ("query", "key"))
    assert [line["value"] for line in read(csv_lines(trace, layout, {}))] == ["-1.5", "-2.0"]


def test_an_array_with_a_name_that_is_a_formula_is_a_text() -> None:
    """Names of arrays come from others, too."""
    view = Heatmap(np.eye(2), dims=("query", "key"), name="=1+1")
    text = view.to_csv()
    assert isinstance(text, str)
    assert {line["array"] for line in read(text)} == {"'=1+1"}


def test_a_view_writes_what_it_shows_now(tmp_path: Path) -> None:
    """At the present selection; the file holds the text, and its path comes back."""
    view = NTMExplorer(ntm_trace())
    view.selection.time = 5
    path = view.to_csv(tmp_path / "view.csv")
    assert path == tmp_path / "view.csv"
    assert path.read_bytes().decode("utf-8") == view.to_csv()
    one = view.to_csv(panel="memory")
    assert isinstance(one, str)
    lines = read(one)
    assert {line["panel"] for line in lines} == {"memory"}
    assert list(lines[0]) == ["panel", "array", "time", "batch", "slot", "word", "value"]
    values = np.array([float(line["value"]) for line in lines]).reshape(12, 7)
    assert (values == view.trace["memory"].values[5, 0]).all()
    with pytest.raises(
        UnknownOptionError, match=re.escape("panel must be one of input, output, write_addressing, ")
    ):
        view.to_csv(panel="nothing")


@pytest.mark.slow
def test_a_large_table_takes_little_memory(tmp_path: Path) -> None:
    """A file is written as it is made: 18 MB of lines in a fraction of that."""
    trace, layout = one_heatmap(np.random.default_rng(0).random((600, 800)), ("query", "key"))
    list(csv_lines(*one_heatmap(np.eye(2), ("query", "key")), {}))  # what is loaded on first use is no table
    tracemalloc.start()
    try:
        path = save_csv(tmp_path / "large.csv", trace, layout, {})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 15_000_000
    assert peak < 6_000_000


def test_a_table_that_fails_leaves_the_older_one(tmp_path: Path) -> None:
    """All or nothing."""
    target = tmp_path / "view.csv"
    target.write_text("older")
    with pytest.raises(UnknownOptionError, match="panel must be one of"):
        save_csv(target, *VIEWS["memory"], AT, panel="nothing")
    assert target.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["view.csv"]
    with pytest.raises(FileNotFoundError):
        save_csv(tmp_path / "nowhere" / "view.csv", *VIEWS["memory"], AT)
