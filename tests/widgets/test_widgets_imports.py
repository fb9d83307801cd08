"""What is loaded when, each in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nsm_widgets
from nsm_widgets import Trace

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
        ("Selection", {"ipywidgets", "anywidget"}),
        ("Heatmap", {"ipywidgets", "anywidget"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_loads_only_its_room(name: str, allowed: set[str]) -> None:
    """A trace needs NumPy alone, a widget no torch."""
    code = f"import json, sys; from nsm_widgets import {name}; print(json.dumps(list(sys.modules)))"
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
    assert run(WITHOUT_TORCH, str(path)).startswith("NTMExplorer(memory, memory_change, read_weights; ")


def test_every_public_name_is_there() -> None:
    """__all__ is sorted, complete, and each name loads."""
    assert dir(nsm_widgets) == sorted(nsm_widgets.__all__)
    for name in nsm_widgets.__all__:
        assert getattr(nsm_widgets, name) is not None
    with pytest.raises(AttributeError, match="module 'nsm_widgets' has no attribute 'Explorer'"):
        nsm_widgets.Explorer  # noqa: B018
