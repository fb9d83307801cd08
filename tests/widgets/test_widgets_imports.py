"""What is loaded when, each in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy as np
import pytest

import nsm_widgets
from nsm_widgets import Trace, _errors, errors
from nsm_widgets._lazy_face import lazy_face

HEAVY = (
    "torch",
    "pandas",
    "matplotlib",
    "bqplot",
    "zarr",
    "xarray",
    "ipywidgets",
    "anywidget",
    "transformers",
)
MORE_FACES = (".stats", ".tasks", ".trace", ".view", ".widgets", ".widgets.catalog")
ROOT = Path(nsm_widgets.__file__).parents[1]

WITHOUT_TORCH = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refuse())
from nsm_widgets import NTMExplorer, Trace
trace = Trace.open(sys.argv[1])
explorer = NTMExplorer(trace)
explorer.selection.time = 2
explorer.scale = "log"
print(explorer)
assert "torch" not in sys.modules
"""


def run(code: str, *arguments: str) -> str:
    """The output of a fresh interpreter; its errors are ours."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_alone_loads_nothing_heavy() -> None:
    """Names load when first used."""
    code = "import json, sys, nsm_widgets; dir(nsm_widgets); print(json.dumps(list(sys.modules)))"
    assert not set(HEAVY) & set(json.loads(run(code)))


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("Trace", set()),
        ("TraceRecorder", set()),
        ("widgets.Selection", {"ipywidgets", "anywidget"}),
        ("Heatmap", {"ipywidgets", "anywidget"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_loads_only_its_room(name: str, allowed: set[str]) -> None:
    """A trace needs NumPy alone, a widget no torch."""
    code = f"import json, sys, nsm_widgets; nsm_widgets.{name}; print(json.dumps(list(sys.modules)))"
    assert set(HEAVY) & set(json.loads(run(code))) == allowed


def test_statistics_load_neither_torch_nor_pandas() -> None:
    """The room needs NumPy alone, and the package loads it only when it is asked for; tables load pandas."""
    code = "import json, sys; import nsm_widgets; before = 'nsm_widgets.stats' in sys.modules; "
    code += "from nsm_widgets import stats; stats.classify_heads([[1.0, 0.0], [0.5, 0.5]]); "
    code += "loaded = list(sys.modules); stats.analyze({'memory': [[1.0, 2.0]]}); "
    code += "print(json.dumps([before, loaded, 'pandas' in sys.modules]))"
    before, loaded, pandas_after = json.loads(run(code))
    assert not before
    assert set(HEAVY) & set(loaded) == set()
    assert pandas_after


def test_a_saved_trace_is_explored_where_torch_is_not_installed(tmp_path: Path) -> None:
    """Opening and drawing need no torch."""
    weights = np.full((4, 1, 2, 6), 1 / 6)
    trace = Trace.from_arrays({"memory": np.ones((4, 1, 6, 5)), "read_weights": weights})
    path = trace.save(tmp_path / "run.trace")
    assert run(WITHOUT_TORCH, str(path)).startswith("NTMExplorer(read_weights, memory, memory_change; ")


@pytest.mark.parametrize("room", ["", ".dnc", ".export", ".nsm", ".ntm", ".raster", ".report", *MORE_FACES])
def test_every_public_name_is_there(room: str) -> None:
    """__all__ is sorted, complete, and each name loads."""
    face = import_module(f"nsm_widgets{room}")
    assert face.__all__ and dir(face) == face.__all__ == sorted(set(face.__all__))
    for name in face.__all__:
        assert getattr(face, name) is not None


def test_the_room_of_widgets_has_every_view_of_the_registry() -> None:
    """And the package what most notebooks need: a dozen names or so, and all rooms below it."""
    widgets = import_module("nsm_widgets.widgets")
    assert set(import_module("nsm_widgets.widgets.catalog").__all__) < set(widgets.__all__)
    top = [name for name in dir(nsm_widgets) if name[0] != "_"]
    assert 10 <= len(top) <= 14 and {"Heatmap", "NTMExplorer", "Trace", "AdvancedNSMVisualizer"} < set(top)
    assert nsm_widgets.Heatmap is widgets.Heatmap


@pytest.mark.parametrize("room", ["stats", "ntm", "widgets", "errors", "export"])
def test_rooms_are_there_without_a_second_import(room: str) -> None:
    """As every name of theirs, when first used."""
    assert run(f"import nsm_widgets; print(nsm_widgets.{room}.__name__)") == f"nsm_widgets.{room}\n"


def test_all_errors_can_be_imported() -> None:
    """From one module."""
    own = {
        name for name, value in vars(_errors).items() if getattr(value, "__module__", "") == _errors.__name__
    }
    assert {name for name in own if name[0].isupper()} == {name for name in vars(errors) if name[0].isupper()}


def test_a_face_without_its_source_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where only compiled files were copied."""
    monkeypatch.setattr(SourceFileLoader, "get_source", lambda _loader, _name: None)
    with pytest.raises(ImportError, match="the source of nsm_widgets.view must be there"):
        lazy_face("nsm_widgets.view")


def test_other_names_are_refused() -> None:
    """As modules do."""
    with pytest.raises(AttributeError, match="module 'nsm_widgets' has no attribute 'Explorer'"):
        nsm_widgets.Explorer  # type: ignore[attr-defined]  # noqa: B018
