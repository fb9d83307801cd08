"""Reports: what is in the folder, that nothing is hidden, and that it is the data's own."""

from __future__ import annotations

import csv
import html
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pytest
import torch
from PIL import Image

from nsm_widgets import (
    NTMMemory,
    Trace,
    TraceRecorder,
    create_comprehensive_report,
    load_pretrained,
)
from nsm_widgets._errors import ExportError, ReportError
from nsm_widgets.report._tables import ReportTable
from nsm_widgets.widgets import Selection
from tests.hostile import FLAG, STRINGS

SECTIONS = re.compile(r'<section id="([^"]+)"><h2>(.*?)</h2>')


class Tags(HTMLParser):
    """Notes what could run: handlers, and scripts from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.suspicious: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name.startswith("on") for name, _ in attrs) or (tag == "script" and "src" in dict(attrs)):
            self.suspicious.append(tag)


def softmax(*shape: int) -> torch.Tensor:
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), dim=-1)


def seed_dictionary() -> dict[str, Any]:
    """The first notebook's dictionary, key by key."""
    memory = NTMMemory(mem_size=32, mem_dim=16, num_read_heads=2, num_write_heads=1)
    return {
        "attention_weights": softmax(8, 8),
        "token_state_attention": softmax(12, 6),
        "state_attention": softmax(6, 6),
        "memory_content": memory.get_memory_state(),
        "importance_scores": memory.get_importance_scores(),
        "initial_read_weights": memory.get_read_weights(),
        "initial_write_weights": memory.get_write_weights(),
        "multi_head_attention": softmax(4, 8, 8),
    }


def report(data: Any, folder: Path, **options: Any) -> Path:
    return create_comprehensive_report(data, folder, progress=False, **options)


def sections(folder: Path) -> dict[str, str]:
    """Titles by the name of the part."""
    return {
        name: html.unescape(title) for name, title in SECTIONS.findall((folder / "index.html").read_text())
    }


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_seed_dictionary_gives_a_figure_for_every_key(tmp_path: Path) -> None:
    """Live on the page, and as PNG and SVG; reads and writes belong together."""
    folder = report(seed_dictionary(), tmp_path / "report")
    figures = [name for name in sections(folder) if not name.startswith("table-")]
    assert sorted(figures) == [
        "attention_weights",
        "importance_scores",
        "initial_weights",
        "memory_content",
        "multi_head_attention",
        "state_attention",
        "token_state_attention",
    ]
    page = (folder / "index.html").read_text()
    assert page.count('data-nsmw-view="') == len(figures)
    for name in figures:
        with Image.open(folder / "figures" / f"{name}.png") as image:
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 10, name
        root = ET.parse(folder / "figures" / f"{name}.svg").getroot()
        assert root.tag.endswith("svg")
    readme = (folder / "README.md").read_text()
    assert all(f"figures/{name}.svg" in readme for name in figures)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "figures", "index.html", "tables"]


def test_the_head_of_a_column_of_numbers_stands_above_them() -> None:
    """At the right, as they do; of texts, and where nothing is known, at the left."""
    rows = [("a", 1.5, None, True, None), ("b", None, np.float32(2), False, None)]
    page = ReportTable("x", "X", ("name", "mean", "head", "flag", "none"), rows).to_html()
    heads = re.findall(r"<th ([^>]*)>(\w+)</th>", page)
    assert [name for about, name in heads if "nsmw-number" in about] == ["mean", "head"]
    assert [name for about, name in heads if "nsmw-number" not in about] == ["name", "flag", "none"]


def test_its_tables_hold_the_numbers_of_the_data(tmp_path: Path) -> None:
    """To the last digits, for every array, and the statistics of every head."""
    data = seed_dictionary()
    folder = report(data, tmp_path)
    arrays = {line["name"]: line for line in lines(folder / "tables" / "arrays.csv")}
    assert set(arrays) == set(data)
    for name, tensor in data.items():
        values = tensor.double().numpy()
        assert float(arrays[name]["mean"]) == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
        assert float(arrays[name]["std"]) == pytest.approx(values.std(), rel=1e-9, abs=1e-12)
        assert float(arrays[name]["max"]) == pytest.approx(values.max(), rel=1e-9)
    heads = [
        line for line in lines(folder / "tables" / "statistics.csv") if line["name"] == "multi_head_attention"
    ]
    assert [line["head"] for line in heads] == ["0", "1", "2", "3"]
    rows = data["multi_head_attention"][2].double().numpy()
    assert float(heads[2]["avg_row_entropy"]) == pytest.approx(
        -(rows * np.log(rows)).sum(-1).mean(), rel=1e-9
    )


def test_unknown_keys_are_shown_too(tmp_path: Path) -> None:
    """Any number of axes, lists over time, dictionaries of matrices; what is no array is told as text."""
    data = {
        "loss": torch.rand(20),
        "table": np.eye(3),
        "deep": torch.rand(2, 3, 4, 5, 6),
        "number": 3.5,
        "memory_evolution": [torch.rand(6, 3) for _ in range(4)],
        "attention_patterns": {"one": softmax(4, 4), "two": torch.eye(4)},
        "initial_read_weights": softmax(2, 6),
        "initial_write_weights": softmax(1, 6),
        "final_read_weights": softmax(2, 6),
        "final_write_weights": softmax(1, 6),
        "comment": "run 7",
    }
    folder = report(data, tmp_path)
    assert {"loss", "table", "deep", "number", "memory_evolution", "attention_patterns", "operations"} <= set(
        sections(folder)
    )
    page = (folder / "index.html").read_text()
    assert "<li>comment: &#x27;run 7&#x27;</li>" in page
    named = {line["name"] for line in lines(folder / "tables" / "arrays.csv")}
    assert {"attention_patterns.one", "deep", "memory_evolution", "final_write_weights"} <= named


def test_what_fails_is_named_and_raised_when_all_else_is_written(tmp_path: Path) -> None:
    """On the page, in the README and in the error; the other figures are there."""
    data = {**seed_dictionary(), "broken": torch.tensor([[1 + 2j]]), "empty": np.zeros((0, 3))}
    data["state_attention"] = torch.full((3, 4), 0.25)  # no square
    with pytest.raises(ReportError, match="Between states, broken, empty") as raised:
        report(data, tmp_path)
    assert "complex" in str(raised.value)
    page, readme = (tmp_path / "index.html").read_text(), (tmp_path / "README.md").read_text()
    for text in (page, readme):
        assert "Not drawn" in text and "complex64" in text
    assert not (tmp_path / "figures" / "broken.png").exists()
    assert {"attention_weights", "memory_content"} <= set(sections(tmp_path))


def test_a_trace_is_reported_with_what_stands_out(tmp_path: Path) -> None:
    """A NaN and a slot that nobody touched are named, with a link to the frame."""
    memory = np.random.default_rng(0).normal(size=(6, 1, 8, 4))
    memory[3, 0, 2, 1] = np.nan
    weights = np.zeros((6, 1, 1, 8))
    weights[..., :4] = np.random.default_rng(1).dirichlet(np.ones(4), size=(6, 1, 1))
    trace = Trace.from_arrays(
        {"memory": memory, "read_weights": weights, "write_weights": weights, "read_gate": np.ones((6, 1, 1))}
    )
    folder = report(trace, tmp_path)
    assert {"explorer", "memory_evolution", "operations", "importance", "read_gate"} <= set(sections(folder))
    page = (folder / "index.html").read_text()
    links = [html.unescape(place) for place in re.findall(r'data-nsmw-go="([^"]+)"', page)]
    assert '{"time": 3, "batch": 0, "slot": 2, "word": 1}' in links
    assert re.search(r"memory holds 1 NaN of 192 values", page)
    assert re.search(r"4 of 8 slots", page), "slots 4 to 7 are dead"


def test_attention_of_several_kinds_is_one_figure(tmp_path: Path) -> None:
    """With a choice among them, not a plain map of each."""
    random = np.random.default_rng(0)
    shapes = {"encoder.attention": (6, 6), "decoder.attention": (4, 4), "cross.attention": (4, 6)}
    trace = Trace.from_arrays(
        {name: random.dirichlet(np.ones(keys), size=(1, 1, 2, rows)) for name, (rows, keys) in shapes.items()}
    )
    folder = report(trace, tmp_path)
    assert set(sections(folder)) & {"attention", *shapes} == {"attention"}
    assert (folder / "figures" / "attention.png").stat().st_size > 1000


def test_a_recorder_is_reported_as_its_trace(tmp_path: Path) -> None:
    """Straight from a model."""
    model = load_pretrained("copy")
    with torch.no_grad(), TraceRecorder(model) as recorder:
        model(torch.zeros(5, 1, 9))
    assert "explorer" in sections(report(recorder, tmp_path, precision="float16"))
    assert "float16 values" in (tmp_path / "index.html").read_text()


def test_hostile_names_and_labels_are_text(tmp_path: Path) -> None:
    """Keys of any kind are drawn, and no markup of theirs is in the page or the README."""
    data = {text: np.eye(2) for text in list(STRINGS.values())[::3]}
    folder = report(data, tmp_path)
    page, readme = (folder / "index.html").read_text(), (folder / "README.md").read_text()
    assert page.count('data-nsmw-view="') == len(data)
    assert not re.search(rf"(?<!\\)<[^>]*{FLAG}=", readme), "a tag of theirs"
    tags = Tags()
    tags.feed(page)
    assert tags.suspicious == []
    names = [path.stem for path in (folder / "figures").glob("*.png")]
    assert len(names) == len(data)
    assert all(re.fullmatch(r"[\w-]+", name, re.ASCII) for name in names)


def test_an_older_report_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    """Nothing of the reader's is touched."""
    (tmp_path / "mine.txt").write_text("kept")
    report({"table": np.eye(3)}, tmp_path)
    report({"table": np.zeros((2, 2))}, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "kept"
    assert lines(tmp_path / "tables" / "arrays.csv")[0]["total_elements"] == "4"


def test_bad_input_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """One clear error, and no folder."""
    folder = tmp_path / "report"
    with pytest.raises(TypeError, match="a Trace or of a dictionary"):
        report(np.eye(3), folder)
    with pytest.raises(ValueError, match="at least one array"):
        report({"comment": "nothing else"}, folder)
    with pytest.raises(ValueError, match="precision must be one of"):
        report({"table": np.eye(3)}, folder, precision="exactly")
    with pytest.raises(ValueError, match="keys must differ"):
        report({1: np.eye(3), "1": np.eye(3)}, folder)
    assert not folder.exists()
    with pytest.raises(ExportError, match="max_bytes"):
        report({"table": np.random.default_rng(0).normal(size=(400, 400))}, folder, max_bytes=1000)


def test_no_page_is_told_of_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook that writes a report is sent no array, and starts no model that is closed at once."""

    def told(*_args: Any, **_options: Any) -> None:
        raise AssertionError("a page was told of a widget")

    monkeypatch.setattr(comm, "create_comm", told)
    report(seed_dictionary(), tmp_path)
    with pytest.raises(AssertionError, match="a page was told"):
        Selection()


def test_progress_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bar for long work, on request none."""
    create_comprehensive_report({"table": np.eye(3)}, tmp_path)
    assert "report: 100%" in capsys.readouterr().err
    report({"table": np.eye(3)}, tmp_path)
    assert capsys.readouterr().err == ""
