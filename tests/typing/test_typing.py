"""Right uses pass mypy and pyright in their strict modes; slips are refused, each on its line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYRIGHT_OF_US = ("reportUnusedExpression", "reportUnusedImport", "reportUnknown", "reportMissingTypeStubs")
"""What pyright's strict mode says of files that only name things, and of packages without types."""


def mypy() -> set[tuple[str, int]]:
    """File and line of each error; fast where its cache is warm, as after ``make lint``."""
    command = ["-m", "mypy", "tests/typing/right.py", "tests/typing/slips.py"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return {(name, int(line)) for name, line in re.findall(r"(\w+)\.py:(\d+): error", done.stdout)}


def pyright() -> set[tuple[str, int]]:
    """File and line of each error."""
    command = ["-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(HERE)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, cwd=ROOT)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {
        (Path(each["file"]).stem, each["range"]["start"]["line"] + 1)
        for each in found
        if each["severity"] == "error" and not each.get("rule", "").startswith(PYRIGHT_OF_US)
    }


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright], ids=lambda checker: checker.__name__)
def test_type_checkers_tell_right_uses_from_slips(checker: Callable[[], set[tuple[str, int]]]) -> None:
    """No error in thirty uses and more; one on each line that says ``slip``, and on no other."""
    slips = (HERE / "slips.py").read_text("utf-8").splitlines()
    wrong = {("slips", number) for number, line in enumerate(slips, 1) if line.endswith("# slip")}
    assert len(wrong) >= 30
    assert checker() == wrong
