"""Which front end a store is made for, and so whether arrays travel with its state."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.widgets import PageArrays

VSCODE_CELL = "vscode-notebook-cell:/data/notebook.ipynb#W3sZmlsZQ%3D%3D"
LAB_CELL = "6c9c1f5e-3f3b-4f8e-9d43-9f0f3a1d2b11"


def arrays_in_the_state() -> list[str]:
    store = PageArrays(Trace.from_arrays({"x": np.ones((3, 4))}, dims={"x": ("slot", "word")}))
    return list(store.get_state("_buffers")["_buffers"])


@pytest.fixture(autouse=True)
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VSCODE_PID", "NSM_WIDGETS_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "cell", "arrays"),
    [
        ({}, None, ["x"]),
        ({}, LAB_CELL, ["x"]),
        ({}, VSCODE_CELL, []),
        ({"VSCODE_PID": "1"}, None, []),
        ({"VSCODE_PID": "1"}, VSCODE_CELL, []),
        ({"VSCODE_PID": "1"}, LAB_CELL, ["x"]),
        ({"NSM_WIDGETS_HOST": "vscode"}, LAB_CELL, []),
        ({"NSM_WIDGETS_HOST": "jupyter", "VSCODE_PID": "1"}, VSCODE_CELL, ["x"]),
        ({"NSM_WIDGETS_HOST": ""}, None, ["x"]),
    ],
    ids=[
        "nothing said",
        "a cell of JupyterLab",
        "a cell of VS Code, on a server that it did not start",
        "a kernel of VS Code",
        "a kernel and a cell of VS Code",
        "a JupyterLab that was started inside VS Code",
        "named: vscode",
        "named: jupyter",
        "named: nothing",
    ],
)
def test_arrays_travel_with_the_state_unless_the_front_end_is_vscode(
    environment: dict[str, str], cell: str | None, arrays: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment variable first, then the name of the cell that runs, then who started the kernel."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if cell is not None:
        request = {"metadata": {"cellId": cell}}
        ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(parent_header=request))
        monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert arrays_in_the_state() == arrays


@pytest.mark.parametrize(
    "shell",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(parent_header={}),
        SimpleNamespace(parent_header={"metadata": None}),
        SimpleNamespace(parent_header={"metadata": {"cellId": 3}}),
    ],
    ids=["no shell", "a terminal's", "nothing runs", "no metadata", "a number"],
)
def test_a_shell_that_names_no_cell_says_nothing(shell: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other shells and odd requests are taken for silence."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert arrays_in_the_state() == ["x"]


def test_an_unknown_front_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in the variable does not pass for the default."""
    monkeypatch.setenv("NSM_WIDGETS_HOST", "code")
    with pytest.raises(ValueError, match="NSM_WIDGETS_HOST must be jupyter or vscode, got 'code'"):
        arrays_in_the_state()
